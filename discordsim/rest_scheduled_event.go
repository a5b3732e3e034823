package discordsim

import (
	"net/http"
	"slices"
)

// The states and the places of scheduled events.
const (
	eventScheduled = 1
	eventActive    = 2
	eventCompleted = 3
	eventCanceled  = 4

	eventExternal = 3
)

// eventNext is the state that follows another one.
var eventNext = map[int64]int64{eventScheduled: eventActive, eventActive: eventCompleted}

// readTime reads a time and keeps it in Discord's form.
func readTime(f *form, name string) any { return timeOrNil(f.timestamp(name)) }

var scheduledEventFields = []setting{
	{name: "name", read: readText(1, 100)},
	{name: "description", read: func(f *form, name string) any { return orNull(f.text(name, 1000)) }},
	{name: "channel_id", read: readID},
	{name: "scheduled_start_time", read: readTime},
	{name: "scheduled_end_time", read: readTime},
	{name: "privacy_level", initial: 2, read: readOneOf(2)},
	{name: "status", initial: eventScheduled, read: readOneOf(eventScheduled, eventActive, eventCompleted, eventCanceled)},
	{name: "entity_type", read: readOneOf(1, 2, eventExternal)},
	{name: "entity_metadata", read: readAny},
	{name: "recurrence_rule", read: readAny},
	{name: "image", read: readImageHash},
}

// scheduledEvents are the scheduled events of guilds.
var scheduledEvents = &resourceKind{
	fields: scheduledEventFields, required: []string{"name", "privacy_level", "scheduled_start_time", "entity_type"}, check: checkScheduledEvent,
	audit: auditEventCreate, event: "GUILD_SCHEDULED_EVENT", most: 100, tooMany: errTooManyEvents, unknown: errUnknownEvent, status: http.StatusOK,
	render: func(r *restAPI, x *resource) map[string]any {
		out := map[string]any{
			"id": x.id, "guild_id": x.guild.ID, "creator_id": x.creator, "creator": r.renderUser(r.sim.user(x.creator)), "entity_id": nil,
			"user_count": len(x.users),
		}
		x.fields.show(out, scheduledEventFields, 0)
		return out
	},
}

// checkScheduledEvent checks where an event is and how it may go on: it is started, ended or
// cancelled, and never changed afterwards.
func checkScheduledEvent(r *restAPI, f *form, x *resource, before settings) *restError {
	was, _ := before["status"].(int64)
	was = max(was, eventScheduled)
	now := max(x.number("status"), eventScheduled)
	switch {
	case was == eventCompleted || was == eventCanceled:
		return &errEventOver
	case now != was && now != eventNext[was] && (was != eventScheduled || now != eventCanceled):
		f.refuse("status", "BASE_TYPE_CHOICES", "Value must be one of (%d,).", eventNext[was])
	}
	if x.number("entity_type") == eventExternal {
		if x.fields["scheduled_end_time"] == nil {
			f.refuse("scheduled_end_time", "BASE_TYPE_REQUIRED", "This field is required")
		}
		if f.has("entity_metadata") {
			f.sub("entity_metadata").between("location", 1, 100)
		} else if x.fields["entity_metadata"] == nil {
			f.refuse("entity_metadata", "BASE_TYPE_REQUIRED", "This field is required")
		}
		return nil
	}
	id, _ := x.fields["channel_id"].(ID)
	if ch := r.sim.channels[id]; ch == nil || ch.Guild != x.guild || !ch.isVoice() {
		f.refuse("channel_id", "CHANNEL_INVALID", "Unknown Channel")
	}
	return nil
}

// FollowEvent lets a person say that it is interested in a scheduled event of a guild, or
// not any more.
func (s *Sim) FollowEvent(g *Guild, event, user ID, interested bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := g.find(scheduledEvents, event)
	if x == nil || slices.Contains(x.users, user) == interested {
		return
	}
	what := "GUILD_SCHEDULED_EVENT_USER_REMOVE"
	x.users = slices.DeleteFunc(slices.Clone(x.users), func(id ID) bool { return id == user })
	if interested {
		what = "GUILD_SCHEDULED_EVENT_USER_ADD"
		x.users = append(x.users, user)
	}
	s.emit(nil, g, nil, what, map[string]any{"guild_scheduled_event_id": x.id, "user_id": user, "guild_id": g.ID})
}

// listEventUsers is GET /guilds/{guild}/scheduled-events/{resource}/users.
func (r *restAPI) listEventUsers(c *restRequest, x *resource) restResponse {
	var wrong formErrors
	limit, before, after := c.limitParam(1, 100, 100, &wrong), c.idParam("before", &wrong), c.idParam("after", &wrong)
	with := c.flagParam("with_member", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	ids := slices.DeleteFunc(slices.Sorted(slices.Values(x.users)), func(id ID) bool { return id <= after || before != 0 && id >= before })
	if before != 0 {
		ids = ids[max(0, len(ids)-limit):]
	}
	out := []any{}
	for _, id := range ids[:min(limit, len(ids))] {
		row := map[string]any{"guild_scheduled_event_id": x.id, "user": r.renderUser(r.sim.user(id))}
		if with {
			row["member"] = r.sim.guildMember(x.guild, r.sim.user(id))
		}
		out = append(out, row)
	}
	return ok200(out)
}
