package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

func (h *harness) isParked() bool {
	_, parked := h.shard.State().(gateway.Parked)
	return parked
}

// parkedAt is when the shard was first parked.
func (h *harness) parkedAt() time.Time {
	h.T.Helper()
	for _, o := range simtest.Observed[gateway.Transition](&h.recorder) {
		if _, parked := o.Event.(gateway.Transition).To.(gateway.Parked); parked {
			return o.At
		}
	}
	h.T.Fatal("the shard was not parked")
	return time.Time{}
}

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

// Given a shard that is parked, then its credentials are checked after half a minute, where
// the number of shards is wrong at once, and again after waits that double up to ten minutes.
// Each check has half a minute, and its context ends with it.
// Statements: G-094, G-097.
func TestParkedShardIsCheckedMoreAndMoreSeldom(t *testing.T) {
	seconds := func(all ...int) (times []time.Duration) {
		for _, s := range all {
			times = append(times, time.Duration(s)*time.Second)
		}
		return times
	}
	for code, want := range map[int][]time.Duration{
		4004: seconds(30, 90, 210, 450, 930, 1530, 2130),
		4014: seconds(30, 90, 210, 450, 930, 1530, 2130),
		4010: seconds(0, 30, 90, 210, 450, 930, 1530, 2130),
		4011: seconds(0, 30, 90, 210, 450, 930, 1530, 2130),
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			var checks refusingChecker
			run(t, config{options: func(o *gateway.Options) {
				o.CredentialChecker = &checks
			}}, func(h *harness) {
				h.Inject(discordsim.Fault{Name: "always-close", Code: code})
				h.start()
				h.Until(10*time.Second, "the shard is parked", h.isParked)
				parked := h.parkedAt()
				h.Advance(2200 * time.Second)
				var got []time.Duration
				for _, check := range checks.list() {
					got = append(got, check.at.Sub(parked))
					if err := check.ctx.Err(); err != context.Canceled {
						t.Errorf("the context of the check after %s was not ended with it: %v", check.at.Sub(parked), err)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("it was checked after %v, want %v", got, want)
				}
				checks.hang()
				h.Advance(10 * time.Minute)
				all := checks.list()
				last := all[len(all)-1]
				if deadline, _ := last.ctx.Deadline(); len(all) != len(want)+1 || last.ctx.Err() == nil || deadline.Sub(last.at) != 30*time.Second {
					t.Errorf("the last of %d checks has %s, and has ended by %v", len(all), deadline.Sub(last.at), last.ctx.Err())
				}
			})
		})
	}
}

// refusingChecker refuses all credentials, and remembers when it was asked.
type refusingChecker struct {
	mu    sync.Mutex
	all   []credentialCheck
	hangs bool
}

type credentialCheck struct {
	at  time.Time
	ctx context.Context
}

func (c *refusingChecker) CheckCredentials(ctx context.Context, _ gateway.Reason, now gateway.Credentials) (gateway.Credentials, error) {
	c.mu.Lock()
	c.all = append(c.all, credentialCheck{time.Now(), ctx})
	hangs := c.hangs
	c.mu.Unlock()
	if hangs {
		<-ctx.Done()
	}
	return now, gateway.ErrUnauthorized
}

// hang makes checks last until their context ends.
func (c *refusingChecker) hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hangs = true
}

