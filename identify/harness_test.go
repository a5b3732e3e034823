package identify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alone is the shard of a bot without shards.
var alone = ShardID{}

// middling takes the chance out of the jitter.
func middling() float64 { return 0.5 }

// acquire waits for a grant however long that takes in virtual time.
func acquire(t *testing.T, l *Limiter, shard ShardID) Grant {
	t.Helper()
	g, err := l.Acquire(t.Context(), shard, nil)
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	return g
}

// identify goes through one IDENTIFY with its outcome and returns when it left.
func identify(t *testing.T, l *Limiter, shard ShardID, outcome Outcome) time.Time {
	t.Helper()
	g := acquire(t, l, shard)
	g.Sent()
	at := time.Now()
	g.Release(outcome)
	return at
}

// waited is how long a function took.
func waited(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// within fails unless got lies between the two bounds.
func within(t *testing.T, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: %v, want %v to %v", what, got, least, most)
	}
}

// checkNoTrace fails if a shard is left in the queue or holds a grant.
func checkNoTrace(t *testing.T, l *Limiter) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) != 0 || len(l.grants) != 0 {
		t.Errorf("left behind: %d in the queue, %d grants", len(l.queue), len(l.grants))
	}
}

// mostWithin is the largest number of times that lie in any window of the
// given length.
func mostWithin(times []time.Time, window time.Duration) int {
	most, from := 0, 0
	for to := range times {
		for times[to].Sub(times[from]) >= window {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// closest is the least time between two neighbours.
func closest(times []time.Time) time.Duration {
	least := time.Duration(1<<63 - 1)
	for i := 1; i < len(times); i++ {
		least = min(least, times[i].Sub(times[i-1]))
	}
	return least
}

// disk is a storage that can crash: what has not been committed is lost then.
type disk struct {
	mu        sync.Mutex
	kept      map[int64]Entry
	underWay  []Entry
	broken    bool          // reading fails
	slow      time.Duration // how long a commit takes
	slowRead  time.Duration // how long reading takes
	reads     int
	committed int
}

var errDisk = errors.New("the disk is gone")

func newDisk() *disk { return &disk{kept: map[int64]Entry{}} }

func (d *disk) Entries(ctx context.Context, since time.Time) ([]Entry, error) {
	select {
	case <-time.After(d.slowRead):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	if d.broken {
		return nil, errDisk
	}
	var entries []Entry
	for e := range maps.Values(d.kept) { // in any order
		if e.State != Unsent && !e.At.Before(since) {
			e.At = e.At.Round(0) // a disk does not keep the monotonic clock
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func (d *disk) Put(e Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.underWay = append(d.underWay, e)
}

func (d *disk) Commit(ctx context.Context) error {
	if d.slow > 0 {
		select {
		case <-time.After(d.slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.committed++
	d.flush()
	return nil
}

func (d *disk) flush() {
	for _, e := range d.underWay {
		d.kept[e.ID] = e
	}
	d.underWay = nil
}

// crash loses what was not committed; stop loses nothing.
func (d *disk) crash() { d.underWay = nil }
func (d *disk) stop()  { d.flush() }

// states returns what the disk knows, by age.
func (d *disk) states() []State {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := slices.Sorted(maps.Keys(d.kept))
	states := make([]State, len(ids))
	for i, id := range ids {
		states[i] = d.kept[id].State
	}
	return states
}
