package discordsim

import (
	"fmt"
	"slices"
	"time"
)

// SayOption changes a message before it is sent.
type SayOption func(*sayRequest)

type sayRequest struct {
	m      *Message
	expect bool
}

// ReplyingTo makes the message a reply; ping says whether the author of the
// answered message is notified.
func ReplyingTo(id ID, ping bool) SayOption {
	return func(s *sayRequest) {
		s.m.Type, s.m.ReplyTo = typeReply, id
		if ping {
			s.m.Pinged = append(s.m.Pinged, 0) // the author, filled in when sent
		}
	}
}

// AsWebhook makes a webhook the author.
func AsWebhook(id ID) SayOption { return func(s *sayRequest) { s.m.WebhookID = id } }

// OfType makes it a message of another type, such as 7 for a member who joined.
func OfType(n int) SayOption { return func(s *sayRequest) { s.m.Type = n } }

// Expect marks a command that every bot of the channel must answer exactly
// once. The verdict counts whether it was.
func Expect() SayOption { return func(s *sayRequest) { s.expect = true } }

// Say sends a user's message; mentions such as <@id> notify. It does nothing
// and returns a Message without ID when the channel does not exist, or when auto-moderation
// blocks the message.
func (s *Sim) Say(channel ID, author ID, content string, opts ...SayOption) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil {
		return Message{}
	}
	return s.say(ch, author, content, opts)
}

func (s *Sim) say(ch *Channel, author ID, content string, opts []SayOption) Message {
	m := &Message{ID: s.newID(), Channel: ch, Author: s.user(author), Content: content, Timestamp: time.Now()}
	w := sayRequest{m: m}
	for _, opt := range opts {
		opt(&w)
	}
	if m.WebhookID != 0 {
		m.Author = User{ID: m.WebhookID, Username: m.Author.Username, Bot: true}
	}
	pings := m.Pinged
	m.Pinged = nil
	add := func(id ID) {
		if id != 0 && !slices.Contains(m.Pinged, id) {
			m.Pinged = append(m.Pinged, id)
		}
	}
	if target := s.messages[m.ReplyTo]; target != nil && len(pings) > 0 {
		add(target.Author.ID)
	}
	for _, hit := range userMention.FindAllStringSubmatch(content, -1) {
		var id ID
		if id.UnmarshalJSON([]byte(hit[1])) == nil {
			add(id)
		}
	}
	if ch.Guild != nil && m.WebhookID == 0 {
		s.addMember(ch.Guild, m.Author)
	}
	s.rest.pingRoles(m, mentions{})
	if s.moderate(m) {
		return Message{}
	}
	s.storeMessage(m)
	if ch.isThread() {
		s.noteThreadMessage(m)()
	}
	if w.expect {
		s.expectAnswer(m.ID, ch, content, false, nil)
	} else {
		ch.lastChatter = m.Timestamp
	}
	s.emitMessage("MESSAGE_CREATE", m)
	return *m
}

// DM sends a person's direct message to the bot.
func (s *Sim) DM(app *App, author ID, content string, opts ...SayOption) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.say(s.dm(app, author), author, content, opts)
}

// Edit changes a user's message as a user does.
func (s *Sim) Edit(message ID, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[message]; m != nil && !m.Deleted {
		now := time.Now()
		m.Content, m.Edited = content, &now
		s.emitMessage("MESSAGE_UPDATE", m)
	}
}

// Delete deletes a message as a user does.
func (s *Sim) Delete(message ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[message]; m != nil && !m.Deleted {
		m.markDeleted()
		s.emitMessage("MESSAGE_DELETE", m)
	}
}

// Interact is the short form of [Sim.Use]: a user runs a slash command in a channel,
// registered or not, and joins the guild before if need be; options are pairs of a
// name and a value, whose type follows the Go type. It must be answered exactly once
// within three seconds, and the verdict counts whether it was. It gives the id of the
// interaction, or 0 when there is no such channel.
func (s *Sim) Interact(app *App, channel ID, user ID, command string, options ...any) ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil {
		return 0
	}
	return s.interact(app, ch, user, command, options)
}

func (s *Sim) interact(app *App, ch *Channel, user ID, command string, options []any) ID {
	who := s.user(user)
	if ch.Guild != nil {
		s.addMember(ch.Guild, who)
	}
	asked := s.rest.openInteraction(app, ch, who, interactionCommand)
	asked.command, asked.commandType = command, commandChat
	data := map[string]any{"id": ID(1), "name": command, "type": commandChat}
	for _, known := range app.commandsIn(ch) {
		if known.Name == command {
			data["id"], data["type"], asked.commandType = known.ID, known.Type, known.Type
			break
		}
	}
	if list := optionList(options); len(list) > 0 {
		data["options"] = list
	}
	s.ask(asked, "/"+command, data)
	return asked.id
}

// optionList pairs up names and values. The type follows the Go type.
func optionList(options []any) []any {
	out := []any{}
	for i := 0; i+1 < len(options); i += 2 {
		kind := 3
		switch options[i+1].(type) {
		case int, int64:
			kind = 4
		case bool:
			kind = 5
		case float64:
			kind = 10
		}
		out = append(out, map[string]any{"name": fmt.Sprint(options[i]), "type": kind, "value": options[i+1]})
	}
	return out
}
