package health

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
)

// runMonitor runs a monitor over a tracker until the test's virtual time ends.
func runMonitor(t *testing.T, tracker *Tracker, o MonitorOptions) (*Monitor, *testLog) {
	t.Helper()
	p := &testLog{}
	o.Snapshot, o.Log = tracker.Snapshot, slog.New(p)
	m := NewMonitor(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return m, p
}

// observe reports to a tracker at the virtual time.
func observe(tracker *Tracker, what ...gateway.ShardEvent) {
	for _, w := range what {
		tracker.Observe(gateway.Observation{At: time.Now(), Event: w})
	}
}

// comeUp and goDown are the least that makes a bot come and go.
func comeUp(tracker *Tracker) {
	observe(tracker, gateway.Transition{From: gateway.Idle{}, To: gateway.Live{}}, gateway.Resumed{Gap: time.Second})
}

func goDown(tracker *Tracker) {
	observe(tracker, gateway.Disconnected{Reason: gateway.Reason{Kind: gateway.ReasonDNS}, LastByte: time.Now(), Session: true},
		gateway.Transition{From: gateway.Live{}, To: gateway.Connecting{Resuming: true}, Reason: gateway.Reason{Kind: gateway.ReasonDNS}})
}

// beatFor keeps a bot answering.
func beatFor(tracker *Tracker, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(40*time.Second, time.Until(end)))
		observe(tracker, gateway.HeartbeatACK{Latency: 45 * time.Millisecond})
	}
}

const noDNS = "the name of Discord's gateway did not resolve; connecting to resume"

// Given a bot that goes offline nineteen minutes after the start, when it stays
// away, then every check counts a failure, the warning comes at the first check
// after half an hour and again no sooner than half an hour later, and the
// return is told and resets the count.
func TestMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(Options{})
		m, p := runMonitor(t, tracker, MonitorOptions{})
		comeUp(tracker)
		if m.Last() != (Check{}) {
			t.Errorf("before the first check: %+v", m.Last())
		}
		beatFor(tracker, 19*time.Minute)
		if got := p.read(true); got != "DEBUG Health check: connected reason=connected, and Discord answers latency=45 ms guilds=0" {
			t.Errorf("the log says %s", got)
		}
		if c := m.Last(); !c.OK || c.Failures != 0 || c.At.IsZero() {
			t.Errorf("got %+v", c)
		}
		goDown(tracker)
		time.Sleep(2 * time.Minute) // 21 min after the start
		p.expects(t, "INFO Health check: not connected times_in_a_row=1 reason="+noDNS)
		time.Sleep(20 * time.Minute)
		p.expects(t, "INFO Health check: not connected times_in_a_row=2 reason="+noDNS, "INFO Health check: not connected times_in_a_row=3 reason="+noDNS)
		time.Sleep(10 * time.Minute)
		do := ` do=` + Lookup(DNSFailure).Do
		p.expects(t, "WARN Bot has been offline for 31.0 minutes: "+noDNS+do)
		time.Sleep(30 * time.Minute)
		p.expects(t, "INFO Health check: not connected times_in_a_row=5 reason="+noDNS, "INFO Health check: not connected times_in_a_row=6 reason="+noDNS,
			"WARN Bot has been offline for 61.0 minutes: "+noDNS+do)
		if c := m.Last(); c.OK || c.Failures != 7 || c.Reason.String() != noDNS {
			t.Errorf("got %+v", c)
		}
		comeUp(tracker)
		beatFor(tracker, 10*time.Minute)
		p.expects(t, "INFO Health check: connected again failed_checks=7")
		if c := m.Last(); !c.OK || c.Failures != 0 {
			t.Errorf("got %+v", c)
		}
		// The next outage is a new one: its warning does not wait for the last.
		goDown(tracker)
		time.Sleep(41 * time.Minute)
		if got := p.read(false); strings.Count(got, "WARN Bot has been offline") != 1 {
			t.Errorf("the log says %s", got)
		}
	})
}

// A bot that was never online is offline since the start.
func TestMonitorFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := runMonitor(t, NewTracker(Options{}), MonitorOptions{Interval: time.Minute, OfflineAfter: 150 * time.Second})
		time.Sleep(3*time.Minute + time.Second)
		p.expects(t, "INFO Health check: not connected times_in_a_row=1 reason=no shard has reported yet",
			"INFO Health check: not connected times_in_a_row=2 reason=no shard has reported yet",
			"WARN Bot has been offline for 3.0 minutes: no shard has reported yet")
	})
}

// The warning can be switched off; the checks go on.
func TestMonitorWithoutWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := runMonitor(t, NewTracker(Options{}), MonitorOptions{Interval: time.Minute, OfflineAfter: -1})
		time.Sleep(24*time.Hour + time.Second)
		if n := strings.Count(p.read(true), "WARN"); n != 0 || m.Last().Failures != 24*60 {
			t.Errorf("%d warnings, %+v", n, m.Last())
		}
	})
}

// A bot that is connected but does not work is a warning, not a failed check.
func TestMonitorOfABotThatDoesNotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(Options{})
		m, p := runMonitor(t, tracker, MonitorOptions{})
		comeUp(tracker)
		observe(tracker, gateway.QueueFull{})
		beatFor(tracker, 10*time.Minute+time.Second)
		p.expects(t, "WARN Health check: connected, but not working reason=the event queue is full; further events wait at Discord until the handlers catch up")
		if !m.Last().OK {
			t.Errorf("got %+v", m.Last())
		}
	})
}

// A bot that is being stopped is away because it was asked to be.
func TestMonitorOfAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker(Options{})
		m, p := runMonitor(t, tracker, MonitorOptions{})
		comeUp(tracker)
		observe(tracker, gateway.Transition{From: gateway.Live{}, To: gateway.Stopped{}, Reason: gateway.Reason{Kind: gateway.ReasonStop}})
		time.Sleep(24 * time.Hour)
		if got := p.read(true); got != "" || m.Last() != (Check{}) {
			t.Errorf("the log says %s", got)
		}
	})
}
