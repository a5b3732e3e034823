package verdicts

import (
	"context"
	"sync"
	"time"
)

// gate lets several judgements run side by side only while the machine keeps up: it measures
// how late its own timers fire.
type gate struct {
	mu      sync.Mutex
	running int
	delays  [beats]time.Duration // the newest beats, in a ring
	next    int
	beat    chan struct{} // closed at the next beat
}

const (
	beatEvery = 100 * time.Millisecond
	beats     = 100 // 10 s
	// tooLate is how late timers may be, on average, for one more judgement to begin.
	tooLate = 5 * time.Millisecond
)

func newGate() *gate { return &gate{beat: make(chan struct{})} }

// measure measures until ctx ends.
func (g *gate) measure(ctx context.Context) {
	timer := time.NewTimer(beatEvery)
	defer timer.Stop()
	for {
		due := time.Now().Add(beatEvery)
		timer.Reset(beatEvery)
		select {
		case <-timer.C:
			g.note(max(0, time.Since(due)))
		case <-ctx.Done():
			return
		}
	}
}

// note notes how late a timer was.
func (g *gate) note(late time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delays[g.next%beats] = late
	g.next++
	close(g.beat)
	g.beat = make(chan struct{})
}

// enter waits until one more may run, of most at once. Leave when it is over.
func (g *gate) enter(ctx context.Context, most int) error {
	for {
		g.mu.Lock()
		if g.running == 0 || g.running < most && g.keepsUp() {
			g.running++
			g.next = 0 // what it adds has to be measured first
			g.mu.Unlock()
			return nil
		}
		beat := g.beat
		g.mu.Unlock()
		select {
		case <-beat:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave makes room for another.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
}

// keepsUp reports whether timers have been in time lately.
func (g *gate) keepsUp() bool {
	if g.next < beats {
		return false
	}
	var all time.Duration
	for _, late := range g.delays {
		all += late
	}
	return all/beats < tooLate
}
