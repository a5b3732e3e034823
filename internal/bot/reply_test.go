package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	transport "evergreen/internal/discord/rest"

	"github.com/disgoorg/disgo/rest"
)

// say is a command that says a text.
func sayCommand(text string) Command {
	return Command{Name: "say", Summary: "Says it", Run: func(context.Context, *Request) (Answer, error) { return Answer{Text: text}, nil }}
}

func saying(text string) func(*Options) {
	return func(o *Options) { o.Commands = []Command{sayCommand(text)} }
}

// TestReplyForm: a reply refers to the message it answers, is sent even if that
// is gone, pings no user, and carries a nonce that depends on the message alone.
//
// Statements: G-137, G-138.
func TestReplyForm(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("<@1> @everyone"))
		h.deliver("MESSAGE_CREATE", h.message("!say", fields{"id": "1203000000000000777"}))
		want := `{"content":"\u003c@1\u003e @everyone","nonce":"1203000000000000777-1","enforce_nonce":true,` +
			`"allowed_mentions":{"parse":[],"replied_user":false},` +
			`"message_reference":{"message_id":"1203000000000000777","fail_if_not_exists":false}}`
		if got := h.discord.standing()[0]; got.raw != want || got.channel != fmt.Sprint(channelID) {
			t.Errorf("the reply is\n%s\nwant\n%s", got.raw, want)
		}
	})
	if n := nonceFor(1<<64-1, partsLimit); len(n) > 25 {
		t.Errorf("the longest nonce has %d characters", len(n))
	}
}

// TestRequestsAreProper: every request is made as Discord documents, with the
// token only where it belongs. The fake checks each of them, here and in every
// other story.
//
// Statements: G-125, G-126.
func TestRequestsAreProper(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.Commands = append(Builtin(), sayCommand(strings.Repeat("long ", 700))) })
		h.run()
		h.say("!ping")
		h.use(askerID, "ping")
		h.use(askerID, "say")
		h.wait(time.Second)
		for _, line := range []string{
			"GET /applications/@me", "GET /applications/1198622483471925249/commands", "PUT /applications/1198622483471925249/commands",
			"GET /users/@me", "POST /channels/", "POST /interactions/", "POST /webhooks/",
		} {
			if len(h.discord.asked(line)) == 0 {
				t.Errorf("no request %s", line)
			}
		}
	})
}

// TestAnswerSurvivesFaults: cut connections, before and after Discord took the
// message, 5xx of any look, 429 and silence are survived: the event is held
// until the answer stands, and it stands exactly once.
//
// Statements: G-137.
func TestAnswerSurvivesFaults(t *testing.T) {
	const html = "<html><body>502 Bad Gateway</body></html>"
	for name, f := range map[string]fault{
		"cut before":         {cut: true, times: 3},
		"cut after":          {cut: true, commit: true, times: 3},
		"502 page":           {status: 502, body: html, times: 3},
		"503 after it stood": {status: 503, body: html, commit: true, times: 2},
		"500":                {status: 500, body: `{"code":0,"message":"500: Internal Server Error"}`, times: 2},
		"520":                {status: 520, times: 2},
		"429":                {status: 429, body: `{"message":"You are being rate limited.","retry_after":0.3,"global":false}`, times: 2},
		"429 global":         {status: 429, body: `{"message":"You are being rate limited.","retry_after":1,"global":true}`, times: 1},
		"an error of null":   {status: 500, body: "null", times: 1},
		"no answer":          {hang: true, times: 2},
		"slow":               {after: 20 * time.Second, times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(saying("once"))
				f.on = "POST /channels"
				h.discord.fail(f)
				event := h.say("!say")
				if !event.held() {
					t.Error("the event was let go before the answer stood")
				}
				h.wait(DefaultAnswerWithin)
				h.expect("once")
				if !event.released() || event.done != 1 {
					t.Errorf("the hold was ended %d times", event.done)
				}
				nonces := map[string]bool{}
				for _, r := range h.discord.asked("POST /channels") {
					nonces[r.body] = true
				}
				if len(nonces) != 1 {
					t.Error("the attempts differ")
				}
				if c := h.bot.Counts(); c.Answered != 1 || c.Failed != 0 {
					t.Errorf("counts %+v", c)
				}
				h.logged(0, "takes answers again")
			})
		})
	}
}

