// Package store keeps what survives a restart in one SQLite file per bot. That is the
// sessions to resume, the identify budget, the incidents and the samples of the
// history. It is also the alert that is not over, the limits of REST that hold, and how
// each run ended.
//
// No caller waits for the disk. A value to keep is put into memory, and one
// goroutine, the writer, writes what has changed. While the disk is slow, full,
// read-only or broken, the newest values wait in memory, [Store.State] says why,
// and the writer tries again. A damaged database is renamed, never deleted, and a
// new one is begun.
//
// How old the disk may be: a change is written within 20 ms, in a commit that
// survives kill -9 but not a power cut. The start and the end of a session and the
// entry of an IDENTIFY survive a power cut at once, everything else after two
// seconds.
//
// One process at a time may open a database: internal/process/tokenlock sees to
// that.
//
// Where to look: writer.go decides when to write; merge.go moves changes between
// memory and a batch; open.go opens, checks and sets aside; database.go is SQLite;
// diskerror.go explains errors of the disk. session.go, identifies.go,
// incidents.go, samples.go and run.go are what is kept.
package store

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
)

// Defaults of [Options].
const (
	DefaultOpenTimeout   = 3 * time.Second
	DefaultAliveInterval = 5 * time.Second
)

// Options configures a [Store]. Dir and Fingerprint are required; every other
// zero value means the documented default.
type Options struct {
	// Dir is the state folder. It is made, with mode 0700, if it is missing.
	Dir string
	// Fingerprint stands for the bot's token.
	Fingerprint tokenlock.Fingerprint
	// Version of this program is stored with the run.
	Version string
	// PreviousCrash is the first line of the crash of the previous process, as
	// [SetCrashLog] returns it; empty if it did not crash.
	PreviousCrash string
	// Logger gets lines about the database and about each session. Default: none.
	Logger *slog.Logger
	// OpenTimeout is how long Open waits for a disk that does not answer. Default
	// 3 s.
	OpenTimeout time.Duration
	// AliveInterval is the time between two signs of life of a run. A session ages
	// from the last one. Default 5 s.
	AliveInterval time.Duration
	// Fresh leaves the sessions of earlier runs where they are: none is resumed.
	Fresh bool
	// NoHost records nothing of the machine, for a run in virtual time: neither
	// kills for memory nor sleep nor boots.
	NoHost bool
}

// Store is the open database of one bot. Make it with [Open] and end it with
// [Store.Close].
//
// All methods may be called at the same time, and none waits for the disk unless it
// says so. An error of the disk ends nothing: see [Store.State].
type Store struct {
	opts  Options
	path  string
	log   *slog.Logger
	disk  disk
	host  hostInfo
	count counters

	// dirty: something has changed since the writer last collected. urgent: it is
	// to be written at once. wake has one slot and wakes the writer.
	dirty, urgent atomic.Bool
	wake          chan struct{}
	created       time.Time // with the monotonic reading
	clock         *clock.Clock
	started       time.Time // the same by the wall clock
	closing       chan struct{}
	closeOnce     sync.Once
	freshOnce     sync.Once     // has logged that Options.Fresh drops saved sessions
	opened        chan struct{} // closed after the first try to open the disk
	done          chan struct{} // closed when the writer has ended
	reading       chan struct{} // one slot: one reader beside the writer at a time
	callBegan     atomic.Int64  // when the disk call under way began, after created; or 0

	lacks     string   // of the volume, as logged by the writer
	kills     oomCount // as read at killsRead, by the writer
	killsRead time.Time

	mu               sync.Mutex
	state            State
	loaded           bool        // the database has been read
	newer            *NewerError // why the first try failed, if it did for that
	last             error       // of the last write, for Close
	sessionStores    map[gateway.ShardID]*sessionStore
	saved            []sessionRow // as read when the database was opened
	entries          map[int64]identify.Entry
	identifiesLost   bool // it went with a damaged file; not yet reported
	changedEntries   map[int64]identify.Entry
	memory           *health.MemoryJournal
	changedIncidents map[string]health.Incident
	ownIncidents     map[string]bool  // incidents of this run
	runs             []runRow         // as read when the database was opened
	run              *runRow          // nil before BeginRun
	samples          []history.Record // as read when the database was opened
	newSamples       []history.Record
	lastSample       int64         // the last row of what was read
	samplesReplaced  bool          // those after it are to be taken back
	samplesMoved     *movedSamples // those before are to be moved
	clockSet         time.Duration // by how much the clock had been set that the run is told by
	samplesLost      bool          // what was written of them is gone; not yet reported
	alert            *alert.Active // nil: none is active
	alertChanged     bool
	limits           map[string]rest.Limit // by their keys
	limitsChanged    bool
	alertOwn         bool // set by this run
	waiters          []chan<- error
}

