// Package store is at heart what a bot knows after its process has died: the
// sessions to resume, the account of session starts, the incidents, how the bot
// has been and whether anybody was told, and how earlier runs ended.
//
// Nothing of it may ever cost the bot. Whoever has something to keep leaves it
// in memory and goes on; one goroutine, the writer, takes what has changed to an
// embedded SQLite database. So neither a slow nor a full, read-only or broken
// disk holds anybody up: the newest values wait in memory, [Store.State] says
// why, and they are written once the disk is well again. A damaged database is
// set aside, never deleted, and a new one takes its place.
//
// How old the disk may be: what changes is written within 20 ms, in a commit
// that survives kill -9 (the operating system has it) but not a power cut. What
// starts a session, ends one or is committed by the ledger is on the disk itself
// at once, everything else within two seconds.
//
// A database belongs to one bot; that only one process writes it is what
// internal/process/tokenlock is for.
package store

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
)

// DefaultOpenTimeout is how long [Open] waits for the disk.
const DefaultOpenTimeout = 3 * time.Second

// Options configures a [Store]. Dir and Fingerprint are required; every other
// zero value means the documented default.
type Options struct {
	// Dir is the state folder. It is made, with mode 0700, if it is missing.
	Dir string
	// Fingerprint stands for the bot's token.
	Fingerprint tokenlock.Fingerprint
	// Version of this program goes into the record of the run.
	Version string
	// PreviousCrash is what the Go runtime said as the previous process crashed, as
	// [SetCrashLog] found it; empty if it did not.
	PreviousCrash string
	// Logger is told what befalls the database. Default: nobody is.
	Logger *slog.Logger
	// OpenTimeout is how long Open waits for a disk that does not answer. Default
	// [DefaultOpenTimeout].
	OpenTimeout time.Duration
	// AliveInterval is how often a run says on the disk that it is there. A session
	// is as old as the last of it. Default 5 s.
	AliveInterval time.Duration
	// Fresh leaves the sessions of earlier runs where they are: none is resumed.
	Fresh bool
	// NoHost says that what the machine does is no part of the bot's life, as in
	// virtual time: how often it kills for memory, how long it sleeps, when it starts
	// are not asked for.
	NoHost bool
}

// Store keeps what survives a restart. Make one with [Open], end it with
// [Store.Close]; its methods may be called from any goroutine and wait for the
// disk only where they say so.
type Store struct {
	opts  Options
	path  string
	log   *slog.Logger
	disk  disk
	host  hostInfo
	count counters

	// dirty: something has changed since the writer last looked; urgent: and it
	// must not wait. wake has one slot and makes the writer look.
	dirty, urgent atomic.Bool
	wake          chan struct{}
	started       time.Time
	closing       chan struct{}
	closeOnce     sync.Once
	freshOnce     sync.Once     // has logged that Options.Fresh drops saved sessions
	opened        chan struct{} // closed after the first try to open the disk
	done          chan struct{} // closed when the writer has ended
	reading       chan struct{} // has one slot, for whoever reads beside the writer
	began         atomic.Int64  // UnixNano of the disk call under way, or 0

	kills     oomCount // as read at killsRead, by the writer
	killsRead time.Time

	mu             sync.Mutex
	state          State
	loaded         bool        // the database has been read
	newer          *NewerError // why the first try failed, if that was it
	last           error       // of the last write, for Close
	sessionStores  map[gateway.ShardID]*sessionStore
	saved          []sessionRow // as found
	entries        map[int64]identify.Entry
	identifiesLost bool // the account went with a damaged file, and nobody was told
	newEntry       map[int64]identify.Entry
	memory         *health.MemoryJournal
	newEvents      map[string]health.Incident
	own            map[string]bool // incidents of this run
	runs           []runRow        // as found
	run            *runRow         // nil before Begin
	runChanged     bool
	samples        []history.Record // as found
	newSamples     []history.Record
	samplesLost    bool          // what was written of it is gone, and nobody was told
	alert          *alert.Active // nil: none is active
	alertChanged   bool
	alertOwn       bool // this run has said something of it
	waiters        []chan<- error
}

