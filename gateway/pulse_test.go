package gateway

import (
	"testing"
	"time"
)

const usualInterval = 41250 * time.Millisecond

func newTestPulse(jitter float64) (*pulse, time.Time) {
	o := Options{}
	setDefaults(&o)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return newPulse(o.Timing, usualInterval, start, jitter), start
}

// Statements: G-016, G-017.
func TestRegularBeatsKeepTheirRhythm(t *testing.T) {
	p, now := newTestPulse(0.25)
	first := now.Add(usualInterval / 4)
	if !p.next.Equal(first) {
		t.Fatalf("first beat at %v, want a quarter of the interval", p.next.Sub(now))
	}
	for n := range 5 {
		at := first.Add(time.Duration(n) * usualInterval)
		if kind, due := p.due(at, at); !due || kind != HeartbeatTimed {
			t.Fatalf("beat %d: due=%v kind=%s", n, due, kind)
		}
		p.sent(at, HeartbeatTimed)
		p.acked(at.Add(40 * time.Millisecond))
		// Probes and requested beats in between must not move the next one.
		p.sent(at.Add(15*time.Second), HeartbeatProbe)
		p.acked(at.Add(15*time.Second + 40*time.Millisecond))
	}
}

// Rule 3: 15 s of silence, a probe, 5 s more and a spare is prepared, under
// 10 s and the connection is given up.
func TestSilenceLadder(t *testing.T) {
	p, now := newTestPulse(0.99)
	heard := now
	at := func(d time.Duration) time.Time { return now.Add(d) }
	if _, due := p.due(at(14*time.Second), heard); due {
		t.Fatal("probed too early")
	}
	kind, due := p.due(at(15*time.Second), heard)
	if !due || kind != HeartbeatProbe {
		t.Fatalf("after 15 s: due=%v kind=%s", due, kind)
	}
	p.sent(at(15*time.Second), HeartbeatProbe)
	for _, step := range []struct {
		after time.Duration
		want  vitals
	}{{19 * time.Second, alive}, {20 * time.Second, suspect}, {24 * time.Second, suspect}, {24500 * time.Millisecond, silent}} {
		if got, _ := p.check(at(step.after), heard); got != step.want {
			t.Errorf("after %v: %v, want %v", step.after, got, step.want)
		}
	}
}

// While a huge message trickles in, its bytes excuse the late answer; the next
// regular beat does not.
// Statements: G-024, G-025.
func TestBytesExcuseALateAnswer(t *testing.T) {
	p, now := newTestPulse(0)
	p.sent(now, HeartbeatTimed)
	late := now.Add(40 * time.Second)
	if got, _ := p.check(late, late.Add(-time.Second)); got != alive {
		t.Fatalf("bytes arrive, yet %v", got)
	}
	due := now.Add(usualInterval)
	if got, _ := p.check(due, due); got != unheeded {
		t.Fatalf("unanswered until the next beat: %v, want unheeded", got)
	}
	p.acked(late)
	if got, _ := p.check(due, due); got != alive {
		t.Fatalf("a late answer was not accepted: %v", got)
	}
}

// Statements: G-026.
func TestRequestedBeatNearTheTimerIsNoMissedAnswer(t *testing.T) {
	p, now := newTestPulse(0)
	p.sent(now, HeartbeatTimed)
	p.acked(now.Add(time.Millisecond))
	due := now.Add(usualInterval)
	p.requested()
	p.sent(due.Add(-time.Millisecond), HeartbeatRequested)
	if got, _ := p.check(due, due); got != alive {
		t.Fatalf("%v, want alive", got)
	}
}

// A slow link gets more patience, up to ten seconds until it is suspect, and is
// asked sooner by as much: silence ends as early as on a fast one. No patience
// is above the ceiling of rule 4.
func TestPatienceFollowsTheRoundTrip(t *testing.T) {
	for _, c := range []struct{ rtt, suspect, dead, probe time.Duration }{
		{100 * time.Millisecond, 5 * time.Second, 9500 * time.Millisecond, 15 * time.Second},
		{time.Second, 8 * time.Second, 11 * time.Second, 13500 * time.Millisecond},
		{2 * time.Second, 10 * time.Second, 15 * time.Second, 9500 * time.Millisecond},
		{30 * time.Second, 10 * time.Second, 15 * time.Second, 9500 * time.Millisecond},
	} {
		p, now := newTestPulse(0)
		p.sent(now, HeartbeatTimed)
		p.acked(now.Add(c.rtt))
		if s, d := p.patience(); s != c.suspect || d != c.dead {
			t.Errorf("after a round trip of %s: patience %s, %s, want %s, %s", c.rtt, s, d, c.suspect, c.dead)
		}
		if at := p.probeAfter(); at != c.probe {
			t.Errorf("after a round trip of %s: asked after %s, want %s", c.rtt, at, c.probe)
		}
		p.timing.HeartbeatTimeout = 4 * time.Second
		if s, d := p.patience(); s != 4*time.Second || d != 4*time.Second {
			t.Errorf("patience %s, %s: want the ceiling", s, d)
		}
	}
	p, now := newTestPulse(0)
	p.timing.SilenceProbe = 6 * time.Second
	p.sent(now, HeartbeatTimed)
	p.acked(now.Add(2 * time.Second))
	if at := p.probeAfter(); at != 3*time.Second {
		t.Errorf("asked after %s: want no less than half of what was set", at)
	}
}

// Statements: G-099.
func TestRequestedBeatsHaveABudget(t *testing.T) {
	p, now := newTestPulse(0.5)
	for i := range 200 {
		p.requested()
		at := now.Add(time.Duration(i) * time.Millisecond)
		if kind, due := p.due(at, at); due {
			p.sent(at, kind)
			p.acked(at)
		}
	}
	if n := len(p.recent); n != beatBudget(usualInterval) {
		t.Errorf("%d beats in a moment, want the budget of %d", n, beatBudget(usualInterval))
	}
	if th := newThrottle(usualInterval); th.budget+beatBudget(usualInterval) > sendLimit-2 {
		t.Errorf("sends (%d) and beats (%d) together exceed Discord's limit", th.budget, beatBudget(usualInterval))
	}
	if th := newThrottle(500 * time.Millisecond); th.budget < 1 {
		t.Error("a short interval leaves no sends at all")
	}
}

// A connection that beats for days keeps no more of its beats than the limits count,
// and makes no new room for each.
func TestPulseForgets(t *testing.T) {
	p, now := newTestPulse(0)
	most := 0
	round := func() {
		now = now.Add(15 * time.Second)
		p.sent(now, HeartbeatProbe)
		if _, ok := p.acked(now.Add(40 * time.Millisecond)); !ok {
			t.Fatal("an answer found no beat")
		}
		most = max(most, len(p.recent), len(p.unacked))
	}
	for range 3 * 24 * 240 {
		round()
	}
	if most > 5 {
		t.Errorf("%d beats are remembered", most)
	}
	if each := testing.AllocsPerRun(1000, round); each != 0 {
		t.Errorf("a beat and its answer cost %v allocations", each)
	}
}
