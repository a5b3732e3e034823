// Package fleet is at heart many shards as one: which shards of a bot this
// process runs, in what order they start, and how they stop, pause, move out and
// change their number, without any of them ever waiting for a sick one.
//
// A [Fleet] makes one [gateway.Shard] for each pair of its [Assignment]. Shards
// with a saved session RESUME at once and side by side; the others queue for the
// identify permit. What many machines would have to agree on stands behind three
// small interfaces: who may identify ([gateway.IdentifyLimiter]), where sessions are kept
// ([Sessions]) and who runs which shard ([Assigner]).
//
// Statement ids such as G-039 in comments refer to the table in
// docs/conformance.md.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
)

// Errors a caller can test for with errors.Is.
var (
	// ErrNoShard means that the fleet does not run the shard.
	ErrNoShard = errors.New("this process does not run that shard")
	// ErrStopped means that the fleet has been stopped.
	ErrStopped = errors.New("the fleet has been stopped")
	// ErrResharding means that the number of shards is being changed.
	ErrResharding = errors.New("the number of shards is being changed; wait until that is over")
)

// Options configures a [Fleet]. Shard with its credentials and locator is
// required; every other zero value means the documented default.
type Options struct {
	// Shard is what all shards have in common. Shard, Session and SessionStore are the
	// fleet's to fill in. Handler and Observer are shared: each shard calls them
	// from a goroutine of its own, so they are called by many at once. The
	// default IdentifyLimiter has one concurrency key and no daily budget.
	Shard gateway.Options
	// Assigner decides which shards to run. Default: shard 0 of 1.
	Assigner Assigner
	// Sessions keeps the sessions. Default: nobody does.
	Sessions Sessions
	// DialRate is the most connections a second that are dialled when many
	// shards want one at once. Default: 40 or a third of the shards, whichever
	// is more (G-154).
	DialRate float64
}

// Fleet is many shards as one. Make it with [New], start it with [Fleet.Run],
// end it with [Fleet.Stop]. All methods may be called from any goroutine.
type Fleet struct {
	opts     Options
	gate     *gate
	waitlist *waitlist

	started  atomic.Bool
	finished chan struct{}
	halt     context.Context // ends with the first stop
	haltNow  context.CancelFunc
	life     context.Context // what the shards run in: Run's context
	work     sync.WaitGroup  // goroutines of the fleet, the shards' included

	assigning turn
	crossing  atomic.Pointer[crossing] // during a change of the number of shards

	mu      sync.Mutex
	set     *set // nil until the assignment is known
	next    *set // the set that is to take over
	running bool // shards that are made may run
	// creds are the newest credentials that Discord has accepted or a caller has
	// given, for shards that are made later.
	creds gateway.Credentials
	// presence is the newest one, for shards that are made later.
	presence *gateway.Presence
}

// set is the shards of one assignment.
type set struct {
	assignment Assignment
	members    map[int]*member
	order      []*member
}

// New checks the options and makes a fleet that does nothing yet.
func New(opts Options) (*Fleet, error) {
	if opts.Shard.Shard != (gateway.ShardID{}) || opts.Shard.Session != (gateway.Session{}) || opts.Shard.SessionStore != nil {
		return nil, errors.New("fleet: the pair, session and keeper of a shard are the fleet's to choose")
	}
	if opts.Assigner == nil {
		opts.Assigner = All(1)
	}
	if opts.Sessions == nil {
		opts.Sessions = forgetful{}
	}
	if opts.Shard.IdentifyLimiter == nil {
		opts.Shard.IdentifyLimiter = identify.New(identify.Options{Rand: opts.Shard.Rand})
	}
	if opts.Shard.Dialer == nil {
		opts.Shard.Dialer = gateway.WebSocketDialer{UserAgent: "DiscordBot (https://discord.com, 1.0) evergreen"}
	}
	if _, err := gateway.New(opts.Shard); err != nil {
		return nil, err
	}
	f := &Fleet{opts: opts, finished: make(chan struct{}), assigning: make(turn, 1), presence: opts.Shard.Presence, creds: opts.Shard.Credentials}
	f.gate = newGate(opts.Shard.Dialer, opts.DialRate)
	f.waitlist = newWaitlist(opts.Shard.IdentifyLimiter, f.granted)
	f.halt, f.haltNow = context.WithCancel(context.Background())
	return f, nil
}

