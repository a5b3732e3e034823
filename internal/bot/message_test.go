package bot

import (
	"context"
	"fmt"
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
	story(t, func(w *world) {
		w.start()
		for name, more := range silent {
			event := w.deliver("MESSAGE_CREATE", w.message("!about", more))
			if len(w.discord.standing()) != 0 || event.taken {
				t.Fatalf("%s: the bot said %q", name, w.discord.said())
			}
		}
		if counts := w.bot.Counts(); counts.Bad != 0 || counts.Commands != 0 {
			t.Errorf("counts: %+v", counts)
		}
		w.deliver("MESSAGE_CREATE", w.message("!about", fields{"type": 19}))
		w.deliver("MESSAGE_CREATE", w.message("!about", fields{"guild_id": nil, "flags": nil, "type": nil, "webhook_id": ""}))
		w.expect("ResearchBot", "ResearchBot")
	})
}

// TestCallForms: a prefix or a mention in both forms calls the bot, with or
// without the prefix behind it; prose does not.
//
// Statements: G-148.
func TestCallForms(t *testing.T) {
	for content, want := range map[string]string{
		"!about":                              "ResearchBot",
		" \n!ABOUT  now ":                     "ResearchBot",
		fmt.Sprintf("<@%d> about", selfID):    "ResearchBot",
		fmt.Sprintf("<@!%d>about", selfID):    "ResearchBot",
		fmt.Sprintf("<@!%d>  !about", selfID): "ResearchBot",
		fmt.Sprintf("<@%d>", selfID):          "You called? Ask `!help`",
		fmt.Sprintf("<@!%d> ", selfID):        "You called? Ask `!help`",
		"!abuot":                              "I do not know `!abuot`. Did you mean `!about`?",
		"!uptme":                              "Did you mean `!uptime`?",
		"!commnads":                           "Did you mean `!help`?",
		"!xylophone":                          "I do not know `!xylophone`. Ask `!help` for what I can do.",
		"!ab`out":                             "I do not know `!about`. Did you mean",
		"!ช่วย":                               "I do not know `!ช่วย`. Ask",
		"about":                               "",
		"! about":                             "",
		"!!!":                                 "",
		"!":                                   "",
		"":                                    "",
		"!8":                                  "",
		"<@5> about":                          "",
		"<@" + strings.Repeat("9", 30) + "> about": "",
		"<@x> about":                           "",
		fmt.Sprintf("<@%d about", selfID):      "",
		fmt.Sprintf("hey <@%d> about", selfID): "",
		fmt.Sprintf("<@%d>, hello", selfID):    "",
		"!" + strings.Repeat("a", 33):          "",
	} {
		story(t, func(w *world) {
			w.start()
			event := w.say(content)
			said := strings.Join(w.discord.said(), "|")
			if want == "" && (said != "" || event.taken) {
				t.Errorf("%q: the bot said %q", content, said)
			}
			if want != "" && (!strings.Contains(said, want) || !event.released()) {
				t.Errorf("%q: the bot said %q", content, said)
			}
		})
	}
}

// TestOtherPrefix: the prefix is what the operator chose, in the answers too.
func TestOtherPrefix(t *testing.T) {
	story(t, func(w *world) {
		w.start(func(o *Options) { o.Prefix = "bot, " })
		w.say("!about")
		w.say("bot, about")
		w.say("bot, hlep")
		w.expect("Ask `bot, help`", "Did you mean `bot, help`?")
	})
}

// TestMentionBeforeReady: a run that begins with a RESUME hears a mention before
// it knows its own id. The event is held until REST has told, then answered;
// what mentions somebody else is let go.
func TestMentionBeforeReady(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		w.discord.fail(fault{on: "GET /applications/@me", times: 1, after: 2 * time.Second})
		mine := w.say(fmt.Sprintf("<@%d> about", selfID))
		other := w.say("<@5> about")
		w.run()
		if !mine.held() || !other.held() {
			t.Fatal("the events are not held")
		}
		w.wait(2 * time.Second)
		w.expect("ResearchBot")
		if !mine.released() || !other.released() {
			t.Error("the events are still held")
		}
	})
}

