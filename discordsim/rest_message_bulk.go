package discordsim

import (
	"slices"
	"time"
)

// maxBulkAge is how old a message may be that is deleted with others.
const maxBulkAge = 14 * 24 * time.Hour

// deleteMessages is POST /channels/{channel}/messages/bulk-delete. Messages that are not
// there are passed over.
func (r *restAPI) deleteMessages(c *restRequest, ch *Channel) restResponse {
	if ch.Guild == nil {
		return errNotYourDM.answer()
	}
	f := c.form()
	f.require("messages")
	ids := f.ids("messages", 0)
	if n := len(ids); !f.errors.any() && (n < 2 || n > 100) {
		f.refuse("messages", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 100 in length.")
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	var gone []ID
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		m := r.sim.messages[id]
		if m == nil || m.Deleted || m.Channel != ch {
			continue
		}
		if c.now.Sub(m.Timestamp) > maxBulkAge {
			return errTooOldForBulk.answer()
		}
		gone = append(gone, id)
	}
	for _, id := range gone {
		r.sim.messages[id].markDeleted()
	}
	r.emitBulkDelete(c, ch, gone)
	r.audit(c, ch.Guild, auditMessageBulk, ch.ID, map[string]any{"count": decimal(uint64(len(gone)))})
	return noContent()
}

// crosspostMessage is POST /channels/{channel}/messages/{message}/crosspost: it publishes a
// message of an announcement channel.
func (r *restAPI) crosspostMessage(c *restRequest, m *Message) restResponse {
	switch {
	case m.Channel.Type != channelNews:
		return errWrongChannelType.answer()
	case m.Author.ID != c.app.Bot.ID && !r.sim.can(c.app, m.Channel, permissionManageMessages):
		return errMissingPermission.answer()
	case m.Flags&flagCrossposted != 0:
		return errCrossposted.answer()
	}
	m.Flags |= flagCrossposted
	c.emit(func() { r.sim.emitMessage("MESSAGE_UPDATE", m) })
	r.crosspost(c, m)
	return ok200(r.renderForREST(c.app, m))
}
