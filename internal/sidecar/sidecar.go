// Package sidecar keeps the sessions of bots that are written in any language with any
// library. Such a bot connects to a [Sidecar] as if it were Discord's gateway. The
// Sidecar has the real session: the bot may crash, hang or be redeployed, the dot stays
// green, and the bot gets afterwards what happened meanwhile.
//
// # Words
//
// Upstream are the shards that are connected to Discord. A line is one WebSocket from a
// bot. A session is what a line may RESUME: its id and numbers are ours. A consumer gets
// every event of its shard pair once, and outlives lines and processes of the bot. Its
// cursor is the position of the first event that it has not confirmed. The world is the
// guilds as they were at the tail of the backlog.
//
// # How an event goes
//
//  1. [Sidecar.HandleEvent] gives it a position and appends it to the backlog
//     (backlog/backlog.go). The upstream session holds it until a consumer has confirmed
//     it, so that a crash of this process has Discord replay it.
//  2. The feeder of each line that is live (feed.go) gives it a number (session.go) and
//     writes it (line/).
//  3. A WebSocket ping proves that the client has read it; then the cursor moves, and half
//     a minute later the event is folded into the world (world/).
//
// The data of events that do not fit into memory goes to the disk, and is read when a
// feeder needs it (overflow.go).
//
// A new process of the bot gets READY and its guilds as they were at its cursor
// (snapshot.go), is given time to become ready (settle.go), and then gets everything
// since, as events.
package sidecar

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/drain"
	"evergreen/internal/lifecycle"
	"evergreen/internal/sidecar/backlog"
	"evergreen/internal/sidecar/journal"
	"evergreen/internal/sidecar/line"
	"evergreen/internal/sidecar/world"
)

// Defaults of [Options].
const (
	DefaultAddr  = "127.0.0.1:8001"
	DefaultReply = "The bot is just restarting. Please try again in a moment."
)

// maxLines is how many lines there may be at once.
const maxLines = 256

// Mode is what becomes of interactions that no bot takes.
type Mode string

// The modes of [Options].
const (
	// Tell answers for the bot that it is away.
	Tell Mode = "tell"
	// Keep delivers them when the bot is back, which for most is too late.
	Keep Mode = "keep"
)

// Options configures a [Sidecar]. Token, HTTPClient, UserAgent and APIURL are required; every other
// zero value means the documented default.
type Options struct {
	// Token returns the bot token that is in use.
	Token func() string
	// HTTPClient makes requests to Discord. It must keep the rate limits.
	HTTPClient *http.Client
	// UserAgent is sent with own requests, in the form that Discord documents (G-125).
	UserAgent string
	// APIURL is the REST base, such as https://discord.com/api/v10.
	APIURL string

	// Addr is where bots connect. Default [DefaultAddr].
	Addr string
	// Listen opens Addr. Default: as a new TCP listener.
	Listen func(ctx context.Context, addr string) (net.Listener, error)
	// PublicURL is what READY and /gateway tell bots to connect to, such as
	// wss://proxy.example.org. Default: what the request was sent to.
	PublicURL string
	// TLSCert and TLSKey are files in PEM, for wss and https. Default: ws and http.
	TLSCert, TLSKey string
	// StandIn is what bots present instead of the token. Default: they present the token.
	StandIn string
	// Intents are what upstream asks for. Default: what the bot asks for.
	Intents gateway.Intents
	// Shards is how many shards /gateway/bot recommends. Default 1.
	Shards int
	// NoREST answers the two routes of the gateway only.
	NoREST bool

	// BacklogBytes bounds what is kept in memory, and BacklogDisk what is moved to the disk
	// because it does not fit, if there is a Dir. Default 64 MiB and 512 MiB; a negative
	// BacklogDisk: nothing is moved. BacklogAge is how long an event is kept. Default an hour.
	BacklogBytes int64
	BacklogDisk  int64
	BacklogAge   time.Duration
	// Settle is how long a library that has its guilds is given. Default: as it needs.
	Settle time.Duration
	// Interactions is what becomes of interactions that no bot takes. Default [Tell].
	Interactions Mode
	// AwayReply is what Tell says. Default [DefaultReply].
	AwayReply string
	// Instance is a text that is different for each run, for [InstanceHeader]. Default: none.
	Instance string
	// Dir is a folder for what survives this process: what bots ask for, their sessions,
	// the guilds and the backlog. Only its owner may read it. Default: nothing survives.
	Dir string

	// Log takes what happens to bots. Default: nothing is written.
	Log *slog.Logger
}

