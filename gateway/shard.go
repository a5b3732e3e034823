package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/identify"
)

// Shard keeps one gateway session alive. Make it with [New], start it with
// [Shard.Run], end it with [Shard.Stop].
type Shard struct {
	opts     Options
	count    counters
	notifier *notifier
	seq      *sequence
	queue    *queue
	sends    *sendQueue

	state   atomic.Pointer[State]
	latency atomic.Int64
	lastACK atomic.Int64

	started  atomic.Bool
	finished chan struct{}

	stop       chan struct{} // closed by the first Stop
	stopOnce   sync.Once
	stopMode   atomic.Int32
	abortCtx   context.Context // ends when nothing may be waited for any more
	abort      context.CancelFunc
	stopCtx    context.Context // ends when no new attempt may be made
	cancelStop context.CancelFunc
	group      sync.WaitGroup // every goroutine but Run's own and the relay's

	drained      chan struct{}    // one slot: the queue has room again
	reconfigured chan Credentials // one slot: Reconfigure

	// What follows belongs to the goroutine that runs Run.
	creds        Credentials
	presence     atomic.Pointer[Presence]
	backoff      backoff
	failures     int           // attempts in a row that came to nothing
	exhausted    bool          // AttemptsExhausted was raised for this streak
	calm         time.Duration // live on connections before this one that Discord asked to leave
	resumes      resumeStreak  // RESUMEs in a row without RESUMED
	trial        trial         // whether the session is in doubt
	urlFails     int           // dials of the resume URL in a row that failed
	refusals     int           // op 9 false in a row
	base         string        // the base gateway URL, once known
	baseBad      bool          // it could not be connected to
	lived        time.Duration // how long the session has been live in total
	lastHeard    time.Time     // last byte of the previous live connection
	spare        *spare
	lastVerified time.Time // when 4003 last led to a check of the credentials

	malformedAt atomic.Int64 // sequence number at which not-JSON last arrived
}

// New checks the options and makes a shard that does nothing yet. It refuses
// an IDENTIFY larger than Discord accepts (G-035), a presence or a pair that
// Discord would refuse, and a missing token or locator.
func New(opts Options) (*Shard, error) {
	if opts.Token == "" {
		return nil, errors.New("gateway: a bot token is required")
	}
	if opts.URLSource == nil {
		return nil, errors.New("gateway: a URLSource is required; use FixedURL for a known address")
	}
	if opts.Shard != (ShardID{}) && (opts.Shard.Count < 1 || opts.Shard.ID < 0 || opts.Shard.ID >= opts.Shard.Count) {
		return nil, fmt.Errorf("gateway: shard pair %s: want 0 <= id < count", opts.Shard)
	}
	if unknown := opts.Intents &^ IntentsAll; unknown != 0 {
		return nil, fmt.Errorf("gateway: intents have undocumented bits %#x; Discord would close with 4013", uint64(unknown))
	}
	if opts.Presence != nil {
		if err := opts.Presence.Validate(); err != nil {
			return nil, fmt.Errorf("gateway: %w", err)
		}
	}
	switch opts.Compression {
	case "", CompressZlib, CompressZstd, CompressNone:
	default:
		return nil, fmt.Errorf("gateway: compression %q: want zlib-stream, zstd-stream or none", opts.Compression)
	}
	setDefaults(&opts)
	if _, err := identifyPayload(&opts, opts.Credentials, opts.Presence); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	s := &Shard{
		opts:         opts,
		creds:        opts.Credentials,
		queue:        newQueue(opts.QueueBytes),
		sends:        newSendQueue(opts.SendQueue),
		finished:     make(chan struct{}),
		stop:         make(chan struct{}),
		drained:      make(chan struct{}, 1),
		reconfigured: make(chan Credentials, 1),
		backoff:      backoff{local: opts.Timing.BackoffLocal, remote: opts.Timing.BackoffRemote, rand: opts.Rand},
	}
	s.abortCtx, s.abort = context.WithCancel(context.Background())
	s.stopCtx, s.cancelStop = context.WithCancel(s.abortCtx)
	if opts.Presence != nil {
		p := *opts.Presence
		s.presence.Store(&p)
	}
	s.malformedAt.Store(-1)
	s.seq = &sequence{shard: opts.Shard, queue: s.queue, store: opts.SessionStore, count: &s.count, emit: s.emit, onHandled: s.notifyDrained}
	if opts.Events != nil {
		s.seq.wanted = make(map[string]bool, len(opts.Events))
		for _, name := range opts.Events {
			s.seq.wanted[name] = true
		}
	}
	s.set(Idle{}, Reason{})
	return s, nil
}

