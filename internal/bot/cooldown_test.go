package bot

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCooldown: five uses may be saved up, the sixth in a row has to wait, and
// says how long; a command's own cooldown allows one.
func TestCooldown(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) {
			o.Commands = append(Builtin(), Command{
				Name: "rare", Summary: "Seldom", Cooldown: time.Minute,
				Run: func(context.Context, *Request) (Answer, error) { return Answer{Text: "rare"}, nil },
			})
		})
		for range 5 {
			h.say("!about")
		}
		h.say("!about")
		h.say("!about")
		h.sayAs(5, "!about")
		h.expect("Research", "Research", "Research", "Research", "Research", "Not so fast, please. You can use `about` again in 1 s.", "Research")
		h.wait(time.Second)
		h.say("!about")
		h.say("!rare")
		_, token := h.use(askerID, "rare")
		if shown := h.discord.interaction(token); shown.content != "Not so fast, please. You can use `rare` again in 1 min 0 s." || shown.flags != 1<<6 {
			t.Errorf("the slash command was answered %+v", shown)
		}
		h.wait(time.Minute)
		h.say("!rare")
		if said := h.discord.said(); len(said) != 10 || said[9] != "rare" {
			t.Errorf("the bot said %q", said)
		}
	})
}

// calmly is twenty commands of one user, slowly enough for the cooldown, none of
// which has reached the bot yet.
func calmly(h *harness) (late []string) {
	for range 20 {
		late = append(late, h.message("!about", nil))
		h.wait(1500 * time.Millisecond)
	}
	return late
}

// TestCooldownByDiscordsClock: commands that were asked calmly and arrive in one
// burst, after an outage, are all answered. No cooldown at all is an option.
func TestCooldownByDiscordsClock(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		for _, message := range calmly(h) {
			h.deliver("MESSAGE_CREATE", message)
		}
		if said := h.discord.said(); len(said) != 20 || strings.Contains(strings.Join(said, ""), "Not so fast") {
			t.Errorf("the bot said %q", said)
		}
		h.crash(func(o *Options) { o.Cooldown = -1 })
		for range 20 {
			h.say("!about")
		}
		if said := h.discord.said(); len(said) != 40 || strings.Contains(strings.Join(said, ""), "Not so fast") {
			t.Errorf("the bot said %q", said)
		}
	})
}

// TestCooldownOfManyAtOnce: the same when they are all there at once, as after a
// RESUME, and their answers are made beside each other, in any order.
func TestCooldownOfManyAtOnce(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		for _, message := range calmly(h) {
			h.push("MESSAGE_CREATE", message)
		}
		h.wait(time.Minute)
		if said := h.discord.said(); len(said) != 20 || strings.Contains(strings.Join(said, ""), "Not so fast") {
			t.Errorf("the bot said %q", said)
		}
	})
}

// TestCooldownOfLateUses: commands that were asked in one moment do not become calm because
// they reach the bot one by one, minutes apart, out of a queue that moves slowly.
func TestCooldownOfLateUses(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		var late []string
		for range 8 {
			late = append(late, h.message("!about", nil))
		}
		for _, message := range late {
			h.wait(5 * time.Minute)
			h.deliver("MESSAGE_CREATE", message)
		}
		h.expect("Research", "Research", "Research", "Research", "Research", "Not so fast", "Not so fast", "Not so fast")
	})
}

// TestLongCooldownIsKept: a cooldown holds for as long as it was set, however long that
// is and whatever is asked meanwhile, and no longer.
func TestLongCooldownIsKept(t *testing.T) {
	yes := func(context.Context, *Request) (Answer, error) { return Answer{Text: "yes"}, nil }
	for name, set := range map[string]struct {
		cooldown time.Duration // of the command
		options  time.Duration
		uses     int // that may be made at once
	}{
		"of the command": {2 * time.Hour, time.Second, 1},
		"of all":         {0, 2 * time.Hour, burst},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(func(o *Options) {
					o.Cooldown = set.options
					o.Commands = []Command{{Name: "rare", Summary: "Seldom", Cooldown: set.cooldown, Run: yes}}
				})
				for range set.uses {
					h.say("!rare")
				}
				answers := slices.Repeat([]string{"yes"}, set.uses)
				h.expect(answers...)
				for range 119 {
					h.wait(time.Minute)
					h.say("!rare")
					answers = append(answers, "Not so fast")
				}
				h.expect(answers...)
				h.wait(time.Minute)
				h.say("!rare")
				h.expect(append(answers, "yes")...)
			})
			run(t, func(h *harness) {
				h.start(func(o *Options) {
					o.Cooldown = set.options
					o.Commands = []Command{{Name: "rare", Summary: "Seldom", Cooldown: set.cooldown, Run: yes}}
				})
				for range set.uses {
					h.say("!rare")
				}
				h.wait(2*time.Hour - time.Second) // without a word
				h.say("!rare")
				h.expect(append(slices.Repeat([]string{"yes"}, set.uses), "Not so fast")...)
			})
		})
	}
}
