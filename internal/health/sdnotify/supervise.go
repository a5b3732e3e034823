// Package sdnotify is at heart the short conversation with whoever watches the
// process from outside: systemd, by its notify protocol.
//
// READY=1 says that the work has begun; not that the bot is online, because a
// start while Discord is down is not a failed start. STATUS= tells how the bot is
// in the words of health. WATCHDOG=1 is only sent while the state machine of
// every shard moves, so that a program that hangs is started anew, and one that
// waits for Discord or for a person is not.
package sdnotify

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/text"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Shard is what is watched: [gateway.Shard] is one.
type Shard interface {
	State() gateway.State
	Stats() gateway.Stats
}

// Options configures a [Notifier]. Snapshot and Shards are required.
type Options struct {
	Snapshot func() health.Snapshot
	// Shards returns the shards there are now.
	Shards func() []Shard
	// Logger is told when the watchdog is no longer fed. Default: nobody.
	Logger *slog.Logger
	// Send delivers a message; ok is false if nobody listens. Default: to systemd.
	Send func(message string) (ok bool, err error)
	// Watchdog is how long the service manager waits for a sign of life. Default:
	// what systemd says; negative, or if it says nothing: it does not.
	Watchdog time.Duration
}

// Notifier talks to the service manager. Make it with [New].
type Notifier struct {
	opts   Options
	every  time.Duration
	fed    bool // there is a watchdog
	watch  map[Shard]*motion
	status string
	said   struct{ stopping, stuck bool }
}

// lookEvery is how often the status is looked at; a short watchdog makes it more
// often.
const lookEvery = 2 * time.Second

// New makes a Notifier that has said nothing yet.
func New(o Options) *Notifier {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Send == nil {
		o.Send = func(message string) (bool, error) { return daemon.SdNotify(false, message) }
	}
	if o.Watchdog == 0 {
		o.Watchdog, _ = daemon.SdWatchdogEnabled(false) // an odd value is as good as none
	}
	n := &Notifier{opts: o, every: lookEvery, watch: map[Shard]*motion{}, fed: o.Watchdog > 0}
	if n.fed {
		n.every = min(n.every, max(o.Watchdog/4, 10*time.Millisecond))
	}
	return n
}

// Run says that the work has begun, and goes on to say how it is until ctx ends.
// Without a service manager that listens it returns at once.
func (n *Notifier) Run(ctx context.Context) {
	if ok, err := n.opts.Send(daemon.SdNotifyReady); !ok {
		if err != nil {
			n.opts.Logger.Warn("The service manager cannot be told that the bot has started", "error", err)
		}
		return
	}
	ticker := time.NewTicker(n.every)
	defer ticker.Stop()
	for {
		n.look()
		select {
		case <-ctx.Done():
			n.stopping()
			return
		case <-ticker.C:
		}
	}
}

// look tells what has changed and feeds the watchdog.
func (n *Notifier) look() {
	snap := n.opts.Snapshot()
	if snap.Status == health.Stopping {
		n.stopping()
	}
	if says := oneLine(snap.Sentence()); says != n.status {
		n.status = says
		n.send("STATUS=" + says)
	}
	if n.moving() && n.fed {
		n.send(daemon.SdNotifyWatchdog)
	}
}

// stopping says once that the end has begun.
func (n *Notifier) stopping() {
	if !n.said.stopping {
		n.said.stopping = true
		n.send(daemon.SdNotifyStopping)
	}
}

// send delivers a message. One that is lost is no harm: the next look says it
// again, or another one.
func (n *Notifier) send(message string) { _, _ = n.opts.Send(message) }

// moving reports whether every shard moves.
func (n *Notifier) moving() bool {
	all := true
	seen := map[Shard]*motion{}
	for _, s := range n.opts.Shards() {
		m := n.watch[s]
		if m == nil {
			m = &motion{}
		}
		seen[s] = m
		if still, moves := m.look(s, n.every); !moves {
			all = false
			if !n.said.stuck {
				n.said.stuck = true
				n.opts.Logger.Error("The shard has not moved for " + still.String() + ", in state " + s.State().String() + ": the watchdog is not fed any more")
			}
		}
	}
	n.watch = seen
	if all && n.said.stuck {
		n.said.stuck = false
		n.opts.Logger.Info("The shard moves again")
	}
	return all
}

// motion is how a shard was at the last look.
type motion struct {
	state gateway.State
	turns int64
	dials int64
	// still is for how long nothing has changed. It is counted in looks: if the
	// process or its host stood still, the looks did too.
	still time.Duration
}

// Limits of how long a shard may stand still: with a connection it looks at it
// every five seconds, a dial has its deadlines, and a wait ends when it says.
const (
	attended  = 30 * time.Second
	dialling  = 90 * time.Second
	overslept = time.Minute
)

// look compares the shard with how it was, and reports whether it moves.
func (m *motion) look(s Shard, every time.Duration) (time.Duration, bool) {
	state, stats := s.State(), s.Stats()
	if !same(state, m.state) || stats.Checks != m.turns || stats.Dials != m.dials {
		*m = motion{state: state, turns: stats.Checks, dials: stats.Dials}
		return 0, true
	}
	m.still += every
	limit := time.Duration(0) // none
	switch w := state.(type) {
	case gateway.Live, gateway.Suspect, gateway.Moving, gateway.Identifying, gateway.Resuming, gateway.Draining:
		limit = attended
	case gateway.Connecting:
		limit = dialling
	case gateway.Waiting:
		// Without a time it waits for others: for its turn to identify.
		if !w.Until.IsZero() && time.Since(w.Until) > 0 {
			limit = overslept
		}
	}
	return m.still, limit == 0 || m.still < limit
}

// same compares two states. What parked a shard may hold an error that cannot be
// compared, and makes no difference here.
func same(a, b gateway.State) bool {
	_, first := a.(gateway.Parked)
	_, second := b.(gateway.Parked)
	if first || second {
		return first && second
	}
	return a == b
}

// longest is how long a status may be; more is cut.
const longest = 300

// oneLine makes text fit for a status.
func oneLine(s string) string {
	return cmp.Or(text.Clip(text.OneLine(s), longest), "unknown")
}
