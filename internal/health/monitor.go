package health

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// MonitorOptions configures a [Monitor]. Snapshot is required.
type MonitorOptions struct {
	// Snapshot tells how the bot is, such as [Tracker.Snapshot].
	Snapshot func() Snapshot
	// Log takes the lines. Default: none are written.
	Log *slog.Logger
	// Interval is the time between two checks. Default 10 min.
	Interval time.Duration
	// OfflineAfter is how long the bot has to be offline before the monitor
	// warns, and the least time between two warnings. Default 30 min; negative:
	// never.
	OfflineAfter time.Duration
}

// Monitor is the slow outer ring: every few minutes it looks whether the bot is
// connected, counts how often in a row it was not, and warns when that has gone
// on for long. It mends nothing; the gateway, which sees trouble within
// seconds, does.
type Monitor struct {
	opts MonitorOptions

	mu     sync.Mutex
	last   Check
	warned time.Time // when the warning was last given in this outage
}

// Check is what a [Monitor] saw last.
type Check struct {
	// At is when it looked; zero before the first time.
	At time.Time
	// OK is whether the bot was connected.
	OK bool
	// Failures is how often in a row it was not.
	Failures int
	Reason   Message
}

// NewMonitor makes a monitor. It looks at nothing before [Monitor.Run].
func NewMonitor(o MonitorOptions) *Monitor {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Minute
	}
	if o.OfflineAfter == 0 {
		o.OfflineAfter = 30 * time.Minute
	}
	return &Monitor{opts: o}
}

// Run checks every interval until ctx ends. Call it once.
func (m *Monitor) Run(ctx context.Context) error {
	ticker := time.NewTicker(m.opts.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			m.check()
		}
	}
}

// Last returns what was seen at the last check.
func (m *Monitor) Last() Check {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// check looks once.
func (m *Monitor) check() {
	s := m.opts.Snapshot()
	if s.Status == Stopping {
		return // it is away because it was asked to be
	}
	m.mu.Lock()
	said := m.judge(s)
	m.mu.Unlock()
	m.opts.Log.LogAttrs(context.Background(), said.level, said.text, said.attrs...)
}

// tolerance is how much earlier than due a repeated warning may come, because
// no two checks are exactly an interval apart.
const tolerance = time.Second

// judge notes what was seen and puts it into words.
func (m *Monitor) judge(s Snapshot) line {
	before := m.last.Failures
	m.last = Check{At: s.At, OK: s.Ready && s.Connected, Reason: s.Reason}
	if m.last.OK {
		m.warned = time.Time{}
		switch {
		case !s.Work.OK:
			return warn("Health check: %s", s.Reason)
		case before > 0:
			return info("Health check: connected again after %s", count(before, "failed check"))
		}
		l := debug("Health check: %s", s.Reason)
		l.attrs = []slog.Attr{slog.String("latency", span(s.Latency.Last)), slog.Int("guilds", s.Guilds)}
		return l
	}
	m.last.Failures = before + 1
	offline := s.At.Sub(s.OfflineSince)
	due := m.warned.IsZero() || s.At.Sub(m.warned) >= m.opts.OfflineAfter-tolerance
	if m.opts.OfflineAfter < 0 || s.OfflineSince.IsZero() || offline <= m.opts.OfflineAfter || !due {
		return info("Health check: not connected, %s in a row: %s", count(m.last.Failures, "failure"), s.Reason)
	}
	m.warned = s.At
	l := warn("Bot has been offline for %.1f minutes: %s", offline.Minutes(), s.Reason)
	if s.Remedy != (Message{}) {
		l.attrs = []slog.Attr{slog.String("do", s.Remedy.String())}
	}
	return l
}
