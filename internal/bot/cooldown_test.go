package bot

import (
	"context"
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
