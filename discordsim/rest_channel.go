package discordsim

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
)

// The types of channels.
const (
	channelText          = 0
	channelDM            = 1
	channelVoice         = 2
	channelCategory      = 4
	channelNews          = 5
	channelNewsThread    = 10
	channelPublicThread  = 11
	channelPrivateThread = 12
	channelStage         = 13
	channelForum         = 15
	channelMedia         = 16
)

const (
	maxChannels   = 500
	maxOverwrites = 1000
	maxTags       = 20
)

// isForum reports whether the channel holds posts, which are threads, and no messages.
func (ch *Channel) isForum() bool { return ch.Type == channelForum || ch.Type == channelMedia }

// tag is a tag for the posts of a forum.
type tag struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	Moderated bool   `json:"moderated"`
	EmojiID   *ID    `json:"emoji_id"`
	EmojiName any    `json:"emoji_name"`
}

// AddChannel makes a channel of one of Discord's types in a guild.
func (s *Sim) AddChannel(g *Guild, name string, kind int) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := &Channel{ID: s.newID(), Name: name, Guild: g, Type: kind}
	s.addChannel(ch)()
	return ch
}

// addChannel puts a new channel behind those of its guild and returns the function that
// tells of it.
func (s *Sim) addChannel(ch *Channel) (tell func()) {
	g := ch.Guild
	if n := len(g.Channels); n > 0 {
		ch.position = g.Channels[n-1].position + 1
	}
	g.Channels = append(g.Channels, ch)
	s.channels[ch.ID] = ch
	return func() { s.emitChannel("CHANNEL_CREATE", ch) }
}

// sortChannels keeps the channels in the order of their positions; of two on one position
// the older one is first.
func (g *Guild) sortChannels() {
	slices.SortStableFunc(g.Channels, func(a, b *Channel) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.ID, b.ID))
	})
}

// listChannels is GET /guilds/{guild}/channels; threads are not among them.
func (r *restAPI) listChannels(c *restRequest, g *Guild) restResponse {
	out := []any{}
	for _, ch := range g.Channels {
		if r.sim.views(c.app, ch) {
			out = append(out, r.renderChannel(ch))
		}
	}
	return ok200(out)
}

// createChannel is POST /guilds/{guild}/channels.
func (r *restAPI) createChannel(c *restRequest, g *Guild) restResponse {
	f := c.form()
	ch := &Channel{ID: r.sim.newID(), Guild: g, Name: f.between("name", 1, 100)}
	ch.Type = int(f.choice("type", channelText, channelVoice, channelCategory, channelNews, channelStage, channelForum, channelMedia))
	refused := r.readChannel(c, f, ch)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case refused != nil:
		return refused.answer()
	case len(g.Channels) >= maxChannels:
		return errTooManyChannels.answer()
	}
	c.emit(r.sim.addChannel(ch))
	if f.has("position") {
		ch.position = int(f.integer("position"))
		g.sortChannels()
	}
	r.audit(c, g, auditChannelCreate, ch.ID, nil, change{"name", nil, ch.Name}, change{"type", nil, ch.Type})
	return restResponse{status: http.StatusCreated, body: r.renderChannel(ch)}
}

// readChannel changes a channel as the body says, but for its name, type and place. It
// lists what is wrong in the form or returns a refusal.
func (r *restAPI) readChannel(c *restRequest, f *form, ch *Channel) *restError {
	ch.settings, _ = readSettings(f, channelSettings, ch.Type, ch.settings)
	if f.given("parent_id") {
		ch.Parent = f.id("parent_id")
		if parent := r.sim.channels[ch.Parent]; ch.Parent != 0 && (parent == nil || parent.Guild != ch.Guild || parent.Type != channelCategory || ch.Type == channelCategory) {
			f.refuse("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist")
		}
	}
	if f.given("available_tags") && ch.isForum() {
		ch.tags = r.readTags(f)
	}
	if f.given("flags") {
		ch.Flags = int(f.integer("flags")) & (1<<4 | 1<<15)
	}
	if !f.given("permission_overwrites") {
		return nil
	}
	before := ch.Overwrites
	ch.Overwrites = nil
	for _, one := range f.each("permission_overwrites", maxOverwrites) {
		one.require("id")
		o := Overwrite{ID: one.id("id"), Type: int(one.choice("type", overwriteRole, overwriteMember)), Allow: one.bits("allow") & allPermissions, Deny: one.bits("deny") & allPermissions}
		if refused := r.checkOverwrite(c, ch, o); refused != nil && !slices.Contains(before, o) {
			ch.Overwrites = before
			return refused
		}
		ch.setOverwrite(o)
	}
	return nil
}