// TestMentionNeverKnown: an id that never comes costs the mention and no more.
func TestMentionNeverKnown(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		event := w.say(fmt.Sprintf("<@%d> about", selfID))
		w.wait(DefaultHandlerTimeout - time.Second)
		if !event.held() {
			t.Error("the event was given up early")
		}
		w.wait(2 * time.Second)
		if !event.released() {
			t.Error("the event is held for ever")
		}
		w.expect()
		w.logged(1, "WARN cannot tell whether a message mentions the bot")

		second := w.say(fmt.Sprintf("<@%d> about", selfID))
		if err := w.bot.Stop(context.Background()); err != nil {
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
	story(t, func(w *world) {
		var runs atomic.Int64 // commands run beside each other
		w.start(func(o *Options) {
			o.Commands = []Command{{Name: "count", Summary: "Counts", Run: func(context.Context, *Request) (Answer, error) {
				return Answer{Text: fmt.Sprint(runs.Add(1))}, nil
			}}}
		})
		message := w.message("!count", nil)
		slash, token := w.slash(askerID, "count")
		for range 2 {
			w.push("MESSAGE_CREATE", message)
			w.push("INTERACTION_CREATE", slash)
		}
		w.wait(5 * time.Minute)
		again := w.deliver("MESSAGE_CREATE", message)
		w.deliver("INTERACTION_CREATE", slash)
		if runs.Load() != 2 || again.taken || w.bot.Counts().Duplicates != 4 {
			t.Errorf("the command ran %d times; counts %+v", runs.Load(), w.bot.Counts())
		}
		if n := len(w.discord.asked("POST /")); n != 2 {
			t.Errorf("%d answers were sent", n)
		}
		_ = token
	})
}

// TestHandleEvent: the way the gateway calls: raw JSON in, an answer out, and
// events nobody asked for cost nothing.
func TestHandleEvent(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		w.bot.HandleEvent(w.Context(), gateway.Event{Type: "MESSAGE_CREATE", Data: []byte(w.message("!about", nil))})
		w.bot.HandleEvent(w.Context(), gateway.Event{Type: "TYPING_START", Data: []byte("{")})
		data, token := w.slash(askerID, "about")
		w.bot.HandleEvent(w.Context(), gateway.Event{Type: "INTERACTION_CREATE", Data: []byte(data)})
		w.wait(0)
		w.expect("ResearchBot")
		if !w.discord.interaction(token).acked {
			t.Error("the interaction was not answered")
		}
	})
}

// TestMistakesAreForgivenQuietly: a user who mistypes without end is told once
// in ten seconds; another user is told at once; the events are let go.
func TestMistakesAreForgivenQuietly(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		for range 20 {
			if event := w.say("!nonsense"); !event.released() {
				t.Fatal("an event is still held")
			}
		}
		w.sayAs(5, "!nonsense")
		if said := w.discord.said(); len(said) != 2 || w.bot.Counts().Ignored != 19 {
			t.Errorf("the bot said %q; counts %+v", said, w.bot.Counts())
		}
		w.wait(courtesyEvery)
		w.say("!nonsense")
		w.expect("nonsense", "nonsense", "nonsense")
	})
}

// TestCooldown: five uses may be saved up, the sixth in a row has to wait, and
// says how long; a command's own cooldown allows one.
func TestCooldown(t *testing.T) {
	story(t, func(w *world) {
		w.start(func(o *Options) {
			o.Commands = append(Builtin(), Command{
				Name: "rare", Summary: "Seldom", Cooldown: time.Minute,
				Run: func(context.Context, *Request) (Answer, error) { return Answer{Text: "rare"}, nil },
			})
		})
		for range 5 {
			w.say("!about")
		}
		w.say("!about")
		w.say("!about")
		w.sayAs(5, "!about")
		w.expect("Research", "Research", "Research", "Research", "Research", "Not so fast, please. You can use `about` again in 1 s.", "Research")
		w.wait(time.Second)
		w.say("!about")
		w.say("!rare")
		_, token := w.use(askerID, "rare")
		if shown := w.discord.interaction(token); shown.content != "Not so fast, please. You can use `rare` again in 1 min 0 s." || shown.flags != 1<<6 {
			t.Errorf("the slash command was answered %+v", shown)
		}
		w.wait(time.Minute)
		w.say("!rare")
		if said := w.discord.said(); len(said) != 10 || said[9] != "rare" {
			t.Errorf("the bot said %q", said)
		}
	})
}

