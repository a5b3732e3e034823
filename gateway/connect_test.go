package gateway_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"
)

const simGateway = "ws://gateway.discord.sim"

// Given a shard that connects for the first time, after a cut and after a request to
// reconnect, then its state says each time where it connects to and whether to resume.
func TestStateSaysWhereItConnectsTo(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "cut"})
		h.untilResumed(5 * time.Second)
		h.Inject(discordsim.Fault{Name: "op7"})
		h.untilResumed(5 * time.Second)
		var got []gateway.State
		for _, change := range observed[gateway.Transition](h) {
			if to, is := change.To.(gateway.Connecting); is {
				got = append(got, to)
			}
		}
		resume := gateway.Connecting{URL: h.shard.Session().ResumeURL, Resuming: true}
		want := []gateway.State{gateway.Connecting{URL: simGateway}, resume, resume}
		if resume.URL == "" || resume.URL == simGateway || !slices.Equal(got, want) {
			t.Errorf("it said %+v, want %+v", got, want)
		}
	})
}

// scriptedLimiter is an identify limiter whose first calls end as a test says.
type scriptedLimiter struct {
	gateway.IdentifyLimiter
	mu    sync.Mutex
	calls []func(ctx context.Context, announce func(time.Time, string)) error // nil errors are grants
}

func (l *scriptedLimiter) Acquire(ctx context.Context, shard gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	l.mu.Lock()
	var call func(context.Context, func(time.Time, string)) error
	if len(l.calls) > 0 {
		call, l.calls = l.calls[0], l.calls[1:]
	}
	l.mu.Unlock()
	if call != nil {
		if err := call(ctx, announce); err != nil {
			return nil, err
		}
	}
	return l.IdentifyLimiter.Acquire(ctx, shard, announce)
}

// limitedBy makes a shard ask a limiter whose first calls end as calls say.
func limitedBy(calls ...func(context.Context, func(time.Time, string)) error) func(*gateway.Options) {
	return func(o *gateway.Options) {
		o.IdentifyLimiter = &scriptedLimiter{IdentifyLimiter: identify.New(identify.Options{}), calls: calls}
	}
}

// Given an identify limiter that fails, then the attempt has failed for what it says, and
// the next one comes after a wait. One that says that the token was refused parks the
// shard. Nothing is dialled for either.
func TestIdentifyLimiterThatFails(t *testing.T) {
	broken := errors.New("the disk is full")
	run(t, config{options: limitedBy(func(context.Context, func(time.Time, string)) error { return broken })}, func(h *harness) {
		h.startLive()
		failed := observed[gateway.ConnectFailed](h)
		if len(failed) != 1 || failed[0].Reason.Kind != gateway.ReasonLocate || !errors.Is(failed[0].Reason.Err, broken) {
			t.Errorf("what failed is %+v", failed)
		}
		if dials := h.shard.Stats().Dials; dials != 1 {
			t.Errorf("%d connections were dialled", dials)
		}
		h.WantIdentifies(1)
	})
	run(t, config{options: limitedBy(func(context.Context, func(time.Time, string)) error { return gateway.ErrUnauthorized })}, func(h *harness) {
		h.start()
		h.Advance(time.Second)
		parked, is := h.shard.State().(gateway.Parked)
		if !is || !errors.Is(parked.Reason.Err, gateway.ErrUnauthorized) || h.shard.Stats().Dials != 0 {
			t.Errorf("after %d dials the shard is %s for %s", h.shard.Stats().Dials, h.shard.State(), parked.Reason)
		}
	})
}

// Given an identify limiter that makes the shard wait, then the state says what for, and the
// observer is told what the limiter has announced.
func TestWaitForTheGrantIsShown(t *testing.T) {
	var until time.Time
	wait := func(_ context.Context, announce func(time.Time, string)) error {
		until = time.Now().Add(time.Minute)
		announce(until, "the budget of the day is spent")
		time.Sleep(time.Minute)
		return nil
	}
	run(t, config{options: limitedBy(wait)}, func(h *harness) {
		h.start()
		h.Advance(time.Second)
		if state, is := h.shard.State().(gateway.Waiting); !is || state.For != "its turn to identify" {
			t.Errorf("the shard is %s", h.shard.State())
		}
		if delayed := observed[gateway.IdentifyDelayed](h); len(delayed) != 1 || delayed[0] != (gateway.IdentifyDelayed{Until: until, Why: "the budget of the day is spent"}) {
			t.Errorf("the observer was told %+v", delayed)
		}
		h.Until(2*time.Minute, "the shard is live", h.isLive)
	})
}

// closingSocket is a socket that keeps the context of Close.
type closingSocket struct {
	gateway.Socket
	keep func(string, context.Context)
}

