// Package identify decides when a shard may send IDENTIFY. It is the only
// identify limiter of this module: gateway, fleet and disgogateway use it.
//
// A [Limiter] keeps a record of the IDENTIFYs it has allowed (record.go). From that
// record it derives, for each shard:
//
//   - the spacing (spacing.go): IDENTIFYs of one concurrency key are at least [Spacing]
//     apart, and shards start in groups of max_concurrency;
//   - the backoff (backoff.go): a shard whose sessions do not last, or that gets
//     none, waits longer and longer;
//   - the budget (budget.go), where there is one: the session starts that are left
//     of the day and of the hour.
//
// Breaking the spacing costs an op 9; spending the day's session starts costs the
// token. With a [Storage] the record outlives the process. So a supervisor that
// restarts the bot in a loop spends no more than one process would (G-153).
//
// Statement ids such as G-042 in comments refer to the table in
// docs/conformance.md.
package identify

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Defaults of [Options].
const (
	DefaultTotal   = 1000
	DefaultReserve = 0.2
	DefaultHourly  = 20
	// Never turns Options.Reserve or Options.Hourly off.
	Never = -1
)

const (
	day = 24 * time.Hour

	// loadTimeout, askTimeout and commitTimeout bound what happens outside this
	// package. When they run out the limiter goes on with what it knows: an
	// unreachable disk or REST API must not keep the bot offline.
	loadTimeout   = 3 * time.Second
	askTimeout    = 5 * time.Second
	commitTimeout = 2 * time.Second
	// holdTimeout bounds the wait for Options.HoldUntil.
	holdTimeout = 10 * time.Second
	// minAnnounced is the shortest wait that is announced.
	minAnnounced = 2 * time.Second

	// maxGrantAge is the longest a grant of an earlier process may have stayed
	// unused: a dial and a HELLO with their deadlines.
	maxGrantAge = time.Minute
)

// Options configures a [Limiter]. The zero Options are for a single process with
// one concurrency key: the record is kept in memory and there is no budget.
//
// Storage, SessionStartLimit, Total or Hourly bring the budget: then Total, Reserve
// and Hourly have their defaults.
type Options struct {
	// MaxConcurrency is the number of concurrency keys until Discord has said
	// otherwise. Default 1.
	MaxConcurrency int
	// Storage keeps the record across restarts. Default: it ends with the
	// process.
	Storage Storage
	// KeyLock shares the concurrency keys with other processes of the same bot.
	// Default: there are none.
	KeyLock KeyLock
	// SessionStartLimit asks Discord (GET /gateway/bot). It is called when the last
	// answer is older than five minutes and a start is to be decided or
	// [Limiter.RefreshSessionStartLimit] is called. It has five seconds to answer and
	// is left alone for half a minute afterwards.
	// Default: the limiter's own count decides.
	SessionStartLimit func(context.Context) (SessionStartLimit, error)
	// Total is the number of session starts a day until Discord has said
	// otherwise. It cannot be turned off: a negative one is the default too.
	// Default 1000.
	Total int
	// Reserve is the share of the day's starts, 0 to 1, below which they are spaced
	// out evenly until the count is reset. Default 0.2; [Never] for none.
	Reserve float64
	// Hourly is the most IDENTIFYs one shard may spend in any hour. A bot with
	// N shards may spend the larger of Hourly and 3 N in all; after a change of
	// their number the shards of the new number begin anew. Default 20; [Never]
	// for no such limit.
	Hourly int
	// HoldUntil holds every Acquire back until it is closed, for 10 s at most:
	// while the credentials are being checked no IDENTIFY is spent. Default: none.
	HoldUntil <-chan struct{}
	// Alert is called when half of the day's starts are spent and when four fifths are,
	// once each until the count falls again. Without a budget it is never called. It
	// runs on a goroutine that waits in Acquire, so it should not take long. Default:
	// none.
	Alert func(Usage)
	// Rand returns numbers x, 0 <= x < 1, for the jitter. The limiter calls it on one
	// goroutine at a time. Default math/rand/v2.
	Rand func() float64
}

// Limiter decides when shards may identify: it is a gateway.IdentifyLimiter. Make one
// with [New]; one Limiter serves all shards of a bot, from any number of goroutines. It
// has no goroutine of its own and needs no end: each wait happens in the Acquire that
// was called.
type Limiter struct {
	opts     Options
	budgeted bool
	created  time.Time

	loading chan struct{} // one slot: one goroutine reads the storage
	asking  chan struct{} // one slot: one goroutine asks Discord

	mu       sync.Mutex
	loaded   bool
	lastID   int64
	spent    []*entry // IDENTIFYs of the last day, by time
	grants   map[*grant]struct{}
	backoffs map[ShardID]*backoff
	queue    []*waiter
	limit    SessionStartLimit // the last answer; its At is zero if there never was one
	asked    time.Time         // when Discord was last asked
	alerted  int               // percentage of the last alert
	rich     bool              // see updateRich
	external []externalUse
}

// New returns a limiter. Nothing is read before [Limiter.Load] or the first
// Acquire.
func New(opts Options) *Limiter {
	l := &Limiter{
		budgeted: opts.Storage != nil || opts.SessionStartLimit != nil || opts.Total > 0 || opts.Hourly > 0,
		created:  time.Now(),
		loading:  make(chan struct{}, 1),
		asking:   make(chan struct{}, 1),
		loaded:   opts.Storage == nil,
		grants:   map[*grant]struct{}{},
		backoffs: map[ShardID]*backoff{},
	}
	opts.MaxConcurrency = max(1, opts.MaxConcurrency)
	if l.budgeted && opts.Total <= 0 {
		opts.Total = DefaultTotal
	}
	if opts.Reserve == 0 {
		opts.Reserve = DefaultReserve
	}
	if opts.Hourly == 0 {
		opts.Hourly = DefaultHourly
	}
	if opts.Rand == nil {
		opts.Rand = rand.Float64
	}
	l.opts = opts
	return l
}

// Acquire waits until the shard may identify, or until ctx ends, and then leaves the
// queue without a trace (G-046). The shard's concurrency key is taken until the grant
// is sent or released, but for no longer than [Spacing]. Then the next shard of the key
// goes ahead and the grant has expired.
//
// announce, which may be nil, is called with the end and the reason of every wait of
// two seconds or more. A wait for nothing but the queue is not announced.
func (l *Limiter) Acquire(ctx context.Context, shard ShardID, announce func(until time.Time, why string)) (Grant, error) {
	l.hold(ctx)
	_ = l.Load(ctx) // without the record it works on
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if announce == nil {
		announce = func(time.Time, string) {}
	}
	w := l.enqueue(shard)
	g, err := l.wait(ctx, w, announce)
	l.dequeue(w)
	if err != nil {
		return nil, err
	}
	if err := l.lockKey(ctx, g); err != nil {
		g.Release(OutcomeUnsent)
		return nil, err
	}
	l.commit(ctx, g)
	if ctx.Err() != nil {
		g.Release(OutcomeUnsent)
		return nil, ctx.Err()
	}
	return g, nil
}

// hold waits for Options.HoldUntil.
func (l *Limiter) hold(ctx context.Context) {
	if l.opts.HoldUntil == nil {
		return
	}
	timer := time.NewTimer(holdTimeout)
	defer timer.Stop()
	select {
	case <-l.opts.HoldUntil:
	case <-timer.C:
	case <-ctx.Done():
	}
}
