package fleet

import (
	"sync"
	"time"
)

// gate is what an old shard's events pass on their way to the handler during a
// migration. The shard hands over one event after another, so at most one is behind the
// gate. A closed gate lets none through; it says for certain whether a handler runs.
type gate struct {
	mu        sync.Mutex
	changed   sync.Cond // the gate has opened, or takenOver is true
	closed    bool
	takenOver bool      // the new set delivers: nothing passes any more
	entered   time.Time // when the event whose handler runs has passed; zero: none runs
	slow      bool      // a handler took longer than slowHandler
}

func newGate() *gate {
	g := &gate{}
	g.changed.L = &g.mu
	return g
}

// enter waits until the gate is open and reports true: then the handler is to be called,
// and leave after it. False: the new set delivers. The migration, which ends with the
// context of its caller and with the fleet, always opens the gate or takes over.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.closed && !g.takenOver {
		g.changed.Wait()
	}
	if g.takenOver {
		return false
	}
	g.entered = time.Now()
	return true
}

// leave says that the handler has returned.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entered = time.Time{}
}

// set closes the gate or opens it.
func (g *gate) set(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed = closed; !closed {
		g.changed.Broadcast()
	}
}

// takeOver closes the gate for good: what waits and what comes is for the new set.
func (g *gate) takeOver() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.takenOver = true
	g.changed.Broadcast()
}

// noteSlow reports whether a slow handler runs, and remembers that there was one.
func (g *gate) noteSlow(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	busy := !g.entered.IsZero()
	if busy && now.Sub(g.entered) >= slowHandler {
		g.slow = true
	}
	return busy && g.slow
}

func (g *gate) isSlow() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.slow
}

func (g *gate) isBusy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.entered.IsZero()
}