func (s closingSocket) Close(ctx context.Context, code gateway.CloseCode, reason string) {
	s.keep("close", ctx)
	s.Socket.Close(ctx, code, reason)
}

// Given implementations of the interfaces that a shard calls, then the context of a call
// ends when the call is over: nothing that hangs on it stays behind until its deadline.
func TestContextsOfCallsEndWithThem(t *testing.T) {
	contexts := map[string]context.Context{}
	var mu sync.Mutex
	keep := func(call string, ctx context.Context) {
		mu.Lock()
		defer mu.Unlock()
		contexts[call] = ctx
	}
	over := func(call string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if ctx := contexts[call]; ctx == nil || ctx.Err() == nil {
			t.Errorf("%s: the context is %v", call, ctx)
		}
	}
	run(t, config{sim: discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}}, options: func(o *gateway.Options) {
		probe := func(ctx context.Context, _ func(time.Time, string)) error { keep("probe", ctx); return nil }
		limitedBy(func(context.Context, func(time.Time, string)) error { return nil }, probe)(o)
		o.URLSource = urlSourceFunc(func(ctx context.Context, _ string) (string, error) { keep("locate", ctx); return simGateway, nil })
		dialer := o.Dialer
		o.Dialer = dialerFunc(func(ctx context.Context, url string) (gateway.Socket, error) {
			keep("dial", ctx)
			socket, err := dialer.Dial(ctx, url)
			if err != nil {
				return nil, err
			}
			return closingSocket{socket, keep}, nil
		})
	}}, func(h *harness) {
		h.startLive()
		over("locate")
		over("dial")
		h.Inject(discordsim.Fault{Name: "stuck-session"})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(2*time.Minute, "the session is probed", func() bool { return h.shard.Stats().Identifies == 2 })
		over("probe")
		h.Until(time.Minute, "the shard is live", h.isLive)
		h.stop(gateway.KeepSession)
		over("close")
	})
}

// Given a shard that stands by with a spare, when Discord ends the session, then the spare is
// closed, and nothing is sent on it: the new session begins with a grant on another connection.
// Statements: G-009, G-038.
func TestSpareIsClosedWhenTheSessionEnds(t *testing.T) {
	var server scriptedServer
	limiter := &expiringLimiter{IdentifyLimiter: identify.New(identify.Options{})}
	run(t, config{options: func(o *gateway.Options) {
		patiently(&server)(o)
		o.IdentifyLimiter = limiter
	}}, func(h *harness) {
		live, spare := holdSpare(h, &server)
		live.fail(&gateway.CloseError{Code: 4009})
		h.Until(10*time.Second, "another IDENTIFY is sent", func() bool { return h.shard.Stats().Identifies == 2 })
		h.Advance(0)
		if !spare.isGone() || len(spare.payloads(2)) > 0 {
			t.Errorf("the spare is closed: %t, and was sent %d IDENTIFYs", spare.isGone(), len(spare.payloads(2)))
		}
		if acquired, _ := limiter.counts(); acquired != 2 || len(server.conn(h, 2).payloads(2)) != 1 {
			t.Errorf("%d grants were acquired, and %d IDENTIFYs came on the new connection", acquired, len(server.conn(h, 2).payloads(2)))
		}
	})
}

// Given an attempt that fails, then it is told what was dialled and how long that took.
func TestFailedAttemptSaysWhatWasDialledForHowLong(t *testing.T) {
	for name, c := range map[string]struct {
		fault string
		took  time.Duration
	}{
		"offline":        {"offline", 5 * time.Second},
		"no HELLO":       {"no-hello", 10 * time.Second},
		"refused dial":   {"refuse", 0},
		"hanging server": {"upgrade-stall", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.Inject(discordsim.Fault{Name: c.fault})
				h.start()
				h.Until(time.Minute, "an attempt has failed", func() bool { return len(observed[gateway.ConnectFailed](h)) > 0 })
				failed := observed[gateway.ConnectFailed](h)[0]
				if failed.Reason.Elapsed != c.took || failed.URL != simGateway+"/?compress=zlib-stream&encoding=json&v=10" {
					t.Errorf("%q failed by %s and took %s, want %s", failed.URL, failed.Reason, failed.Reason.Elapsed, c.took)
				}
			})
		})
	}
}

// Given the REST base that the gateway's address comes from, then an address that may come
// from there is dialled.
func TestGatewayOfTheAPIIsDialled(t *testing.T) {
	run(t, config{options: func(o *gateway.Options) { o.APIURL = "http://discord.sim/api/v10" }}, func(h *harness) {
		h.startLive()
		if refused := observed[gateway.AddressRefused](h); len(refused) > 0 {
			t.Errorf("refused: %v", refused)
		}
	})
}
