package disgogateway_test

import (
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
)

// Given events as real bots receive them, odd ones included, then a disgo bot with all caches
// keeps its connection, and hears what comes afterwards.
//
// Statements: G-109.
func TestDisgoBotOutlivesRealDispatches(t *testing.T) {
	var heard list[string]
	run(t, config{
		gateway: []disgoway.ConfigOpt{disgoway.WithIntents(disgoway.Intents(simtest.AllIntents))},
		bot: []bot.ConfigOpt{
			bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagsAll)),
			bot.WithEventListenerFunc(func(e *events.MessageCreate) { heard.add(e.Message.Content) }),
		},
	}, func(s *harness) {
		s.open()
		s.Deliver(func(d simtest.Dispatch) {
			if got := s.client.Gateway.Status(); got != disgoway.StatusReady {
				t.Fatalf("%s, %s: the gateway is %s", d.Type, d.Why, got)
			}
		})
		s.Post("afterwards")
		s.Until(time.Minute, "the message is heard", func() bool {
			all := heard.all()
			return len(all) > 0 && all[len(all)-1] == "afterwards"
		})
		if n := countObserved[gateway.Disconnected](s); n > 0 {
			t.Errorf("the connection was lost %d times", n)
		}
		s.NoViolations()
	})
}
