package bot

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/gateway"

	"github.com/disgoorg/snowflake/v2"
)

// TestOnlyPeopleAreAnswered: the bot itself, other bots, webhooks, ephemeral
// messages and everything but plain messages and replies leave it silent, and
// their events are not held.
//
// Statements: G-145, G-147, G-149.
func TestOnlyPeopleAreAnswered(t *testing.T) {
	self := fields{"id": fmt.Sprint(selfID), "username": "research"}
	silent := map[string]fields{
		"itself":               {"author": self},
		"itself, by number":    {"author": fields{"id": uint64(selfID)}},
		"a bot":                {"author": fields{"id": "5", "bot": true}},
		"a webhook":            {"webhook_id": "77", "author": fields{"id": "77"}},
		"a webhook, by number": {"webhook_id": 77},
		"ephemeral":            {"flags": 1 << 6, "guild_id": nil},
	}
	for kind := range 60 {
		if kind != 0 && kind != 19 {
			silent[fmt.Sprintf("type %d", kind)] = fields{"type": kind}
		}
	}
	run(t, func(h *harness) {
		h.start()
		for name, more := range silent {
			event := h.deliver("MESSAGE_CREATE", h.message("!about", more))
			if len(h.discord.standing()) != 0 || event.taken {
				t.Fatalf("%s: the bot said %q", name, h.discord.said())
			}
		}
		if counts := h.bot.Counts(); counts.Bad != 0 || counts.Commands != 0 {
			t.Errorf("counts: %+v", counts)
		}
		h.deliver("MESSAGE_CREATE", h.message("!about", fields{"type": 19}))
		h.deliver("MESSAGE_CREATE", h.message("!about", fields{"guild_id": nil, "flags": nil, "type": nil, "webhook_id": ""}))
		h.expect("ResearchBot", "ResearchBot")
	})
}

// TestMentionBeforeReady: a run that begins with a RESUME hears a mention before
// it knows its own id. The event is held until REST has told, then answered;
// what mentions another user is let go.
func TestMentionBeforeReady(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.discord.fail(fault{on: "GET /applications/@me", times: 1, after: 2 * time.Second})
		mine := h.say(fmt.Sprintf("<@%d> about", selfID))
		other := h.say("<@5> about")
		h.run()
		if !mine.held() || !other.held() {
			t.Fatal("the events are not held")
		}
		h.wait(2 * time.Second)
		h.expect("ResearchBot")
		if !mine.released() || !other.released() {
			t.Error("the events are still held")
		}
	})
}

// TestMentionsBeforeReadyHaveACooldown: what waited for the bot's own id is counted like
// everything else, and only what may mention a role of the bot in a guild asks for it.
func TestMentionsBeforeReadyHaveACooldown(t *testing.T) {
	run(t, func(h *harness) {
		h.make(func(o *Options) { o.KeepCommands = true })
		for range burst + 1 {
			h.say(fmt.Sprintf("<@%d> about", selfID))
		}
		h.deliver("MESSAGE_CREATE", h.message(fmt.Sprintf("<@%d> about <@&%d>", selfID, roleID), fields{"guild_id": nil, "author": fields{"id": "5"}}))
		h.deliver("MESSAGE_CREATE", h.message(fmt.Sprintf("<@&%d> about", roleID), fields{"guild_id": nil, "author": fields{"id": "6"}}))
		h.run()
		answers, refusals := 0, 0
		for _, said := range h.discord.said() {
			if strings.Contains(said, "ResearchBot") {
				answers++
			} else if strings.Contains(said, "Not so fast") {
				refusals++
			}
		}
		if answers != burst+1 || refusals != 1 || len(h.discord.said()) != burst+2 {
			t.Errorf("the bot said %q", h.discord.said())
		}
		if n := len(h.discord.asked("GET /guilds/")); n != 0 {
			t.Errorf("asked for a guild %d times", n)
		}
	})
}

