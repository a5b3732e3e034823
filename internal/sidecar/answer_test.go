package sidecar

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"evergreen/internal/simtest"
)

// A bot that is killed right after its answer does not get the message again: its new
// process gets what it has not answered.
func TestAnsweredMessageDoesNotComeAgain(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		answered, open := h.Post("answered"), h.Post("open")
		h.Advance(100 * time.Millisecond)
		h.wantMessages([]string{"answered", "open"}, first)
		h.reply(answered, "pong")
		h.direct(http.MethodPost, "/channels/"+open.Channel.ID.String()+"/messages", `{"content":"no answer to anything"}`)
		h.Advance(100 * time.Millisecond)
		for range 2 { // the second process is killed before it has confirmed anything
			first.kill()
			h.Advance(time.Second)
			first = h.connect().identify(nil)
			h.Until(5*time.Second, "everything", func() bool { return slices.Contains(first.messages(), "no answer to anything") })
			h.wantMessages([]string{"open", "pong", "no answer to anything"}, first)
		}
		live := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(append([]string{"open", "pong", "no answer to anything"}, live...), first)
		first.kill()
	})
}

// The same when Evergreen is killed together with the bot.
func TestAnsweredMessageDoesNotComeAgainAfterACrash(t *testing.T) {
	for _, checkpoint := range []bool{false, true} {
		run(t, Options{Dir: t.TempDir()}, func(h *harness) {
			b := h.started()
			h.Advance(time.Second)
			answered := h.Post("answered")
			h.Post("open")
			h.Advance(100 * time.Millisecond)
			h.reply(answered, "pong")
			h.Advance(100 * time.Millisecond)
			if checkpoint {
				h.sidecar.mu.Lock()
				h.sidecar.checkpoint(time.Now())
				h.sidecar.mu.Unlock()
				h.Advance(10 * time.Millisecond)
			}
			b.kill()
			h.crash()
			b = h.started()
			h.wantMessages([]string{"open", "pong"}, b)
			b.kill()
		})
	}
}

// A bot that resumes gets what it asks for, answered or not. A bot that has identified and
// resumes then does not get what it was not given before.
func TestResumeRepeatsWhatWasAnswered(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		first := h.started()
		before := first.last()
		h.reply(h.Post("answered"), "pong")
		h.Advance(100 * time.Millisecond)
		first.kill()
		resumeTwice := func(session string, seq int64, want ...string) {
			for _, crash := range []bool{false, true} {
				if crash {
					h.crash()
				}
				again := h.connect()
				again.send(opResume, map[string]any{"token": h.App.Token, "session_id": session, "seq": seq})
				h.Until(time.Second, "RESUMED", func() bool { return len(again.events("RESUMED")) == 1 })
				h.wantMessages(want, again)
				again.kill()
			}
		}
		resumeTwice(first.session, before, "answered", "pong")

		second := h.started()
		h.wantMessages([]string{"pong"}, second)
		guilds := second.events("GUILD_CREATE")
		second.kill()
		resumeTwice(second.session, guilds[len(guilds)-1].Seq, "pong")
	})
}

// When Evergreen is killed before it has kept that a bot has read a message, the bot resumes
// with a number that is not known any more. It gets again what that may stand for, but not
// what it has answered.
func TestAnsweredMessageDoesNotComeToABotThatIsAhead(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		h.reply(h.Post("answered"), "pong")
		h.Post("open")
		h.Until(tableDelay, "the echo", func() bool { return slices.Contains(b.messages(), "pong") })
		h.crash()
		again := h.resumes(b)
		h.Until(time.Second, "RESUMED", func() bool { return len(again.events("RESUMED")) == 1 })
		if got := again.messages(); !slices.Contains(got, "open") || slices.Contains(got, "answered") {
			t.Errorf("the bot hears %q", got)
		}
		again.kill()
	})
}

// An interaction that was answered does not come again: by a message, or by anything else
// if it went through here.
func TestAnsweredInteractionDoesNotComeAgain(t *testing.T) {
	const form = `{"type":9,"data":{"custom_id":"form","title":"Form","components":[{"type":1,"components":[{"type":4,"custom_id":"text","label":"Text","style":1}]}]}}`
	for name, c := range map[string]struct {
		direct bool
		data   string
		again  int
	}{
		"a message":                 {direct: true, data: `{"type":4,"data":{"content":"pong"}}`},
		"deferred":                  {direct: true, data: `{"type":5}`},
		"a form":                    {data: form},
		"a form, past here":         {direct: true, data: form, again: 1},
		"no answer":                 {again: 1},
		"an answer that is refused": {data: `{"type":99}`, again: 1},
	} {
		run(t, Options{Interactions: Keep}, func(h *harness) {
			b := h.started()
			h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
			h.Advance(100 * time.Millisecond)
			var d struct{ ID, Token string }
			if err := json.Unmarshal(b.events("INTERACTION_CREATE")[0].Data, &d); err != nil {
				t.Fatal(err)
			}
			switch path := fmt.Sprintf("/interactions/%s/%s/callback", d.ID, d.Token); {
			case c.direct:
				h.direct(http.MethodPost, path, c.data)
			case c.data != "":
				h.request(http.MethodPost, "/api/v10"+path, c.data, http.Header{"Content-Type": {"application/json"}})
			}
			h.Advance(100 * time.Millisecond)
			b.kill()
			b = h.started()
			if n := len(b.events("INTERACTION_CREATE")); n != c.again {
				t.Errorf("%s: it comes again %d times, want %d", name, n, c.again)
			}
			b.kill()
		})
	}
}

// An interaction that a bot has answered just before it was killed is not answered for it.
func TestAnsweredInteractionIsNotAnsweredForTheBot(t *testing.T) {
	var log simtest.Log
	run(t, Options{Log: log.Logger()}, func(h *harness) {
		b := h.started()
		asked := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		h.Advance(50 * time.Millisecond)
		var d struct{ ID, Token string }
		if err := json.Unmarshal(b.events("INTERACTION_CREATE")[0].Data, &d); err != nil {
			t.Fatal(err)
		}
		h.direct(http.MethodPost, fmt.Sprintf("/interactions/%s/%s/callback", d.ID, d.Token), `{"type":4,"data":{"content":"pong"}}`)
		b.kill()
		h.Advance(5 * time.Second)
		if n := len(h.Sim.Answers(asked)); n != 1 || log.Has("answered for the bot") {
			t.Errorf("%d answers; the log says:\n%s", n, log.String())
		}
	})
}

// What a bot of one shard has answered does not come to its new process of four.
func TestAnsweredMessageDoesNotComeToAnotherNumberOfShards(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		h.reply(h.Post("answered"), "pong")
		h.Advance(100 * time.Millisecond)
		b.kill()
		var bots []*bot
		for id := range 4 {
			bots = append(bots, h.connect().identify(map[string]any{"shard": []int{id, 4}}))
		}
		h.Advance(5 * time.Second)
		h.wantMessages([]string{"pong"}, bots...)
		for _, b := range bots {
			b.kill()
		}
	})
}

// An event that ends the bot is set aside, also if one that was answered came before it.
func TestAnsweredMessageIsNotBlamed(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		h.reply(h.Post("answered"), "pong")
		h.Post("poison")
		h.Advance(100 * time.Millisecond)
		for range 4 {
			b.kill()
			b = h.connect().identify(nil)
			h.Until(5*time.Second, "what was not answered", func() bool { return len(b.messages()) > 0 })
		}
		h.Advance(time.Second)
		if got := b.messages(); slices.Contains(got, "answered") || slices.Contains(got, "poison") {
			t.Errorf("after three ends the bot gets %q", got)
		}
		b.kill()
	})
}

// Answers are kept for as long as what they answer, and not longer.
func TestAnswersAreForgottenWithTheirEvents(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		for range 20 {
			h.reply(h.Post("answered"), "pong")
			h.Advance(time.Minute)
		}
		h.Advance(10 * time.Minute)
		h.sidecar.mu.Lock()
		n := len(h.sidecar.answers)
		h.sidecar.mu.Unlock()
		if n != 0 {
			t.Errorf("%d are kept", n)
		}
		b.kill()
	})
}

func TestAnsweredBy(t *testing.T) {
	reply := func(channel, more string) string {
		return `{"type":19,"channel_id":"7","author":{"id":"10"},"message_reference":{"type":0,"message_id":"5","channel_id":"` + channel + `"}` + more + `}`
	}
	for name, c := range map[string]struct {
		d    string
		want answered
	}{
		"a reply":                         {reply("7", ""), answered{"MESSAGE_CREATE", 5}},
		"a reply without a type":          {`{"type":19,"channel_id":7,"author":{"id":10},"message_reference":{"message_id":5,"channel_id":7}}`, answered{"MESSAGE_CREATE", 5}},
		"a reply in another channel":      {reply("8", ""), answered{}},
		"a reply of another bot":          {`{"type":19,"channel_id":"7","author":{"id":"11"},"mentions":[{"id":"10"}],"message_reference":{"message_id":"5","channel_id":"7"}}`, answered{}},
		"a forward":                       {`{"type":0,"channel_id":"7","author":{"id":"10"},"message_reference":{"type":1,"message_id":"5","channel_id":"7"}}`, answered{}},
		"a forward that says it is one":   {`{"type":19,"channel_id":"7","author":{"id":"10"},"message_reference":{"type":1,"message_id":"5","channel_id":"7"}}`, answered{}},
		"a pin":                           {`{"type":6,"channel_id":"7","author":{"id":"10"},"message_reference":{"type":0,"message_id":"5","channel_id":"7"}}`, answered{}},
		"a message":                       {`{"type":0,"channel_id":"7","author":{"id":"10"}}`, answered{}},
		"an answer to a command":          {`{"type":20,"channel_id":"7","author":{"id":"10"},"interaction_metadata":{"id":"6"}}`, answered{"INTERACTION_CREATE", 6}},
		"an answer as before 2024":        {`{"type":20,"channel_id":"7","author":{"id":"10"},"interaction":{"id":"6"}}`, answered{"INTERACTION_CREATE", 6}},
		"an answer to a button":           {reply("7", `,"interaction_metadata":{"id":"6"}`), answered{"INTERACTION_CREATE", 6}},
		"an answer to a command, of one":  {`{"type":20,"channel_id":"7","author":{"id":"11"},"interaction_metadata":{"id":"6","user":{"id":"10"}}}`, answered{}},
		"a reply to a message that is no": {`{"type":19,"channel_id":"7","author":{"id":"10"},"message_reference":null}`, answered{}},
		"no JSON":                         {`10`, answered{}},
	} {
		got, ok := answeredBy([]byte(c.d), 10)
		if ok != (c.want != answered{}) || ok && got != c.want {
			t.Errorf("%s: %v %t, want %v", name, got, ok, c.want)
		}
	}
	if _, ok := answeredBy([]byte(reply("7", "")), 0); ok {
		t.Error("a bot that is not known has answered")
	}
}