// Upstream are the shards that are connected to Discord. A [fleet.Fleet] is one.
type Upstream interface {
	// Send sends a payload on the shard of a guild, within Discord's limits.
	Send(ctx context.Context, guild uint64, op gateway.Opcode, d any) error
	// SetPresence gives all shards a presence.
	SetPresence(gateway.Presence) error
	// Latency returns the round trip to Discord; 0 while it is not known.
	Latency() time.Duration
	// Assignment returns which shards they are.
	Assignment() fleet.Assignment
}

// Sidecar is the server that bots connect to, and the handler of the shards that are
// connected to Discord.
//
// Make it with New, then call Listen, Attach and Run once each, in this order, and Stop.
// All other methods may be called at the same time.
type Sidecar struct {
	opts     Options
	log      *slog.Logger
	api      *url.URL // of the REST base
	rest     http.Handler
	listener net.Listener
	server   *http.Server
	conns    *drain.Conns
	served   chan struct{} // closed when the server accepts no more
	draining atomic.Bool
	drained  chan struct{}
	life     *lifecycle.Lifecycle
	work     sync.WaitGroup   // lines, and answers to interactions
	journal  *journal.Journal // nil: nothing survives
	store    *journal.Store   // nil: everything is in memory
	reads    chan movedRead
	overflow chan struct{} // has events moved to the store; capacity 1
	restored bool
	changed  chan struct{} // the table has; capacity 1
	refusals refusals

	mu           sync.Mutex
	address      net.Addr          // nil before Listen
	identified   chan struct{}     // closed once the identity is known
	upstream     Upstream          // nil before Attach
	presented    *gateway.Presence // what upstream was told last; nil: nothing
	identity     Identity
	world        *world.World // as of the tail of the backlog
	backlog      *backlog.Backlog
	moving       int64           // the place from which events are being moved to the store; 0: none are
	moveFailed   bool            // the disk does not take events, or hangs
	moved        chan struct{}   // closed, and replaced, whenever the disk has taken events or not
	droppable    int64           // the place below which the last checkpoint needs nothing of the store
	known        map[uint64]bool // guilds that are there at the end of the backlog
	listed       map[uint64]bool // guilds that READY has named and that have not come yet; false: joined since the session before
	before       *world.World    // as of the end of that session; nil once all of them have come
	firstReady   time.Time       // when upstream was READY first in this run; zero: not yet
	readyAt      time.Time       // when it was READY last
	guildAt      time.Time       // when a guild came last
	readyShards  map[uint64]bool // the shards that have been READY in this run
	self         uint64          // id of the bot's user
	voice        map[uint64]uint64
	consumers    map[[2]int]*consumer
	count        int   // the number of shards of the bot that has identified last
	countStart   int64 // where its consumers begin
	sessions     map[string]*session
	lines        map[*attachment]bool
	closing      bool // no further line is served
	requests     map[string]request
	requestID    uint64
	answers      []answer // to events that are kept, by position
	pending      []pendingInteraction
	trial        *attachment // that was given an event last that may end the bot
	trialSince   time.Time
	interaction  chan struct{} // wakes what answers interactions; capacity 1
	counts       Counts
	guesses      map[string]guesses  // by address
	removed      []int64             // positions in the backlog that were taken out
	lost         backlog.Loss        // since the log was last told
	recent       backlog.Loss        // of the last lossShown
	lostAt       time.Time           // when an event was lost last
	lostSince    time.Time           // when the first of recent was
	toldTroubles map[troubleKey]bool // of bots, as the log knows; Run's alone
	lostTold     time.Time           // when the log was told last
	seen         map[gateway.ShardID]upstreamPlace
	// checkpointed is when the journal has begun anew.
	checkpointed time.Time
	refused      gateway.CloseCode // upstream is parked for it; 0: it is not
}

