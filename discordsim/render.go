package discordsim

import (
	"encoding/json"
	"slices"
)

// contentFlags are the application flags that open the content of others'
// messages over REST; one is enough.
const contentFlags = 1<<18 | 1<<19

// renderForREST is a message as an app sees it over REST, where the application's
// flags decide about the content of others' messages.
func (r *restAPI) renderForREST(app *App, m *Message) map[string]any {
	return r.renderFor(app, m, app.Flags&contentFlags != 0)
}

// renderFor is a message as an app sees it. Without the right to all content it is
// emptied, unless the app may read it anyhow; so is the message it replies to.
func (r *restAPI) renderFor(app *App, m *Message, all bool) map[string]any {
	out := r.renderMessage(m)
	if list := renderReactions(m.Reactions, app.Bot.ID); list != nil {
		out["reactions"] = list
	}
	if all {
		return out
	}
	if !r.sim.readable(app, m) {
		stripContent(out)
	}
	if target, ok := out["referenced_message"].(map[string]any); ok && !r.sim.readable(app, r.sim.messages[m.ReplyTo]) {
		stripContent(target)
	}
	return out
}

// readable reports whether an app may read a message without the right to all
// content: its own, those in direct messages, those that mention its bot, and
// those that answer an ordinary message of its bot and ping it (S-068).
func (s *Sim) readable(app *App, m *Message) bool {
	me := app.Bot.ID
	if m.Author.ID == me || m.Channel.Guild == nil {
		return true
	}
	if !slices.Contains(m.Pinged, me) {
		return false
	}
	if mentions := userMention.FindAllStringSubmatch(m.Content, -1); slices.ContainsFunc(mentions, func(hit []string) bool { return hit[1] == me.String() }) {
		return true
	}
	target := s.messages[m.ReplyTo]
	return target != nil && target.Author.ID == me && target.Interaction == 0 && target.WebhookID == 0
}

// stripContent takes out of a message what only the right to content shows.
func stripContent(m map[string]any) {
	m["content"] = ""
	for _, list := range []string{"embeds", "attachments", "components"} {
		m[list] = []any{}
	}
	delete(m, "poll")
}

// renderUser is a user as all see it.
func (r *restAPI) renderUser(u User) map[string]any {
	out := map[string]any{
		"id": u.ID, "username": u.Username, "discriminator": "0", "global_name": orNull(u.GlobalName), "avatar": r.image(imageKey{owner: u.ID, kind: imageAvatar}), "public_flags": 0,
	}
	if banner := r.image(imageKey{owner: u.ID, kind: imageBanner}); banner != nil {
		out["banner"] = banner
	}
	if u.Bot {
		out["bot"], out["discriminator"] = true, "0000"
	}
	return out
}

// renderMessage is a message with all its content, and with the one it answers.
// The gateway adds guild_id and member.
func (r *restAPI) renderMessage(m *Message) map[string]any {
	out := r.renderWithoutReference(m)
	if of := r.sim.messages[m.Channel.ID]; m.Type == typeThreadStarter {
		if out["referenced_message"] = nil; of != nil && !of.Deleted {
			out["referenced_message"] = r.renderWithoutReference(of)
		}
		return out
	}
	if m.Type != typeReply || m.ReplyTo == 0 {
		return out
	}
	reference := map[string]any{"type": 0, "message_id": m.ReplyTo, "channel_id": m.Channel.ID}
	if g := m.Channel.Guild; g != nil {
		reference["guild_id"] = g.ID
	}
	out["message_reference"], out["referenced_message"] = reference, nil
	if target := r.sim.messages[m.ReplyTo]; target != nil && !target.Deleted {
		out["referenced_message"] = r.renderWithoutReference(target)
	}
	return out
}

