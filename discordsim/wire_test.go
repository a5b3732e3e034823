package discordsim

import (
	"testing"
)

// TestContentOverREST reads messages as an app without the message content
// flag: the content of others is gone, but not of its own messages, of direct
// messages, of mentions and of replies that ping it; an answer to an
// interaction response is no such reply.
//
// Statements: S-068.
func TestContentOverREST(t *testing.T) {
	inTown(t, unhurried(), func(t *testing.T, w *town) {
		mine := w.say("mine").is(200, 0).id()
		var own ID
		if err := own.UnmarshalJSON([]byte(mine)); err != nil {
			t.Fatal(err)
		}
		ask := w.Interact(w.app, w.channel, w.person.ID, "ping")
		w.callback(ask, `{"type":4,"data":{"content":"pong"}}`).is(204, 0)
		response := w.Answers(ask)[0].ID
		plain := w.Say(w.channel, w.person.ID, "plain")
		dm := w.DM(w.app, w.person.ID, "direct")
		cases := map[string]struct {
			channel, id ID
			open        bool
		}{
			"own":                    {w.channel, own, true},
			"plain":                  {w.channel, plain.ID, false},
			"direct":                 {dm.Channel.ID, dm.ID, true},
			"mention":                {w.channel, w.Say(w.channel, w.person.ID, "<@"+w.app.Bot.ID.String()+"> hi").ID, true},
			"old mention":            {w.channel, w.Say(w.channel, w.person.ID, "<@!"+w.app.Bot.ID.String()+"> hi").ID, true},
			"reply with ping":        {w.channel, w.Say(w.channel, w.person.ID, "reply", ReplyingTo(own, true)).ID, true},
			"reply without ping":     {w.channel, w.Say(w.channel, w.person.ID, "reply", ReplyingTo(own, false)).ID, false},
			"reply to a response":    {w.channel, w.Say(w.channel, w.person.ID, "reply", ReplyingTo(response, true)).ID, false},
			"reply to somebody else": {w.channel, w.Say(w.channel, w.person.ID, "reply", ReplyingTo(plain.ID, true)).ID, false},
		}
		read := func(channel, id ID) map[string]any {
			return w.ask("GET", "/channels/"+channel.String()+"/messages/"+id.String(), nil).is(200, 0).object()
		}
		for _, flags := range []uint64{1 << 18, 1 << 19, 0} {
			w.SetFlags(w.app, flags)
			for name, c := range cases {
				got := read(c.channel, c.id)
				if open := got["content"] != ""; open != (c.open || flags != 0) {
					t.Errorf("flags %d, %s: the content is %q", flags, name, got["content"])
				}
			}
		}
		rich := w.Say(w.channel, w.person.ID, "rich")
		w.mu.Lock()
		w.messages[rich.ID].setExtra("embeds", []byte(`[{}]`))
		w.messages[rich.ID].setExtra("poll", []byte(`{}`))
		w.messages[rich.ID].setExtra("attachments", []byte(`[{}]`))
		w.messages[rich.ID].setExtra("components", []byte(`[{}]`))
		w.mu.Unlock()
		for _, flags := range []uint64{1 << 19, 0} {
			w.SetFlags(w.app, flags)
			got := read(w.channel, rich.ID)
			_, poll := got["poll"]
			for _, name := range []string{"embeds", "attachments", "components"} {
				if n := len(asList(got[name])); (n == 1) != (flags != 0) || got[name] == nil {
					t.Errorf("flags %d: %s are %v", flags, name, got[name])
				}
			}
			if poll != (flags != 0) {
				t.Errorf("flags %d: a poll is there: %v", flags, poll)
			}
		}
		answered := read(w.channel, cases["reply to somebody else"].id)
		if inner := asObject(answered["referenced_message"]); inner["id"] != plain.ID.String() || inner["content"] != "" {
			t.Errorf("the answered message shows %v", inner)
		}
		pinged := read(w.channel, cases["reply with ping"].id)
		if inner := asObject(pinged["referenced_message"]); inner["content"] != "mine" {
			t.Errorf("the bot's own answered message shows %v", inner)
		}
		w.Delete(own)
		if inner, has := read(w.channel, cases["reply with ping"].id)["referenced_message"]; !has || inner != nil {
			t.Errorf("a deleted answered message is shown as %v", inner)
		}
	})
}
