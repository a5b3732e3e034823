package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
	"evergreen/internal/lifecycle"
	"evergreen/internal/text"

	"github.com/disgoorg/snowflake/v2"
)

// Shard is what the bot needs from the gateway: one shard, or a fleet of them.
type Shard interface {
	// SetPresence replaces the presence.
	SetPresence(gateway.Presence) error
	// Latency is the last heartbeat's round trip; 0 while unknown.
	Latency() time.Duration
	State() gateway.State
	Stats() gateway.Stats
}

// Bot is ResearchBot. It is a [gateway.Handler] and a [gateway.Observer]. Make
// one with [New]; call Run for its own work and Stop when its shard has stopped.
// All methods may be called at the same time.
type Bot struct {
	options  Options
	log      *slog.Logger
	api      api
	commands []Command
	health   Health
	started  time.Time

	attached  atomic.Pointer[Shard]
	identity  identity
	guilds    guilds
	roles     ownRoles
	activity  activity
	shown     shownPresence
	roundTrip roundTrip
	content   contentCheck
	counters  counters
	latencies latencies

	registration registration

	// G-070: seen holds the messages and interactions that were processed.
	seen         *ttlMap[snowflake.ID, struct{}]
	uses         *ttlMap[use, time.Time]         // when a user's saved-up uses of a command are back
	errorReplies *ttlMap[snowflake.ID, struct{}] // users whose mistake was answered lately
	notices      *ttlMap[notice, struct{}]       // users who were told lately that a channel refuses
	refusals     refusals
	channels     channelLocks

	guildListNeeded chan struct{} // asks Run for the list of guilds
	outstanding     chan struct{} // one slot for every event that is due an answer
	handlers        chan struct{} // one slot for every command that runs

	// life starts with New. Its end means that serving and running are done.
	life    *lifecycle.Lifecycle
	mu      sync.Mutex
	stopped bool           // guarded by mu: no event is accepted any more
	serving sync.WaitGroup // answers being prepared and sent; Add only under mu
	running sync.WaitGroup // commands that run, timed out or not
}

// New makes a bot. It reports the first option that cannot work.
func New(o Options) (*Bot, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	b := &Bot{
		options:         o,
		log:             o.Logger,
		api:             newAPI(o),
		commands:        o.Commands,
		health:          o.Health,
		started:         time.Now(),
		seen:            newTTLMap[snowflake.ID, struct{}](15*time.Minute, 16384),
		uses:            newTTLMap[use, time.Time](o.cooldownMemory(), 16384),
		errorReplies:    newTTLMap[snowflake.ID, struct{}](errorReplyInterval, 4096),
		notices:         newTTLMap[notice, struct{}](noticeInterval, 4096),
		refusals:        newRefusals(),
		guildListNeeded: make(chan struct{}, 1),
		outstanding:     make(chan struct{}, o.Outstanding),
		handlers:        make(chan struct{}, o.Concurrency),
		life:            lifecycle.New(),
	}
	if b.health == nil {
		b.health = ownHealth{b}
	}
	b.identity.known = make(chan struct{})
	b.roundTrip.lock = make(chan struct{}, 1)
	b.channels.locks = make(map[snowflake.ID]*channelLock)
	b.guilds = newGuilds(b.log)
	b.activity.latest = b.started
	_ = b.life.Start() // the first start of a new life never fails
	b.Attach(noShard{})
	return b, nil
}

// Attach sets the shard the bot belongs to. A shard needs its handler before it
// exists, so Attach is called after [New]; until then the bot counts as offline.
func (b *Bot) Attach(s Shard) { b.attached.Store(&s) }

func (b *Bot) shard() Shard { return *b.attached.Load() }

func (b *Bot) uptime() time.Duration { return time.Since(b.started) }

// findCommand finds a command by its name or an alias, however it is written
// ([text.Fold]); nil if there is none.
func (b *Bot) findCommand(name string) *Command {
	name = text.Fold(name)
	for i := range b.commands {
		if b.commands[i].matches(name) {
			return &b.commands[i]
		}
	}
	return nil
}

// HandleEvent handles one event. It returns as soon as the event is understood;
// commands run on goroutines of their own. It blocks only while
// Options.Outstanding answers are due, and then until ctx ends or the bot stops.
// G-110: an event that cannot be read is counted, logged and skipped.
func (b *Bot) HandleEvent(ctx context.Context, event gateway.Event) {
	b.handle(ctx, event, event.Hold)
}

