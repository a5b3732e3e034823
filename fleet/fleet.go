// Package fleet runs many shards of a bot in one process. It decides which ones, in
// what order they start, and how they stop, pause, move out and change their number. No
// shard waits for one that cannot connect.
//
// A [Fleet] makes one [gateway.Shard] for each shard of its [Assignment]. Shards with a
// saved session RESUME at once and side by side; the others queue at the identify
// limiter. What many machines would have to agree on stands behind three small
// interfaces. [gateway.IdentifyLimiter] says who may identify, [Sessions] where
// sessions are kept, [Assigner] which process runs which shard.
//
// Statement ids such as G-039 in comments refer to the table in
// docs/conformance.md.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/lifecycle"
)

// Errors a caller can test for with errors.Is.
var (
	// ErrNoShard means that the fleet does not run the shard.
	ErrNoShard = errors.New("this process does not run that shard")
	// ErrStopped means that the fleet has been stopped.
	ErrStopped = errors.New("the fleet has been stopped")
	// ErrResharding means that the number of shards is being changed.
	ErrResharding = errors.New("the number of shards is being changed; wait until that is over")
	// ErrHandlersBehind means that the number of shards was not changed because handlers
	// did not return in time.
	ErrHandlersBehind = errors.New("the handlers are too far behind")
)

// Options configures a [Fleet]. Shard with its Credentials and URLSource is
// required; every other zero value means the documented default.
type Options struct {
	// Shard is what all shards have in common. The fleet fills in its Shard, Session
	// and SessionStore. Every function and interface in it is shared: each shard calls
	// it from goroutines of its own, so many calls may run at once. The default
	// IdentifyLimiter has one concurrency key and no daily budget.
	Shard gateway.Options
	// Assigner decides which shards to run. Default: shard 0 of 1.
	Assigner Assigner
	// Sessions keeps the sessions. Default: none are kept.
	Sessions Sessions
	// DialRate is the most connections a second that are dialled when many
	// shards want one at once; eight may leave together after a quiet time. A dial that
	// has to wait longer than Timing.Connect fails and is repeated. Default: 40 or a
	// third of the number of shards, whichever is more.
	DialRate float64
	// Room returns the ReadLimit and the QueueBytes of each shard where the fleet runs so
	// many: they share the memory there is. Default: those of Shard, whatever their number.
	Room func(shards int) (readLimit, queueBytes int64)
}

// Fleet runs the shards of an [Assignment]. Make it with [New], start it with
// [Fleet.Run], end it with [Fleet.Stop]. All methods may be called from any
// goroutine. A shard that fails goes on trying by itself, see [gateway.Shard]; its
// failures never end the fleet.
type Fleet struct {
	opts        Options
	dialLimiter *dialLimiter
	waitlist    *waitlist

	life *lifecycle.Lifecycle
	work sync.WaitGroup // goroutines of the fleet, the shards' included

	assigning ctxMutex                  // held by the one Assign that asks
	migration atomic.Pointer[migration] // during a change of the number of shards
	failed    atomic.Pointer[FailedReshard]

	mu      sync.Mutex
	set     *shardSet       // nil until the assignment is known
	nextSet *shardSet       // the set that is to take over
	running bool            // shards that are made may run
	runCtx  context.Context // Run's context: the shards run in it
	// credentials are the newest credentials that Discord has accepted or a caller has
	// given, for shards that are made later.
	credentials gateway.Credentials
	// presence is the newest one, for shards that are made later.
	presence *gateway.Presence
}

// shardSet is the shards of one assignment.
type shardSet struct {
	assignment Assignment
	members    map[int]*member
	order      []*member
}

// deliversNothing reports whether no shard of the set has a session or an event that is
// not handled.
func (s *shardSet) deliversNothing() bool {
	return !slices.ContainsFunc(s.order, func(m *member) bool { return !m.hasNoSession() || m.current().Stats().QueuedAge > 0 })
}

// saveSessions begins to save the sessions of the set.
func (s *shardSet) saveSessions() {
	for _, m := range s.order {
		m.savedSession().begin()
	}
}

// forgetSessions removes the sessions of the set from the store for good.
func (s *shardSet) forgetSessions() {
	for _, m := range s.order {
		m.savedSession().forget()
	}
}