// TestRefusalsAreFinal: what Discord refuses for good is asked once, said in the
// log with its reason, and the event is let go.
//
// Statements: G-133.
func TestRefusalsAreFinal(t *testing.T) {
	for status, body := range map[int]string{
		400: `{"code":200000,"message":"Message was blocked by automatic moderation"}`,
		401: `{"code":0,"message":"401: Unauthorized"}`,
		403: `{"code":50013,"message":"Missing Permissions"}`,
		404: `{"code":10003,"message":"Unknown Channel"}`,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(saying("never"))
				h.discord.fail(fault{on: "POST /channels", times: -1, status: status, body: body})
				event := h.say("!say")
				h.wait(DefaultAnswerWithin)
				if n := h.tries(); n != 1 || !event.released() {
					t.Errorf("the answer was tried %d times", n)
				}
				if refusing := len(h.bot.Refusals()); refusing != 0 && status != 403 {
					t.Errorf("%d channels count as refusing", refusing)
				}
				h.logged(1, fmt.Sprintf("WARN Answer could not be sent command=say error=POST /channels/{channel.id}/messages: Discord answered %d", status))
				if status == 401 {
					h.logged(0, "why=")
				}
				h.logged(1, map[int]string{400: "why=the server's AutoMod has blocked", 403: "why=the permission Send Messages is missing", 404: "why=the channel was deleted", 401: "401: Unauthorized"}[status])
			})
		})
	}
}

// TestReplyWithoutHistory: where the bot may not read the history it may not
// reply, so it answers without the reference.
func TestReplyWithoutHistory(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("plain"))
		h.discord.fail(fault{on: "POST /channels", times: 1, status: 403, body: `{"code":160002,"message":"Cannot reply without permission to read message history"}`})
		event := h.say("!say")
		h.expect("plain")
		if h.discord.standing()[0].Reference != nil || !event.released() {
			t.Error("the answer still refers to the message")
		}
		// The next answers do not try it again: each try is a refused request.
		h.say("!say")
		if n := h.tries(); n != 3 {
			t.Errorf("two answers took %d requests", n)
		}
		h.wait(noHistoryLife)
		h.say("!say")
		h.discord.fail(fault{on: "POST /channels", times: 1, status: 403, body: `{"code":160002,"message":"Cannot reply without permission to read message history"}`})
		h.say("!say")
		h.deliver("GUILD_ROLE_UPDATE", fmt.Sprintf(`{"guild_id":"%d","role":{"id":"5"}}`, guildID))
		h.say("!say")
		for n, all := 1, h.discord.standing(); n < len(all); n++ {
			if reply := all[n].Reference != nil; reply != (n == 2 || n == 4) {
				t.Errorf("answer %d is a reply: %t", n, reply)
			}
		}
	})
}

// TestNeitherReplyNorAnswer: a channel that takes no reply, and then no answer either, is
// tried twice, whatever it says the second time. The answer has failed.
func TestNeitherReplyNorAnswer(t *testing.T) {
	for _, then := range []string{`{"code":50013,"message":"Missing Permissions"}`, `{"code":160002,"message":"Cannot reply without permission to read message history"}`} {
		run(t, func(h *harness) {
			h.start(saying("never"))
			h.discord.fail(fault{on: "POST /channels", times: 1, status: 403, body: `{"code":160002,"message":"Cannot reply without permission to read message history"}`})
			h.discord.fail(fault{on: fmt.Sprintf("POST /channels/%d", channelID), times: 10, status: 403, body: then})
			event := h.say("!say")
			if c := h.bot.Counts(); h.tries() != 2 || c.Failed != 1 || c.Answered != 0 || !event.released() {
				t.Errorf("%s: tried %d times, counts %+v", then, h.tries(), c)
			}
			h.logged(1, "WARN Answer could not be sent")
		})
	}
}

