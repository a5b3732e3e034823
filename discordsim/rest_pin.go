package discordsim

import (
	"slices"
	"time"
)

// maxPins is the number of messages that can be pinned in one channel.
const maxPins = 250

// pinned lists the pinned messages of a channel, the newest pin first.
func (r *restAPI) pinned(ch *Channel) (out []*Message) {
	for _, m := range r.sim.history[ch.ID] {
		if !m.Deleted && !m.pinnedAt.IsZero() {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *Message) int { return b.pinnedAt.Compare(a.pinnedAt) })
	return out
}

// listPins is GET /channels/{channel}/messages/pins, in pages by the time of the pin.
func (r *restAPI) listPins(c *restRequest, ch *Channel) restResponse {
	var wrong formErrors
	limit := c.limitParam(1, 50, 50, &wrong)
	before := time.Time{}
	if text := c.query.Get("before"); text != "" {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			wrong.add("before", "DATE_TIME_TYPE_PARSE", "Could not parse %s. Should be ISO8601.", clip([]byte(text)))
		}
		before = at
	}
	if wrong.any() {
		return wrong.answer()
	}
	all := slices.DeleteFunc(r.pinned(ch), func(m *Message) bool { return !before.IsZero() && !m.pinnedAt.Before(before) })
	items := []any{}
	for _, m := range all[:min(limit, len(all))] {
		items = append(items, map[string]any{"pinned_at": stamp(m.pinnedAt), "message": r.renderForREST(c.app, m)})
	}
	return ok200(map[string]any{"items": items, "has_more": len(all) > limit})
}

// listPinsOld is GET /channels/{channel}/pins: the newest 50 as a plain list.
func (r *restAPI) listPinsOld(c *restRequest, ch *Channel) restResponse {
	out := []any{}
	for _, m := range r.pinned(ch) {
		if len(out) < 50 {
			out = append(out, r.renderForREST(c.app, m))
		}
	}
	return ok200(out)
}

// pinMessage is PUT of a pin, under either path. Discord tells of it in the channel.
func (r *restAPI) pinMessage(c *restRequest, m *Message) restResponse {
	switch {
	case !m.pinnedAt.IsZero():
		return noContent()
	case !replyable[m.Type]:
		return errSystemMessage.answer()
	case len(r.pinned(m.Channel)) >= maxPins:
		return errTooManyPins.answer()
	}
	m.pinnedAt, m.Channel.lastPin = c.now, c.now
	r.emitPins(c, m)
	reference := map[string]any{"type": 0, "message_id": m.ID, "channel_id": m.Channel.ID}
	if m.Channel.Guild != nil {
		reference["guild_id"] = m.Channel.Guild.ID
	}
	r.postSystemMessage(c, m.Channel, typePinned, "", reference)
	r.audit(c, m.Channel.Guild, auditMessagePin, m.Author.ID, map[string]any{"channel_id": m.Channel.ID, "message_id": m.ID})
	return noContent()
}

// unpinMessage is DELETE of a pin, under either path.
func (r *restAPI) unpinMessage(c *restRequest, m *Message) restResponse {
	if m.pinnedAt.IsZero() {
		return noContent()
	}
	m.pinnedAt = time.Time{}
	r.emitPins(c, m)
	r.audit(c, m.Channel.Guild, auditMessageUnpin, m.Author.ID, map[string]any{"channel_id": m.Channel.ID, "message_id": m.ID})
	return noContent()
}

// emitPins tells that the pins of a channel and the message have changed.
func (r *restAPI) emitPins(c *restRequest, m *Message) {
	ch := m.Channel
	c.emit(func() {
		data := map[string]any{"channel_id": ch.ID, "last_pin_timestamp": timeOrNil(ch.lastPin)}
		if ch.Guild != nil {
			data["guild_id"] = ch.Guild.ID
		}
		r.sim.emit(nil, ch.Guild, ch, "CHANNEL_PINS_UPDATE", data)
		r.sim.emitMessage("MESSAGE_UPDATE", m)
	})
}