// Run connects and keeps the shard online until Stop or the end of ctx, which
// means a Pause that waits for nobody. It returns nil after a stop: every
// failure in between is dealt with, parked on or retried, and reported to the
// observer. It can be called once.
func (s *Shard) Run(ctx context.Context) error {
	if !s.started.CompareAndSwap(false, true) {
		return errors.New("gateway: Run was called before")
	}
	s.notifier = newNotifier(s.opts.Shard, s.opts.Observer, func() { s.count.unobserved.Add(1) })
	defer close(s.finished)
	release := context.AfterFunc(ctx, func() {
		s.requestStop(KeepSession)
		s.abort()
	})
	defer release()

	delivery, endDelivery := context.WithCancel(context.Background())
	if s.opts.Handler != nil {
		s.group.Go(func() {
			s.queue.deliver(delivery, s.opts.Handler, s.panicked, func() { s.count.handled.Add(1) }, s.notifyIfWaiting)
		})
	}
	s.loop()
	endDelivery()
	s.sends.close()
	s.abort()
	s.group.Wait()
	s.set(Stopped{}, Reason{Kind: ReasonStop})
	s.notifier.close()
	return nil
}

// Stop ends the shard for good (rule 8): with [KeepSession] the session can be
// resumed by the next start, with [EndSession] the dot turns grey at once. It
// stops taking events in, waits until the handlers have finished those that
// were taken, closes the connection, and returns when every goroutine of the
// shard is gone. When ctx ends first, it waits for handlers no longer. A
// second Stop joins the first; a Goodbye cannot be taken back.
func (s *Shard) Stop(ctx context.Context, mode StopMode) error {
	s.requestStop(mode)
	if s.started.CompareAndSwap(false, true) {
		s.set(Stopped{}, Reason{Kind: ReasonStop})
		s.sends.close()
		s.abort()
		close(s.finished)
		return nil
	}
	select {
	case <-s.finished:
		return nil
	case <-ctx.Done():
	}
	// What is left is bounded by the close deadline, except a handler that
	// ignores its context: that one must not hold up the caller for ever.
	s.abort()
	patience := time.NewTimer(2*s.opts.Timing.Close + time.Second)
	defer patience.Stop()
	select {
	case <-s.finished:
		return nil
	case <-patience.C:
		return fmt.Errorf("gateway: a handler ignores the end of its context: %w", ctx.Err())
	}
}

func (s *Shard) requestStop(mode StopMode) {
	if mode == EndSession {
		s.stopMode.Store(int32(EndSession))
	}
	s.stopOnce.Do(func() {
		s.cancelStop()
		close(s.stop)
	})
}

// State returns where the shard stands.
func (s *Shard) State() State { return *s.state.Load() }

// ID returns the shard's place among the bot's shards.
func (s *Shard) ID() ShardID { return s.opts.Shard }

// Session returns the session with the handled low-water mark: what another
// process would have to resume from. It is zero without a session.
func (s *Shard) Session() Session { return s.seq.handledSession() }

// Latency returns the round trip of the last answered heartbeat, zero if
// there was none yet (G-031).
func (s *Shard) Latency() time.Duration { return time.Duration(s.latency.Load()) }

// LastACK returns when Discord last answered a heartbeat; zero if never.
func (s *Shard) LastACK() time.Time {
	if at := s.lastACK.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Stats returns the counts so far.
func (s *Shard) Stats() Stats {
	stats := s.count.stats()
	bytes, oldest := s.queue.load()
	stats.QueuedBytes = bytes
	if !oldest.IsZero() {
		stats.QueuedAge = time.Since(oldest)
	}
	return stats
}

// SetPresence changes the bot's presence: now if the shard is live, and in
// every IDENTIFY from now on. Updates in quick succession are merged into the
// newest, so that Discord's limit of 5 in 20 s holds (G-101).
func (s *Shard) SetPresence(p Presence) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if _, err := encode(OpPresenceUpdate, p); err != nil {
		return err
	}
	s.presence.Store(&p)
	s.sends.setPresence(p)
	return nil
}