// renderWithoutReference is a message without the one it answers.
func (r *restAPI) renderWithoutReference(m *Message) map[string]any {
	out := map[string]any{
		"id": m.ID, "channel_id": m.Channel.ID, "author": r.renderUser(m.Author), "content": m.Content, "type": m.Type, "flags": m.Flags,
		"timestamp": stamp(m.Timestamp), "edited_timestamp": nil, "tts": false, "pinned": !m.pinnedAt.IsZero(),
		"mention_everyone": m.PingsEveryone, "mention_roles": idList(m.PingedRoles), "attachments": []any{}, "embeds": []any{}, "components": []any{},
	}
	for name, raw := range m.Extra {
		if !isNull(raw) {
			out[name] = raw
		}
	}
	if raw, ok := m.Extra["attachments"]; ok && !isNull(raw) {
		out["attachments"] = m.listed(raw)
	}
	if raw, ok := m.Extra["sticker_ids"]; ok {
		delete(out, "sticker_ids")
		out["sticker_items"] = r.renderStickers(raw)
	}
	if m.poll != nil {
		out["poll"] = m.poll.render()
	}
	mentions := []any{}
	for _, id := range m.Pinged {
		mentions = append(mentions, r.renderUser(r.sim.user(id)))
	}
	out["mentions"] = mentions
	if m.Edited != nil {
		out["edited_timestamp"] = stamp(*m.Edited)
	}
	if m.Nonce != nil {
		out["nonce"] = m.Nonce
	}
	if m.WebhookID != 0 {
		out["webhook_id"] = m.WebhookID
	}
	if list := renderReactions(m.Reactions, 0); list != nil {
		out["reactions"] = list
	}
	if ch := r.sim.channels[m.ID]; ch != nil && m.Flags&flagHasThread != 0 {
		out["thread"] = r.renderThread(ch, 0)
	}
	return out
}

func (r *restAPI) renderStickers(raw json.RawMessage) []any {
	var ids []ID
	_ = json.Unmarshal(raw, &ids) // checked when the message was made; null is an empty list
	out := []any{}
	for _, id := range ids {
		item := map[string]any{"id": id, "name": "sticker", "format_type": 1}
		if s := r.stickers[id]; s != nil {
			item["name"], item["format_type"] = s.Name, s.Format
		}
		out = append(out, item)
	}
	return out
}

// renderReactions lists reactions as one user sees them; nil where there are
// none, which leaves the field out.
func renderReactions(all []Reaction, viewer ID) []any {
	var out []any
	for _, one := range all {
		out = append(out, map[string]any{
			"emoji": renderEmoji(one.Emoji), "count": len(one.Users), "count_details": map[string]int{"burst": 0, "normal": len(one.Users)},
			"me": slices.Contains(one.Users, viewer), "me_burst": false, "burst_colors": []any{},
		})
	}
	return out
}

// renderChannel is a channel of a guild, or a direct message as its bot sees it.
func (r *restAPI) renderChannel(ch *Channel) map[string]any {
	out := map[string]any{"id": ch.ID, "last_message_id": nil, "flags": 0}
	if all := r.sim.history[ch.ID]; len(all) > 0 {
		out["last_message_id"] = all[len(all)-1].ID
	}
	if ch.Guild == nil {
		out["type"], out["recipients"] = ch.Type, []any{r.renderUser(r.sim.user(ch.Recipient))}
		return out
	}
	if ch.isThread() {
		return r.renderThread(ch, 0)
	}
	out["type"], out["guild_id"], out["name"], out["parent_id"] = ch.Type, ch.Guild.ID, ch.Name, nil
	out["position"], out["permission_overwrites"], out["flags"] = ch.position, ch.renderOverwrites(), ch.Flags
	if ch.Parent != 0 {
		out["parent_id"] = ch.Parent
	}
	ch.settings.show(out, channelSettings, ch.Type)
	switch ch.Type {
	case channelCategory:
		delete(out, "last_message_id")
	case channelText, channelNews:
		out["last_pin_timestamp"] = timeOrNil(ch.lastPin)
	case channelForum, channelMedia:
		out["available_tags"] = append([]tag{}, ch.tags...)
	}
	return out
}
