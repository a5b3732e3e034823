package gateway

import "time"

// relay carries observations to the observer on a goroutine of its own, so
// that an observer which writes to a disk can never delay a heartbeat.
type relay struct {
	pair     Pair
	observer Observer
	notes    chan Note
	lost     func()
	done     chan struct{}
}

// relayDepth is how far an observer may fall behind before notes are dropped.
const relayDepth = 1024

func newRelay(pair Pair, observer Observer, lost func()) *relay {
	r := &relay{pair: pair, observer: observer, lost: lost}
	if observer != nil {
		r.notes = make(chan Note, relayDepth)
		r.done = make(chan struct{})
		go r.run()
	}
	return r
}

func (r *relay) run() {
	defer close(r.done)
	for n := range r.notes {
		r.observer.Observe(n)
	}
}

// note passes an observation on, or drops it when the observer is far behind.
func (r *relay) note(what Observation) {
	if r.observer == nil {
		return
	}
	select {
	case r.notes <- Note{Pair: r.pair, At: time.Now(), What: what}:
	default:
		r.lost()
	}
}

// close waits until the observer has seen everything. Nothing may be noted
// any more.
func (r *relay) close() {
	if r.observer != nil {
		close(r.notes)
		<-r.done
	}
}