// Send queues a payload of one of the opcodes 4, 8, 31 and 43 and returns
// when it was written. It waits while the shard is not live and while the send
// limits ask for it; what waits survives reconnects and new sessions (G-105).
// It fails with [ErrTooLarge], [ErrQueueFull], [ErrStopped] or ctx's error; a
// payload whose ctx has ended is not sent.
func (s *Shard) Send(ctx context.Context, op Opcode, d any) error {
	switch op {
	case OpVoiceStateUpdate, OpRequestGuildMembers, OpRequestSoundboardSounds, OpRequestChannelInfo:
		return s.sends.send(ctx, op, d)
	case OpPresenceUpdate:
		return errors.New("gateway: use SetPresence for the presence")
	}
	return fmt.Errorf("gateway: %s is not a payload for callers to send", op)
}

// Reconfigure changes the token or the intents. A parked shard tries again
// with them at once (G-098); a live one uses them at its next IDENTIFY.
func (s *Shard) Reconfigure(c Credentials) error {
	if c.Token == "" {
		return errors.New("gateway: a bot token is required")
	}
	for {
		select {
		case s.reconfigured <- c:
			return nil
		case <-s.finished:
			return ErrStopped
		default:
		}
		select {
		case <-s.reconfigured: // an older one that nobody has read yet
		default:
		}
	}
}

// set changes the state and tells why.
func (s *Shard) set(to State, cause Reason) {
	from := s.state.Swap(&to)
	if from != nil && s.notifier != nil {
		s.emit(Transition{From: *from, To: to, Reason: cause})
	}
}

func (s *Shard) emit(what ShardEvent) { s.notifier.emit(what) }

func (s *Shard) panicked(e Event, p HandlerPanicked) {
	s.count.panics.Add(1)
	s.emit(p)
}

// notifyIfWaiting tells the owner that handlers are catching up, if it cares.
func (s *Shard) notifyIfWaiting() {
	if s.seq.stopping.Load() || s.seq.hasOverflow() {
		s.notifyDrained()
	}
}

func (s *Shard) notifyDrained() {
	select {
	case s.drained <- struct{}{}:
	default:
	}
}

// stopping returns how the shard is to stop, if it is.
func (s *Shard) stopping() (StopMode, bool) {
	select {
	case <-s.stop:
		return StopMode(s.stopMode.Load()), true
	default:
		return KeepSession, false
	}
}

func setDefaults(o *Options) {
	or := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	t := &o.Timing
	or(&t.HeartbeatTimeout, 60*time.Second)
	or(&t.SilenceProbe, 15*time.Second)
	or(&t.SuspectAfter, 5*time.Second)
	// Half a second under ten, so that probe, verdict and RESUME together stay
	// within 25 s of the last byte.
	or(&t.DeadAfter, 9500*time.Millisecond)
	or(&t.GatewayURL, 15*time.Second)
	or(&t.Connect, 15*time.Second)
	or(&t.Hello, 10*time.Second)
	or(&t.Ready, 125*time.Second)
	or(&t.ReadyWarning, 15*time.Second)
	or(&t.Resumed, 15*time.Second)
	or(&t.Write, 10*time.Second)
	or(&t.Close, time.Second)
	or(&t.Move, 4*time.Second)
	or(&t.BackoffLocal, 4500*time.Millisecond)
	or(&t.BackoffRemote, 25*time.Second)
	or(&t.BackoffReset, time.Minute)
	or(&t.ClockCheck, 5*time.Second)
	or(&t.ParkRecheck, 30*time.Second)
	if o.Properties == "" {
		o.Properties = "evergreen"
	}
	if o.LargeThreshold < 50 || o.LargeThreshold > 250 {
		o.LargeThreshold = 0
	}
	if o.Compression == "" {
		o.Compression = CompressZlib
	}
	if o.ReadLimit <= 0 {
		o.ReadLimit = 128 << 20
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 64 << 20
	}
	if o.SendQueue <= 0 {
		o.SendQueue = 1000
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 10
	}
	if o.Dialer == nil {
		o.Dialer = WebSocketDialer{UserAgent: "DiscordBot (https://discord.com, 1.0) " + o.Properties}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.IdentifyLimiter == nil {
		o.IdentifyLimiter = identify.New(identify.Options{Rand: o.Rand})
	}
	if o.WallClock == nil {
		o.WallClock = time.Now
	}
	if o.Handler == nil && o.Events == nil {
		o.Events = []string{}
	}
}
