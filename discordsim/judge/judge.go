// Package judge checks what a bot does against the statements that keep a bot
// online: any bot, in any language, that connects to a simulated Discord.
//
// [Run] waits for the bot, leads it through a fixed programme of faults (a few
// minutes, with short intervals), and then applies a table of rules to the
// simulator's log. Each rule is one G- statement of docs/conformance.md;
// its verdict is kept, broken (with the connection, the time and the frame that
// show it) or never exercised. Statements that cannot be seen on the wire are
// counted and not judged.
//
// The judge knows of the bot only what it sends.
package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"evergreen/discordsim"
)

// The heartbeat intervals of the programme, short so that what a statement
// measures in intervals is over quickly.
const (
	firstInterval = 2500 * time.Millisecond
	nextInterval  = 3500 * time.Millisecond
)

// Options configures [Run]. Sim and App are required.
type Options struct {
	// Sim has been made with [Config], App is the bot's in it. The bot is
	// started by the caller, before or after Run is called.
	Sim *discordsim.Sim
	App *discordsim.App
	// Patience is how long to wait for the bot's first READY. Default 2 min.
	Patience time.Duration
	// Command is something the bot answers with one message, such as "!ping": a
	// reply or, in order, a plain one (see [discordsim.Verdict]). Slash is a slash
	// command of it, such as "ping". Without the one and the other, what has to do
	// with answers is not exercised.
	Command, Slash string
	// Thorough plays the slow steps too: what takes a bot long to find out.
	Thorough bool
	// Gentle leaves out the last step, after which a bot is right to give up.
	Gentle bool
	// Only plays these steps of the programme alone, by name. Default: all.
	Only []string
	// without leaves steps out, by name.
	without []string
	// Tell, if set, hears of each step as it begins, and of where it stands in
	// the programme.
	Tell func(step Step, number, of int)
	// Gone, if set, hears that the bot has not come back from a step, with no fault left
	// and after its connections were cut. Where it runs, something would end it and start it
	// again. If that is done within a time the programme goes on, else it ends here. Default:
	// it ends at once.
	Gone func(step Step, within time.Duration)
}

// Config is how the simulator of a judge has to be made: short intervals,
// messages in fragments, WebSocket pings, a detailed log.
func Config(seed uint64) discordsim.Config {
	return discordsim.Config{
		Seed: seed, LogFrames: 5000,
		Heartbeat: discordsim.HeartbeatConfig{Interval: firstInterval},
		WebSocket: discordsim.WebSocketConfig{SplitFrames: 7, Fragments: 3, PingEvery: 2 * time.Second},
		Identify:  discordsim.IdentifyConfig{GuildSpacing: 5 * time.Millisecond},
		Session:   discordsim.SessionConfig{BaseResumeCut: -1}, // only the programme ends connections
	}
}

// Run judges a bot and blocks until the programme is over. The error says why there
// is no report: no bot ever showed the app's token on the gateway, or ctx ended. A
// bot that identified but never was online, or that did not come back, gets a
// report, which says with which step it ended.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Sim == nil || o.App == nil {
		return Report{}, errors.New("a judge needs a simulator and the app of the bot in it")
	}
	for _, name := range o.Only {
		if !slices.ContainsFunc(programme, func(s Step) bool { return s.Name == name }) {
			return Report{}, fmt.Errorf("the judge's programme has no step %q", name)
		}
	}
	if o.Patience <= 0 {
		o.Patience = 2 * time.Minute
	}
	d := newDriver(ctx, o)
	measuring, stop := context.WithCancel(ctx)
	var measured sync.WaitGroup
	measured.Go(func() { d.load.run(measuring) })
	defer measured.Wait()
	defer stop()
	switch there := d.awaitBot(); {
	case ctx.Err() != nil:
	case there:
		d.play()
	case d.identified():
		d.lost = "the start"
	default:
		return Report{}, fmt.Errorf("no bot was online within %s: point it at %s with the token of the simulated app; %s", o.Patience, o.Sim.APIURL(), d.describeBot())
	}
	if ctx.Err() != nil {
		return Report{}, fmt.Errorf("the judgement was broken off: %w", context.Cause(ctx))
	}
	return d.report(), nil
}
