package identify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"evergreen/gateway"
)

// Entry is one IDENTIFY in the account.
type Entry struct {
	// ID names the entry; it grows with time and is never used twice.
	ID   int64
	Pair gateway.ShardID
	// At is when the IDENTIFY was sent; in state Granted, when it was allowed.
	At    time.Time
	State State
	// Lived is how long the session was live, in state Ended.
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
	// Void means nothing was sent after all: the entry is to be forgotten.
	Void State = 6
)

// Storage keeps the entries of one bot.
type Storage interface {
	// Entries returns what is known of entries at or after since, Void ones
	// excepted, in any order.
	Entries(ctx context.Context, since time.Time) ([]Entry, error)
	// Put notes an entry in place of an older one with its ID. It is called on
	// the way to the socket and must return at once, whatever the disk does.
	Put(Entry)
	// Commit waits until every entry put so far would survive the process.
	Commit(ctx context.Context) error
}

// Load reads the account from the storage, unless that has been done. Acquire
// does it too; wiring calls Load at the start so that [Ledger.Usage] is right
// before the first IDENTIFY. After an error the ledger works on: it assumes
// that an IDENTIFY left just before it was made, and tries to read again at
// the next Acquire.
func (l *Ledger) Load(ctx context.Context) error {
	if l.isLoaded() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	if err := l.loading.take(ctx); err != nil {
		return err
	}
	defer l.loading.give()
	if l.isLoaded() {
		return nil
	}
	entries, err := l.opts.Storage.Entries(ctx, time.Now().Add(-day))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inherit(entries, time.Now())
	l.loaded = true
	l.wakeAll()
	return nil
}

func (l *Ledger) isLoaded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loaded
}

// inherit takes over what earlier processes wrote. The caller holds mu.
func (l *Ledger) inherit(entries []Entry, now time.Time) {
	own := map[int64]bool{}
	for _, r := range l.spent {
		own[r.ID] = true
	}
	for g := range l.grants {
		own[g.record.ID] = true
	}
	var records []*record
	for _, e := range entries {
		if own[e.ID] || e.State == Void {
			continue
		}
		r := &record{Entry: e, inherited: true}
		if r.State == Granted {
			// Its process died without a word. It may have been sent until the
			// deadlines of the connection ran out.
			r.At = r.At.Add(stray)
		}
		if r.At.After(now) {
			r.At = now // or the clock was set back
		}
		// From here on it is told by the clock that nobody sets.
		r.At = now.Add(r.At.Sub(now))
		if r.State == Ready {
			r.credit = l.born.Sub(r.At)
		}
		l.lastID = max(l.lastID, r.ID)
		records = append(records, r)
	}
	byTime := func(a, b *record) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(records, byTime)

	l.spent = append(records, l.spent...)
	slices.SortStableFunc(l.spent, byTime)
	// What happened since came later than all of it, so the pace is worked out
	// anew in the order of events.
	clear(l.paces)
	for _, r := range l.spent {
		l.replay(r)
	}
	for _, w := range l.queue {
		l.supersede(w)
	}
}

// replay lets the shard's pace follow from one more entry. The caller holds mu.
func (l *Ledger) replay(r *record) {
	p := l.pace(r.Pair)
	p.last = r.At
	if p.open != nil {
		l.presume(p, r.At)
	}
	switch r.State {
	case Granted, Sent:
		if r.inherited {
			p.died(l.opts.Rand)
		}
	case Refused:
		p.refuse(l.opts.Rand)
	case Ready:
		p.ready()
		p.open = r
	case Ended:
		if p.ready(); r.Lived >= Settled {
			p.worth()
		} else {
			p.died(l.opts.Rand)
		}
	}
}

// supersede takes a shard that asks for a new session to have lost the one
// before: nobody asks while it lives. That is written down, because to the next
// process the time the shard now waits would look like a long life. The caller
// holds mu.
func (l *Ledger) supersede(w *waiter) {
	p := l.pace(w.pair)
	r := p.open
	if r == nil {
		return
	}
	l.presume(p, w.arrived)
	r.State, r.Lived = Ended, w.arrived.Sub(r.At)
	l.put(r)
}

// presume decides about a session whose end nobody reported, because its
// process died: at the most it lived until now. The caller holds mu.
func (l *Ledger) presume(p *pace, now time.Time) {
	if now.Sub(p.open.At) >= Settled {
		p.worth()
	} else {
		p.died(l.opts.Rand)
	}
	p.open = nil
}