// New checks the options. It opens nothing and starts no goroutine.
func New(o Options) (*Sidecar, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Listen == nil {
		o.Listen = func(ctx context.Context, addr string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		}
	}
	o.Addr = cmp.Or(o.Addr, DefaultAddr)
	o.Shards = cmp.Or(o.Shards, 1)
	o.Interactions = cmp.Or(o.Interactions, Tell)
	o.AwayReply = cmp.Or(o.AwayReply, DefaultReply)
	api, err := url.Parse(o.APIURL)
	if err != nil || api.Host == "" {
		return nil, fmt.Errorf("the REST address %q is no URL with a host", o.APIURL)
	}
	s := &Sidecar{
		opts: o, log: o.Log, api: api, life: lifecycle.New(), identified: make(chan struct{}),
		known: map[uint64]bool{}, listed: map[uint64]bool{}, readyShards: map[uint64]bool{}, voice: map[uint64]uint64{},
		consumers: map[[2]int]*consumer{}, sessions: map[string]*session{}, lines: map[*attachment]bool{},
		requests: map[string]request{}, guesses: map[string]guesses{}, interaction: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		reads: make(chan movedRead), moved: make(chan struct{}), overflow: make(chan struct{}, 1),
		conns: drain.New(), served: make(chan struct{}), drained: make(chan struct{}),
	}
	s.server = &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return s.life.AbortContext() },
		ConnContext: s.conns.Accepted, ConnState: s.conns.Changed,
		ErrorLog: log.New(serverLog{s}, "", 0),
	}
	s.refusals.token.Lines = refusedTokens
	s.forgetAll()
	s.rest = s.newREST()
	if o.Dir != "" {
		if err := s.restore(o.Dir); err != nil {
			s.log.Warn("What was kept for bots cannot be read; they begin anew", "error", err)
		}
	}
	if o.Intents != 0 {
		s.identity.Intents, s.identity.Known = o.Intents, true
	}
	if s.identity.Known {
		close(s.identified)
	}
	if s.journal != nil {
		s.checkpoint(time.Now())
	}
	return s, nil
}

// forgetAll makes the Sidecar one that has never seen an event or a bot.
func (s *Sidecar) forgetAll() {
	s.world = world.New(world.Options{})
	s.backlog = s.newBacklog(1)
	s.seen = map[gateway.ShardID]upstreamPlace{}
	s.identity, s.count, s.countStart, s.self, s.answers = Identity{}, 0, 0, 0, nil
	clear(s.consumers)
	clear(s.sessions)
	clear(s.voice)
}

// newBacklog returns an empty backlog that begins at a position.
func (s *Sidecar) newBacklog(first int64) *backlog.Backlog {
	o := backlog.Options{First: first, Bytes: s.opts.BacklogBytes, Age: s.opts.BacklogAge, Fold: s.fold, Missed: s.missed, Moved: -1}
	if s.store != nil {
		o.Moved, o.Movable = s.opts.BacklogDisk, isMovable
	}
	return backlog.New(o)
}

// Listen opens the address that bots connect to. From then on a bot that connects waits
// instead of failing, so it is the first thing to be done. The error says what to change.
func (s *Sidecar) Listen(ctx context.Context) (err error) {
	var secure *tls.Config
	if s.opts.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(s.opts.TLSCert, s.opts.TLSKey)
		if err != nil {
			return fmt.Errorf("the certificate for bots cannot be used: %w", err)
		}
		secure = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}} // WebSockets need it
	}
	if s.listener, err = s.opts.Listen(ctx, s.opts.Addr); err != nil {
		return fmt.Errorf("bots cannot connect to %s: %w", s.opts.Addr, err)
	}
	s.mu.Lock()
	s.address = s.listener.Addr()
	s.mu.Unlock()
	if secure != nil {
		s.listener = tls.NewListener(s.listener, secure)
	} else {
		s.listener = &plainListener{s.listener, s.tlsOnPlain}
	}
	s.log.Info("Bots can connect", "address", s.listener.Addr().String())
	return nil
}