// handle is HandleEvent with the hold of the event as a function.
func (b *Bot) handle(ctx context.Context, event gateway.Event, hold func() func()) {
	handler, known := eventHandlers[event.Type]
	if !known {
		return
	}
	if err := handler(b, ctx, incomingEvent{event, hold}); err != nil {
		b.counters.bad.Add(1)
		b.log.Warn("Event skipped: it cannot be read", "type", event.Type, "seq", event.Seq, "error", err)
	}
}

// incomingEvent is an event that may still be held.
type incomingEvent struct {
	gateway.Event
	hold func() func()
}

// completion is how the work for one event ended.
type completion struct {
	// done means that the answer was accepted or that none is due any more. An
	// event that is not done stays held and is replayed to the next process.
	done bool
	// then is called after the event is released. It may end the process.
	then func()
}

// process holds the event and runs work for it on a goroutine, until work says
// that it is done. After Stop, and when ctx ends before there is room, the event
// stays held for the next process.
func (b *Bot) process(ctx context.Context, e incomingEvent, work func(context.Context) completion) {
	release := e.hold()
	select {
	case b.outstanding <- struct{}{}:
	case <-ctx.Done():
		return
	case <-b.life.StopContext().Done():
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		<-b.outstanding
		return
	}
	b.serving.Go(func() {
		defer func() { <-b.outstanding }()
		defer func() {
			if p := recover(); p != nil {
				b.counters.panics.Add(1)
				b.log.Error("Answering panicked; the event is given up", "type", e.Type, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				release()
			}
		}()
		end := work(b.life.AbortContext())
		if end.done {
			release()
		}
		if end.then != nil {
			end.then()
		}
	})
}

// Stop accepts no more events and waits until running commands and their answers
// are done. When ctx ends first, it aborts them and returns an error; what they
// had not answered is replayed to the next process. A stop is final; further
// calls wait for the same end.
//
// Stop the shard first: it drains its queue into a bot that still answers.
func (b *Bot) Stop(ctx context.Context) error {
	b.mu.Lock()
	if !b.stopped {
		b.stopped = true
		b.life.Stop()
		b.guilds.stop()
		go func() {
			b.serving.Wait()
			b.running.Wait()
			b.life.Finish()
		}()
	}
	b.mu.Unlock()
	select {
	case <-b.life.Done():
		return nil
	case <-ctx.Done():
	}
	if len(b.outstanding)+len(b.handlers) == 0 {
		<-b.life.Done() // nothing is at work: its end and that of ctx have met
		return nil
	}
	b.life.Abort()
	b.serving.Wait()
	return errors.New("commands were still at work when the time to stop was over; what they had not answered comes again at the next start")
}

// Counts is what the bot has done since it was made. All numbers only grow.
type Counts struct {
	Messages   int64 // messages by people
	Commands   int64 // commands and interactions processed
	Answered   int64 // answers that Discord accepted
	Failed     int64 // answers that could not be sent
	Ignored    int64 // mistakes that were not answered, see errorReplyInterval
	Duplicates int64 // events for a message or interaction that was seen before
	Bad        int64 // events that could not be read
	Panics     int64 // recovered panics
	Slow       int64 // commands that ran for longer than Options.SlowAfter
	Timeouts   int64 // commands that reached Options.HandlerTimeout
}

type counters struct {
	messages, commands, answered, failed, ignored, duplicates, bad, panics, slow, timeouts atomic.Int64
}

// Counts returns the counters. They show a bot that is online and asked, but does
// not answer.
func (b *Bot) Counts() Counts {
	c := &b.counters
	return Counts{
		Messages:   c.messages.Load(),
		Commands:   c.commands.Load(),
		Answered:   c.answered.Load(),
		Failed:     c.failed.Load(),
		Ignored:    c.ignored.Load(),
		Duplicates: c.duplicates.Load(),
		Bad:        c.bad.Load(),
		Panics:     c.panics.Load(),
		Slow:       c.slow.Load(),
		Timeouts:   c.timeouts.Load(),
	}
}

// noShard is the shard until one is attached.
type noShard struct{}

func (noShard) SetPresence(gateway.Presence) error { return nil }
func (noShard) Latency() time.Duration             { return 0 }
func (noShard) State() gateway.State               { return gateway.Idle{} }
func (noShard) Stats() gateway.Stats               { return gateway.Stats{} }