// TestAnswerDeletedMeanwhile: when the first attempt stood and a user deleted
// it, the repetition is told so and nothing is written again.
func TestAnswerDeletedMeanwhile(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("gone"))
		h.discord.fail(fault{on: "POST /channels", times: 1, cut: true})
		h.discord.fail(fault{on: "POST /channels", times: -1, status: 400, body: `{"code":10008,"message":"Unknown Message"}`})
		event := h.say("!say")
		h.wait(time.Minute)
		if c := h.bot.Counts(); c.Answered != 1 || len(h.discord.asked("POST /channels")) != 2 || !event.released() {
			t.Errorf("counts %+v", c)
		}
	})
}

// TestAttemptsOfAnAnswer: what fails is tried again soon, then ever less often, and at
// least every 15 s, so that an answer comes soon after an outage and does not add to it. A
// request without an answer is given up after 30 s.
func TestAttemptsOfAnAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  fault
		random float64
		pauses []time.Duration // between attempts; the last one stays
	}{
		{"refused", fault{cut: true}, 0.999999, []time.Duration{1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}},
		{"refused, half the pause", fault{cut: true}, 0, []time.Duration{500 * time.Millisecond, 1 * time.Second, 2 * time.Second, 4 * time.Second, 7500 * time.Millisecond}},
		{"no answer", fault{hang: true}, 0.999999, []time.Duration{31 * time.Second, 32 * time.Second, 34 * time.Second, 38 * time.Second, 45 * time.Second}},
	} {
		run(t, func(h *harness) {
			h.start(saying("late"), func(o *Options) { o.Rand = func() float64 { return test.random } })
			test.fault.on, test.fault.times = "POST /channels", -1
			h.discord.fail(test.fault)
			h.say("!say")
			h.wait(DefaultAnswerWithin - time.Second)
			asked := h.discord.asked("POST /channels")
			if len(asked) <= len(test.pauses)-1 {
				t.Errorf("%s: %d attempts", test.name, len(asked))
			}
			for i, r := range asked[1:] {
				want := test.pauses[min(i, len(test.pauses)-1)]
				if got := r.at.Sub(asked[i].at).Round(time.Millisecond); got != want {
					t.Errorf("%s: attempt %d came after %v, want %v", test.name, i+2, got, want)
				}
			}
			h.wait(time.Second)
			before := len(h.discord.asked("POST /channels"))
			h.wait(time.Minute)
			if n := len(h.discord.asked("POST /channels")); h.bot.Counts().Failed != 1 || n != before {
				t.Errorf("%s: after its time there were %d attempts more", test.name, n-before)
			}
		})
	}
}

// TestOutageBeyondPatience: an answer that cannot be sent within AnswerWithin is
// given up, said in the log, and the next one is sent.
func TestOutageBeyondPatience(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("back"))
		h.discord.fail(fault{on: "POST /channels", times: -1, cut: true})
		event := h.say("!say")
		h.wait(DefaultAnswerWithin - time.Second)
		if !event.held() {
			t.Error("the answer was given up early")
		}
		h.wait(2 * time.Second)
		if !event.released() || h.bot.Counts().Failed != 1 {
			t.Error("the answer was not given up")
		}
		h.logged(1, "WARN Answer could not be sent command=say error=POST /channels/{channel.id}/messages: no answer")
		if n := len(h.discord.asked("POST /channels")); n < 10 || n > 30 {
			t.Errorf("it was tried %d times in three minutes", n)
		}
		h.discord.heal()
		h.say("!say")
		h.expect("back")
	})
}

// echoing adds a command that says its argument.
func echoing(o *Options) {
	o.Commands = append(Builtin(), Command{
		Name: "echo", Summary: "Says it again", Parameters: []Parameter{{Name: "words", Summary: "What to say"}},
		Run: func(_ context.Context, r *Request) (Answer, error) { return Answer{Text: r.Argument("words")}, nil },
	})
}

