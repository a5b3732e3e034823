package gateway

import (
	"sync"
	"time"
)

// notifier carries observations to the observer on a goroutine of its own, so
// that an observer which writes to a disk can never delay a heartbeat.
type notifier struct {
	shard    ShardID
	observer Observer
	onDrop   func()
	wake     chan struct{} // one slot: something was noted, or it is over
	done     chan struct{}

	mu      sync.Mutex
	pending []Observation
	closed  bool
}

// notifierDepth is how far an observer may fall behind before notes are dropped.
const notifierDepth = 1024

func newNotifier(pair ShardID, observer Observer, lost func()) *notifier {
	r := &notifier{shard: pair, observer: observer, onDrop: lost}
	if observer != nil {
		r.wake, r.done = make(chan struct{}, 1), make(chan struct{})
		go r.run()
	}
	return r
}

// run hands the notes over. The two halves of its memory change places, and
// neither is larger than the observer was ever behind.
func (r *notifier) run() {
	defer close(r.done)
	var taken []Observation
	for range r.wake {
		r.mu.Lock()
		taken, r.pending = r.pending, taken[:0]
		over := r.closed
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

// emit passes an observation on, or drops it when the observer is far behind.
func (r *notifier) emit(what ShardEvent) {
	if r.observer == nil {
		return
	}
	r.mu.Lock()
	room := len(r.pending) < notifierDepth
	if room {
		r.pending = append(r.pending, Observation{Shard: r.shard, At: time.Now(), Event: what})
	}
	r.mu.Unlock()
	if !room {
		r.onDrop()
		return
	}
	// What a heartbeat comes to is known in a moment. To wake the observer twice
	// for each would be most of what an idle shard costs it.
	if _, waits := what.(HeartbeatSent); !waits {
		r.notify()
	}
}

func (r *notifier) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// close waits until the observer has seen everything. Nothing may be noted
// any more.
func (r *notifier) close() {
	if r.observer == nil {
		return
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.notify()
	<-r.done
}
