package bot

import (
	"fmt"
	"strings"
	"testing"

	"evergreen/gateway"
)

// TestContentMissing: an empty message in a guild, while the switch is off or
// the bit was not asked for, is the diagnosis, once; what may be empty by nature
// is not.
//
// Statements: G-144, G-146.
func TestContentMissing(t *testing.T) {
	const diagnosis = "WARN Message content intent missing"
	off := fmt.Sprintf(`{"user":{"id":"%d"},"application":{"id":"%d","flags":%d},"guilds":[]}`, selfID, appID, 1<<15)
	for name, c := range map[string]struct {
		ready   string
		intents gateway.Intents
		want    []string
	}{
		"switched off":                   {off, 0, []string{diagnosis, "switch on Message Content Intent at https://discord.com/developers"}},
		"no flags at all":                {strings.Replace(off, fmt.Sprintf(`,"flags":%d`, 1<<15), "", 1), 0, []string{diagnosis}},
		"not asked for":                  {"", gateway.IntentGuilds | gateway.IntentGuildMessages, []string{diagnosis, "start it with all its intents"}},
		"granted by review":              {strings.Replace(off, `"flags":32768`, `"flags":262144`, 1), 0, nil},
		"granted to a small app":         {strings.Replace(off, `"flags":32768`, `"flags":524288`, 1), 0, nil},
		"granted in the new field":       {strings.Replace(off, `"flags":32768`, `"flags":0,"flags_new":"262144"`, 1), 0, nil},
		"the new field outranks the old": {strings.Replace(off, `"flags":32768`, `"flags":262144,"flags_new":"0"`, 1), 0, []string{diagnosis}},
		"nothing is known":               {fmt.Sprintf(`{"user":{"id":"%d"}}`, selfID), 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(h *harness) {
				h.make(func(o *Options) { o.Intents = c.intents })
				if c.ready == "" {
					c.ready = strings.Replace(off, `"flags":32768`, `"flags":524288`, 1)
				}
				h.deliver("READY", c.ready)
				for _, innocent := range []fields{
					{"guild_id": nil},
					{"mentions": []any{fields{"id": fmt.Sprint(selfID)}}},
					{"attachments": []any{fields{"id": "1"}}},
					{"sticker_items": []any{fields{"id": "1"}}},
					{"poll": fields{"question": "?"}},
					{"type": 7},
					{"author": fields{"id": "9", "bot": true}},
					{"content": "words"},
				} {
					h.deliver("MESSAGE_CREATE", h.message("", innocent))
				}
				h.logged(0, "content intent")
				for range 3 {
					h.deliver("MESSAGE_CREATE", h.message("", fields{"embeds": []any{}, "components": []any{}, "poll": fields{}, "attachments": nil}))
				}
				// The same with air inside the empty lists.
				h.deliver("MESSAGE_CREATE", strings.NewReplacer("[]", "[ \n]", "{}", "{ }").Replace(h.message("", fields{"embeds": []any{}, "poll": fields{}})))
				for _, want := range c.want {
					h.logged(1, want)
				}
				if c.want == nil {
					h.logged(0, "content intent")
				}
			})
		})
	}
}

// TestSomeOrNothing: an empty value is nothing, however it is written.
func TestSomeOrNothing(t *testing.T) {
	for value, want := range map[string]bool{
		`null`: false, `""`: false, `[]`: false, "[ \n ]": false, `{}`: false, "{\t}": false, `[null]`: true, `{"a":0}`: true, `" "`: true, `0`: true, `true`: true,
	} {
		m, err := read[message]([]byte(`{"poll":` + value + `}`))
		if err != nil || bool(m.Poll) != want {
			t.Errorf("%s: %v, %v", value, m.Poll, err)
		}
	}
}

// TestContentOfMentions: a message is shown to whom it mentions, and to nobody else.
func TestContentOfMentions(t *testing.T) {
	run(t, func(h *harness) {
		h.make(func(o *Options) { o.Intents = gateway.IntentGuilds })
		h.deliver("MESSAGE_CREATE", h.message("", fields{"mentions": []any{fields{"id": nil}}})) // the bot's own id is not known
		h.logged(1, "content intent missing")
	})
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.Intents = gateway.IntentGuilds })
		h.deliver("MESSAGE_CREATE", h.message("", fields{"mentions": []any{fields{"id": fmt.Sprint(askerID)}}}))
		h.logged(1, "content intent missing")
	})
}

// TestContentDiagnosisReturns: when content was seen again and is lost again, the
// operator is told again.
func TestContentDiagnosisReturns(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.Intents = gateway.IntentGuilds })
		for _, text := range []string{"", "", "words", "", ""} {
			h.say(text)
		}
		h.logged(2, "content intent missing")
		h.deliver("MESSAGE_CREATE", h.message("", fields{"attachments": []any{fields{"id": "1"}}})) // says nothing of content
		h.say("")
		h.logged(2, "content intent missing")
	})
}

// TestIdentityKeepsWhatItKnows: REST knows the owners, a later READY only the
// flags, and a READY without an application nothing at all: none forgets what
// another told.
func TestIdentityKeepsWhatItKnows(t *testing.T) {
	run(t, func(h *harness) {
		h.make(func(o *Options) { o.KeepCommands = true })
		h.run()
		h.deliver("READY", fmt.Sprintf(`{"user":{"id":"%d"}}`, selfID))
		app, loaded := h.bot.identity.application()
		if !loaded || app.flags() != 1<<19|1<<15 || len(app.owners()) != 1 {
			t.Errorf("after an empty READY: %+v", app)
		}
		h.deliver("READY", fmt.Sprintf(`{"user":{"id":"%d"},"application":{"id":"%d","flags":4096}}`, selfID, appID))
		app, loaded = h.bot.identity.application()
		if !loaded || app.flags() != 4096 || len(app.owners()) != 1 {
			t.Errorf("after a new READY: %+v", app)
		}
	})
	for _, known := range []bool{true, false} {
		run(t, func(h *harness) {
			h.discord.application = strings.Replace(h.discord.application, `"bot":`, `"not":`, 1)
			h.make()
			if known {
				h.deliver("READY", fmt.Sprintf(`{"user":{"id":"%d"}}`, selfID))
			}
			h.run()
			event := h.say(fmt.Sprintf("<@%d> about", selfID))
			if _, loaded := h.bot.identity.application(); !loaded || event.released() != known {
				t.Errorf("the bot's user is known: %t; after an application without it the mention is answered: %t", known, event.released())
			}
			h.wait(DefaultHandlerTimeout)
		})
	}
}
