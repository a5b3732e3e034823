package judge

import (
	"testing"
	"time"

	"evergreen/discordsim"
)

// Given timers of the judge that fired late, then that much lateness is explained, within
// the time that is asked about and no more.
func TestLoadExplainsLateness(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	m := &loadMeter{}
	m.note(at(0), at(negligibleDelay/2))
	m.note(at(time.Second), at(1400*time.Millisecond))
	m.note(at(5*time.Second), at(6*time.Second))
	for _, c := range []struct{ from, to, want time.Duration }{
		{0, time.Second, 0}, {0, 2 * time.Second, 400 * time.Millisecond}, {1200 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
		{0, 10 * time.Second, 1400 * time.Millisecond}, {5500 * time.Millisecond, 5600 * time.Millisecond, 100 * time.Millisecond}, {7 * time.Second, 8 * time.Second, 0},
	} {
		if got := m.between(at(c.from), at(c.to)); got != c.want {
			t.Errorf("between %s and %s: %s, want %s", c.from, c.to, got, c.want)
		}
	}
}

// Given a heartbeat that came 400 ms late, then it is a breach where the judge was in time,
// and none where the judge was as late itself.
func TestLateHeartbeatIsExcusedByLoad(t *testing.T) {
	start := time.Unix(1000, 0)
	var beats []discordsim.Frame
	for _, d := range []time.Duration{0, firstInterval, 2*firstInterval + 400*time.Millisecond} {
		beats = append(beats, discordsim.Frame{At: start.Add(d), Op: opHeartbeat, Client: &discordsim.ClientPayload{}})
	}
	for _, busy := range []bool{false, true} {
		e := &evidence{start: start, until: start.Add(time.Minute), load: &loadMeter{}, conns: []discordsim.ConnLog{{ID: 1, Opened: start, Frames: beats}}}
		if busy {
			e.load.note(start.Add(2*firstInterval), start.Add(2*firstInterval+400*time.Millisecond))
		}
		for _, f := range e.findings() {
			if f.Statement == "G-017" && (f.Verdict == Broken) == busy {
				t.Errorf("busy %t: the verdict is %s", busy, f.Verdict)
			}
		}
	}
}

// Given a heartbeat that came late, when the next comes in its time, then the bot is not blamed
// for the interval of an earlier HELLO.
func TestHeartbeatThatCatchesUp(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		gaps []time.Duration
		want Verdict
	}{
		{[]time.Duration{nextInterval, 2*nextInterval - 300*time.Millisecond, 300 * time.Millisecond, nextInterval}, Kept},
		{[]time.Duration{nextInterval, firstInterval, firstInterval}, Broken},
	} {
		conn, at := discordsim.ConnLog{ID: 1, Opened: start}, start
		for _, gap := range append(c.gaps, 0) {
			conn.Frames = append(conn.Frames, discordsim.Frame{At: at, Op: opHeartbeat, Client: &discordsim.ClientPayload{}})
			at = at.Add(gap)
		}
		e := &evidence{start: start, until: start.Add(time.Minute), changed: start.Add(-1), load: &loadMeter{}, conns: []discordsim.ConnLog{conn}}
		for _, f := range e.findings() {
			if f.Statement == "G-018" && f.Verdict != c.want {
				t.Errorf("%v: %s, want %s: %v", c.gaps, f.Verdict, c.want, f.Evidence)
			}
		}
	}
}
