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

// Given a session that Discord has invalidated with 4003, when it does so to the next one
// an hour later, then that is nothing new: the credentials are asked about, and the shard
// identifies. When it does so within a minute, then the shard parks, and goes on once the
// credentials are found to be good.
// Statements: G-064, G-094.
func TestOnlyARepeatedInvalidationParks(t *testing.T) {
	for _, after := range []time.Duration{50 * time.Second, 2 * time.Minute, time.Hour} {
		t.Run(after.String(), func(t *testing.T) {
			asked := 0
			run(t, config{options: func(o *gateway.Options) {
				o.CredentialChecker = checkerFunc(func(_ context.Context, _ gateway.Reason, now gateway.Credentials) (gateway.Credentials, error) {
					asked++
					return now, nil
				})
			}}, func(h *harness) {
				h.startLive()
				h.Advance(time.Hour)
				wantParked := 0
				for round := range 3 {
					next := time.Now().Add(after)
					h.Inject(discordsim.Fault{Name: "close", Code: 4003})
					if round > 0 && after < time.Minute {
						wantParked++
						h.Advance(29 * time.Second)
						if _, parked := h.shard.State().(gateway.Parked); !parked {
							t.Errorf("round %d: the shard is %s", round, h.shard.State())
						}
					}
					h.Advance(15 * time.Second)
					if !h.isLive() || asked != round+1 {
						t.Errorf("round %d: the shard is %s, and the credentials were asked about %d times", round, h.shard.State(), asked)
					}
					h.Advance(time.Until(next))
				}
				parked := 0
				for _, change := range observed[gateway.Transition](h) {
					if _, is := change.To.(gateway.Parked); is {
						parked++
					}
				}
				if parked != wantParked {
					t.Errorf("the shard was parked %d times, want %d", parked, wantParked)
				}
				h.WantIdentifies(4)
				h.NoViolations()
			})
		})
	}
}
