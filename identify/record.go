package identify

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// entry is an [Entry] of the record of IDENTIFYs and how this process came by it.
type entry struct {
	Entry
	// inherited marks what an earlier process wrote; credit is how long its
	// session may have lived before this process began, where it has one.
	inherited bool
	credit    time.Duration
}

// since returns the IDENTIFYs sent after t. The caller holds mu.
func (l *Limiter) since(t time.Time) []*entry {
	return l.spent[sort.Search(len(l.spent), func(i int) bool { return l.spent[i].At.After(t) }):]
}

// forget drops what is older than a day. The caller holds mu.
func (l *Limiter) forget(now time.Time) { l.spent = l.since(now.Add(-day)) }

// merge takes into the record what earlier processes wrote. The caller holds mu.
func (l *Limiter) merge(entries []Entry, now time.Time) {
	own := map[int64]bool{}
	for _, e := range l.spent {
		own[e.ID] = true
	}
	for g := range l.grants {
		own[g.entry.ID] = true
	}
	var ahead time.Duration // the clock was set back: what came last is taken to be of now
	for _, stored := range entries {
		if !own[stored.ID] {
			ahead = max(ahead, stored.At.Sub(now))
		}
	}
	var earlier []*entry
	for _, stored := range entries {
		if own[stored.ID] {
			continue
		}
		e := &entry{Entry: stored, inherited: true}
		e.At = e.At.Add(-ahead) // the times between them are what counts
		if e.State == Granted {
			// Its process died without a word. It may have been sent until the
			// deadlines of the connection ran out.
			e.At = e.At.Add(maxGrantAge)
		}
		if e.At.After(now) {
			e.At = now
		}
		e.At = now.Add(e.At.Sub(now)) // with the monotonic clock, which is never set
		e.credit = l.created.Sub(e.At)
		l.lastID = max(l.lastID, e.ID)
		earlier = append(earlier, e)
	}
	l.spent = append(earlier, l.spent...)
	slices.SortStableFunc(l.spent, func(a, b *entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	// What this process has sent came later than all of it, so every backoff is
	// worked out anew in the order of events.
	clear(l.backoffs)
	for _, e := range l.spent {
		l.replay(e)
	}
	for _, w := range l.queue {
		l.endOpenSession(w)
	}
}

// replay lets the shard's backoff follow from one more entry. The caller holds mu.
func (l *Limiter) replay(e *entry) {
	b := l.backoff(e.Shard)
	b.last = e.At
	if b.open != nil {
		// Nothing reported its end: its process died. It lived until now at most.
		b.countEnd(e.At.Sub(b.open.At), l.opts.Rand)
	}
	switch e.State {
	case Granted, Sent:
		if e.inherited {
			b.countShortSession(l.opts.Rand)
		}
	case Refused:
		b.countRefusal(l.opts.Rand)
	case Ready:
		b.countReady()
		b.open = e
	case Ended:
		b.countReady()
		b.countEnd(e.Lived, l.opts.Rand)
	case Stopped:
		b.countReady()
		b.countStop(e.Lived, l.opts.Rand)
	}
}

// endOpenSession takes a shard that asks for a new session to have lost the one
// before: no shard asks while it lives. That is written down, because to the next
// process the time the shard now waits would look like a long life. The caller
// holds mu.
func (l *Limiter) endOpenSession(w *waiter) {
	b := l.backoff(w.shard)
	e := b.open
	if e == nil {
		return
	}
	e.State, e.Lived = Ended, w.arrived.Sub(e.At)
	b.countEnd(e.Lived, l.opts.Rand)
	l.put(e)
}

// Stopped tells that the shard is stopped on purpose, with its session kept or ended.
// So the end of a session that was begun a moment ago is no sign of a crash loop: not
// even where Discord does not let the next process resume it.
func (l *Limiter) Stopped(shard ShardID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.backoff(shard)
	e := b.open
	if e == nil {
		return
	}
	e.State, e.Lived = Stopped, time.Since(e.At)
	b.countStop(e.Lived, l.opts.Rand)
	l.put(e)
}

// SessionEnded tells that a session ended for good, and not by a stop, after being live
// for this long. One shorter than a minute slows the shard's next IDENTIFYs down; a longer
// one ends the backoff.
func (l *Limiter) SessionEnded(shard ShardID, lived time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.backoff(shard)
	e := b.open
	if e != nil {
		lived += e.credit
		e.State, e.Lived = Ended, lived
		l.put(e)
	}
	// A short session without an entry was not started with an IDENTIFY of this
	// record; its loss says nothing about the next one.
	if e != nil || lived >= settled {
		b.countEnd(lived, l.opts.Rand)
	}
	l.wakeAll()
}
