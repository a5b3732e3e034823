package discordsim

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestContentOverREST reads messages as an app without the message content
// flag: the content of others is gone, but not of its own messages, of direct
// messages, of mentions and of replies that ping it; an answer to an
// interaction response is no such reply.
func TestContentOverREST(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		mine := w.say("mine").hasStatus(200, 0).id()
		var own ID
		if err := own.UnmarshalJSON([]byte(mine)); err != nil {
			t.Fatal(err)
		}
		ask := w.Interact(w.app, w.channel, w.person.ID, "ping")
		w.callback(ask, `{"type":4,"data":{"content":"pong"}}`).hasStatus(204, 0)
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
			return w.request("GET", "/channels/"+channel.String()+"/messages/"+id.String(), nil).hasStatus(200, 0).object()
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
		w.messages[rich.ID].setExtra("attachments", []byte(`[{"id":"1","filename":"a","size":1,"url":"https://a","proxy_url":"https://a"}]`))
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

// TestContentOnGateway hears the same messages in two sessions, with and without
// the message content intent: without it, created and edited ones come empty,
// but for the bot's own, direct ones, mentions and replies that ping it.
//
// Statements: S-068.
func TestContentOnGateway(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		const messages = intentGuilds | 1<<9 | 1<<12
		without := w.listen(w.app, messages)
		time.Sleep(6 * time.Second)
		with := w.listen(w.app, messages|intentContent)
		var own ID
		if err := own.UnmarshalJSON([]byte(w.say("mine").hasStatus(200, 0).id())); err != nil {
			t.Fatal(err)
		}
		plain := w.Say(w.channel, w.person.ID, "plain")
		open := map[ID]bool{
			own:                                   true,
			plain.ID:                              false,
			w.DM(w.app, w.person.ID, "direct").ID: true,
			w.Say(w.channel, w.person.ID, "<@"+w.app.Bot.ID.String()+"> hi").ID:            true,
			w.Say(w.channel, w.person.ID, "reply", ReplyingTo(own, true)).ID:               true,
			w.Say(w.channel, w.person.ID, "reply", ReplyingTo(own, false)).ID:              false,
			w.Say(w.channel, w.person.ID, "reply to plain", ReplyingTo(plain.ID, true)).ID: false,
		}
		time.Sleep(time.Second)
		w.Edit(plain.ID, "still plain")
		time.Sleep(time.Second)
		synctest.Wait()
		heard := 0
		for _, event := range without.named("MESSAGE_CREATE") {
			heard++
			for id, full := range open {
				if event.data["id"] != id.String() {
					continue
				}
				if (event.data["content"] != "") != full || event.data["embeds"] == nil || event.data["attachments"] == nil || event.data["components"] == nil {
					t.Errorf("without the intent %v came", event.data)
				}
			}
		}
		for _, event := range with.named("MESSAGE_CREATE") {
			heard++
			if event.data["content"] == "" {
				t.Errorf("with the intent %v came", event.data)
			}
		}
		if heard != 2*len(open) {
			t.Errorf("%d messages were heard instead of %d", heard, 2*len(open))
		}
		hidden, shown := without.named("MESSAGE_UPDATE"), with.named("MESSAGE_UPDATE")
		if len(hidden) != 1 || hidden[0].data["content"] != "" || len(shown) != 1 || shown[0].data["content"] != "still plain" {
			t.Errorf("the edit came as %v and %v", hidden, shown)
		}
	})
}