func (c *refusingChecker) list() []credentialCheck {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// Given a shard that has failed a few times and is parked, when its credentials are mended,
// then those failures are forgotten: the next one is the first.
// Statements: G-098.
func TestMendedCredentialsBeginAnew(t *testing.T) {
	for _, how := range []string{"a check", "Reconfigure"} {
		t.Run(how, func(t *testing.T) {
			var good atomic.Bool
			run(t, config{options: func(o *gateway.Options) {
				o.MaxAttempts = 4
				o.CredentialChecker = checkerFunc(func(_ context.Context, _ gateway.Reason, now gateway.Credentials) (gateway.Credentials, error) {
					if !good.Load() {
						return now, gateway.ErrUnauthorized
					}
					return now, nil
				})
			}}, func(h *harness) {
				h.Inject(discordsim.Fault{Name: "refuse", Count: 3})
				refused := h.Inject(discordsim.Fault{Name: "always-close", Code: 4014})
				h.start()
				h.Until(time.Minute, "the shard is parked", h.isParked)
				h.Sim.Lift(refused)
				h.Inject(discordsim.Fault{Name: "refuse", Count: 1})
				if how == "a check" {
					good.Store(true)
				} else if err := h.shard.Reconfigure(gateway.Credentials{Token: h.App.Token, Intents: intents}); err != nil {
					t.Fatal(err)
				}
				h.Until(2*time.Minute, "the shard is live", h.isLive)
				failed := observed[gateway.ConnectFailed](h)
				if len(failed) != 4 || failed[2].Failures != 3 || failed[3].Failures != 1 {
					t.Errorf("told of the failures %+v, want three, and the first one after them", failed)
				}
				if told := observed[gateway.AttemptsExhausted](h); len(told) != 1 || told[0].Failures != 4 {
					t.Errorf("told of exhausted attempts: %+v, want once, when the shard was parked", told)
				}
				h.WantIdentifies(2)
			})
		})
	}
}

// Given a URLSource that says that the token is refused, then the shard is parked. That is
// told, and no failed attempt that would be repeated; without a checker it stays parked.
// Statements: G-094.
func TestRefusedTokenIsNoFailedAttempt(t *testing.T) {
	var asked atomic.Int64
	run(t, config{options: func(o *gateway.Options) {
		o.URLSource = urlSourceFunc(func(context.Context, string) (string, error) { asked.Add(1); return "", gateway.ErrUnauthorized })
	}}, func(h *harness) {
		h.start()
		h.Advance(time.Hour)
		if !h.isParked() || asked.Load() != 1 {
			t.Errorf("the shard is %s, and the address was asked for %d times", h.shard.State(), asked.Load())
		}
		h.stop(gateway.KeepSession)
		if failed := observed[gateway.ConnectFailed](h); len(failed) != 0 {
			t.Errorf("told of %v", failed)
		}
	})
}

// Given a shard that holds a spare, when it is parked, then it holds no connection.
// Statements: G-016, G-094.
func TestParkedShardHoldsNoConnection(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(time.Second)
		zombie := h.Inject(discordsim.Fault{Name: "zombie", Conn: 1})
		h.Until(time.Minute, "the shard holds a spare", func() bool {
			_, suspects := h.shard.State().(gateway.Suspect)
			return suspects && h.shard.Stats().Connects == 2
		})
		h.Inject(discordsim.Fault{Name: "close", Code: 4014, Conn: 1})
		h.Sim.Lift(zombie)
		h.Advance(2 * time.Second)
		if !h.isParked() {
			t.Fatalf("the shard is %s", h.shard.State())
		}
		for _, conn := range h.Sim.Connections(nil) {
			if conn.Closed.IsZero() {
				t.Errorf("connection %d is open", conn.ID)
			}
		}
	})
}

// Given a session that Discord has invalidated with 4003, when the checker refuses the
// credentials, then the shard is parked for that and no IDENTIFY is spent; without a checker
// it identifies.
// Statements: G-064, G-094.
func TestInvalidatedSessionSpendsAnIdentifyOnGoodCredentialsOnly(t *testing.T) {
	for name, checker := range map[string]gateway.CredentialChecker{
		"refused": checkerFunc(func(_ context.Context, _ gateway.Reason, now gateway.Credentials) (gateway.Credentials, error) {
			return now, gateway.ErrUnauthorized
		}),
		"no checker": nil,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{options: func(o *gateway.Options) { o.CredentialChecker = checker }}, func(h *harness) {
				h.startLive()
				h.Advance(2 * time.Minute)
				h.Inject(discordsim.Fault{Name: "close", Code: 4003})
				h.Advance(time.Minute)
				if checker == nil {
					if !h.isLive() {
						t.Errorf("the shard is %s", h.shard.State())
					}
					h.WantIdentifies(2)
					return
				}
				parked, _ := h.shard.State().(gateway.Parked)
				if want := gateway.CloseNotAuthenticated; parked.Reason.Kind != gateway.ReasonFatal || parked.Reason.Code != want {
					t.Errorf("the shard is %s for %s, want %d", h.shard.State(), parked.Reason, want)
				}
				h.WantIdentifies(1)
			})
		})
	}
}
