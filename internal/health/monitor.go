package health

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// The defaults of [MonitorOptions].
const (
	DefaultMonitorInterval = 10 * time.Minute
	DefaultOfflineAfter    = 30 * time.Minute
)

// Never switches a duration of an options struct off.
const Never = -1

// MonitorOptions configures a [Monitor]. Snapshot is required.
type MonitorOptions struct {
	// Snapshot returns how the bot is, such as [Tracker.Snapshot].
	Snapshot func() Snapshot
	// Log takes the lines. Default: none are written.
	Log *slog.Logger
	// Interval is the time between two checks. Default 10 min.
	Interval time.Duration
	// OfflineAfter is how long the bot has to be offline before the monitor warns,
	// and the least time between two warnings. Default 30 min; [Never]: no warning.
	OfflineAfter time.Duration
}

// Monitor checks every few minutes whether the bot is connected, counts how often
// in a row it was not, and warns when that has gone on for long. It mends nothing;
// the gateway, which notices trouble within seconds, does.
type Monitor struct {
	opts MonitorOptions

	mu     sync.Mutex
	last   Check
	warned time.Time // the last warning about being offline, see [Snapshot.Steady]; zero while connected
}

// Check is one check of a [Monitor].
type Check struct {
	// At is when it was made; zero before the first.
	At time.Time
	// OK is whether the bot was connected.
	OK bool
	// Failures is how often in a row it was not.
	Failures int
	Reason   Message
}

// NewMonitor returns a monitor that checks once [Monitor.Run] is called.
func NewMonitor(o MonitorOptions) *Monitor {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Interval <= 0 {
		o.Interval = DefaultMonitorInterval
	}
	if o.OfflineAfter == 0 {
		o.OfflineAfter = DefaultOfflineAfter
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

// Last returns the last check.
func (m *Monitor) Last() Check {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

func (m *Monitor) check() {
	s := m.opts.Snapshot()
	if s.Status == Stopping {
		return
	}
	m.mu.Lock()
	out := m.record(s)
	m.mu.Unlock()
	m.opts.Log.LogAttrs(context.Background(), out.level, out.says, out.attrs...)
}

// tolerance is how much earlier than due a repeated warning may come, because two
// checks are never exactly an interval apart.
const tolerance = time.Second

// record keeps what was seen and returns its log line.
func (m *Monitor) record(s Snapshot) line {
	before := m.last.Failures
	m.last = Check{At: s.At, OK: s.Ready && s.Connected, Reason: s.Reason}
	why := slog.String("reason", s.Reason.String())
	if m.last.OK {
		m.warned = time.Time{}
		switch {
		case !s.Work.OK:
			return warn("Health check: connected, but not working", slog.String("reason", s.Work.Reason.String()))
		case before > 0:
			return info("Health check: connected again", slog.Int("failed_checks", before))
		}
		return debug("Health check: connected", why, duration("latency", s.Latency.Last), slog.Int("guilds", s.Guilds))
	}
	m.last.Failures = before + 1
	offline := s.At.Sub(s.OfflineSince)
	due := m.warned.IsZero() || s.Steady(s.At).Sub(m.warned) >= m.opts.OfflineAfter-tolerance
	if m.opts.OfflineAfter < 0 || s.OfflineSince.IsZero() || offline <= m.opts.OfflineAfter || !due {
		return info("Health check: not connected", slog.Int("times_in_a_row", m.last.Failures), why)
	}
	m.warned = s.Steady(s.At)
	// People search for this line in these words.
	out := warn(fmt.Sprintf("Bot has been offline for %.1f minutes: %s", offline.Minutes(), s.Reason))
	if s.Remedy != (Message{}) {
		out.attrs = append(out.attrs, slog.String("do", s.Remedy.String()))
	}
	return out
}
