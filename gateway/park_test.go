package gateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// remedyError is an error that knows what to do.
type remedyError string

func (c remedyError) Error() string  { return "the bot may not go on" }
func (c remedyError) Remedy() string { return string(c) }

// Given a bot in too many guilds for its one shard, when Discord refuses it with
// 4011, then it asks at once how many are needed and carries what a person has to
// do; it says so again only when that has changed, and comes back when it is done.
// Statements: G-094, G-097.
func TestParkedShardKnowsItsRemedy(t *testing.T) {
	asked := 0
	remedies := []error{remedyError("two"), remedyError("two"), remedyError("three"), errors.New("unknown"), nil}
	run(t, config{sim: discordsim.Config{Identify: discordsim.IdentifyConfig{MaxGuilds: 1}}, options: func(o *gateway.Options) {
		o.CredentialChecker = checkerFunc(func(_ context.Context, _ gateway.Reason, now gateway.Credentials) (gateway.Credentials, error) {
			err := remedies[min(asked, len(remedies)-1)]
			asked++
			return now, err
		})
	}}, func(h *harness) {
		other := h.Sim.AddGuild("another")
		h.Sim.Join(h.App, other)
		h.start()
		remedy := func() string {
			if parked, is := h.shard.State().(gateway.Parked); is {
				if r, ok := errors.AsType[remedyError](parked.Reason.Err); ok {
					return r.Remedy()
				}
			}
			return ""
		}
		h.Until(2*time.Second, "the remedy is known", func() bool { return remedy() == "two" })
		h.Until(5*time.Minute, "the remedy has changed", func() bool { return remedy() == "three" })
		h.Sim.Leave(h.App, other)
		h.Until(20*time.Minute, "the shard is live", h.isLive)
		parked := 0
		for _, n := range observed[gateway.Transition](h) {
			if _, is := n.To.(gateway.Parked); is {
				parked++
			}
		}
		if parked != 3 || asked != 5 {
			t.Errorf("it was said %d times that it is parked, and asked %d times; want 3 and 5", parked, asked)
		}
		h.WantIdentifies(2)
	})
}
