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
		h.recordSent(answerWait{since: at}, heartbeatRegular)
		h.recordACK(at.Add(40*time.Millisecond), 0)
		// Probes and requested ones in between must not move the next one.
		h.recordSent(answerWait{since: at.Add(15 * time.Second)}, heartbeatProbe)
		h.recordACK(at.Add(15*time.Second+40*time.Millisecond), 0)
	}
}

// A heartbeat carries the highest number that has come, and null before the first.
// Statements: G-019, G-020.
func TestHeartbeatCarriesTheHighestNumber(t *testing.T) {
	for seq, want := range map[int64]string{0: `{"op":1,"d":null}`, 1: `{"op":1,"d":1}`, 9007199254740991: `{"op":1,"d":9007199254740991}`} {
		if got := string(heartbeatPayload(seq)); got != want {
			t.Errorf("after number %d: %s, want %s", seq, got, want)
		}
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
	h.recordSent(answerWait{since: at(15 * time.Second)}, heartbeatProbe)
	if kind, due := h.due(at(16*time.Second), heard); due {
		t.Errorf("a heartbeat of kind %d follows while one is unanswered", kind)
	}
	for _, step := range []struct {
		after time.Duration
		want  liveness
	}{{19 * time.Second, alive}, {20 * time.Second, suspect}, {24 * time.Second, suspect}, {24500 * time.Millisecond, noBytes}} {
		if got, _ := h.liveness(at(step.after), heard, 0); got != step.want {
			t.Errorf("after %v: %v, want %v", step.after, got, step.want)
		}
	}
}

// While a huge message trickles in, its bytes excuse the late answer; the next
// regular heartbeat does not.
// Statements: G-024, G-025.
func TestBytesExcuseALateAnswer(t *testing.T) {
	h, now := newTestHeartbeats(0)
	h.recordSent(answerWait{since: now}, heartbeatRegular)
	late := now.Add(40 * time.Second)
	if got, _ := h.liveness(late, late.Add(-time.Second), 0); got != alive {
		t.Fatalf("bytes arrive, yet %v", got)
	}
	due := now.Add(testInterval)
	if got, _ := h.liveness(due, due, 0); got != noACK {
		t.Fatalf("unanswered until the next heartbeat: %v, want noACK", got)
	}
	h.recordACK(late, 0)
	if got, _ := h.liveness(due, due, 0); got != alive {
		t.Fatalf("a late answer was not accepted: %v", got)
	}
}

// While a message comes in, a heartbeat that is behind it has neither the time of the ceiling
// nor that to the next regular heartbeat against it. What came in before it was sent does
// not excuse it, and silence ends the connection as soon as ever.
func TestReceivingExcusesALateAnswer(t *testing.T) {
	const before = time.Minute // of receiving, when the heartbeat was sent
	for _, c := range []struct {
		name      string
		age       time.Duration // of the heartbeat
		receiving time.Duration // since the heartbeat
		quiet     time.Duration // since the last byte
		want      liveness
	}{
		{"behind a message past the next regular heartbeat", testInterval, 20 * time.Second, 0, alive},
		{"behind nothing past the next regular heartbeat", testInterval, 0, 0, noACK},
		{"behind a message past the ceiling", 65 * time.Second, 64 * time.Second, 0, alive},
		{"long behind a message", testInterval + 65*time.Second, 65 * time.Second, 0, noACK},
		{"behind a message without end", 11 * time.Minute, 11 * time.Minute, 0, noACK},
		{"behind a message that stopped", 50 * time.Second, 41 * time.Second, 5 * time.Second, suspect},
		{"behind a message that stopped for good", 50 * time.Second, 41 * time.Second, 9500 * time.Millisecond, noBytes},
	} {
		h, now := newTestHeartbeats(0)
		h.recordSent(answerWait{now, before}, heartbeatRegular)
		at := now.Add(c.age)
		if got, _ := h.liveness(at, at.Add(-c.quiet), before+c.receiving); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Whatever has been received, the shard looks at the connection again when its liveness may
// have changed, not later and not all the time.
func TestLivenessIsLookedAtInTime(t *testing.T) {
	for _, receiving := range []time.Duration{0, 3 * time.Second, 30 * time.Second, 11 * time.Minute} {
		for _, heard := range []time.Duration{0, 20 * time.Second, 59 * time.Second, 13 * time.Minute} {
			h, now := newTestHeartbeats(0)
			h.recordSent(answerWait{since: now}, heartbeatProbe) // the ceiling alone bounds its answer
			lastByte := now.Add(heard)
			looks := 0
			for at := lastByte; looks <= 50; looks++ {
				next := h.nextCheck(at, lastByte, receiving)
				state, _ := h.liveness(at, lastByte, receiving)
				if state >= noBytes {
					break
				}
				if !next.After(at) {
					next = at.Add(time.Millisecond) // a regular heartbeat is due; it moves on
					for kind, due := h.due(at, lastByte); due; kind, due = h.due(at, lastByte) {
						h.recordSent(answerWait{at, receiving}, kind)
					}
				}
				for between := at; between.Before(next); between = between.Add(50 * time.Millisecond) {
					if got, _ := h.liveness(between, lastByte, receiving); got != state {
						t.Fatalf("received for %s, heard after %s: %v after %s, but looked at after %s", receiving, heard, got, between.Sub(now), next.Sub(now))
					}
				}
				at = next
			}
			if looks > 50 {
				t.Errorf("received for %s, heard after %s: looked at %d times", receiving, heard, looks)
			}
		}
	}
}

// Statements: G-026.
func TestRequestedHeartbeatNearTheTimerIsNoMissedAnswer(t *testing.T) {
	h, now := newTestHeartbeats(0)
	h.recordSent(answerWait{since: now}, heartbeatRegular)
	h.recordACK(now.Add(time.Millisecond), 0)
	due := now.Add(testInterval)
	h.recordRequest()
	h.recordSent(answerWait{since: due.Add(-time.Millisecond)}, heartbeatRequested)
	if got, _ := h.liveness(due, due, 0); got != alive {
		t.Fatalf("%v, want alive", got)
	}
}

// The answer to a regular heartbeat has to come before the next one is due. That to any other
// may take as long as the ceiling allows, however old it is by then.
func TestOnlyARegularHeartbeatIsOverdue(t *testing.T) {
	for kind, want := range map[heartbeatKind]liveness{heartbeatRegular: noACK, heartbeatRequested: alive, heartbeatProbe: alive} {
		h, now := newTestHeartbeats(0)
		h.recordSent(answerWait{since: now.Add(time.Second)}, kind)
		h.nextRegular = now.Add(testInterval)
		if got, _ := h.liveness(h.nextRegular, h.nextRegular, 0); got != want {
			t.Errorf("kind %d: %v, want %v", kind, got, want)
		}
	}
}

// A regular heartbeat is also the one that Discord asked for meanwhile.
func TestRegularHeartbeatAnswersTheRequest(t *testing.T) {
	h, now := newTestHeartbeats(0.5)
	h.recordRequest()
	h.recordSent(answerWait{since: now.Add(testInterval / 2)}, heartbeatRegular)
	after := now.Add(testInterval/2 + time.Millisecond)
	if kind, due := h.due(after, after); due {
		t.Errorf("one of kind %d follows", kind)
	}
}

// A regular heartbeat that leaves late does not put off the next one. After a stall of more
// than an interval the missed ones are not made up for, and the next comes an interval later.
func TestLateHeartbeatsAreNotMadeUpFor(t *testing.T) {
	for late, next := range map[time.Duration]time.Duration{
		0:                            testInterval,
		time.Second:                  testInterval,
		testInterval:                 2 * testInterval,
		3*testInterval + time.Second: 4*testInterval + time.Second,
	} {
		h, now := newTestHeartbeats(0)
		h.recordSent(answerWait{since: now.Add(late)}, heartbeatRegular)
		if got := h.nextRegular.Sub(now); got != next {
			t.Errorf("after one that is %s late the next is due at %s, want %s", late, got, next)
		}
	}
}

// A quiet connection is looked at when it is to be probed, and where it is not to be
// probed, when a regular heartbeat is due.
func TestQuietConnectionIsLookedAtWhenItIsToBeProbed(t *testing.T) {
	h, now := newTestHeartbeats(0.99)
	if next := h.nextCheck(now, now, 0); !next.Equal(now.Add(15 * time.Second)) {
		t.Errorf("looked at after %s, want 15 s", next.Sub(now))
	}
	h.timing.SilenceProbe = Never
	if next := h.nextCheck(now, now, 0); !next.Equal(h.nextRegular) {
		t.Errorf("without a probe looked at after %s, want %s", next.Sub(now), h.nextRegular.Sub(now))
	}
}

// Patience follows the slowest of the last eight round trips. An answer that spent most of
// its time behind a message is none of them.
func TestPatienceRemembersEightRoundTrips(t *testing.T) {
	h, now := newTestHeartbeats(0)
	answer := func(rtt, receiving time.Duration) {
		h.recordSent(answerWait{since: now}, heartbeatProbe)
		now = now.Add(rtt)
		if _, ok := h.recordACK(now, receiving); !ok {
			t.Fatal("an answer found no heartbeat")
		}
	}
	patience := func(after string, want time.Duration) {
		t.Helper()
		if got, _ := h.timeouts(); got != want {
			t.Errorf("after %s: %s, want %s", after, got, want)
		}
	}
	answer(time.Second, 600*time.Millisecond)
	patience("an answer behind a message", 5*time.Second)
	answer(time.Second, 500*time.Millisecond)
	patience("a slow answer", 8*time.Second)
	for range 7 {
		answer(40*time.Millisecond, 0)
	}
	patience("seven quick ones", 8*time.Second)
	answer(40*time.Millisecond, 0)
	patience("eight quick ones", 5*time.Second)
}

// Of a minute's payloads heartbeats get what the interval takes, two at its ends and twenty
// that Discord may ask for; five are always left for IDENTIFY, RESUME and presences.
func TestHeartbeatBudget(t *testing.T) {
	for interval, want := range map[time.Duration]int{10 * time.Minute: 22, time.Minute: 23, testInterval: 23, 10 * time.Second: 28, 500 * time.Millisecond: 115} {
		if got := heartbeatBudget(interval); got != want {
			t.Errorf("with an interval of %s: %d, want %d", interval, got, want)
		}
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
		h.recordSent(answerWait{since: now}, heartbeatRegular)
		h.recordACK(now.Add(c.rtt), 0)
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
	h.recordSent(answerWait{since: now}, heartbeatRegular)
	h.recordACK(now.Add(2*time.Second), 0)
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
			h.recordSent(answerWait{since: at}, kind)
			h.recordACK(at, 0)
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
		h.recordSent(answerWait{since: now}, heartbeatProbe)
		if _, ok := h.recordACK(now.Add(40*time.Millisecond), 0); !ok {
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

// A heartbeat that was asked for is due at once, and beyond the budget as soon as the oldest
// of the last minute no longer counts.
func TestRequestedHeartbeatIsLookedAtWhenItMayLeave(t *testing.T) {
	h, now := newTestHeartbeats(0.99)
	h.recordRequest()
	if next := h.nextCheck(now, now, 0); !next.Equal(now) {
		t.Errorf("looked at after %s, want at once", next.Sub(now))
	}
	for h.withinBudget(now) {
		h.recordSent(answerWait{since: now}, heartbeatProbe)
		h.recordACK(now, 0)
	}
	h.recordRequest()
	h.nextRegular = now.Add(time.Hour)
	later := now.Add(50 * time.Second)
	if next := h.nextCheck(later, later, 0); !next.Equal(now.Add(time.Minute)) {
		t.Errorf("beyond the budget looked at after %s, want a minute", next.Sub(now))
	}
}
