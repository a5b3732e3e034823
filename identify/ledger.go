// Package identify is at heart an account of every IDENTIFY the bot has sent,
// and the gate that follows from it: a shard may identify only when neither
// Discord's limits nor plain thrift forbid it.
//
// Breaking the five-second rule costs an op 9; spending the day's session
// starts costs the token. So the account outlives the process when a [Storage]
// is behind it: a supervisor that restarts the bot in a loop finds the gate
// where the last run left it (G-038, G-040, G-153).
//
// A [Ledger] is a [gateway.IdentifyLimiter] and a [gateway.SessionWatcher]. It has no
// goroutines: whoever waits for a grant does the waiting.
//
// Statement ids such as G-042 in comments refer to the table in
// docs/conformance.md.
package identify

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"evergreen/gateway"
)

const (
	// Spacing is the least time between two IDENTIFYs of one concurrency key:
	// Discord's five seconds and some room for the network to bunch them up
	// (G-038).
	Spacing = 5250 * time.Millisecond
	// Settled is how long a session must live to count as worth its IDENTIFY.
	Settled = 60 * time.Second

	day = 24 * time.Hour

	// loadTime, askTime and commitTime bound what happens outside this
	// package. When they run out the ledger goes on with what it knows: an
	// unreachable disk or REST API must not keep the bot offline.
	loadTime   = 3 * time.Second
	askTime    = 5 * time.Second
	commitTime = 2 * time.Second

	// lineUp is how long a shard behind the first bucket waits for shards of
	// earlier buckets that are about to ask, so that a fleet that starts all at
	// once is served in order.
	lineUp = 50 * time.Millisecond
	// patience is how long a shard of an earlier bucket that has its grant, but
	// is still dialling, holds up the buckets after it.
	patience = 5 * time.Second
	// stray is the longest a grant is assumed to stay unused: a dial and a
	// HELLO with their deadlines.
	stray = time.Minute
)

// Options configures a [Ledger]. Every zero value means the documented default.
type Options struct {
	// Storage keeps the account across restarts. Default: it ends with the
	// process.
	Storage Storage
	// Limits asks Discord (GET /gateway/bot) for the session start limit. It is
	// called when the last answer is older than five minutes and a start is to
	// be decided (G-003), has five seconds to answer, and is left alone for
	// half a minute after a failure. Default: the ledger's own count decides.
	Limits func(context.Context) (Limits, error)
	// Total is the number of session starts a day assumed until Discord has
	// said otherwise. Default 1000.
	Total int
	// MaxConcurrency is the number of concurrency keys assumed until Discord
	// has said otherwise. Default 1.
	MaxConcurrency int
	// Reserve is the share of the day's starts below which they are spaced out
	// evenly until the count is reset (G-042). Default 0.2; negative for none.
	Reserve float64
	// Hourly is the most IDENTIFYs one shard may spend in any hour. A bot with
	// N shards may spend the larger of Hourly and 3 N in all; after a change of
	// their number the shards of the new number begin anew. Default 20.
	Hourly int
	// Alert is called when the day's starts are half spent and when four
	// fifths are, once each until the count falls again. It runs on a
	// goroutine that waits in Acquire, so it should not take long.
	Alert func(Usage)
	// Rand returns numbers in [0,1) for the jitter. Default math/rand/v2.
	Rand func() float64
}

// Ledger decides when shards may identify. Make one with [New]; one Ledger
// serves all shards of a bot, from any number of goroutines.
type Ledger struct {
	opts Options
	born time.Time

	loading turn // one goroutine reads the storage
	asking  turn // one goroutine asks for limits

	mu      sync.Mutex
	loaded  bool
	lastID  int64
	spent   []*record // IDENTIFYs of the last day, by time
	grants  map[*grant]struct{}
	paces   map[gateway.ShardID]*pace
	queue   []*waiter
	limits  Limits    // the last answer; its At is zero if there never was one
	asked   time.Time // when Limits was last called
	alerted int       // percentage of the last alert
	foreign []sighting
}

var (
	_ gateway.IdentifyLimiter = (*Ledger)(nil)
	_ gateway.SessionWatcher  = (*Ledger)(nil)
)

