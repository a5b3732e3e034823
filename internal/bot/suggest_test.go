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
	})
}

// TestSuggestions: the nearest command is suggested, and none that is far away.
func TestSuggestions(t *testing.T) {
	b := &Bot{commands: Builtin()}
	for word, want := range map[string]string{
		"pnig": "ping", "pign": "ping", "helpp": "help", "hepl": "help", "statsu": "status", "stat": "", "shutdwon": "shutdown", "shutdown": "shutdown",
		"x": "", "": "", "pi": "", "abcdefgh": "", "uptmie": "uptime", "commands": "help", strings.Repeat("status", 1000): "",
	} {
		if got := b.nearestCommand(word); got != want {
			t.Errorf("%.20q: %q, want %q", word, got, want)
		}
	}
}