// readTags reads the tags of a forum. One with a known id keeps it.
func (r *restAPI) readTags(f *form) (tags []tag) {
	for _, one := range f.each("available_tags", maxTags) {
		t := tag{ID: one.id("id"), Name: one.between("name", 1, 50), Moderated: one.truth("moderated"), EmojiName: orNull(one.text("emoji_name", 64))}
		if t.ID == 0 {
			t.ID = r.sim.newID()
		}
		if id := one.id("emoji_id"); id != 0 {
			t.EmojiID = &id
		}
		tags = append(tags, t)
	}
	return tags
}

// checkOverwrite checks that the bot may make an overwrite: it needs MANAGE_ROLES, and
// gives or denies only what it has itself.
func (r *restAPI) checkOverwrite(c *restRequest, ch *Channel, o Overwrite) *restError {
	may := r.sim.permissions(ch.Guild, c.app.Bot.ID)
	switch {
	case may&permissionManageRoles == 0, (o.Allow|o.Deny)&^may != 0:
		return &errMissingPermission
	case o.Type == overwriteRole && ch.Guild.role(o.ID) == nil:
		return &errUnknownOverwrite
	}
	return nil
}

// editChannel is PATCH /channels/{channel}; a thread needs other permissions.
func (r *restAPI) editChannel(c *restRequest, ch *Channel) restResponse {
	switch {
	case ch.Guild == nil:
		return errWrongChannelType.answer()
	case ch.isThread():
		return r.editThread(c, ch)
	case !r.sim.can(c.app, ch, permissionManageChannels):
		return errMissingPermission.answer()
	}
	f, edited := c.form(), *ch
	if f.has("name") {
		edited.Name = f.between("name", 1, 100)
	}
	if f.has("type") && (ch.Type == channelText || ch.Type == channelNews) {
		edited.Type = int(f.choice("type", channelText, channelNews))
	}
	_, changes := readSettings(f, channelSettings, ch.Type, ch.settings)
	refused := r.readChannel(c, f, &edited)
	if f.has("position") {
		edited.position = int(f.integer("position"))
	}
	switch {
	case f.errors.any():
		return f.errors.answer()
	case refused != nil:
		return refused.answer()
	}
	tell := r.sim.noteAccess(ch.Guild, ch)
	if edited.Name != ch.Name {
		changes = append(changes, change{"name", ch.Name, edited.Name})
	}
	*ch = edited
	ch.Guild.sortChannels()
	r.emitChannel(c, ch)
	c.emit(tell)
	r.audit(c, ch.Guild, auditChannelUpdate, ch.ID, nil, changes...)
	return ok200(r.renderChannel(ch))
}

// emitChannel sends CHANNEL_UPDATE.
func (r *restAPI) emitChannel(c *restRequest, ch *Channel) {
	c.emit(func() { r.sim.emitChannel("CHANNEL_UPDATE", ch) })
}

// deleteChannel is DELETE /channels/{channel}. A direct message is only closed.
func (r *restAPI) deleteChannel(c *restRequest, ch *Channel) restResponse {
	shown := r.renderChannel(ch)
	switch {
	case ch.Guild == nil:
		return ok200(shown)
	case ch.isThread() && !r.sim.can(c.app, ch, permissionManageThreads), !ch.isThread() && !r.sim.can(c.app, ch, permissionManageChannels):
		return errMissingPermission.answer()
	case ch.isThread():
		c.emit(r.sim.removeThread(ch))
		r.audit(c, ch.Guild, auditThreadDelete, ch.ID, nil, change{"name", ch.Name, nil})
		return ok200(shown)
	}
	c.emit(r.sim.removeChannel(ch))
	r.audit(c, ch.Guild, auditChannelDelete, ch.ID, nil, change{"name", ch.Name, nil}, change{"type", ch.Type, nil})
	return ok200(shown)
}

