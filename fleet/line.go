package fleet

import (
	"context"
	"sync"
	"time"

	"evergreen/gateway"
)

// Pacer is implemented by permits that can say how fast they let shards
// identify: so many keys at a time, each again after the spacing. It is what the
// time remaining is worked out from.
type Pacer interface {
	Pace() (keys int, spacing time.Duration)
}

// line is the permit as the shards see it: the real one, and somebody who knows
// who waits.
type line struct {
	permit gateway.IdentifyLimiter
	comes  func(gateway.ShardID) // told of every grant before it is used

	mu      sync.Mutex
	waiting map[gateway.ShardID]time.Time // until when the permit said it would be; zero: only the queue
	last    map[int]time.Time             // of the last IDENTIFY, by key
}

func newLine(permit gateway.IdentifyLimiter, comes func(gateway.ShardID)) *line {
	return &line{permit: permit, comes: comes, waiting: make(map[gateway.ShardID]time.Time), last: make(map[int]time.Time)}
}

// Acquire implements [gateway.IdentifyLimiter].
func (l *line) Acquire(ctx context.Context, pair gateway.ShardID, announce func(time.Time, string)) (gateway.Grant, error) {
	l.note(pair, time.Time{})
	defer l.gone(pair)
	grant, err := l.permit.Acquire(ctx, pair, func(until time.Time, why string) {
		l.note(pair, until)
		if announce != nil {
			announce(until, why)
		}
	})
	if err != nil {
		return nil, err
	}
	l.comes(pair)
	return &ticket{Grant: grant, line: l, pair: pair}, nil
}

// SessionEnded implements [gateway.SessionWatcher].
func (l *line) SessionEnded(pair gateway.ShardID, lived time.Duration) {
	if w, ok := l.permit.(gateway.SessionWatcher); ok {
		w.SessionEnded(pair, lived)
	}
}

// ticket is a grant that tells when it is used.
type ticket struct {
	gateway.Grant
	line *line
	pair gateway.ShardID
}

// Sent implements [gateway.Grant].
func (t *ticket) Sent() bool {
	if !t.Grant.Sent() {
		return false
	}
	keys, _ := t.line.pace()
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	t.line.last[t.pair.ID%keys] = time.Now()
	return true
}

func (l *line) note(pair gateway.ShardID, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[pair] = until
}

func (l *line) gone(pair gateway.ShardID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, pair)
}

func (l *line) pace() (keys int, spacing time.Duration) {
	keys, spacing = 1, gateway.IdentifySpacing
	if p, ok := l.permit.(Pacer); ok {
		keys, spacing = p.Pace()
	}
	return max(1, keys), spacing
}

// queue tells who of the pairs waits, and how long it is until the last of them
// may identify.
func (l *line) queue(now time.Time) (waiting map[gateway.ShardID]bool, remaining time.Duration) {
	keys, spacing := l.pace()
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting = make(map[gateway.ShardID]bool, len(l.waiting))
	behind := make(map[int]int, min(keys, len(l.waiting)))
	for pair, until := range l.waiting {
		waiting[pair] = true
		behind[pair.ID%keys]++
		remaining = max(remaining, until.Sub(now))
	}
	for key, n := range behind {
		first := max(0, l.last[key].Add(spacing).Sub(now))
		remaining = max(remaining, first+time.Duration(n-1)*spacing)
	}
	return waiting, remaining
}
