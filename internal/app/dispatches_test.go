package app

import (
	"strings"
	"testing"

	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// Given events as real bots receive them, odd ones included, then the bot keeps its
// connection, none makes it panic, and it answers afterwards.
func TestBotOutlivesRealDispatches(t *testing.T) {
	run(t, nil, func(s *harness) {
		bot := s.start(s.options()).online()
		s.Deliver(func(d simtest.Dispatch) {
			if !bot.Tracker().Snapshot().Connected {
				t.Fatalf("%s, %s: the bot is not online", d.Type, d.Why)
			}
		})
		if got := s.answer(s.ask("!ping")); !strings.Contains(got, "Pong") {
			t.Errorf("the answer is %q", got)
		}
		s.WantIdentifies(1)
		if log := s.log.String(); strings.Contains(strings.ToLower(log), "panic") {
			t.Errorf("the bot panicked: %s", log)
		}
		bot.stop(gateway.EndSession)
	})
}