// removeChannel removes a channel and what hangs on it, and returns the function that
// tells of it. The channels of a category stay.
func (s *Sim) removeChannel(ch *Channel) (tell func()) {
	g := ch.Guild
	g.Channels = slices.DeleteFunc(g.Channels, func(other *Channel) bool { return other == ch })
	delete(s.channels, ch.ID)
	for _, m := range s.history[ch.ID] {
		delete(s.messages, m.ID)
	}
	delete(s.history, ch.ID)
	var orphans []*Channel
	for _, other := range g.Channels {
		if other.Parent == ch.ID {
			other.Parent = 0
			orphans = append(orphans, other)
		}
	}
	maps.DeleteFunc(s.rest.webhooks, func(_ ID, hook *Webhook) bool { return hook.Channel == ch.ID })
	g.stages = slices.DeleteFunc(slices.Clone(g.stages), func(live *stage) bool { return live.channel == ch.ID })
	for _, thread := range slices.Clone(g.threads) {
		if thread.Parent == ch.ID {
			s.removeThread(thread)
		}
	}
	if s.rest.cfg.CloseGaps {
		for i, other := range g.Channels {
			if other.position > i {
				other.position = i
				orphans = append(orphans, other)
			}
		}
	}
	return func() {
		for i, other := range orphans {
			if !slices.Contains(orphans[:i], other) {
				s.emitChannel("CHANNEL_UPDATE", other)
			}
		}
		s.emitChannel("CHANNEL_DELETE", ch)
	}
}

// moveChannels is PATCH /guilds/{guild}/channels: new positions and parents. Those that are
// not named stay where they are.
func (r *restAPI) moveChannels(c *restRequest, g *Guild) restResponse {
	list, wrong := c.forms(maxChannels)
	wanted, parents := map[*Channel]int{}, map[*Channel]ID{}
	for _, f := range list {
		f.require("id")
		ch := r.sim.channels[f.id("id")]
		if ch == nil || ch.Guild != g || ch.isThread() {
			if !wrong.any() {
				return errUnknownChannel.answer()
			}
			continue
		}
		if f.has("position") {
			wanted[ch] = int(f.numberIn("position", 0, maxChannels))
		}
		if f.given("parent_id") {
			parents[ch] = f.id("parent_id")
			if parent := r.sim.channels[parents[ch]]; parents[ch] != 0 && (parent == nil || parent.Type != channelCategory) {
				f.refuse("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist")
			}
		}
	}
	if wrong.any() {
		return wrong.answer()
	}
	var changed []*Channel
	for _, ch := range g.Channels {
		if parent, moves := parents[ch]; moves && ch.Parent != parent {
			ch.Parent = parent
			changed = append(changed, ch)
		}
		if place, moves := wanted[ch]; moves && ch.position != place {
			ch.position = place
			changed = append(changed, ch)
		}
	}
	g.sortChannels()
	for _, ch := range slices.Compact(changed) {
		r.emitChannel(c, ch)
	}
	return noContent()
}

// putOverwrite is PUT /channels/{channel}/permissions/{overwrite}.
func (r *restAPI) putOverwrite(c *restRequest, ch *Channel) restResponse {
	f := c.form()
	f.require("type")
	o := Overwrite{ID: c.id("overwrite"), Type: int(f.choice("type", overwriteRole, overwriteMember)), Allow: f.bits("allow") & allPermissions, Deny: f.bits("deny") & allPermissions}
	switch {
	case ch.Guild == nil || ch.isThread():
		return errWrongChannelType.answer()
	case f.errors.any():
		return f.errors.answer()
	}
	if refused := r.checkOverwrite(c, ch, o); refused != nil {
		return refused.answer()
	}
	action, before := auditOverwriteCreate, ch.overwrite(o.ID)
	if before.ID != 0 {
		action = auditOverwriteUpdate
	}
	tell := r.sim.noteAccess(ch.Guild, ch)
	ch.setOverwrite(o)
	r.emitChannel(c, ch)
	c.emit(tell)
	r.audit(c, ch.Guild, action, ch.ID, overwriteOptions(ch.Guild, o), change{"allow", decimal(before.Allow), decimal(o.Allow)}, change{"deny", decimal(before.Deny), decimal(o.Deny)})
	return noContent()
}

// overwriteOptions say in the audit log whose overwrite it is.
func overwriteOptions(g *Guild, o Overwrite) map[string]any {
	out := map[string]any{"id": o.ID, "type": decimal(uint64(o.Type))}
	if role := g.role(o.ID); role != nil {
		out["role_name"] = role.Name
	}
	return out
}

// deleteOverwrite is DELETE /channels/{channel}/permissions/{overwrite}.
func (r *restAPI) deleteOverwrite(c *restRequest, ch *Channel) restResponse {
	before := ch.overwrite(c.id("overwrite"))
	if before.ID == 0 {
		return errUnknownOverwrite.answer()
	}
	tell := r.sim.noteAccess(ch.Guild, ch)
	ch.setOverwrite(Overwrite{ID: before.ID})
	r.emitChannel(c, ch)
	c.emit(tell)
	r.audit(c, ch.Guild, auditOverwriteDelete, ch.ID, overwriteOptions(ch.Guild, before))
	return noContent()
}