// TestAnswerKeepsItsTimeBehindAnother: REST is out for longer than one answer is tried,
// and several answers are due in one channel. The first is given up. Those behind it have
// lost none of their own time meanwhile: they are sent in the order in which they were
// asked once the outage ends, and each is given up by itself if it does not.
func TestAnswerKeepsItsTimeBehindAnother(t *testing.T) {
	answers := []string{"first", "second", "third", "fourth"}
	for _, test := range []struct {
		outage time.Duration
		sent   []string
	}{
		{DefaultAnswerWithin + 30*time.Second, answers[1:]},
		{2*DefaultAnswerWithin - 20*time.Second, answers[1:]},
		{2*DefaultAnswerWithin + 30*time.Second, answers[2:]},
		{4*DefaultAnswerWithin + time.Second, nil},
	} {
		t.Run(test.outage.String(), func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(echoing)
				h.discord.fail(fault{on: "POST /channels", times: -1, cut: true})
				began := time.Now()
				var events []*heldEvent
				for _, words := range answers {
					events = append(events, h.say("!echo "+words))
				}
				unsent := len(answers) - len(test.sent)
				for i := range unsent {
					// One is tried at a time, each for as long as the first.
					h.wait(time.Until(began.Add(time.Duration(i+1)*DefaultAnswerWithin - time.Second)))
					for j, event := range events {
						if event.held() != (j >= i) {
							t.Errorf("after %v answer %d is held: %t", time.Since(began), j+1, event.held())
						}
					}
				}
				h.wait(time.Until(began.Add(test.outage)))
				h.discord.heal()
				h.wait(15 * time.Second) // the longest pause between two attempts
				h.expect(test.sent...)
				for j, event := range events {
					if event.done != 1 {
						t.Errorf("the hold of answer %d was ended %d times", j+1, event.done)
					}
				}
				if c := h.bot.Counts(); c.Answered != int64(len(test.sent)) || c.Failed != int64(unsent) {
					t.Errorf("counts %+v", c)
				}
			})
		})
	}
}

// TestReplayAfterCrash: a run answers and crashes before it can say so. The next
// run answers the replayed event again, and Discord shows one answer.
//
// Statements: G-137.
func TestReplayAfterCrash(t *testing.T) {
	run(t, func(h *harness) {
		text := strings.Repeat("word ", 1000)
		h.start(saying(text))
		message := h.message("!say", nil)
		h.discord.fail(fault{on: "POST /channels", skip: 1, times: -1, hang: true})
		first := h.deliver("MESSAGE_CREATE", message)
		if !first.held() || len(h.discord.standing()) != 1 {
			t.Fatal("the first run is not in the middle of its answer")
		}
		h.crash(saying(text))
		if !first.held() {
			t.Fatal("an unfinished event was let go: no crash would replay it")
		}
		h.discord.heal()
		second := h.deliver("MESSAGE_CREATE", message)
		if n := len(h.discord.standing()); n != 3 || !second.released() {
			t.Errorf("%d messages stand, want 3", n)
		}
	})
}

// TestLongAnswer: a long answer is split, each part has a nonce of its own, only
// the first refers to the message, and a fault in the middle repeats one part.
//
// Statements: G-137, G-139.
func TestLongAnswer(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("```go\n" + strings.Repeat("x := 1 // ภาษาไทย 🌲\n", 250) + "```\nand so on"))
		h.discord.fail(fault{on: "POST /channels", skip: 1, times: 2, cut: true, commit: true})
		event := h.deliver("MESSAGE_CREATE", h.message("!say", fields{"id": "1203000000000000777"}))
		h.wait(10 * time.Second)
		stand := h.discord.standing()
		if len(stand) != 3 || !event.released() {
			t.Fatalf("%d messages stand, want 3", len(stand))
		}
		for i, m := range stand {
			if m.Nonce != fmt.Sprintf("1203000000000000777-%d", i+1) || (m.Reference != nil) != (i == 0) {
				t.Errorf("part %d: %.200s", i+1, m.raw)
			}
			if !strings.HasPrefix(m.Content, "```go\n") || strings.Count(m.Content, "```") != 2 || strings.Contains(m.Content, "\uFFFD") {
				t.Errorf("part %d is broken:\n%s", i+1, m.Content)
			}
		}
	})
}