// counters backs [Stats].
type counters struct{ writes, syncs, failures, asides atomic.Int64 }

// Stats counts what the writer has done. All numbers only grow.
type Stats struct {
	// Writes are transactions. Syncs are the times the disk itself was waited
	// for: one for each durable transaction, three for each checkpoint.
	Writes, Syncs int64
	Failures      int64 // tries that failed
	Asides        int64 // damaged databases that were set aside
}

// Open opens the bot's database in the state folder, or makes one. It returns
// an error only for a database of a later version of this program, a [*NewerError].
// Any other error of the disk is logged, returned by [Store.State] and tried again;
// the Store works in memory meanwhile.
func Open(ctx context.Context, o Options) (*Store, error) {
	path := Path(o.Dir, o.Fingerprint)
	h := thisHost()
	if o.NoHost {
		h = noHost(h.pid)
	}
	s := newStore(o, path, h)
	s.disk = &stateDir{dir: o.Dir, path: path, steps: steps, count: &s.count, maxLog: maxLogSize, now: time.Now}
	return s.start(ctx)
}

func newStore(o Options, path string, h hostInfo) *Store {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.OpenTimeout = cmp.Or(o.OpenTimeout, DefaultOpenTimeout)
	o.AliveInterval = cmp.Or(o.AliveInterval, DefaultAliveInterval)
	created := time.Now()
	return &Store{
		opts: o, path: path, log: o.Logger, host: h, created: created, clock: clock.New(clock.Source{}), started: created.Round(0),
		wake: make(chan struct{}, 1), closing: make(chan struct{}), opened: make(chan struct{}), done: make(chan struct{}), reading: make(chan struct{}, 1),
		state:         State{Reason: "the database has not been opened yet", Since: time.Now()},
		sessionStores: map[gateway.ShardID]*sessionStore{}, entries: map[int64]identify.Entry{}, changedEntries: map[int64]identify.Entry{},
		limits: map[string]rest.Limit{}, memory: &health.MemoryJournal{}, changedIncidents: map[string]health.Incident{}, ownIncidents: map[string]bool{},
	}
}

// start starts the writer and waits for its first try to open the disk.
func (s *Store) start(ctx context.Context) (*Store, error) {
	go (&writer{store: s, watch: s.clock.Watch()}).run()
	patience := time.NewTimer(s.opts.OpenTimeout)
	defer patience.Stop()
	select {
	case <-s.opened:
	case <-patience.C:
		s.log.Warn(notSaved, "reason", s.State().Reason)
	case <-ctx.Done(): // the Store works in memory meanwhile
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

// Path returns the path of the database.
func (s *Store) Path() string { return s.path }

// signal tells the writer that something has changed. It never blocks.
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

// errClosed is the error of a closed Store.
var errClosed = errors.New("the store is closed")

// Close writes what has not been written, so that it survives a power cut, and ends
// the Store. It waits for the disk until ctx ends and returns why something could
// not be saved. What is put after Close is not kept.
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