// New checks the options and makes a fleet that does nothing yet.
func New(opts Options) (*Fleet, error) {
	if opts.Shard.Shard != (gateway.ShardID{}) || opts.Shard.Session != (gateway.Session{}) || opts.Shard.SessionStore != nil {
		return nil, errors.New("fleet: the ID, session and session store of a shard are the fleet's to choose")
	}
	if !(opts.DialRate >= 0 && opts.DialRate <= maxDialRate) || opts.DialRate > 0 && opts.DialRate < minDialRateSet {
		return nil, fmt.Errorf("fleet: DialRate %v: want %v to %v dials a second, or 0 for the default", opts.DialRate, minDialRateSet, maxDialRate)
	}
	if opts.Assigner == nil {
		opts.Assigner = All(1)
	}
	if opts.Sessions == nil {
		opts.Sessions = noSessions{}
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
	f := &Fleet{
		opts: opts, life: lifecycle.New(), assigning: make(ctxMutex, 1), presence: opts.Shard.Presence, credentials: opts.Shard.Credentials,
	}
	f.dialLimiter = newDialLimiter(opts.Shard.Dialer, opts.DialRate)
	f.waitlist = newWaitlist(opts.Shard.IdentifyLimiter, f.granted)
	return f, nil
}

// Assign asks the assigner which shards to run, unless it has answered before,
// and makes them; they run only with [Fleet.Run], which calls it too. Failures
// that may pass are retried until ctx ends.
func (f *Fleet) Assign(ctx context.Context) (Assignment, error) {
	if err := f.assigning.lock(ctx); err != nil {
		return Assignment{}, err
	}
	defer f.assigning.unlock()
	if s := f.currentSet(); s != nil {
		return s.assignment, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.life.StopContext(), cancel)()
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		a, err := f.opts.Assigner.Assign(ctx)
		if err == nil {
			return a, f.setAssignment(a)
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

// setAssignment makes the first set of shards.
func (f *Fleet) setAssignment(a Assignment) error {
	if err := a.Validate(); err != nil {
		return fmt.Errorf("fleet: shards %s: %w", a, err)
	}
	s, err := f.newShards(a, sessionsNow, f.opts.Sessions.Session)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = s
	f.updateMembersLocked(s.order...)
	f.dialLimiter.setShards(len(s.order))
	return nil
}

// newShards makes a set: the shards of an assignment.
func (f *Fleet) newShards(a Assignment, save saveMode, session func(gateway.ShardID) gateway.Session) (*shardSet, error) {
	room := f.roomOf(len(a.IDs))
	s := &shardSet{assignment: a, members: make(map[int]*member, len(a.IDs))}
	for _, shard := range a.Shards() {
		if f.life.Stopping() {
			return nil, ErrStopped
		}
		m, err := f.newMember(shard, session(shard), room, save)
		if err != nil {
			return nil, err
		}
		s.members[shard.ID] = m
		s.order = append(s.order, m)
	}
	return s, nil
}

// Run keeps the shards online until [Fleet.Stop] or the end of ctx, which is a stop
// that keeps the sessions and waits for no handler. It returns nil after a stop. An
// error means that the assigner refused for good or that its answer cannot be used. It
// can be called once.
func (f *Fleet) Run(ctx context.Context) error {
	switch err := f.life.Start(); {
	case errors.Is(err, lifecycle.ErrStopped):
		return nil
	case err != nil:
		return fmt.Errorf("fleet: %w", err)
	}
	defer f.life.Finish()
	defer f.work.Wait()
	if _, err := f.Assign(ctx); err != nil {
		if f.life.Stopping() || ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer context.AfterFunc(ctx, func() { f.life.Stop() })()
	f.mu.Lock()
	f.runCtx, f.running = ctx, true
	s := f.set
	f.mu.Unlock()
	for _, m := range s.order {
		m.run()
	}
	<-f.life.StopContext().Done()
	f.mu.Lock()
	f.running = false // a shard that is resumed now stays where it is
	f.mu.Unlock()
	return nil
}

// abortTimeout is how long Stop waits, after the end of its context, for handlers that
// heed the end of theirs.
const abortTimeout = 3 * time.Second

// Stop ends the fleet for good. Every shard leaves as [gateway.Shard.Stop] says, all
// side by side: a thousand take no longer than the slowest. A change of the number of
// shards ends at once; only the set that delivers keeps its sessions. Stop returns when
// all are gone, or soon after the end of ctx with an error when a handler ignores the end
// of its context. The error joins those of the shards.
func (f *Fleet) Stop(ctx context.Context, mode gateway.StopMode) error {
	f.life.Stop()
	f.mu.Lock()
	f.running = false
	var members []*member
	if f.set != nil {
		members = f.set.order
	}
	f.mu.Unlock()
	// Reshard closes the shards of other sets.
	if err := stopAll(ctx, members, mode); err != nil {
		return err
	}
	select {
	case <-f.life.Done():
		return nil
	case <-ctx.Done():
	}
	timer := time.NewTimer(abortTimeout)
	defer timer.Stop()
	select {
	case <-f.life.Done():
		return nil
	case <-timer.C:
		return fmt.Errorf("fleet: a handler ignores the end of its context: %w", ctx.Err())
	}
}

// stopAll stops shards side by side.
func stopAll(ctx context.Context, members []*member, mode gateway.StopMode) error {
	errs := make([]error, len(members))
	var group sync.WaitGroup
	for i, m := range members {
		group.Go(func() { errs[i] = m.stop(ctx, mode) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// allMembers returns the members of both sets. The caller holds mu.
func (f *Fleet) allMembers() []*member {
	var all []*member
	for _, s := range []*shardSet{f.set, f.nextSet} {
		if s != nil {
			all = append(all, s.order...)
		}
	}
	return all
}

// updateMembersLocked gives members what SetPresence and Reconfigure were told while they
// were being made. The caller holds mu.
func (f *Fleet) updateMembersLocked(members ...*member) {
	for _, m := range members {
		m.mu.Lock()
		shard, presence, credentials := m.shard, m.presence, m.credentials
		m.presence, m.credentials = f.presence, f.credentials
		m.mu.Unlock()
		if f.presence != nil && presence != f.presence {
			_ = shard.SetPresence(*f.presence) // it was validated
		}
		if credentials != f.credentials {
			_ = shard.Reconfigure(f.credentials) // it fails after a stop
		}
	}
}

func (f *Fleet) currentSet() *shardSet {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.set
}

// handle is the handler of every shard. It hands the event to the handler of the
// options, unless the number of shards is being changed and the other set delivers
// the event.
func (f *Fleet) handle(ctx context.Context, e gateway.Event) {
	if m := f.migration.Load(); m != nil {
		m.route(ctx, e)
		return
	}
	f.opts.Shard.Handler.HandleEvent(ctx, e)
}

// granted is called when a shard has its grant and is about to identify.
func (f *Fleet) granted(shard gateway.ShardID) {
	if m := f.migration.Load(); m != nil {
		m.openShard(shard)
	}
}

// ctxMutex is a lock with one slot. Waiting for it ends with a context.
type ctxMutex chan struct{}

func (m ctxMutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	default:
	}
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m ctxMutex) unlock() { <-m }
