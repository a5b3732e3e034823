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

// expiringLimiter lets the first turns lapse, because others went ahead, and counts its
// grants.
type expiringLimiter struct {
	gateway.IdentifyLimiter
	mu          sync.Mutex
	expirations int
	acquired    int
	released    []identify.Outcome
}

func (p *expiringLimiter) Acquire(ctx context.Context, pair gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	grant, err := p.IdentifyLimiter.Acquire(ctx, pair, announce)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acquired++
	return &expiringGrant{grant, p}, nil
}

// counts returns how many grants there were and as what they were released.
func (p *expiringLimiter) counts() (acquired int, released []identify.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acquired, slices.Clone(p.released)
}

type expiringGrant struct {
	identify.Grant
	limiter *expiringLimiter
}

func (g *expiringGrant) Sent() bool {
	g.limiter.mu.Lock()
	defer g.limiter.mu.Unlock()
	if g.limiter.expirations > 0 {
		g.limiter.expirations--
		return false
	}
	return g.Grant.Sent()
}

func (g *expiringGrant) Release(o identify.Outcome) {
	g.limiter.mu.Lock()
	g.limiter.released = append(g.limiter.released, o)
	g.limiter.mu.Unlock()
	g.Grant.Release(o)
}

// Given a shard whose right to identify passes to others while it connects, then
// nothing is sent on that connection, it is no failure, and the shard queues anew.
// Statements: G-038, G-046.
func TestExpiredGrantIsAcquiredAnew(t *testing.T) {
	limiter := &expiringLimiter{IdentifyLimiter: identify.New(identify.Options{}), expirations: 2}
	run(t, config{options: func(o *gateway.Options) { o.IdentifyLimiter = limiter }}, func(h *harness) {
		h.startLive()
		h.Advance(time.Second)
		h.wantReason(gateway.ReasonGrantExpired)
		h.WantIdentifies(1)
		if got := h.shard.Stats(); got.Connects != 3 || got.Identifies != 1 {
			t.Errorf("%d connections and %d IDENTIFYs", got.Connects, got.Identifies)
		}
		if _, released := limiter.counts(); len(released) != 3 || released[2] != identify.OutcomeReady {
			t.Errorf("the grants were released as %v", released)
		}
		h.NoViolations()
	})
}

// Given each way in which an attempt to identify can end, then its grant is released,
// once, with what became of the IDENTIFY: one that was kept would hold up every other
// shard, one released as unsent would spend an IDENTIFY that is not counted.
// Statements: G-038, G-046.
func TestEveryGrantIsReleased(t *testing.T) {
	const unsent, refused, ready = identify.OutcomeUnsent, identify.OutcomeRefused, identify.OutcomeReady
	for name, c := range map[string]struct {
		fault  discordsim.Fault
		source gateway.URLSource
		want   identify.Outcome
		stop   time.Duration // when the shard is stopped; 0: when a grant has been released
	}{
		"no address":               {source: urlSourceFunc(func(context.Context, string) (string, error) { return "", errors.New("503") }), want: unsent},
		"no name":                  {fault: discordsim.Fault{Name: "dns"}, want: unsent},
		"no connection":            {fault: discordsim.Fault{Name: "refuse"}, want: unsent},
		"no HELLO":                 {fault: discordsim.Fault{Name: "no-hello"}, want: unsent},
		"op 7 before HELLO":        {fault: discordsim.Fault{Name: "op7-first"}, want: unsent},
		"a stop in the dial":       {fault: discordsim.Fault{Name: "offline"}, want: unsent, stop: time.Second},
		"a stop before HELLO":      {fault: discordsim.Fault{Name: "no-hello"}, want: unsent, stop: time.Second},
		"op 9":                     {fault: discordsim.Fault{Name: "ready-op9"}, want: refused},
		"a close":                  {fault: discordsim.Fault{Name: "always-close", Code: 4000}, want: refused},
		"a close that parks":       {fault: discordsim.Fault{Name: "always-close", Code: 4014}, want: refused},
		"no READY":                 {fault: discordsim.Fault{Name: "no-ready"}, want: refused},
		"a stop before READY":      {fault: discordsim.Fault{Name: "no-ready"}, want: refused, stop: 3 * time.Second},
		"READY":                    {want: ready},
		"READY, and the end of it": {fault: discordsim.Fault{Name: "ready-drop", Delay: 100 * time.Millisecond}, want: ready},
	} {
		t.Run(name, func(t *testing.T) {
			limiter := &expiringLimiter{IdentifyLimiter: identify.New(identify.Options{})}
			run(t, config{options: func(o *gateway.Options) {
				o.IdentifyLimiter = limiter
				if c.source != nil {
					o.URLSource = c.source
				}
			}}, func(h *harness) {
				if c.fault.Name != "" {
					h.Inject(c.fault)
				}
				h.start()
				if c.stop > 0 {
					h.Advance(c.stop)
				} else {
					h.Until(5*time.Minute, "a grant is released", func() bool { _, released := limiter.counts(); return len(released) > 0 })
				}
				h.stop(gateway.KeepSession)
				acquired, released := limiter.counts()
				if len(released) == 0 || released[0] != c.want || len(released) != acquired {
					t.Errorf("%d grants were released as %v, want the first as %v", acquired, released, c.want)
				}
			})
		})
	}
}