// TestPartsDoNotMix: long answers in one channel stand one after the other, in the order
// in which they were asked, also one that is asked between two others; another channel
// does not wait for them.
func TestPartsDoNotMix(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) {
			for _, letter := range []string{"a", "b", "c", "d"} {
				c := sayCommand(strings.Repeat(letter+" ", 2500))
				c.Name = letter
				o.Commands = append(o.Commands, c)
			}
		})
		h.discord.latency = 100 * time.Millisecond
		h.say("!a")
		h.say("!b")
		h.push("MESSAGE_CREATE", h.message("!c", fields{"channel_id": "5"}))
		h.wait(350 * time.Millisecond)
		if n := len(h.discord.asked("POST /channels/5/")); n != 3 {
			t.Errorf("the other channel waited: %d parts of 3", n)
		}
		h.say("!d") // a is complete, b is being sent
		h.wait(time.Second)
		order := ""
		for _, m := range h.discord.standing() {
			if m.channel != "5" {
				order += m.Content[:1]
			}
		}
		if order != "aaabbbddd" {
			t.Errorf("the parts stand in the order %s", order)
		}
		if n := len(h.bot.channels.locks); n != 0 {
			t.Errorf("%d channels are still remembered", n)
		}
	})
}

// TestErrorsAreSafeToPrint: an error says what was asked and what came of it,
// and holds neither the token nor that of an interaction.
func TestErrorsAreSafeToPrint(t *testing.T) {
	secret := "aW50ZXJhY3Rpb24tc2VjcmV0"
	for want, f := range map[string]fault{
		"POST /interactions/{interaction.id}/{interaction.token}/callback: no answer: read tcp: connection reset by peer": {cut: true},
		"...: Discord answered 404 (code 10062): Unknown interaction":                                                     {},
		"...: Discord answered 502":                                    {status: 502, body: "<html>"},
		"...: no answer: the answer is not an error Discord documents": {status: 502, body: "null"},
		"POST /interactions/x was not sent: the token is refused":      {err: &transport.Error{Request: "POST /interactions/x", Reason: transport.ReasonUnauthorized, Err: errors.New("the token is refused")}},
	} {
		d := newFakeDiscord()
		f.times = 1
		d.fail(f)
		a := newAPI(Options{Token: testToken, HTTPClient: &http.Client{Transport: d}, APIURL: testBase, UserAgent: "x"})
		err := a.callback(t.Context(), 1, secret, callback{Type: 5})
		end, isEnd := strings.CutPrefix(want, "...")
		if err == nil || !strings.HasSuffix(err.Error(), end) || !isEnd && err.Error() != want || strings.Contains(err.Error(), secret) {
			t.Errorf("%v, want %s", err, want)
		}
		// Those who look inside find why the request was not sent, and nothing that holds
		// a header or a body.
		if unsent, ok := errors.AsType[*transport.Error](err); ok != (f.err != nil) || ok && (unsent != f.err || temporary(err)) {
			t.Errorf("%v: unsent: %v, temporary: %t", err, unsent, temporary(err))
		}
		if _, ok := errors.AsType[*rest.Error](err); ok {
			t.Errorf("%v holds the whole answer", err)
		}
	}
	if !temporary(toRequestError("x", &transport.Error{Reason: transport.ReasonConnection, Err: io.EOF})) || temporary(nil) {
		t.Error("a cut connection is not taken for something that passes")
	}
	if plain := errors.New("plain"); !errors.Is(toRequestError("x", plain), plain) {
		t.Error("an error of another kind is lost")
	}
	var raw rawJSON
	if raw.UnmarshalJSON(make([]byte, maxDecoded)) != nil || raw.UnmarshalJSON(make([]byte, maxDecoded+1)) == nil {
		t.Error("the limit of an answer is not where it is said to be")
	}
	d := newFakeDiscord()
	d.fail(fault{on: "GET", times: 1, status: 200, body: "[]"})
	d.fail(fault{on: "GET", times: 1, status: 200, body: "{}"})
	a := newAPI(Options{Token: testToken, HTTPClient: &http.Client{Transport: d}, UserAgent: "x"})
	for _, want := range []string{"Discord's answer cannot be read", "the answer about the application has no id"} {
		if _, err := a.application(t.Context()); err == nil || !strings.Contains(err.Error(), want) || temporary(err) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if hasCode(context.Canceled, rest.JSONErrorCodeUnknownMessage) || temporary(context.Canceled) || limited(context.Canceled) {
		t.Error("an error that is not an answer of Discord is taken for one")
	}
}

var _ gateway.Handler = (*Bot)(nil)