// counters backs [Stats].
type counters struct{ writes, syncs, failures, asides atomic.Int64 }

// Stats counts what the writer has done. All numbers only grow.
type Stats struct {
	// Writes are transactions. Syncs are the times the disk itself was waited
	// for: one for each durable transaction, three for each checkpoint.
	Writes, Syncs int64
	Failures      int64 // tries that came to nothing
	Asides        int64 // damaged databases that were set aside
}

// Open opens the bot's database in the state folder, or makes one. It returns
// an error only for a database of a later version of this program, a
// [*NewerError]. Whatever else is wrong with the disk is logged, shown by
// [Store.State] and tried again; the Store works in memory meanwhile.
func Open(ctx context.Context, o Options) (*Store, error) {
	path := Path(o.Dir, o.Fingerprint)
	h := thisHost()
	if o.NoHost {
		h = noHost(h.pid)
	}
	s := newStore(o, path, h)
	s.disk = &stateDir{dir: o.Dir, path: path, steps: steps, count: &s.count, longest: maxLogSize, now: time.Now}
	return s.start(ctx)
}

func newStore(o Options, path string, h hostInfo) *Store {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.OpenTimeout = cmp.Or(o.OpenTimeout, DefaultOpenTimeout)
	o.AliveInterval = cmp.Or(o.AliveInterval, DefaultAliveInterval)
	return &Store{
		opts: o, path: path, log: o.Logger, host: h, started: time.Now().Round(0),
		wake: make(chan struct{}, 1), closing: make(chan struct{}), opened: make(chan struct{}), done: make(chan struct{}), reading: make(chan struct{}, 1),
		state:         State{Reason: "the database has not been opened yet", Since: time.Now()},
		sessionStores: map[gateway.ShardID]*sessionStore{}, entries: map[int64]identify.Entry{}, newEntry: map[int64]identify.Entry{},
		memory: &health.MemoryJournal{}, newEvents: map[string]health.Incident{}, own: map[string]bool{},
	}
}

// start starts the writer and waits for its first look at the disk.
func (s *Store) start(ctx context.Context) (*Store, error) {
	go (&writer{store: s}).run()
	patience := time.NewTimer(s.opts.OpenTimeout)
	defer patience.Stop()
	select {
	case <-s.opened:
	case <-patience.C:
		s.log.Warn(notSaved, "reason", s.State().Reason)
	case <-ctx.Done(): // whoever is in a hurry goes without
	}
	s.mu.Lock()
	newer := s.newer
	s.mu.Unlock()
	if newer != nil {
		_ = s.Close(ctx)
		return nil, newer
	}
	return s, nil
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	return Stats{
		Writes: s.count.writes.Load(), Syncs: s.count.syncs.Load(),
		Failures: s.count.failures.Load(), Asides: s.count.asides.Load(),
	}
}

// Path is the database file.
func (s *Store) Path() string { return s.path }

// signal tells the writer that something has changed. It never waits.
func (s *Store) signal(urgent bool) {
	if urgent {
		s.urgent.Store(true)
	}
	if !s.dirty.Swap(true) || urgent {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// errClosed is what a Store says that has ended.
var errClosed = errors.New("the store is closed")

// Close writes what has not been written, so that it survives a power cut too,
// and ends the Store. It waits for the disk until ctx ends, and returns why
// something could not be saved. What comes after it is not kept.
func (s *Store) Close(ctx context.Context) error {
	s.closeOnce.Do(func() { close(s.closing) })
	select {
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.last
	case <-ctx.Done():
		return errors.Join(errors.New("the disk did not answer in time; what happened last may not be saved"), ctx.Err())
	}
}