// Addr returns where bots connect; nil before Listen.
func (s *Sidecar) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// Attach names the shards whose events [Sidecar.HandleEvent] gets. Another call replaces
// them, before they run.
func (s *Sidecar) Attach(upstream Upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upstream, s.presented = upstream, nil
}

// housekeeping is how often what is old is dropped, and what was lost is told.
const housekeeping = time.Second

// Run serves bots until ctx ends or [Sidecar.Stop] is called. Call it once, after Listen.
// When it returns, every line is closed so that its library resumes (1001).
func (s *Sidecar) Run(ctx context.Context) error {
	switch err := s.life.Start(); {
	case errors.Is(err, lifecycle.ErrStopped):
		close(s.served)
		return s.listener.Close()
	case err != nil:
		return fmt.Errorf("sidecar: %w", err)
	}
	defer s.life.Finish()
	defer context.AfterFunc(ctx, func() { s.life.Stop() })()
	stop := s.life.StopContext()
	var ended error // of the server, once served is closed
	// It returns after Drain below.
	go func() {
		ended = s.server.Serve(s.listener)
		close(s.served)
	}()
	s.work.Go(func() { s.answerInteractions(stop) })
	endJournal := s.startJournal()
	defer endJournal()
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	table := time.NewTimer(0)
	defer table.Stop()
	due := true // the table will be kept when its timer ends, however often it changes until then
	served := s.served
	var failed error
	for stop.Err() == nil {
		select {
		case <-stop.Done():
		case <-s.changed:
			if !due {
				table.Reset(tableDelay)
				due = true
			}
		case <-table.C:
			due = false
			s.keepTable()
		case <-served:
			served = nil
			if !s.draining.Load() {
				failed = ended
				s.life.Stop()
			}
		case now := <-tick.C:
			s.keepHouse(now)
		}
	}
	s.Drain(s.life.AbortContext())
	<-s.served
	s.closeLines()
	s.work.Wait()
	s.keepTable()
	if failed != nil {
		return fmt.Errorf("bots can no longer connect: %w", failed)
	}
	return nil
}

// closeLines closes every line so that its library resumes.
func (s *Sidecar) closeLines() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for a := range s.lines {
		if a.line != nil {
			a.line.Close(line.CloseGoingAway, "Evergreen stops.")
		}
	}
}

// journalGrace bounds the wait for the last records at the end: a disk may hang.
const journalGrace = 5 * time.Second

// startJournal starts what writes the journal. The function it returns ends it.
func (s *Sidecar) startJournal() (end func()) {
	if s.journal == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { // end waits for it
		var moving sync.WaitGroup
		if s.store != nil {
			moving.Go(func() { s.serveStore(ctx) })
		}
		err := s.journal.Run(ctx)
		moving.Wait()
		if s.store != nil {
			s.store.Close()
		}
		ended <- err
	}()
	return func() {
		cancel()
		grace := time.NewTimer(journalGrace)
		defer grace.Stop()
		select {
		case err := <-ended:
			if err != nil {
				s.log.Warn("Not everything for bots could be kept", "error", err)
			}
		case <-grace.C:
			s.log.Warn("Not everything for bots could be kept: the disk does not answer")
		}
	}
}

// Stop ends the Sidecar for good and returns when Run has returned, or with the error of
// ctx. Bots keep their sessions for as long as the backlog is kept.
func (s *Sidecar) Stop(ctx context.Context) error {
	s.life.Stop()
	return s.life.Wait(ctx)
}

// lossTold is how often the log tells of events that are lost, while that goes on.
const lossTold = time.Minute

