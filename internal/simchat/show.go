package simchat

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// message is what is shown of a message.
type message struct {
	ID        discordsim.ID `json:"id"`
	Channel   discordsim.ID `json:"channel_id"`
	Author    discordsim.User
	Content   string
	Flags     int
	Type      int
	Edited    *string `json:"edited_timestamp"`
	Reference *struct {
		Author discordsim.User
	} `json:"referenced_message"`
	Interaction *struct {
		User discordsim.User
	} `json:"interaction_metadata"`
	Embeds      []embed
	Components  []component
	Attachments []struct {
		Name string `json:"filename"`
		Size int
	}
	Poll *struct {
		Question struct{ Text string }
		Answers  []struct {
			ID    int `json:"answer_id"`
			Media struct {
				Text string
			} `json:"poll_media"`
		}
	}
	Reactions []struct {
		Count int
		Emoji struct{ Name string }
	}
}

type embed struct {
	Title, Description, URL string
	Author                  struct{ Name string }
	Fields                  []struct{ Name, Value string }
	Footer                  struct{ Text string }
}

// The flags of messages that are shown otherwise.
const (
	flagEphemeral = 1 << 6
	flagLoading   = 1 << 7
)

// change shows a change of the world.
func (c *chat) change(change discordsim.Change) {
	switch change.Kind {
	case discordsim.ChangeMessage:
		c.showMessage(change.Message)
	case discordsim.ChangeMessageDelete:
		if _, known := c.shown[change.Message]; known {
			c.say("%s a message was deleted: %s", c.channelName(change.Channel), text.Clip(c.shown[change.Message], 80))
			delete(c.shown, change.Message)
		}
	case discordsim.ChangeFault:
		for _, f := range c.Sim.Injected() {
			if f.ID == change.Fault && !f.Ended.IsZero() && f.Ended.After(f.Began) {
				c.say("* fault %s is over", f.Name)
			}
		}
	case discordsim.ChangeReload:
		c.say("* so much happened that some of it is not shown")
	}
}

// maxShown is how many messages are remembered, so that a change of them can be told.
const maxShown = 500

// showMessage prints a message that is new or reads otherwise than before.
func (c *chat) showMessage(id discordsim.ID) {
	raw, there := c.Sim.MessageObject(id)
	var m message
	if !there || json.Unmarshal(raw, &m) != nil {
		return
	}
	if m.Author.ID == c.App.Bot.ID {
		c.last[m.Channel] = max(c.last[m.Channel], m.ID)
	}
	before, known := c.shown[id]
	body := c.body(&m)
	if known && before == body {
		return
	}
	if !known {
		c.order = append(c.order, id)
		if len(c.order) > maxShown {
			delete(c.shown, c.order[0])
			c.order = c.order[1:]
		}
	}
	c.shown[id] = body
	if m.Author.ID == c.App.Bot.ID && m.Flags&flagLoading == 0 {
		c.answered = true
	}
	c.print(c.head(&m, known) + body)
}

// head says where and by whom a message is.
func (c *chat) head(m *message, known bool) string {
	about := ""
	switch {
	case m.Interaction != nil:
		about = " (to " + m.Interaction.User.Username + ")"
	case m.Reference != nil:
		about = " (to " + m.Reference.Author.Username + ")"
	}
	if m.Flags&flagEphemeral != 0 {
		about = strings.TrimSuffix(about, ")") + ", who alone sees it)"
	}
	if known && m.Edited != nil {
		about += " (edited)"
	}
	return text.OneLine(c.channelName(m.Channel)+" "+m.Author.Username+about+":") + " "
}

// body is a message as lines: the first goes behind the head, the others are indented.
func (c *chat) body(m *message) string {
	var lines []string
	if m.Content != "" {
		lines = append(lines, c.readable(m.Content))
	}
	if m.Flags&flagLoading != 0 {
		lines = append(lines, "is thinking ...")
	}
	for _, e := range m.Embeds {
		lines = append(lines, c.embedLines(e)...)
	}
	for _, a := range m.Attachments {
		lines = append(lines, fmt.Sprintf("file %s, %s", a.Name, text.Count(a.Size, "byte")))
	}
	if p := m.Poll; p != nil {
		lines = append(lines, "poll: "+p.Question.Text)
		for _, a := range p.Answers {
			lines = append(lines, fmt.Sprintf("  %d %s", a.ID, a.Media.Text))
		}
	}
	lines = append(lines, c.componentLines(m.ID, m.Components)...)
	if len(m.Reactions) > 0 {
		var all []string
		for _, r := range m.Reactions {
			all = append(all, fmt.Sprintf("%s %d", r.Emoji.Name, r.Count))
		}
		lines = append(lines, "reactions: "+strings.Join(all, ", "))
	}
	if len(lines) == 0 {
		lines = append(lines, fmt.Sprintf("(a message of type %d without a text)", m.Type))
	}
	return strings.ReplaceAll(safe(strings.Join(lines, "\n")), "\n", "\n    ")
}

func (c *chat) embedLines(e embed) (lines []string) {
	add := func(what string) {
		if what != "" {
			lines = append(lines, "| "+strings.ReplaceAll(c.readable(what), "\n", "\n| "))
		}
	}
	add(e.Author.Name)
	add(e.Title)
	add(e.Description)
	for _, f := range e.Fields {
		add(f.Name + ": " + f.Value)
	}
	add(e.Footer.Text)
	return lines
}

// safe is foreign text with its line breaks, without what a terminal would obey.
func safe(foreign string) string {
	return strings.ReplaceAll(text.Printable(strings.ReplaceAll(foreign, "\r\n", "\n")), "\t", "    ")
}

var mention = regexp.MustCompile(`<(@!?|#)(\d{1,20})>`)

// readable replaces mentions by names.
func (c *chat) readable(content string) string {
	return mention.ReplaceAllStringFunc(content, func(all string) string {
		m := mention.FindStringSubmatch(all)
		var id discordsim.ID
		if id.UnmarshalJSON([]byte(m[2])) != nil {
			return all
		}
		if m[1] == "#" {
			return c.channelName(id)
		}
		if u, known := c.Sim.User(id); known {
			return "@" + u.Username
		}
		return all
	})
}

// channelName is what a channel is called: with its guild where there is more than one.
func (c *chat) channelName(id discordsim.ID) string {
	ch, known := c.Sim.Channel(id)
	switch {
	case !known:
		return "#gone"
	case ch.Guild == 0:
		u, _ := c.Sim.User(ch.Recipient)
		return "dm:" + u.Username
	}
	if guilds := c.Sim.Guilds(); len(guilds) > 1 {
		g, _ := c.Sim.Guild(ch.Guild)
		return g.Name + "/#" + ch.Name
	}
	return "#" + ch.Name
}
