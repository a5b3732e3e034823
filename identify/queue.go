package identify

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"evergreen/gateway"
)

// waiter is a shard in the queue.
type waiter struct {
	pair    gateway.ShardID
	arrived time.Time
	wake    chan struct{} // one slot: something has changed
}

// verdict is what the account says about a waiter.
type verdict struct {
	until   time.Time // not before this
	blocked bool      // not before something changes
	stale   bool      // the limits must be asked for first
	cause   cause
	why     string // for a person; empty when it is only the queue
}

// cause tells apart the reasons to wait.
type cause int

const (
	causeQueue cause = iota
	causePace
	causeHour
	causeReserve
	causeBudget
)

// later moves the verdict to a later time, if it is one.
func (v *verdict) later(t time.Time, c cause, why func() string) {
	if !t.After(v.until) {
		return
	}
	v.until, v.cause, v.why = t, c, ""
	if why != nil {
		v.why = why()
	}
}

func (v verdict) free(now time.Time) bool { return !v.blocked && !v.until.After(now) }

// differs reports whether v is worth announcing after said.
func (v verdict) differs(said verdict) bool {
	if v.why == "" {
		return false
	}
	return v.cause != said.cause || v.until.Sub(said.until).Abs() > time.Second
}

// sleep waits for the time of the verdict or for a change.
func (w *waiter) sleep(ctx context.Context, v verdict) error {
	var due <-chan time.Time
	if !v.blocked {
		t := time.NewTimer(time.Until(v.until))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
	case <-w.wake:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (l *Ledger) enter(pair gateway.ShardID) *waiter {
	w := &waiter{pair: pair, arrived: time.Now(), wake: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, w)
	l.supersede(w)
	return w
}

func (l *Ledger) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.queue, w); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	l.wakeAll()
}

// wakeAll lets every waiter look again. The caller holds mu.
func (l *Ledger) wakeAll() {
	for _, w := range l.queue {
		w.poke()
	}
}

// poke lets the waiter look again.
func (w *waiter) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// try gives the waiter its grant if nothing speaks against it.
func (l *Ledger) try(w *waiter, now time.Time) (*grant, verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	v := l.judge(w, now)
	if !v.free(now) {
		if (v.cause == causeBudget || v.cause == causeReserve) && l.stale(now) {
			// The count may have been reset since Discord was last asked.
			return nil, verdict{stale: true}
		}
		return nil, v
	}
	for _, other := range l.queue {
		if l.key(other.pair) == l.key(w.pair) && l.precedes(other, w) && l.judge(other, now).free(now) {
			other.poke() // it may be asleep until a time that has since moved
			return nil, verdict{blocked: true}
		}
	}
	if l.stale(now) {
		return nil, verdict{stale: true}
	}
	for other := range l.grants {
		if l.key(other.record.Pair) == l.key(w.pair) {
			other.lapse() // judge has given it its time
		}
	}
	l.lastID = max(l.lastID+1, now.UnixMicro())
	g := &grant{ledger: l, at: now, record: &record{
		Entry: Entry{ID: l.lastID, Pair: w.pair, At: now, State: Granted},
	}}
	l.grants[g] = struct{}{}
	l.put(g.record)
	return g, v
}

// precedes orders the waiters of one key: shards that get along before those
// that keep failing or could not use their turn, lower ids first, which is the order of the buckets
// (G-039). The caller holds mu.
func (l *Ledger) precedes(a, b *waiter) bool {
	if a == b {
		return false
	}
	p, q := l.pace(a.pair), l.pace(b.pair)
	if p.deaths != q.deaths {
		return p.deaths < q.deaths
	}
	if p.stalls != q.stalls {
		return p.stalls < q.stalls
	}
	if a.pair.ID != b.pair.ID {
		return a.pair.ID < b.pair.ID
	}
	return a.arrived.Before(b.arrived)
}

// judge says when the waiter may identify, whoever else waits. The caller
// holds mu.
func (l *Ledger) judge(w *waiter, now time.Time) verdict {
	var v verdict
	if l.bucket(w.pair) > 0 {
		v.later(w.arrived.Add(lineUp), causeQueue, nil)
	}
	for g := range l.grants {
		if l.key(g.record.Pair) == l.key(w.pair) {
			// A shard that cannot connect costs the next one no more time than
			// its IDENTIFY would have (G-122).
			v.later(g.at.Add(Spacing), causeQueue, nil)
		} else if l.bucket(g.record.Pair) < l.bucket(w.pair) {
			v.later(g.at.Add(patience), causeQueue, nil)
		}
	}
	v.later(l.keyFree(w.pair), causeQueue, nil)
	if !l.loaded {
		v.later(l.born.Add(Spacing), causeQueue, nil)
	}
	p := l.pace(w.pair)
	v.later(p.next(), causePace, func() string {
		if p.deaths > 0 {
			return fmt.Sprintf("the last sessions ended within a minute of their start (%d in a row): starting slower to spare the day's session starts", p.deaths)
		}
		return fmt.Sprintf("Discord gave no session for the last IDENTIFYs (%d in a row)", p.refusals)
	})
	l.judgeHour(&v, w.pair, now)
	l.judgeDay(&v, now)
	return v
}

// judgeHour keeps crash loops within bounds. Only shards of the same number
// count: a change of their number is no loop. The caller holds mu.
func (l *Ledger) judgeHour(v *verdict, pair gateway.ShardID, now time.Time) {
	var hour []*record
	for _, r := range l.since(now.Add(-time.Hour)) {
		if r.Pair.Count == pair.Count {
			hour = append(hour, r)
		}
	}
	inFlight := 0
	for g := range l.grants {
		if g.record.Pair.Count == pair.Count {
			inFlight++
		}
	}
	limit := func(records []*record, inFlight, most int) {
		over := len(records) + inFlight - most
		switch {
		case over < 0:
		case over < len(records):
			v.later(records[over].At.Add(time.Hour), causeHour, func() string {
				return fmt.Sprintf("%d session starts were spent within an hour, and no more than that are allowed: something makes the bot or its sessions start over and over", most)
			})
		default:
			v.blocked = true // a grant in flight decides
		}
	}
	limit(hour, inFlight, max(l.opts.Hourly, 3*pair.Count))
	var own []*record
	for _, r := range hour {
		if r.Pair == pair {
			own = append(own, r)
		}
	}
	limit(own, 0, l.opts.Hourly)
}

// key is the shard's concurrency key, bucket its place in the starting order.
// The caller holds mu.
func (l *Ledger) key(pair gateway.ShardID) int    { return pair.ID % l.concurrency() }
func (l *Ledger) bucket(pair gateway.ShardID) int { return pair.ID / l.concurrency() }

func (l *Ledger) concurrency() int {
	if l.limits.MaxConcurrency > 0 {
		return l.limits.MaxConcurrency
	}
	return l.opts.MaxConcurrency
}

// keyFree is when the key of the shard may be used again. The caller holds mu.
func (l *Ledger) keyFree(pair gateway.ShardID) time.Time {
	for i := len(l.spent) - 1; i >= 0; i-- {
		if l.key(l.spent[i].Pair) == l.key(pair) {
			return l.spent[i].At.Add(Spacing)
		}
	}
	return time.Time{}
}

// since returns the IDENTIFYs sent after t. The caller holds mu.
func (l *Ledger) since(t time.Time) []*record {
	return l.spent[sort.Search(len(l.spent), func(i int) bool { return l.spent[i].At.After(t) }):]
}

// forget drops what is older than a day. The caller holds mu.
func (l *Ledger) forget(now time.Time) { l.spent = l.since(now.Add(-day)) }
