package gateway

import (
	"testing"
	"time"
)

const testInterval = 41250 * time.Millisecond

func newTestHeartbeats(jitter float64) (*heartbeats, time.Time) {
	o := Options{}
	_ = o.Timing.setDefaults()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return newHeartbeats(o.Timing, testInterval, start, jitter), start
}

// Statements: G-016, G-017.
func TestRegularHeartbeatsKeepTheInterval(t *testing.T) {
	h, now := newTestHeartbeats(0.25)
	first := now.Add(testInterval / 4)
	if !h.nextRegular.Equal(first) {
		t.Fatalf("first heartbeat at %v, want a quarter of the interval", h.nextRegular.Sub(now))
	}
	for n := range 5 {
		at := first.Add(time.Duration(n) * testInterval)
		if kind, due := h.due(at, at); !due || kind != heartbeatRegular {
			t.Fatalf("heartbeat %d: due=%v kind=%d", n, due, kind)
		}
		h.recordSent(at, heartbeatRegular)
		h.recordACK(at.Add(40 * time.Millisecond))
		// Probes and requested ones in between must not move the next one.
		h.recordSent(at.Add(15*time.Second), heartbeatProbe)
		h.recordACK(at.Add(15*time.Second + 40*time.Millisecond))
	}
}

// Rule 3: 15 s of silence, a probe, 5 s more and a spare is prepared, under
// 10 s and the connection is given up.
func TestSilenceIsProbedSuspectedAndEnded(t *testing.T) {
	h, now := newTestHeartbeats(0.99)
	heard := now
	at := func(d time.Duration) time.Time { return now.Add(d) }
	if _, due := h.due(at(14*time.Second), heard); due {
		t.Fatal("probed too early")
	}
	kind, due := h.due(at(15*time.Second), heard)
	if !due || kind != heartbeatProbe {
		t.Fatalf("after 15 s: due=%v kind=%d", due, kind)
	}
	h.recordSent(at(15*time.Second), heartbeatProbe)
	for _, step := range []struct {
		after time.Duration
		want  liveness
	}{{19 * time.Second, alive}, {20 * time.Second, suspect}, {24 * time.Second, suspect}, {24500 * time.Millisecond, noBytes}} {
		if got, _ := h.liveness(at(step.after), heard); got != step.want {
			t.Errorf("after %v: %v, want %v", step.after, got, step.want)
		}
	}
}

// While a huge message trickles in, its bytes excuse the late answer; the next
// regular heartbeat does not.
// Statements: G-024, G-025.
func TestBytesExcuseALateAnswer(t *testing.T) {
	h, now := newTestHeartbeats(0)
	h.recordSent(now, heartbeatRegular)
	late := now.Add(40 * time.Second)
	if got, _ := h.liveness(late, late.Add(-time.Second)); got != alive {
		t.Fatalf("bytes arrive, yet %v", got)
	}
	due := now.Add(testInterval)
	if got, _ := h.liveness(due, due); got != noACK {
		t.Fatalf("unanswered until the next heartbeat: %v, want noACK", got)
	}
	h.recordACK(late)
	if got, _ := h.liveness(due, due); got != alive {
		t.Fatalf("a late answer was not accepted: %v", got)
	}
}

// Statements: G-026.
func TestRequestedHeartbeatNearTheTimerIsNoMissedAnswer(t *testing.T) {
	h, now := newTestHeartbeats(0)
	h.recordSent(now, heartbeatRegular)
	h.recordACK(now.Add(time.Millisecond))
	due := now.Add(testInterval)
	h.recordRequest()
	h.recordSent(due.Add(-time.Millisecond), heartbeatRequested)
	if got, _ := h.liveness(due, due); got != alive {
		t.Fatalf("%v, want alive", got)
	}
}

// A slow link gets more patience, up to ten seconds until it is suspect, and is
// asked sooner by as much: silence ends as early as on a fast one. No patience
// is above the ceiling of rule 4.
func TestTimeoutsFollowTheRoundTrip(t *testing.T) {
	for _, c := range []struct{ rtt, suspect, dead, probe time.Duration }{
		{100 * time.Millisecond, 5 * time.Second, 9500 * time.Millisecond, 15 * time.Second},
		{time.Second, 8 * time.Second, 11 * time.Second, 13500 * time.Millisecond},
		{2 * time.Second, 10 * time.Second, 15 * time.Second, 9500 * time.Millisecond},
		{30 * time.Second, 10 * time.Second, 15 * time.Second, 9500 * time.Millisecond},
	} {
		h, now := newTestHeartbeats(0)
		h.recordSent(now, heartbeatRegular)
		h.recordACK(now.Add(c.rtt))
		if s, d := h.timeouts(); s != c.suspect || d != c.dead {
			t.Errorf("after a round trip of %s: patience %s, %s, want %s, %s", c.rtt, s, d, c.suspect, c.dead)
		}
		if at := h.silenceProbeAfter(); at != c.probe {
			t.Errorf("after a round trip of %s: asked after %s, want %s", c.rtt, at, c.probe)
		}
		h.timing.HeartbeatTimeout = 4 * time.Second
		if s, d := h.timeouts(); s != 4*time.Second || d != 4*time.Second {
			t.Errorf("patience %s, %s: want the ceiling", s, d)
		}
	}
	h, now := newTestHeartbeats(0)
	h.timing.SilenceProbe = 6 * time.Second
	h.recordSent(now, heartbeatRegular)
	h.recordACK(now.Add(2 * time.Second))
	if at := h.silenceProbeAfter(); at != 3*time.Second {
		t.Errorf("asked after %s: want no less than half of what was set", at)
	}
}

// Statements: G-099.
func TestRequestedHeartbeatsHaveABudget(t *testing.T) {
	h, now := newTestHeartbeats(0.5)
	for i := range 200 {
		h.recordRequest()
		at := now.Add(time.Duration(i) * time.Millisecond)
		if kind, due := h.due(at, at); due {
			h.recordSent(at, kind)
			h.recordACK(at)
		}
	}
	if n := len(h.lastMinute); n != heartbeatBudget(testInterval) {
		t.Errorf("%d heartbeats in a moment, want the budget of %d", n, heartbeatBudget(testInterval))
	}
	if th := newSendLimiter(testInterval); th.budget+heartbeatBudget(testInterval) > sendLimit-2 {
		t.Errorf("sends (%d) and heartbeats (%d) together exceed Discord's limit", th.budget, heartbeatBudget(testInterval))
	}
	if th := newSendLimiter(500 * time.Millisecond); th.budget < 1 {
		t.Error("a short interval leaves no sends at all")
	}
}

// A connection that sends heartbeats for days remembers no more of them than the limits count,
// and makes no new room for each.
func TestHeartbeatsForgetThePast(t *testing.T) {
	h, now := newTestHeartbeats(0)
	most := 0
	round := func() {
		now = now.Add(15 * time.Second)
		h.recordSent(now, heartbeatProbe)
		if _, ok := h.recordACK(now.Add(40 * time.Millisecond)); !ok {
			t.Fatal("an answer found no heartbeat")
		}
		most = max(most, len(h.lastMinute), len(h.unacked))
	}
	for range 3 * 24 * 240 {
		round()
	}
	if most > 5 {
		t.Errorf("%d heartbeats are remembered", most)
	}
	if each := testing.AllocsPerRun(1000, round); each != 0 {
		t.Errorf("a heartbeat and its answer cost %v allocations", each)
	}
}
