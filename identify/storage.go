package identify

import (
	"context"
	"time"
)

// Entry is one IDENTIFY in the record.
type Entry struct {
	// ID names the entry; it grows with time and is never used twice.
	ID int64
	// Shard is the shard the IDENTIFY is for.
	Shard ShardID
	// At is when the IDENTIFY was sent; in state Granted, when it was allowed.
	At time.Time
	// State says how far the IDENTIFY has come.
	State State
	// Lived is how long the session was live, in states Ended and Stopped; otherwise 0.
	Lived time.Duration
}

// State says how far an IDENTIFY has come. The numbers are stored.
type State int

const (
	// Granted means it may leave at any moment. Found after a crash, it counts
	// as sent.
	Granted State = 1
	// Sent means it was handed to the socket and nothing has answered yet.
	Sent State = 2
	// Refused means op 9, a close or nothing at all answered.
	Refused State = 3
	// Ready means READY answered, and the end of the session is not known.
	Ready State = 4
	// Ended means the session is over.
	Ended State = 5
	// Unsent means nothing was sent after all: the entry is to be forgotten.
	Unsent State = 6
	// Stopped means the shard was stopped on purpose while the session lived: how long
	// it lived says nothing about the next one.
	Stopped State = 7
)

// Storage keeps the entries of one bot. Its methods may be called from any
// goroutine.
type Storage interface {
	// Entries returns what is known of entries at or after since, Unsent ones
	// excepted, in any order. It is called once, and again after an error. It has
	// three seconds.
	Entries(ctx context.Context, since time.Time) ([]Entry, error)
	// Put notes an entry in place of an older one with its ID. It is called on
	// the way to the socket and must return at once, whatever the disk does.
	Put(Entry)
	// Commit waits until every entry put so far would survive the process. It has two
	// seconds; after an error or that time the IDENTIFY is sent all the same.
	Commit(ctx context.Context) error
}

// Load reads the record from the storage, unless that has been done. Acquire
// does it too; call Load at the start so that [Limiter.Usage] is right before the
// first IDENTIFY. After an error the limiter works on: it assumes that an IDENTIFY
// left just before it was made, and reads again at the next Acquire.
func (l *Limiter) Load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	select {
	case l.loading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.loading }()
	if l.isLoaded() {
		return nil
	}
	entries, err := l.opts.Storage.Entries(ctx, time.Now().Add(-day))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.merge(entries, time.Now())
	l.loaded = true
	l.wakeAll()
	return nil
}

func (l *Limiter) isLoaded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loaded
}

// put hands the entry to the storage. The caller holds mu.
func (l *Limiter) put(e *entry) {
	if l.opts.Storage != nil {
		l.opts.Storage.Put(e.Entry)
	}
}

// commit writes the grant down before it is used: whatever happens to this
// process, the next one knows that an IDENTIFY may have left (G-040).
func (l *Limiter) commit(ctx context.Context, g *grant) {
	l.mu.Lock()
	l.put(g.entry)
	l.mu.Unlock()
	if l.opts.Storage == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	_ = l.opts.Storage.Commit(ctx) // the storage reports its own troubles
}
