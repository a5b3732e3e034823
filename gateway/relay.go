package gateway

import (
	"sync"
	"time"
)

// relay carries observations to the observer on a goroutine of its own, so
// that an observer which writes to a disk can never delay a heartbeat.
type relay struct {
	pair     ShardID
	observer Observer
	lost     func()
	wake     chan struct{} // one slot: something was noted, or it is over
	done     chan struct{}

	mu    sync.Mutex
	notes []Observation
	over  bool
}

// relayDepth is how far an observer may fall behind before notes are dropped.
const relayDepth = 1024

func newRelay(pair ShardID, observer Observer, lost func()) *relay {
	r := &relay{pair: pair, observer: observer, lost: lost}
	if observer != nil {
		r.wake, r.done = make(chan struct{}, 1), make(chan struct{})
		go r.run()
	}
	return r
}

// run hands the notes over. The two halves of its memory change places, and
// neither is larger than the observer was ever behind.
func (r *relay) run() {
	defer close(r.done)
	var taken []Observation
	for range r.wake {
		r.mu.Lock()
		taken, r.notes = r.notes, taken[:0]
		over := r.over
		r.mu.Unlock()
		for i, n := range taken {
			taken[i] = Observation{}
			r.observer.Observe(n)
		}
		if over {
			return
		}
	}
}

// note passes an observation on, or drops it when the observer is far behind.
func (r *relay) note(what ShardEvent) {
	if r.observer == nil {
		return
	}
	r.mu.Lock()
	room := len(r.notes) < relayDepth
	if room {
		r.notes = append(r.notes, Observation{Shard: r.pair, At: time.Now(), Event: what})
	}
	r.mu.Unlock()
	if !room {
		r.lost()
		return
	}
	// What a heartbeat comes to is known in a moment. To wake the observer twice
	// for each would be most of what an idle shard costs it.
	if _, waits := what.(HeartbeatSent); !waits {
		r.nudge()
	}
}

func (r *relay) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// close waits until the observer has seen everything. Nothing may be noted
// any more.
func (r *relay) close() {
	if r.observer == nil {
		return
	}
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.nudge()
	<-r.done
}