// calmly is twenty commands of one user, slowly enough for the cooldown, none of
// which has reached the bot yet.
func calmly(w *world) (late []string) {
	for range 20 {
		late = append(late, w.message("!about", nil))
		w.wait(1500 * time.Millisecond)
	}
	return late
}

// TestCooldownByDiscordsClock: commands that were asked calmly and arrive in one
// burst, after an outage, are all answered. No cooldown at all is an option.
func TestCooldownByDiscordsClock(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		for _, message := range calmly(w) {
			w.deliver("MESSAGE_CREATE", message)
		}
		if said := w.discord.said(); len(said) != 20 || strings.Contains(strings.Join(said, ""), "Not so fast") {
			t.Errorf("the bot said %q", said)
		}
		w.crash(func(o *Options) { o.Cooldown = -1 })
		for range 20 {
			w.say("!about")
		}
		if said := w.discord.said(); len(said) != 40 || strings.Contains(strings.Join(said, ""), "Not so fast") {
			t.Errorf("the bot said %q", said)
		}
	})
}

// TestCooldownOfManyAtOnce: the same when they are all there at once, as after a
// RESUME, and their answers are made beside each other, in any order.
func TestCooldownOfManyAtOnce(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		for _, message := range calmly(w) {
			w.push("MESSAGE_CREATE", message)
		}
		w.wait(time.Minute)
		if said := w.discord.said(); len(said) != 20 || strings.Contains(strings.Join(said, ""), "Not so fast") {
			t.Errorf("the bot said %q", said)
		}
	})
}

// TestEchoIsBounded: a name as long as a message is neither echoed nor compared
// at length.
func TestEchoIsBounded(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		w.say("!help " + strings.Repeat("`x", 900))
		if said := w.discord.said(); len(said) != 1 || len(said[0]) > 100 {
			t.Errorf("the bot said %q", said)
		}
	})
}

// TestSuggestions: the nearest command is suggested, and none that is far away.
func TestSuggestions(t *testing.T) {
	b := &Bot{commands: Builtin()}
	for word, want := range map[string]string{
		"pnig": "ping", "pign": "ping", "helpp": "help", "hepl": "help", "statsu": "status", "stat": "", "shutdwon": "shutdown", "shutdown": "shutdown",
		"x": "", "": "", "pi": "", "abcdefgh": "", "uptmie": "uptime", "commands": "help", strings.Repeat("status", 1000): "",
	} {
		if got := b.nearest(word); got != want {
			t.Errorf("%.20q: %q, want %q", word, got, want)
		}
	}
}

// TestRecentIsBounded: what the bot remembers is bounded by age and by number.
func TestRecentIsBounded(t *testing.T) {
	r := newRecent[snowflake.ID, struct{}](time.Minute, 3)
	now := time.Now()
	for id := range snowflake.ID(5) {
		if !r.first(id, now) || r.first(id, now) {
			t.Errorf("%d: not remembered exactly once", id)
		}
	}
	if r.has(1, now) || !r.has(2, now) || len(r.entries) != 3 || r.order.Len() != 3 {
		t.Errorf("%d entries are left", len(r.entries))
	}
	if r.has(4, now.Add(time.Minute)) || len(r.entries) != 0 || r.order.Len() != 0 {
		t.Errorf("%d old entries are left", len(r.entries))
	}
}

// TestCounters: the numbers tell a bot that is asked and does not answer.
func TestCounters(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		w.discord.fail(fault{on: "POST /channels", times: 1, status: 404, body: `{"code":10003,"message":"Unknown Channel"}`})
		w.say("hello")
		w.say("!about")
		w.say("!about")
		if got, want := w.bot.Counts(), (Counts{Messages: 3, Commands: 2, Answered: 1, Failed: 1}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
	})
}