// Assign asks the assigner which shards to run, unless it has answered before,
// and makes them; they run only with [Fleet.Run], which calls it too. Failures
// that may pass are retried until ctx ends.
func (f *Fleet) Assign(ctx context.Context) (Assignment, error) {
	if err := f.assigning.take(ctx); err != nil {
		return Assignment{}, err
	}
	defer f.assigning.give()
	if s := f.current(); s != nil {
		return s.assignment, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.halt, cancel)()
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		a, err := f.opts.Assigner.Assign(ctx)
		if err == nil {
			return a, f.adopt(a)
		}
		if errors.Is(err, gateway.ErrUnauthorized) {
			return Assignment{}, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return Assignment{}, err
		}
	}
}

// adopt makes the first set.
func (f *Fleet) adopt(a Assignment) error {
	if err := a.Validate(); err != nil {
		return fmt.Errorf("fleet: shards %s: %w", a, err)
	}
	s, err := f.muster(a, f.opts.Sessions.Session)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = s
	f.gate.size(len(s.order))
	return nil
}

// muster makes the shards of an assignment.
func (f *Fleet) muster(a Assignment, session func(gateway.ShardID) gateway.Session) (*set, error) {
	s := &set{assignment: a, members: make(map[int]*member, len(a.IDs))}
	for _, pair := range a.Shards() {
		m, err := f.newMember(pair, session(pair))
		if err != nil {
			return nil, err
		}
		s.members[pair.ID] = m
		s.order = append(s.order, m)
	}
	return s, nil
}

// Run keeps the shards online until [Fleet.Stop] or the end of ctx, which means
// a Pause that waits for nobody. It returns nil after a stop; an error means
// that the assigner's answer cannot be used. It can be called once.
func (f *Fleet) Run(ctx context.Context) error {
	if !f.started.CompareAndSwap(false, true) {
		if f.halt.Err() != nil {
			return nil // stopped before it began
		}
		return errors.New("fleet: Run was called before")
	}
	defer close(f.finished)
	defer f.work.Wait()
	if _, err := f.Assign(ctx); err != nil {
		if f.halt.Err() != nil || ctx.Err() != nil {
			return nil
		}
		f.haltNow()
		return err
	}
	release := context.AfterFunc(ctx, f.haltNow)
	defer release()
	f.mu.Lock()
	f.life, f.running = ctx, true
	s := f.set
	f.mu.Unlock()
	for _, m := range s.order {
		m.run()
	}
	<-f.halt.Done()
	f.mu.Lock()
	f.running = false // a shard that is resumed now stays where it is
	f.mu.Unlock()
	return nil
}

// Stop ends the fleet for good: every shard leaves as [gateway.Shard.Stop] says,
// all side by side, so that a thousand take no longer than the slowest. It
// returns when all are gone. The error joins those of the shards.
func (f *Fleet) Stop(ctx context.Context, mode gateway.StopMode) error {
	if f.started.CompareAndSwap(false, true) {
		close(f.finished)
	}
	f.haltNow()
	f.mu.Lock()
	f.running = false
	members := f.allMembers()
	f.mu.Unlock()
	if err := stopAll(ctx, members, mode); err != nil {
		return err
	}
	<-f.finished // all that is left is to return
	return nil
}

// stopAll stops shards side by side.
func stopAll(ctx context.Context, members []*member, mode gateway.StopMode) error {
	errs := make([]error, len(members))
	var group sync.WaitGroup
	for i, m := range members {
		group.Go(func() { errs[i] = m.leave(ctx, mode) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// allMembers lists the members of both sets. The caller holds mu.
func (f *Fleet) allMembers() []*member {
	var all []*member
	for _, s := range []*set{f.set, f.next} {
		if s != nil {
			all = append(all, s.order...)
		}
	}
	return all
}

func (f *Fleet) current() *set {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.set
}

// handle is what every shard calls: it hands the event to the handler of
// the options, unless the number of shards is being changed and the event is the
// other set's to deliver.
func (f *Fleet) handle(ctx context.Context, e gateway.Event) {
	if c := f.crossing.Load(); c != nil {
		c.route(ctx, e)
		return
	}
	f.opts.Shard.Handler.HandleEvent(ctx, e)
}

// granted is called when a shard has its grant and is about to identify.
func (f *Fleet) granted(pair gateway.ShardID) {
	if c := f.crossing.Load(); c != nil {
		c.begin(pair)
	}
}

// turn is a lock that a context can give up waiting for.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }
