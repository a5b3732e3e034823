package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/internal/lifecycle"
)

// Shard keeps one gateway session alive. Make it with [New], start it with
// [Shard.Run], end it with [Shard.Stop].
//
// All methods may be called at the same time, before, during and after Run.
type Shard struct {
	opts     Options
	count    counters
	notifier *notifier
	seq      *sequence
	queue    *queue
	sends    *sendQueue

	state       atomic.Pointer[State]
	apiURL      atomic.Pointer[string] // what addresses are held against, see CheckAddress
	presence    atomic.Pointer[Presence]
	latency     atomic.Int64
	lastACK     atomic.Pointer[time.Time]
	malformedAt atomic.Int64 // sequence number at which text that is not JSON last arrived

	life     *lifecycle.Lifecycle // after a stop no attempt is made, after an abort nothing is waited for
	stopMode atomic.Int32
	group    sync.WaitGroup // every goroutine but Run's own and the notifier's

	drained      chan struct{}    // one slot: handlers are catching up
	reconfigured chan Credentials // one slot

	// What follows belongs to the goroutine of Run.
	credentials Credentials
	policy      policy
	inherited   bool      // the session is one that another process left, and nothing was live yet
	spare       *spare    // nil without one
	baseURL     string    // empty until known
	lastByte    time.Time // when the previous live connection last received one
}

// New checks the options and makes a shard that does nothing yet. It refuses a missing
// token or URLSource. It also refuses what Discord would: an IDENTIFY that is too large
// (G-035), a presence, a shard ID or an intent.
func New(opts Options) (*Shard, error) {
	if opts.Token == "" {
		return nil, errors.New("gateway: a bot token is required")
	}
	if opts.URLSource == nil {
		return nil, errors.New("gateway: a URLSource is required; use FixedURL for a known address")
	}
	if opts.Shard != (ShardID{}) && (opts.Shard.ID < 0 || opts.Shard.ID >= opts.Shard.Count) {
		return nil, fmt.Errorf("gateway: shard %s: want 0 <= ID < Count", opts.Shard)
	}
	if unknown := opts.Intents.Unknown(); unknown != 0 {
		return nil, fmt.Errorf("gateway: intents have undocumented bits %#x; Discord would close with 4013", uint64(unknown))
	}
	if opts.Handler == nil && len(opts.Events) > 0 {
		return nil, errors.New("gateway: Events needs a Handler: without one the queue would fill and never drain")
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
	if err := opts.Timing.setDefaults(); err != nil {
		return nil, err
	}
	setDefaults(&opts)
	if _, err := identifyPayload(&opts, opts.Credentials, opts.Presence); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	s := &Shard{
		opts:         opts,
		credentials:  opts.Credentials,
		queue:        newQueue(opts.QueueBytes),
		sends:        newSendQueue(opts.SendQueue),
		life:         lifecycle.New(),
		drained:      make(chan struct{}, 1),
		reconfigured: make(chan Credentials, 1),
		inherited:    opts.Session.Resumable(),
		policy: policy{
			backoff:      backoff{local: opts.Timing.BackoffLocal, remote: opts.Timing.BackoffRemote, rand: opts.Rand},
			backoffReset: opts.Timing.BackoffReset,
			maxAttempts:  opts.MaxAttempts,
		},
	}
	s.notifier = newNotifier(opts.Shard, opts.Observer, opts.Clock, func() { s.count.unobserved.Add(1) })
	if opts.Presence != nil {
		p := *opts.Presence
		s.presence.Store(&p)
	}
	s.malformedAt.Store(-1)
	apiURL := cmp.Or(opts.APIURL, "https://discord.com")
	s.apiURL.Store(&apiURL)
	s.seq = &sequence{
		shard: opts.Shard, queue: s.queue, store: opts.SessionStore, emit: s.emit, onHandled: s.notifyDrained, count: &s.count, began: time.Now(),
	}
	if opts.Events != nil {
		s.seq.wanted = make(map[string]bool, len(opts.Events))
		for _, name := range opts.Events {
			s.seq.wanted[name] = true
		}
	}
	var state State = Idle{}
	s.state.Store(&state)
	return s, nil
}

// Run connects and keeps the shard online until Stop or the end of ctx, which is a
// Stop with KeepSession that waits for no handler. Then it returns nil: every failure
// before that is retried or waited out, and reported to the observer. It returns an
// error, and does nothing, if it was called before or after a Stop.
func (s *Shard) Run(ctx context.Context) error {
	if err := s.life.Start(); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	if s.opts.Observer != nil {
		go s.notifier.run() // until notifier.close below
	}
	defer s.life.Finish()
	release := context.AfterFunc(ctx, s.life.Abort)
	defer release()

	delivery, endDelivery := context.WithCancel(context.Background())
	if s.opts.Handler != nil {
		s.group.Go(func() {
			s.queue.deliver(delivery, s.opts.Handler, s.panicked, func() { s.count.handled.Add(1) }, s.notifyIfWaiting)
		})
	}
	s.loop()
	endDelivery()
	s.group.Wait()
	s.set(Stopped{}, Reason{Kind: ReasonStop})
	s.notifier.close()
	return nil
}

// Stop ends the shard for good (rule 8). With [KeepSession] the next start can resume
// the session, with [EndSession] the bot is offline at once. Stop takes no further
// events in and waits until the handlers have finished those that were taken in. Then
// it closes the connection and returns when every goroutine of the shard has ended.
// Once ctx has ended, it does not wait for handlers; one that ignores the end of its
// context makes it return an error. A second Stop joins the first; EndSession cannot be
// taken back.
func (s *Shard) Stop(ctx context.Context, mode StopMode) error {
	if mode == EndSession {
		s.stopMode.Store(int32(EndSession))
	}
	if unstarted := s.life.Stop(); unstarted {
		s.set(Stopped{}, Reason{Kind: ReasonStop})
		s.sends.close()
		return nil
	}
	err := s.life.Wait(ctx) // aborts when ctx ends
	// What is left then has the deadline of the close handshake, except a handler that
	// ignores its context. That one must not hold up the caller for ever.
	select {
	case <-s.life.Done():
		return nil
	case <-time.After(2*s.opts.Timing.Close + time.Second):
		return fmt.Errorf("gateway: a handler ignores the end of its context: %w", err)
	}
}

// State returns the current state.
func (s *Shard) State() State { return *s.state.Load() }

// ID returns the shard's place among the bot's shards.
func (s *Shard) ID() ShardID { return s.opts.Shard }

// Session returns the session with the low-water mark of what has been handled: what
// another process would have to resume from. It is zero without a session.
func (s *Shard) Session() Session { return s.seq.handledSession() }

// Latency returns the round trip of the last answered heartbeat; zero if there was
// none yet (G-031).
func (s *Shard) Latency() time.Duration { return time.Duration(s.latency.Load()) }

// LastACK returns when Discord last answered a heartbeat; zero if never.
func (s *Shard) LastACK() time.Time {
	if at := s.lastACK.Load(); at != nil {
		return *at
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

// HasOverflow reports whether events were left with Discord because the queue was full.
// Once the queue is half empty a RESUME fetches them.
func (s *Shard) HasOverflow() bool { return s.seq.hasOverflow() }

// SetPresence changes the bot's presence: now if the shard is live, and in every
// IDENTIFY from now on that has room for it. It returns at once. Updates in quick
// succession are merged into the newest, so that Discord's limit holds.
func (s *Shard) SetPresence(p Presence) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if _, err := encode(opPresenceUpdate, p); err != nil {
		return err
	}
	s.presence.Store(&p)
	s.sends.setPresence(p)
	return nil
}

// Send queues a payload of one of the opcodes of this package and returns when it was
// written. It waits while the shard is not live and while Discord's send limits ask for
// it; what waits survives reconnects and new sessions. It fails with [ErrTooLarge],
// [ErrQueueFull] or [ErrStopped]; then the payload is not sent. If ctx ends first it
// fails with its error, and the payload is sent only if its write had begun.
func (s *Shard) Send(ctx context.Context, op Opcode, d any) error {
	switch op {
	case OpVoiceStateUpdate, OpRequestGuildMembers, OpRequestSoundboardSounds, OpRequestChannelInfo:
		return s.sends.send(ctx, op, d)
	case opPresenceUpdate:
		return errors.New("gateway: use SetPresence for the presence")
	}
	return fmt.Errorf("gateway: %s is not a payload for callers to send", op)
}

// Reconfigure changes the token or the intents and returns at once. A parked shard
// tries again with them (G-098); a live one uses them at its next RESUME or IDENTIFY.
// It refuses a missing token, and with [ErrTooLarge] one that no IDENTIFY can carry. After
// Run has returned it fails with [ErrStopped].
func (s *Shard) Reconfigure(c Credentials) error {
	if c.Token == "" {
		return errors.New("gateway: a bot token is required")
	}
	if _, err := identifyPayload(&s.opts, c, nil); err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	for {
		select {
		case <-s.life.Done():
			return ErrStopped
		default:
		}
		select {
		case s.reconfigured <- c:
			return nil
		default:
		}
		select {
		case <-s.reconfigured: // an older one that was not taken over yet
		default:
		}
	}
}

// set changes the state and reports why.
func (s *Shard) set(to State, reason Reason) {
	from := s.state.Swap(&to)
	s.emit(Transition{From: *from, To: to, Reason: reason})
}

func (s *Shard) emit(event ShardEvent) { s.notifier.emit(event) }

func (s *Shard) panicked(e Event, p HandlerPanicked) {
	s.count.panics.Add(1)
	s.emit(p)
}

// notifyIfWaiting calls notifyDrained where connLoop waits for handlers.
func (s *Shard) notifyIfWaiting() {
	if s.seq.stopping.Load() || s.seq.hasOverflow() {
		s.notifyDrained()
	}
}

// notifyDrained wakes connLoop because handlers are catching up.
func (s *Shard) notifyDrained() {
	select {
	case s.drained <- struct{}{}:
	default:
	}
}
