// Package sdnotify tells systemd how the bot is, by the sd_notify protocol.
//
// READY=1 is sent when the bot runs, not when it is online: a start while Discord
// is down is not a failed start. STATUS= is the status of package health.
// WATCHDOG=1 is sent only while every shard makes progress, so that systemd
// restarts a program that hangs, and not one that waits for Discord or a person.
package sdnotify

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/text"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Shard is the part of [gateway.Shard] that is watched.
type Shard interface {
	State() gateway.State
	Stats() gateway.Stats
}

// Options configures a [Notifier]. Snapshot and Shards are required.
type Options struct {
	Snapshot func() health.Snapshot
	// Shards returns the current shards.
	Shards func() []Shard
	// Logger takes lines about shards that hang. Default: none are written.
	Logger *slog.Logger
	// Send delivers a message; ok is false if no service manager listens. Default:
	// to systemd.
	Send func(message string) (ok bool, err error)
	// Watchdog is how long the service manager waits for WATCHDOG=1. Default:
	// WATCHDOG_USEC; negative: there is no watchdog.
	Watchdog time.Duration
}

// Notifier sends messages to the service manager. Call [Notifier.Run] once.
type Notifier struct {
	opts        Options
	interval    time.Duration
	hasWatchdog bool // there is a watchdog
	progress    map[Shard]*shardProgress
	status      string
	sent        struct{ stopping, stuck bool }
}

// updateInterval is the time between two updates; a quarter of the watchdog's time
// if that is shorter.
const updateInterval = 2 * time.Second

// New returns a Notifier that sends nothing before [Notifier.Run].
func New(o Options) *Notifier {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Send == nil {
		o.Send = send
	}
	if o.Watchdog == 0 {
		o.Watchdog, _ = daemon.SdWatchdogEnabled(false) // a malformed value counts as none
	}
	n := &Notifier{opts: o, interval: updateInterval, progress: map[Shard]*shardProgress{}, hasWatchdog: o.Watchdog > 0}
	if n.hasWatchdog {
		n.interval = min(n.interval, max(o.Watchdog/4, 10*time.Millisecond))
	}
	return n
}

// Run sends READY=1, then the status and the watchdog until ctx ends. It returns at
// once if no service manager listens.
func (n *Notifier) Run(ctx context.Context) {
	if ok, err := n.opts.Send(daemon.SdNotifyReady); !ok {
		if err != nil {
			n.opts.Logger.Warn("The service manager cannot be told that the bot has started", "error", err)
		}
		return
	}
	ticker := time.NewTicker(n.interval)
	defer ticker.Stop()
	for {
		n.update()
		select {
		case <-ctx.Done():
			n.sendStopping()
			return
		case <-ticker.C:
		}
	}
}

// update sends the status if it has changed, and WATCHDOG=1.
func (n *Notifier) update() {
	snap := n.opts.Snapshot()
	if snap.Status == health.Stopping {
		n.sendStopping()
	}
	if says := oneLine(snap.Sentence()); says != n.status {
		n.status = says
		n.send("STATUS=" + says)
	}
	if n.allMoving() && n.hasWatchdog {
		n.send(daemon.SdNotifyWatchdog)
	}
}

// sendStopping sends STOPPING=1 once.
func (n *Notifier) sendStopping() {
	if !n.sent.stopping {
		n.sent.stopping = true
		n.send(daemon.SdNotifyStopping)
	}
}

// sendTimeout is how long systemd may take to take a message. Its queue is full while it
// hangs, and daemon.SdNotify would wait there for ever, and a stop with it.
const sendTimeout = time.Second

// send sends a message to the socket that NOTIFY_SOCKET names, if there is one.
func send(message string) (ok bool, err error) {
	to := os.Getenv("NOTIFY_SOCKET")
	if to == "" {
		return false, nil
	}
	conn, err := net.Dial("unixgram", to)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return false, err
	}
	if _, err := io.WriteString(conn, message); err != nil {
		return false, err
	}
	return true, nil
}

// send delivers a message. A lost one does no harm: others follow.
func (n *Notifier) send(message string) { _, _ = n.opts.Send(message) }

// allMoving reports whether every shard makes progress.
func (n *Notifier) allMoving() bool {
	all := true
	seen := map[Shard]*shardProgress{}
	for _, s := range n.opts.Shards() {
		m := n.progress[s]
		if m == nil {
			m = &shardProgress{}
		}
		seen[s] = m
		if unchanged, moves := m.update(s, n.interval); !moves {
			all = false
			if !n.sent.stuck {
				n.sent.stuck = true
				n.opts.Logger.Error("A shard hangs; the watchdog is not fed any more", "for", unchanged.String(), "state", s.State().String())
			}
		}
	}
	n.progress = seen
	if all && n.sent.stuck {
		n.sent.stuck = false
		n.opts.Logger.Info("All shards make progress again; the watchdog is fed again")
	}
	return all
}

// shardProgress is what a shard's progress is measured by.
type shardProgress struct {
	state  gateway.State
	checks int64
	dials  int64
	// unchangedFor is for how long nothing has changed. It counts updates, because
	// they stop too while the process or its host is suspended.
	unchangedFor time.Duration
}

// A shard may make no progress for as long as these: with a connection it checks it
// every five seconds, a dial has deadlines, and a wait has an end.
const (
	connectedLimit = 30 * time.Second
	dialLimit      = 90 * time.Second
	overdueLimit   = time.Minute
)

// update compares the shard with the last update, and reports whether it makes
// progress.
func (m *shardProgress) update(s Shard, every time.Duration) (time.Duration, bool) {
	state, stats := s.State(), s.Stats()
	if !equalStates(state, m.state) || stats.Checks != m.checks || stats.Dials != m.dials {
		*m = shardProgress{state: state, checks: stats.Checks, dials: stats.Dials}
		return 0, true
	}
	m.unchangedFor += every
	limit := time.Duration(0) // none
	switch w := state.(type) {
	case gateway.Live, gateway.Suspect, gateway.Moving, gateway.Identifying, gateway.Resuming, gateway.Draining:
		limit = connectedLimit
	case gateway.Connecting:
		limit = dialLimit
	case gateway.Waiting:
		// Without a time it waits for its turn to identify.
		if !w.Until.IsZero() && time.Since(w.Until) > 0 {
			limit = overdueLimit
		}
	}
	return m.unchangedFor, limit == 0 || m.unchangedFor < limit
}

// equalStates compares two states. Of [gateway.Parked] the reason, which may hold an
// error that cannot be compared, makes no difference.
func equalStates(a, b gateway.State) bool {
	_, first := a.(gateway.Parked)
	_, second := b.(gateway.Parked)
	if first || second {
		return first && second
	}
	return a == b
}

// maxStatus is the length at which a status is cut, in bytes.
const maxStatus = 300

// oneLine makes text fit for a status.
func oneLine(s string) string {
	return cmp.Or(text.Clip(text.OneLine(s), maxStatus), "unknown")
}
