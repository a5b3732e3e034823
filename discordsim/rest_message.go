package discordsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Message types a client meets here.
const (
	typeDefault       = 0
	typePinned        = 6
	typeThreadCreated = 18
	typeReply         = 19
	typeThreadStarter = 21 // the first message of a thread that was started from another one
	typeCommand       = 20 // the answer to a slash command
)

// replyable are the message types that can be answered; the others are system
// messages.
var replyable = map[int]bool{typeDefault: true, typeReply: true, typeCommand: true, 23: true}

// nonceKey identifies a nonce; the channel is set only with NoncePerChannel.
type nonceKey struct {
	author, channel ID
	nonce           string
}

type nonceEntry struct {
	message ID
	at      time.Time
}

// agedNonce is a nonce in the order of age.
type agedNonce struct {
	key nonceKey
	nonceEntry
}

// channelFor finds the channel of the path and checks that the app sees it and may do what
// the route needs.
func (r *restAPI) channelFor(c *restRequest) (*Channel, *restResponse) {
	ch := r.sim.channels[c.id("channel")]
	switch {
	case ch == nil:
		return nil, errUnknownChannel.refusal()
	case !r.sim.sees(c.app, ch):
		return nil, errMissingAccess.refusal()
	case !r.sim.can(c.app, ch, c.route.needs):
		return nil, errMissingPermission.refusal()
	}
	return ch, nil
}

// messageFor finds the message of the path in a channel the app sees.
func (r *restAPI) messageFor(c *restRequest) (*Message, *restResponse) {
	ch, refused := r.channelFor(c)
	if refused != nil {
		return nil, refused
	}
	m := r.sim.messages[c.id("message")]
	if m == nil || m.Deleted || m.Channel != ch || m.Flags&flagEphemeral != 0 {
		return nil, errUnknownMessage.refusal()
	}
	return m, nil
}