// keepHouse drops what is old and tells what was lost.
func (s *Sidecar) keepHouse(now time.Time) {
	s.mu.Lock()
	s.advance(now)
	s.dropConsumers(now)
	s.keepCheckpoint(now)
	maps.DeleteFunc(s.requests, func(_ string, r request) bool { return now.Sub(r.asked) > requestLife })
	maps.DeleteFunc(s.guesses, func(_ string, g guesses) bool { return g.isOld(now) })
	var lost backlog.Loss
	if s.lost.Count > 0 && now.Sub(s.lostTold) >= lossTold {
		lost, s.lost, s.lostTold = s.lost, backlog.Loss{}, now
	}
	s.mu.Unlock()
	s.tellTroubles(now)
	if lost.Count > 0 {
		s.log.Warn("Events were lost: the bot was away for longer than events are kept",
			"events", lost.Count, "types", lost.ByType, "from", lost.From, "to", lost.To,
			"do", "Raise PROXY_BACKLOG, PROXY_BACKLOG_DISK or PROXY_BACKLOG_AGE, or look why the bot does not come back.")
	}
}

// advance confirms what all consumers have confirmed, and drops what is old. The caller
// holds the lock.
func (s *Sidecar) advance(now time.Time) {
	lowest, replaced := s.backlog.Next(), s.isComplete()
	for _, c := range s.consumers {
		if replaced && c.shard[1] != s.count && len(c.lines) == 0 {
			continue // those of the present number have begun where it has stopped
		}
		lowest = min(lowest, c.cursor)
	}
	s.backlog.Hold(s.heldFrom())
	s.countLost(s.backlog.Confirm(lowest, now))
	tail := s.backlog.Tail()
	for _, one := range s.sessions {
		one.forget(tail)
	}
	for _, c := range s.consumers {
		c.cursor = max(c.cursor, tail)
	}
}

// remove takes an event out of the backlog: no line gets it any more, also after a restart.
// The caller holds the lock.
func (s *Sidecar) remove(position int64) {
	s.backlog.Remove(position)
	for _, c := range s.consumers {
		c.waiting = waiting{}
	}
	tail := s.backlog.Tail()
	s.removed = append(slices.DeleteFunc(s.removed, func(at int64) bool { return at < tail }), position)
	s.touch()
}

// heldFrom is the lowest position of what bots are just about to get; 0: there is none. Else
// the oldest events of a bot that was away for long would fall out while its library becomes
// ready, and it would have to begin anew for ever. The caller holds the lock.
func (s *Sidecar) heldFrom() (from int64) {
	for _, c := range s.consumers {
		if c.catchesUp() && (from == 0 || c.cursor < from) {
			from = c.cursor
		}
	}
	return from
}

// countLost counts events that fell out of the backlog. The caller holds the lock.
func (s *Sidecar) countLost(lost backlog.Loss) {
	if lost.Count == 0 {
		return
	}
	now := time.Now()
	if now.Sub(s.lostAt) > lossShown {
		s.recent, s.lostSince = backlog.Loss{}, now
	}
	s.lostAt = now
	s.counts.Lost += int64(lost.Count)
	s.lost.Add(lost)
	s.recent.Add(lost)
}

// missed counts an event for the consumers that it was dropped before, and reports whether
// there are any. The caller of the backlog holds the lock.
func (s *Sidecar) missed(r backlog.Record) (any bool) {
	for _, c := range s.consumers {
		if r.Position >= c.cursor && c.gets(r) {
			c.counts.Lost++
			any = true
		}
	}
	return any
}

// fold brings the world up to the tail of the backlog. The caller of the backlog holds
// the lock.
func (s *Sidecar) fold(r backlog.Record) {
	s.forgetAnswers(r)
	for _, c := range s.consumers {
		c.waiting.drop(r, c.waitsFor(r))
	}
	if err := s.world.Apply(r.Type, r.Data); err != nil {
		s.log.Warn("An event from Discord could not be read; a bot that starts anew does not know what it said", "type", r.Type, "error", err)
	}
}

// wake wakes every feeder. The caller holds the lock.
func (s *Sidecar) wake() {
	for a := range s.lines {
		a.notify()
	}
}
