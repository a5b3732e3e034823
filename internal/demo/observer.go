package demo

import (
	"sync"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/app"
	"evergreen/internal/bot"
	"evergreen/internal/discord/rest"
)

// observer counts what the shard does during a mishap and an incident does not have.
// It is a [gateway.Observer].
type observer struct {
	ready chan struct{} // closed by the first READY

	mu     sync.Mutex
	lost   chan struct{} // closed when the bot next gives up a connection
	counts observed
}

// observed is what was counted since the last reset.
type observed struct {
	acks      int // answered heartbeats
	suspected int
	cleared   int
	requested int // heartbeats sent because Discord asked
}

func newObserver() *observer { return &observer{ready: make(chan struct{})} }

// Observe counts an event.
func (w *observer) Observe(n gateway.Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch what := n.Event.(type) {
	case gateway.HeartbeatSent:
		if what.Requested {
			w.counts.requested++
		}
	case gateway.Ready:
		select {
		case <-w.ready:
		default:
			close(w.ready)
		}
	case gateway.HeartbeatACK:
		w.counts.acks++
	case gateway.SuspicionRaised:
		w.counts.suspected++
	case gateway.SuspicionCleared:
		w.counts.cleared++
	case gateway.Disconnected:
		if w.lost != nil {
			close(w.lost)
			w.lost = nil
		}
	}
}

// reset forgets what was seen before. The channel is closed when the bot next
// gives up a connection.
func (w *observer) reset() (lost <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts, w.lost = observed{}, make(chan struct{})
	return w.lost
}

func (w *observer) counted() observed {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

// tallies are the counters of all parts at one moment.
type tallies struct {
	rest  requests
	bot   bot.Counts
	shard gateway.Stats
	asked discordsim.Verdict
}

// requests are the counters of REST.
type requests struct{ rest.Stats }

// limited counts the answers of 429, of whatever kind.
func (r requests) limited() int64 { return r.Limited + r.Shared + r.Global }

func takeTallies(a *app.App, w *World) tallies {
	t := tallies{rest: requests{a.REST()}, shard: a.Fleet().Stats(), asked: w.Sim.Verdict(w.Bot)}
	if one := a.Bot(); one != nil {
		t.bot = one.Counts()
	}
	return t
}