// TestMentionNeverKnown: an id that never comes costs the mention and no more.
func TestMentionNeverKnown(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		event := h.say(fmt.Sprintf("<@%d> about", selfID))
		h.wait(DefaultHandlerTimeout - time.Second)
		if !event.held() {
			t.Error("the event was given up early")
		}
		h.wait(2 * time.Second)
		if !event.released() {
			t.Error("the event is held for ever")
		}
		h.expect()
		h.logged(1, "WARN Message may mention the bot, whose own id or role is not known yet")

		second := h.say(fmt.Sprintf("<@%d> about", selfID))
		if err := h.bot.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if !second.released() {
			t.Error("a patient stop did not wait for the id")
		}
	})
}

// TestDuplicateEvents: a message or an interaction that arrives twice, at once
// or some minutes later, is answered once.
//
// Statements: G-070.
func TestDuplicateEvents(t *testing.T) {
	run(t, func(h *harness) {
		var runs atomic.Int64 // commands run beside each other
		h.start(func(o *Options) {
			o.Commands = []Command{{Name: "count", Summary: "Counts", Run: func(context.Context, *Request) (Answer, error) {
				return Answer{Text: fmt.Sprint(runs.Add(1))}, nil
			}}}
		})
		message := h.message("!count", nil)
		slash, token := h.slash(askerID, "count")
		for range 2 {
			h.push("MESSAGE_CREATE", message)
			h.push("INTERACTION_CREATE", slash)
		}
		h.wait(15*time.Minute - time.Second)
		again := h.deliver("MESSAGE_CREATE", message)
		h.deliver("INTERACTION_CREATE", slash)
		if runs.Load() != 2 || again.taken || h.bot.Counts().Duplicates != 4 {
			t.Errorf("the command ran %d times; counts %+v", runs.Load(), h.bot.Counts())
		}
		if n := len(h.discord.asked("POST /")); n != 2 {
			t.Errorf("%d answers were sent", n)
		}
		_ = token
	})
}

// TestHandleEvent: the way the gateway calls: raw JSON in, an answer out, and
// events that no route takes cost nothing.
func TestHandleEvent(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.bot.HandleEvent(h.Context(), gateway.Event{Type: "MESSAGE_CREATE", Data: []byte(h.message("!about", nil))})
		h.bot.HandleEvent(h.Context(), gateway.Event{Type: "TYPING_START", Data: []byte("{")})
		data, token := h.slash(askerID, "about")
		h.bot.HandleEvent(h.Context(), gateway.Event{Type: "INTERACTION_CREATE", Data: []byte(data)})
		h.wait(0)
		h.expect("ResearchBot")
		if !h.discord.interaction(token).acked {
			t.Error("the interaction was not answered")
		}
	})
}

// TestMistakesAreForgivenQuietly: a user who mistypes without end is told once
// in ten seconds; another user is told at once; the events are let go.
func TestMistakesAreForgivenQuietly(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		for range 20 {
			if event := h.say("!nonsense"); !event.released() {
				t.Fatal("an event is still held")
			}
		}
		h.sayAs(5, "!nonsense")
		if said := h.discord.said(); len(said) != 2 || h.bot.Counts().Ignored != 19 {
			t.Errorf("the bot said %q; counts %+v", said, h.bot.Counts())
		}
		h.wait(errorReplyInterval - time.Second)
		h.say("!nonsense")
		h.expect("nonsense", "nonsense")
		h.wait(time.Second)
		h.say("!nonsense") // counted from the last that was told
		h.expect("nonsense", "nonsense", "nonsense")
		for range 20 {
			h.wait(time.Second)
			h.say("!nonsense")
		}
		h.expect("nonsense", "nonsense", "nonsense", "nonsense", "nonsense")
	})
}