// createMessage is POST /channels/{channel}/messages (S-091).
func (r *restAPI) createMessage(c *restRequest, ch *Channel) restResponse {
	if refused := r.sim.refusal(c.app, ch); refused != nil {
		return refused.answer()
	}
	f := c.form()
	if f.has("embeds") && !r.sim.can(c.app, ch, permissionEmbed) || len(c.files) > 0 && !r.sim.can(c.app, ch, permissionAttach) ||
		f.has("poll") && !r.sim.can(c.app, ch, permissionSendPolls) {
		return errMissingPermission.answer()
	}
	d := r.readDraft(c, f, settable)
	r.checkDraft(c, ch, d)
	target := r.target(c, f, ch, d.reference)
	if d.reference.given && !d.reference.forward && !r.sim.can(c.app, ch, permissionHistory) {
		return errNoHistory.answer()
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	if d.empty && !d.reference.forward {
		return errEmptyMessage.answer()
	}
	if limited, slow := r.slowmode(c, ch); slow {
		return limited
	}
	key := nonceKey{author: c.app.Bot.ID, nonce: plainNonce(d.nonce)}
	if r.cfg.NoncePerChannel {
		key.channel = ch.ID
	}
	first, known := r.nonces[key]
	known = known && d.nonce != nil && c.now.Sub(first.at) < r.cfg.NonceWindow
	if known && d.enforce {
		m := r.sim.messages[first.message]
		if m == nil || m.Deleted {
			return errUnknownMessage.answer()
		}
		return ok200(r.renderForREST(c.app, m))
	}
	if d.reference.given && !d.reference.forward {
		r.sim.bots[c.app.ID].refers = true // also to a message that is gone
	}
	m := r.compose(ch, c.app.Bot, d, target)
	r.publish(c, m)
	if d.nonce != nil && !known {
		r.rememberNonce(key, m.ID, c.now)
	}
	delete(r.typing[ch.ID], c.app.Bot.ID)
	return ok200(r.renderForREST(c.app, m))
}

// publish stores a new message and emits its event.
func (r *restAPI) publish(c *restRequest, m *Message) {
	r.sim.storeMessage(m)
	r.sim.endPollInTime(m)
	if m.Channel.isThread() {
		c.emit(r.sim.noteThreadMessage(m))
	}
	c.emit(func() { r.sim.emitMessage("MESSAGE_CREATE", m) })
}

// checkDraft records what a careful client does not do when it sends.
func (r *restAPI) checkDraft(c *restRequest, ch *Channel, d draft) {
	c.nonce = plainNonce(d.nonce)
	c.createKey = fmt.Sprintf("%d/%d/%d/%s", c.app.ID, ch.ID, d.reference.message, d.content)
	r.checkResent(c, d.enforce)
	if n := utf8.RuneCountInString(d.content); n > maxContent {
		r.violation(c, "G-139", fmt.Sprintf("content of %d characters was sent; %d are allowed", n, maxContent))
	}
	if ref := d.reference; ref.given && !ref.forward {
		switch m := d.mentions; {
		case !m.given:
			r.violation(c, "G-138", advice+"a reply without allowed_mentions pings everybody it names")
		case m.parse["everyone"] || m.parse["roles"]:
			r.violation(c, "G-138", advice+"a reply whose allowed_mentions still allow everyone or roles")
		case !ref.mayNotExist:
			r.violation(c, "G-138", advice+"a reply without fail_if_not_exists:false fails when its message is gone")
		}
	}
}

// target finds the message a draft refers to. A reply to one that is gone is an
// error unless the client said it may not exist; then it is an ordinary message.
func (r *restAPI) target(c *restRequest, f *form, ch *Channel, ref reference) *Message {
	if !ref.given || f.errors.any() {
		return nil
	}
	m := r.sim.messages[ref.message]
	gone := m == nil || m.Deleted || m.Flags&flagEphemeral != 0 || (!ref.forward && m.Channel != ch) ||
		(ref.channel != 0 && m.Channel.ID != ref.channel) || !r.sim.sees(c.app, m.Channel)
	switch {
	case gone && ref.mayNotExist && !ref.forward:
		return nil
	case gone:
		f.refuse("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
	case !replyable[m.Type]:
		f.refuse("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message")
	default:
		return m
	}
	return nil
}

// compose makes a message of a draft. The caller stores it.
func (r *restAPI) compose(ch *Channel, author User, d draft, target *Message) *Message {
	m := &Message{
		ID: r.sim.newID(), Channel: ch, Author: author, Content: d.content, Nonce: d.nonce,
		Timestamp: time.Now(), Flags: d.flags, Extra: d.extra,
	}
	if list := r.attach(m, d); list != nil {
		m.setExtra("attachments", list)
	}
	m.embedUploads(d)
	if m.poll = d.poll; m.poll != nil {
		delete(m.Extra, "poll")
	}
	switch {
	case target == nil:
	case d.reference.forward:
		shown := r.renderWithoutReference(target)
		snapshot := map[string]any{}
		for _, name := range []string{"type", "content", "embeds", "attachments", "components", "timestamp", "edited_timestamp", "flags", "mentions", "mention_roles"} {
			snapshot[name] = shown[name]
		}
		m.Extra["message_snapshots"] = marshal([]any{map[string]any{"message": snapshot}})
		reference := map[string]any{"type": 1, "message_id": target.ID, "channel_id": target.Channel.ID}
		if target.Channel.Guild != nil {
			reference["guild_id"] = target.Channel.Guild.ID
		}
		m.Extra["message_reference"] = marshal(reference)
		m.Flags |= flagHasSnapshot
	default:
		m.Type, m.ReplyTo = typeReply, target.ID
	}
	m.Pinged = pinged(d, target)
	r.pingRoles(m, d.mentions)
	return m
}

var userMention = regexp.MustCompile(`<@!?([0-9]{1,20})>`)

// pinged lists the users that a message notifies. Without allowed_mentions these
// are all it mentions and the author of the message it replies to.
func pinged(d draft, target *Message) []ID {
	var out []ID
	allowed := func(id ID) bool {
		return !d.mentions.given || d.mentions.parse["users"] || slices.Contains(d.mentions.users, id)
	}
	add := func(id ID) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, hit := range userMention.FindAllStringSubmatch(d.content, -1) {
		if n, err := strconv.ParseUint(hit[1], 10, 64); err == nil && allowed(ID(n)) {
			add(ID(n))
		}
	}
	if target != nil && !d.reference.forward && (!d.mentions.given || d.mentions.repliedUser) {
		add(target.Author.ID)
	}
	return out
}

var roleMention = regexp.MustCompile(`<@&([0-9]{1,20})>`)

// pingRoles finds the roles that a message mentions, and whether it mentions everyone,
// which needs MENTION_EVERYONE of its author.
func (r *restAPI) pingRoles(m *Message, allowed mentions) {
	m.PingedRoles, m.PingsEveryone = nil, false
	g := m.Channel.Guild
	if g == nil {
		return
	}
	may := r.sim.permissionsIn(m.Channel, m.Author.ID)&permissionMentionEveryone != 0
	if r.sim.apps[m.Author.ID] == nil && m.WebhookID != 0 {
		may = true
	}
	for _, hit := range roleMention.FindAllStringSubmatch(m.Content, -1) {
		n, _ := strconv.ParseUint(hit[1], 10, 64) // too large a number is no role
		role := g.role(ID(n))
		if role != nil && !slices.Contains(m.PingedRoles, role.ID) && (!allowed.given || allowed.parse["roles"] || slices.Contains(allowed.roles, role.ID)) {
			m.PingedRoles = append(m.PingedRoles, role.ID)
		}
	}
	everyone := strings.Contains(m.Content, "@everyone") || strings.Contains(m.Content, "@here")
	m.PingsEveryone = everyone && may && (!allowed.given || allowed.parse["everyone"])
}

// plainNonce is the nonce as text: 7 and "7" are the same one.
func plainNonce(raw json.RawMessage) string { return strings.Trim(string(raw), `"`) }

// rememberNonce keeps a nonce for its window. They are forgotten in the order
// in which they came.
func (r *restAPI) rememberNonce(key nonceKey, message ID, now time.Time) {
	old := 0
	for old < len(r.noncesByAge) && now.Sub(r.noncesByAge[old].at) >= r.cfg.NonceWindow {
		if gone := r.noncesByAge[old]; r.nonces[gone.key] == gone.nonceEntry {
			delete(r.nonces, gone.key)
		}
		old++
	}
	e := nonceEntry{message: message, at: now}
	r.noncesByAge = append(r.noncesByAge[old:], agedNonce{key, e})
	r.nonces[key] = e
}

// editMessage is PATCH of an own message (S-093).
func (r *restAPI) editMessage(c *restRequest, m *Message) restResponse {
	if m.Author.ID != c.app.Bot.ID {
		return r.suppressEmbeds(c, m)
	}
	if a, ok := r.applyEdit(c, m); !ok {
		return a
	}
	return ok200(r.renderForREST(c.app, m))
}

// suppressEmbeds is the one edit of the message of another: its flags, with MANAGE_MESSAGES.
func (r *restAPI) suppressEmbeds(c *restRequest, m *Message) restResponse {
	f := c.form()
	if len(f.fields) != 1 || !f.has("flags") || !r.sim.can(c.app, m.Channel, permissionManageMessages) || m.Channel.Guild == nil {
		return errNotYourMessage.answer()
	}
	flags := int(f.integer("flags"))
	if f.errors.any() {
		return f.errors.answer()
	}
	m.Flags = m.Flags&^flagSuppressEmbeds | flags&flagSuppressEmbeds
	c.emit(func() { r.sim.emitMessage("MESSAGE_UPDATE", m) })
	return ok200(r.renderForREST(c.app, m))
}

// applyEdit changes a message as the body says; fields it does not name stay.
func (r *restAPI) applyEdit(c *restRequest, m *Message) (restResponse, bool) {
	f := c.form()
	d := r.readEdit(c, f, flagSuppressEmbeds|flagComponentsV2, m)
	if f.errors.any() && m.poll == nil {
		return f.errors.answer(), false
	}
	return r.applyDraft(c, m, f, d)
}

// applyDraft changes a message as a form and the draft read of it say.
func (r *restAPI) applyDraft(c *restRequest, m *Message, f *form, d draft) (restResponse, bool) {
	if m.poll != nil {
		return errPollEdited.answer(), false
	}
	content, extra := m.Content, map[string]json.RawMessage{}
	for k, v := range m.Extra {
		extra[k] = v
	}
	if f.given("content") {
		content = d.content
	}
	for k, v := range d.extra {
		extra[k] = v
	}
	if list := r.attach(m, d); list != nil {
		extra["attachments"] = list
	}
	shows := content != ""
	for _, name := range append([]string{"attachments"}, extraFields...) {
		raw, ok := extra[name]
		shows = shows || (ok && !isNull(raw) && string(raw) != "[]")
	}
	if !shows {
		return errEmptyMessage.answer(), false
	}
	if f.has("flags") {
		m.Flags = m.Flags&^flagSuppressEmbeds | d.flags
	}
	now := c.now
	m.Content, m.Extra, m.Edited = content, extra, &now
	m.embedUploads(d)
	if m.Flags&flagLoading != 0 {
		m.Flags, m.filledAt = m.Flags&^flagLoading, now
	}
	d.content = content
	var target *Message
	if m.WebhookID == 0 {
		target = r.sim.messages[m.ReplyTo]
	}
	m.Pinged = pinged(d, target)
	r.pingRoles(m, d.mentions)
	c.emit(func() { r.sim.emitMessage("MESSAGE_UPDATE", m) })
	return restResponse{}, true
}

// deleteMessage is DELETE of a message; in a guild that of others too.
func (r *restAPI) deleteMessage(c *restRequest, m *Message) restResponse {
	if m.Author.ID != c.app.Bot.ID {
		switch {
		case m.Channel.Guild == nil:
			return errNotYourDM.answer()
		case !r.sim.can(c.app, m.Channel, permissionManageMessages):
			return errMissingPermission.answer()
		}
	}
	r.remove(c, m)
	if m.Author.ID != c.app.Bot.ID {
		r.audit(c, m.Channel.Guild, auditMessageDelete, m.Author.ID, map[string]any{"channel_id": m.Channel.ID, "count": "1"})
	}
	return noContent()
}

func (r *restAPI) remove(c *restRequest, m *Message) {
	m.markDeleted()
	c.emit(func() { r.sim.emitMessage("MESSAGE_DELETE", m) })
}

// getMessage is GET of one message.
func (r *restAPI) getMessage(c *restRequest, m *Message) restResponse {
	return ok200(r.renderForREST(c.app, m))
}

// listMessages is GET of a channel's messages, newest first.
func (r *restAPI) listMessages(c *restRequest, ch *Channel) restResponse {
	var wrong formErrors
	limit := c.limitParam(1, 100, 50, &wrong)
	around, before, after := c.idParam("around", &wrong), c.idParam("before", &wrong), c.idParam("after", &wrong)
	switch {
	case wrong.any():
		return wrong.answer()
	case !r.sim.can(c.app, ch, permissionHistory):
		return ok200([]any{}) // without READ_MESSAGE_HISTORY there are none
	}
	var all []*Message // oldest first
	for _, m := range r.sim.history[ch.ID] {
		if !m.Deleted && m.Flags&flagEphemeral == 0 {
			all = append(all, m)
		}
	}
	page := pageOf(all, around, before, after, limit)
	out := make([]any, 0, len(page))
	for _, m := range slices.Backward(page) {
		out = append(out, r.renderForREST(c.app, m))
	}
	return ok200(out)
}

// pageOf cuts one page out of messages sorted by id.
func pageOf(all []*Message, around, before, after ID, limit int) []*Message {
	from := func(id ID) int {
		i, _ := slices.BinarySearchFunc(all, id, func(m *Message, id ID) int {
			return cmp.Compare(m.ID, id)
		})
		return i
	}
	switch {
	case around != 0:
		i := max(0, from(around)-limit/2)
		return all[i:min(len(all), i+limit)]
	case after != 0:
		i := from(after + 1)
		return all[i:min(len(all), i+limit)]
	case before != 0:
		all = all[:from(before)]
	}
	return all[max(0, len(all)-limit):]
}
