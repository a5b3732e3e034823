package bot

import (
	"strings"
	"testing"
)

// TestEchoIsBounded: a name as long as a message is neither echoed nor compared
// at length.
func TestEchoIsBounded(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.say("!help " + strings.Repeat("`x", 900))
		if said := h.discord.said(); len(said) != 1 || len(said[0]) > 100 {
			t.Errorf("the bot said %q", said)
		}
		for asked, shown := range map[string]string{
			strings.Repeat("ü", maxNameLength):   strings.Repeat("ü", maxNameLength),
			strings.Repeat("ü", maxNameLength+1): strings.Repeat("ü", maxNameLength) + "...",
			"a`b\nc\rd\u200be":                   "abcde",
		} {
			if got := h.bot.unknownCommand(asked, "/"); got != "I do not know `/"+shown+"`. Ask `/help` for what I can do." {
				t.Errorf("%q: %s", asked, got)
			}
		}
	})
}

// TestSuggestions: the nearest command is suggested, and none that is far away.
func TestSuggestions(t *testing.T) {
	long := strings.Repeat("abcdefgh", 4)
	b := &Bot{commands: append(Builtin(), Command{Name: "go"}, Command{Name: "cat"}, Command{Name: long})}
	for word, want := range map[string]string{
		"pnig": "ping", "pign": "ping", "helpp": "help", "hepl": "help", "statsu": "status", "stat": "", "shutdwon": "shutdown", "shutdown": "shutdown",
		"x": "", "": "", "pi": "", "abcdefgh": "", "uptmie": "uptime", "commands": "help",
		"goo": "", "ggo": "", "cut": "cat", long[:31]: long, long[:31] + "x": long, long + "x": "", strings.Repeat("status", 1000): "",
	} {
		if got := b.nearestCommand(word); got != want {
			t.Errorf("%.20q: %q, want %q", word, got, want)
		}
	}
}
