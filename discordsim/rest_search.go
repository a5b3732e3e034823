package discordsim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// messageSearch is what GET /guilds/{guild}/messages/search asks for.
type messageSearch struct {
	words                       []string
	authors, channels, mentions []ID
	has                         []string
	pinned                      string // "true", "false" or nothing
	after, before               ID
}

// searchMessages is GET /guilds/{guild}/messages/search: what is in the channels that the bot
// sees the history of, the newest first. Each result is a list of one message.
func (r *restAPI) searchMessages(c *restRequest, g *Guild) restResponse {
	var wrong formErrors
	limit := c.limitParam(1, 25, 25, &wrong)
	offset, err := strconv.Atoi(cmp.Or(c.query.Get("offset"), "0"))
	if err != nil || offset < 0 || offset > 9975 {
		wrong.add("offset", "NUMBER_TYPE_MAX", "int value should be between 0 and 9975.")
	}
	ask := messageSearch{
		words: strings.Fields(strings.ToLower(c.query.Get("content"))), has: c.query["has"], pinned: c.query.Get("pinned"),
		authors: c.idsParam("author_id", &wrong), channels: c.idsParam("channel_id", &wrong), mentions: c.idsParam("mentions", &wrong),
		after: c.idParam("min_id", &wrong), before: c.idParam("max_id", &wrong),
	}
	if wrong.any() {
		return wrong.answer()
	}
	var found []*Message
	for _, ch := range slices.Concat(g.Channels, g.threads) {
		if !r.sim.sees(c.app, ch) || !r.sim.can(c.app, ch, permissionHistory) {
			continue
		}
		for _, m := range r.sim.history[ch.ID] {
			if ask.fits(m) {
				found = append(found, m)
			}
		}
	}
	slices.SortFunc(found, func(a, b *Message) int { return cmp.Compare(b.ID, a.ID) })
	if c.query.Get("sort_order") == "asc" {
		slices.Reverse(found)
	}
	page := found[min(offset, len(found)):min(offset+limit, len(found))]
	messages := []any{}
	for _, m := range page {
		messages = append(messages, []any{r.renderForREST(c.app, m)})
	}
	return ok200(map[string]any{"doing_deep_historical_index": false, "total_results": len(found), "messages": messages})
}

// idsParam reads a parameter that may be given more than once.
func (c *restRequest) idsParam(name string, wrong *formErrors) (out []ID) {
	for _, text := range c.query[name] {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			wrong.add(name, "NUMBER_TYPE_COERCE", "Value %q is not snowflake.", clip([]byte(text)))
		}
		out = append(out, ID(id))
	}
	return out
}

// fits reports whether a message is searched for.
func (ask messageSearch) fits(m *Message) bool {
	among := func(list []ID, id ID) bool { return len(list) == 0 || slices.Contains(list, id) }
	switch text := strings.ToLower(m.Content); {
	case m.Deleted || m.Flags&flagEphemeral != 0:
		return false
	case m.ID <= ask.after || ask.before != 0 && m.ID >= ask.before:
		return false
	case !among(ask.authors, m.Author.ID) || !among(ask.channels, m.Channel.ID):
		return false
	case len(ask.mentions) > 0 && !slices.ContainsFunc(ask.mentions, func(id ID) bool { return slices.Contains(m.Pinged, id) }):
		return false
	case ask.pinned != "" && ask.pinned != strconv.FormatBool(!m.pinnedAt.IsZero()):
		return false
	case slices.ContainsFunc(ask.words, func(word string) bool { return !strings.Contains(text, word) }):
		return false
	}
	return !slices.ContainsFunc(ask.has, func(what string) bool { return m.has(what) == strings.HasPrefix(what, "-") })
}

// has reports whether a message has something, by the word of the search; "-" in front does
// not matter here.
func (m *Message) has(what string) bool {
	list := func(name string) bool { return len(m.Extra[name]) > len("[]") }
	switch strings.TrimPrefix(what, "-") {
	case "link":
		return strings.Contains(m.Content, "http://") || strings.Contains(m.Content, "https://")
	case "embed":
		return list("embeds")
	case "file", "image", "video", "sound":
		return list("attachments")
	case "sticker":
		return list("sticker_items")
	case "snapshot":
		return list("message_snapshots")
	case "poll":
		return m.poll != nil
	}
	return false
}
