// Package bot is ResearchBot: at heart a table of commands that are each
// answered exactly once. It reads the events of a gateway, answers over REST,
// keeps the presence fresh and knows when somebody last talked to it.
//
// It knows nothing of sockets and sequence numbers. What it needs from the
// gateway it names itself, as [Shard].
//
// # Exactly once
//
// An event that asks for an answer is held ([gateway.Event.Hold]) until the
// answer stands or it is certain that none is due. So a crash replays it, and
// the answer's nonce, which depends on the message alone, keeps Discord from
// showing a second one (G-137). Within one process, ids that were seen a while
// ago are remembered (G-070).
//
// Statement ids such as G-137 refer to the table in docs/conformance.md.
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
// one with [New]; its methods may be called from any goroutine.
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
	activity  activity
	roundTrip roundTrip
	content   contentWatch
	counters  counters
	times     times

	seen     *recent[snowflake.ID, struct{}] // what was already taken up (G-070)
	cooldown *recent[use, time.Time]         // who used what how lately
	courtesy *recent[snowflake.ID, struct{}] // who was lately told about a mistake
	silent   *recent[snowflake.ID, struct{}] // channels that refuse the bot's messages
	turns    turns                           // who may write to a channel

	listGuilds  chan struct{} // asks Run for the list of guilds
	outstanding chan struct{} // one slot for every event taken and not over
	handlers    chan struct{} // one slot for every command that runs

	// ctx ends when Stop has waited long enough.
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	stopped  bool           // guarded by mu: nothing is taken any more
	serving  sync.WaitGroup // answers being prepared and sent; Add only under mu
	running  sync.WaitGroup // commands that run, cut off or not
	stopping chan struct{}  // closed by the first Stop
	finished chan struct{}  // closed when serving and running are both done
}

// New makes a bot. It reports the first option that cannot work.
func New(o Options) (*Bot, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	b := &Bot{
		options:     o,
		log:         o.Logger,
		api:         newAPI(o),
		commands:    o.Commands,
		health:      o.Health,
		started:     time.Now(),
		seen:        newRecent[snowflake.ID, struct{}](15*time.Minute, 16384),
		cooldown:    newRecent[use, time.Time](10*time.Minute, 16384),
		courtesy:    newRecent[snowflake.ID, struct{}](courtesyEvery, 4096),
		silent:      newRecent[snowflake.ID, struct{}](5*time.Minute, 4096),
		listGuilds:  make(chan struct{}, 1),
		outstanding: make(chan struct{}, o.Outstanding),
		handlers:    make(chan struct{}, o.Concurrency),
		stopping:    make(chan struct{}),
		finished:    make(chan struct{}),
	}
	if b.health == nil {
		b.health = ownHealth{b}
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.identity.known = make(chan struct{})
	b.roundTrip.turn = make(chan struct{}, 1)
	b.turns.channels = make(map[snowflake.ID]*turn)
	b.guilds = newGuilds(b.log)
	b.activity.at = b.started
	b.Attach(nobodyThere{})
	return b, nil
}

// Attach names the shard the bot belongs to. A shard needs its handler before it
// exists, so this comes after [New]; until then the bot believes to be offline.
func (b *Bot) Attach(s Shard) { b.attached.Store(&s) }

func (b *Bot) shard() Shard { return *b.attached.Load() }

func (b *Bot) uptime() time.Duration { return time.Since(b.started) }

// command finds a command by its name or an alias; nil if there is none.
func (b *Bot) command(name string) *Command {
	for i := range b.commands {
		if b.commands[i].matches(name) {
			return &b.commands[i]
		}
	}
	return nil
}

// HandleEvent takes one event. It returns as soon as it is clear what to do;
// commands run on goroutines of their own. It waits only while more answers are
// outstanding than Options.Outstanding allows, and then until ctx ends or the
// bot stops at the latest. A bad event is counted, logged and skipped (G-110).
func (b *Bot) HandleEvent(ctx context.Context, event gateway.Event) {
	b.take(ctx, event, event.Hold)
}

// take is HandleEvent with the hold of the event as a function.
func (b *Bot) take(ctx context.Context, event gateway.Event, hold func() func()) {
	route, wanted := routes[event.Type]
	if !wanted {
		return
	}
	if err := route(b, ctx, arrival{event, hold}); err != nil {
		b.counters.bad.Add(1)
		b.log.Warn("skipped an event that cannot be read", "type", event.Type, "seq", event.Seq, "error", err)
	}
}

// arrival is an event on its way in.
type arrival struct {
	gateway.Event
	hold func() func()
}

// ending is what became of an event that was due an answer.
type ending struct {
	// over means that the answer stands or that none is due any more. An event
	// that is not over stays held and comes again in the next run.
	over bool
	// then is called once the event is let go. It may end the process.
	then func()
}

// serve runs work for an event that is due an answer and holds the event until
// it is over. After Stop, and when ctx ends before there is room, the event
// stays held for good: it belongs to the next run.
func (b *Bot) serve(ctx context.Context, a arrival, work func(context.Context) ending) {
	done := a.hold()
	select {
	case b.outstanding <- struct{}{}:
	case <-ctx.Done():
		return
	case <-b.stopping:
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
				b.log.Error("answering panicked; the event is given up", "type", a.Type, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				done()
			}
		}()
		end := work(b.ctx)
		if end.over {
			done()
		}
		if end.then != nil {
			end.then()
		}
	})
}

// Stop takes no more events, waits for running commands and their answers until
// ctx ends, and then cuts them off; what was not answered by then comes again
// in the next run. It returns an error if it had to cut. It is final; further
// calls wait for the same end.
//
// Stop the shard first: it drains its queue into a bot that still answers.
func (b *Bot) Stop(ctx context.Context) error {
	b.mu.Lock()
	if !b.stopped {
		b.stopped = true
		close(b.stopping)
		b.guilds.stop()
		go func() {
			b.serving.Wait()
			b.running.Wait()
			close(b.finished)
		}()
	}
	b.mu.Unlock()
	defer b.cancel()
	select {
	case <-b.finished:
		return nil
	default:
	}
	select {
	case <-b.finished:
		return nil
	case <-ctx.Done():
	}
	b.cancel()
	b.serving.Wait()
	return errors.New("commands were still at work when the time to stop was over; what they had not answered comes again at the next start")
}

// Counts says what the bot has done since it was made. All numbers only grow.
type Counts struct {
	Messages   int64 // messages by people
	Commands   int64 // commands and interactions taken up
	Answered   int64 // answers that stand
	Failed     int64 // answers that could not be given
	Ignored    int64 // mistakes that got no further polite answer
	Duplicates int64 // events that asked for what was already taken up
	Bad        int64 // events that could not be read
	Panics     int64 // contained panics of commands
	Slow       int64 // commands that ran for longer than Options.SlowAfter
	Timeouts   int64 // commands that were cut off
}

type counters struct {
	messages, commands, answered, failed, ignored, duplicates, bad, panics, slow, timeouts atomic.Int64
}

// Counts returns the counters. A bot that is asked and does not answer is green
// but useless; these numbers tell.
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

// nobodyThere stands for the shard until one is attached.
type nobodyThere struct{}

func (nobodyThere) SetPresence(gateway.Presence) error { return nil }
func (nobodyThere) Latency() time.Duration             { return 0 }
func (nobodyThere) State() gateway.State               { return gateway.Idle{} }
func (nobodyThere) Stats() gateway.Stats               { return gateway.Stats{} }