// TestEveryMistakeIsToldSeldomAndInPrivate: whatever the mistake, a user who repeats it is
// told once in ten seconds, and after a slash command nobody else sees it.
func TestEveryMistakeIsToldSeldomAndInPrivate(t *testing.T) {
	for name, c := range map[string]struct {
		command, told string
		change        func(*harness)
	}{
		"no such command":         {"nonsense", "I do not know", nil},
		"an argument is missing":  {"tell", "I need `whom`", nil},
		"not the owner":           {"shutdown", textNotOwner, nil},
		"the owner is not known":  {"shutdown", textOwnerUnknown, func(h *harness) { h.discord.fail(fault{on: "GET /applications", times: -1, status: 503}) }},
		"once more than is saved": {"rare", "Not so fast", func(h *harness) { h.say("!rare") }},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(func(o *Options) {
					tell, rare := sayCommand(""), sayCommand("")
					tell.Name, tell.Parameters = "tell", []Parameter{{Name: "whom", Summary: "The person", Required: true}}
					rare.Name, rare.Cooldown = "rare", time.Hour
					o.Commands, o.Cooldown = append(Builtin(), tell, rare), Never
				})
				if c.change != nil {
					c.change(h)
				}
				before := len(h.discord.said())
				for range 5 {
					if event := h.say("!" + c.command); !event.released() {
						t.Error("the event is still held")
					}
				}
				if said := h.discord.said()[before:]; len(said) != 1 || !strings.Contains(said[0], c.told) {
					t.Errorf("five times in a row: the bot said %q", said)
				}
				_, token := h.use(askerID, c.command)
				if shown := h.discord.interaction(token); !strings.Contains(shown.content, c.told) || shown.flags != 1<<6 {
					t.Errorf("the slash command was answered %+v", shown)
				}
			})
		})
	}
}

// TestCounters: the numbers tell a bot that is asked and does not answer.
func TestCounters(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.discord.fail(fault{on: "POST /channels", times: 1, status: 404, body: `{"code":10003,"message":"Unknown Channel"}`})
		h.say("hello")
		h.say("!about")
		h.say("!about")
		if got, want := h.bot.Counts(), (Counts{Messages: 3, Commands: 2, Answered: 1, Failed: 1}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		h.wait(time.Minute)
		h.say("hello")
		if a := h.bot.Activity(); a.Message != time.Now() || a.Command != time.Now().Add(-time.Minute) {
			t.Errorf("activity %+v at %v", a, time.Now())
		}
	})
}

// TestRequestTellsWhoAskedAndWhere: a command learns who asked for what, where and when,
// from a message and from an interaction alike.
func TestRequestTellsWhoAskedAndWhere(t *testing.T) {
	run(t, func(h *harness) {
		var got []Request
		h.start(func(o *Options) {
			o.Commands = []Command{{
				Name: "who", Summary: "Says who", Parameters: []Parameter{{Name: "one", Summary: "The first"}, {Name: "more", Summary: "The rest"}},
				Run: func(_ context.Context, r *Request) (Answer, error) { got = append(got, *r); return Answer{}, nil },
			}}
		})
		asked := time.Now()
		h.wait(time.Second) // the way to the bot
		id := uint64(asked.UnixMilli()-1420070400000) << 22
		h.deliver("MESSAGE_CREATE", h.message("!who 1 2  3 ", fields{"id": fmt.Sprint(id)}))
		h.deliver("MESSAGE_CREATE", h.message("!who", fields{"id": fmt.Sprint(id + 1), "guild_id": nil}))
		data, _ := h.slash(askerID, "who", "more", "2 3", "one", "1")
		h.deliver("INTERACTION_CREATE", data)
		if len(got) != 3 {
			t.Fatalf("the command has run %d times", len(got))
		}
		for i, r := range got {
			want := Request{
				ID: snowflake.ID(id + uint64(i)), Channel: channelID, Guild: guildID, User: askerID, UserName: "mai", Prefix: "!", At: asked.UTC(),
				bot: h.bot, arguments: map[string]string{"one": "1", "more": "2 3"},
			}
			switch i {
			case 0:
				want.arguments["more"] = "2  3"
			case 1:
				want.Guild, want.arguments = 0, map[string]string{"one": "", "more": ""}
			case 2:
				want.ID, want.Prefix, want.At = snowflake.ID(h.nextID()-1), "/", asked.Add(time.Second)
			}
			r.At, want.At = r.At.UTC(), want.At.UTC()
			if !reflect.DeepEqual(r, want) {
				t.Errorf("request %d is %+v, want %+v", i+1, r, want)
			}
		}
	})
}