// record is an entry of the account and how this process came by it.
type record struct {
	Entry
	// inherited marks what an earlier process wrote; credit is how long its
	// session may have lived before this process began.
	inherited bool
	credit    time.Duration
}

// New returns a ledger. Nothing is read before [Ledger.Load] or the first
// Acquire.
func New(opts Options) *Ledger {
	if opts.Total <= 0 {
		opts.Total = 1000
	}
	if opts.MaxConcurrency <= 0 {
		opts.MaxConcurrency = 1
	}
	if opts.Reserve == 0 {
		opts.Reserve = 0.2
	}
	if opts.Hourly <= 0 {
		opts.Hourly = 20
	}
	if opts.Rand == nil {
		opts.Rand = rand.Float64
	}
	return &Ledger{
		opts:    opts,
		born:    time.Now(),
		loading: make(turn, 1),
		asking:  make(turn, 1),
		loaded:  opts.Storage == nil,
		grants:  map[*grant]struct{}{},
		paces:   map[gateway.ShardID]*pace{},
	}
}

// Acquire waits until the shard may identify, or until ctx ends, and then
// leaves the queue without a trace (G-046). The shard's concurrency key is
// taken until the grant is sent or released, but for no longer than [Spacing]:
// then the next shard of the key goes ahead and the grant has lapsed.
//
// announce, which may be nil, hears of every wait of two seconds or more that
// has another reason than the shard's turn in the queue.
func (l *Ledger) Acquire(ctx context.Context, pair gateway.ShardID, announce func(until time.Time, why string)) (gateway.Grant, error) {
	if err := l.Load(ctx); err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if announce == nil {
		announce = func(time.Time, string) {}
	}
	w := l.enter(pair)
	g, err := l.wait(ctx, w, announce)
	l.leave(w)
	if err != nil {
		return nil, err
	}
	if l.opts.Storage != nil {
		// Written before it is used: whatever happens to this process, the next
		// one knows that an IDENTIFY may have left.
		commit, cancel := context.WithTimeout(ctx, commitTime)
		_ = l.opts.Storage.Commit(commit) // the storage reports its own troubles
		cancel()
	}
	if ctx.Err() != nil {
		g.Release(gateway.OutcomeUnsent)
		return nil, ctx.Err()
	}
	return g, nil
}

// wait returns with a grant or when ctx ends.
func (l *Ledger) wait(ctx context.Context, w *waiter, announce func(time.Time, string)) (*grant, error) {
	said := verdict{}
	for fresh := false; ; {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !fresh {
			l.ask(ctx)
			fresh = true
			continue
		}
		g, v := l.try(w, time.Now())
		l.alert()
		switch {
		case g != nil:
			return g, nil
		case v.stale:
			fresh = false
			continue
		case v.differs(said) && time.Until(v.until) >= 2*time.Second:
			announce(v.until, v.why)
			said = v
		}
		if err := w.sleep(ctx, v); err != nil {
			return nil, err
		}
	}
}

// Pace tells how many shards may identify at a time, and how long after them the
// next ones may.
func (l *Ledger) Pace() (keys int, spacing time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.concurrency(), Spacing
}

// SessionEnded tells that a session ended for good after being live for this
// long. One that lived for less than a minute slows the shard's next IDENTIFYs
// down; one that lived longer clears the slate.
func (l *Ledger) SessionEnded(pair gateway.ShardID, lived time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pace(pair)
	r := p.open
	p.open = nil
	if r != nil {
		lived += r.credit
		r.State, r.Lived = Ended, lived
		l.put(r)
	}
	switch {
	case lived >= Settled:
		p.worth()
	case r != nil:
		p.died(l.opts.Rand)
	}
	// A session without an entry was not started with an IDENTIFY of this
	// account; its loss says nothing about the next one.
	l.wakeAll()
}

// pace returns the pace of a shard. The caller holds mu.
func (l *Ledger) pace(pair gateway.ShardID) *pace {
	p := l.paces[pair]
	if p == nil {
		p = &pace{}
		l.paces[pair] = p
	}
	return p
}

// put hands the record to the storage. The caller holds mu.
func (l *Ledger) put(r *record) {
	if l.opts.Storage != nil {
		l.opts.Storage.Put(r.Entry)
	}
}

// turn is a lock that a context can give up waiting for.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }
