package gateway

import (
	"testing"
	"time"
)

const testInterval = 41250 * time.Millisecond

func newTestHeartbeats(jitter float64) (*heartbeats, time.Time) {
	o := Options{}
	setDefaults(&o)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return newHeartbeats(o.Timing, testInterval, start, jitter), start
}

// Statements: G-016, G-017.
func TestRegularBeatsKeepTheirRhythm(t *testing.T) {
	p, now := newTestHeartbeats(0.25)
	first := now.Add(testInterval / 4)
	if !p.nextRegular.Equal(first) {
		t.Fatalf("first beat at %v, want a quarter of the interval", p.nextRegular.Sub(now))
	}
	for n := range 5 {
		at := first.Add(time.Duration(n) * testInterval)
		if kind, due := p.due(at, at); !due || kind != heartbeatRegular {
			t.Fatalf("beat %d: due=%v kind=%d", n, due, kind)
		}
		p.recordSent(at, heartbeatRegular)
		p.recordACK(at.Add(40 * time.Millisecond))
		// Probes and requested beats in between must not move the next one.
		p.recordSent(at.Add(15*time.Second), heartbeatProbe)
		p.recordACK(at.Add(15*time.Second + 40*time.Millisecond))
	}
}

// Rule 3: 15 s of silence, a probe, 5 s more and a spare is prepared, under
// 10 s and the connection is given up.
func TestSilenceLadder(t *testing.T) {
	p, now := newTestHeartbeats(0.99)
	heard := now
	at := func(d time.Duration) time.Time { return now.Add(d) }
	if _, due := p.due(at(14*time.Second), heard); due {
		t.Fatal("probed too early")
	}
	kind, due := p.due(at(15*time.Second), heard)
	if !due || kind != heartbeatProbe {
		t.Fatalf("after 15 s: due=%v kind=%d", due, kind)
	}
	p.recordSent(at(15*time.Second), heartbeatProbe)
	for _, step := range []struct {
		after time.Duration
		want  liveness
	}{{19 * time.Second, alive}, {20 * time.Second, suspect}, {24 * time.Second, suspect}, {24500 * time.Millisecond, noBytes}} {
		if got, _ := p.check(at(step.after), heard); got != step.want {
			t.Errorf("after %v: %v, want %v", step.after, got, step.want)
		}
	}
}

// While a huge message trickles in, its bytes excuse the late answer; the next
// regular beat does not.
// Statements: G-024, G-025.
func TestBytesExcuseALateAnswer(t *testing.T) {
	p, now := newTestHeartbeats(0)
	p.recordSent(now, heartbeatRegular)
	late := now.Add(40 * time.Second)
	if got, _ := p.check(late, late.Add(-time.Second)); got != alive {
		t.Fatalf("bytes arrive, yet %v", got)
	}
	due := now.Add(testInterval)
	if got, _ := p.check(due, due); got != noACK {
		t.Fatalf("unanswered until the next beat: %v, want unheeded", got)
	}
	p.recordACK(late)
	if got, _ := p.check(due, due); got != alive {
		t.Fatalf("a late answer was not accepted: %v", got)
	}
}

// Statements: G-026.
func TestRequestedBeatNearTheTimerIsNoMissedAnswer(t *testing.T) {
	p, now := newTestHeartbeats(0)
	p.recordSent(now, heartbeatRegular)
	p.recordACK(now.Add(time.Millisecond))
	due := now.Add(testInterval)
	p.recordRequest()
	p.recordSent(due.Add(-time.Millisecond), heartbeatRequested)
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
		p, now := newTestHeartbeats(0)
		p.recordSent(now, heartbeatRegular)
		p.recordACK(now.Add(c.rtt))
		if s, d := p.timeouts(); s != c.suspect || d != c.dead {
			t.Errorf("after a round trip of %s: patience %s, %s, want %s, %s", c.rtt, s, d, c.suspect, c.dead)
		}
		if at := p.probeAfter(); at != c.probe {
			t.Errorf("after a round trip of %s: asked after %s, want %s", c.rtt, at, c.probe)
		}
		p.timing.HeartbeatTimeout = 4 * time.Second
		if s, d := p.timeouts(); s != 4*time.Second || d != 4*time.Second {
			t.Errorf("patience %s, %s: want the ceiling", s, d)
		}
	}
	p, now := newTestHeartbeats(0)
	p.timing.SilenceProbe = 6 * time.Second
	p.recordSent(now, heartbeatRegular)
	p.recordACK(now.Add(2 * time.Second))
	if at := p.probeAfter(); at != 3*time.Second {
		t.Errorf("asked after %s: want no less than half of what was set", at)
	}
}

// Statements: G-099.
func TestRequestedBeatsHaveABudget(t *testing.T) {
	p, now := newTestHeartbeats(0.5)
	for i := range 200 {
		p.recordRequest()
		at := now.Add(time.Duration(i) * time.Millisecond)
		if kind, due := p.due(at, at); due {
			p.recordSent(at, kind)
			p.recordACK(at)
		}
	}
	if n := len(p.lastMinute); n != heartbeatBudget(testInterval) {
		t.Errorf("%d beats in a moment, want the budget of %d", n, heartbeatBudget(testInterval))
	}
	if th := newSendLimiter(testInterval); th.budget+heartbeatBudget(testInterval) > sendLimit-2 {
		t.Errorf("sends (%d) and beats (%d) together exceed Discord's limit", th.budget, heartbeatBudget(testInterval))
	}
	if th := newSendLimiter(500 * time.Millisecond); th.budget < 1 {
		t.Error("a short interval leaves no sends at all")
	}
}

// A connection that beats for days keeps no more of its beats than the limits count,
// and makes no new room for each.
func TestPulseForgets(t *testing.T) {
	p, now := newTestHeartbeats(0)
	most := 0
	round := func() {
		now = now.Add(15 * time.Second)
		p.recordSent(now, heartbeatProbe)
		if _, ok := p.recordACK(now.Add(40 * time.Millisecond)); !ok {
			t.Fatal("an answer found no beat")
		}
		most = max(most, len(p.lastMinute), len(p.unacked))
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
