package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// simCommand is evergreen sim: a simulated Discord to use, to judge a bot with, or
// to play a scenario to one.
type simCommand struct {
	Addr  string  `name:"addr" default:"127.0.0.1:8500" help:"Where the REST API and the gateway listen; the gateway to resume at takes the next port (${default})."`
	Token string  `name:"token" placeholder:"..." help:"The bot token the simulator accepts. A random one by default. It is worth nothing anywhere else."`
	Seed  *uint64 `name:"seed" placeholder:"N" help:"Decides all chance, so that a run can be repeated. Random by default."`

	Control string   `name:"control-addr" placeholder:"HOST:PORT" help:"Where faults can be set and the verdict asked for. Ten ports above --addr by default."`
	Guilds  int      `name:"guilds" default:"4" help:"Guilds the bot is in (${default})."`
	Users   int      `name:"users" default:"24" help:"People in them (${default})."`
	Shards  int      `name:"shards" default:"1" help:"Shards that GET /gateway/bot recommends (${default})."`
	Starts  int      `name:"concurrency" default:"1" help:"Shards that may identify at once: max_concurrency (${default})."`
	Rate    *float64 `name:"rate" placeholder:"N" help:"Commands a second that people ask, 0 for none (0.5; with --chat, where it is you who asks, 0)."`
	Say     []string `name:"say" default:"!ping" sep:"none" help:"What people say, one of it each time; the bot has to answer each with one reply. May be given several times (${default})."`
	DM      float64  `name:"dm" default:"0.1" placeholder:"SHARE" help:"How much of what people say goes to the bot as a direct message, from 0 to 1 (${default}). Libraries treat those apart: discord.js drops them without Partials.Channel."`
	Slash   []string `name:"slash" placeholder:"NAME" help:"Slash commands people use too."`
	Faults  string   `name:"faults" enum:"auto,none" default:"none" help:"auto: faults strike one after another, in real time; none: only those that are asked for (${default})."`
	Pace    duration `name:"pace" default:"60s" help:"Time between two faults of auto (${default})."`
	Speed   float64  `name:"speed" default:"1" placeholder:"N" help:"Divide Discord's intervals by this, such as 10: heartbeats, the life of a session, the pause between IDENTIFYs; with --scenario also the times of its steps. What the bot waits by itself is not shortened (${default})."`
	For     duration `name:"for" placeholder:"10m" help:"End by itself after this time, with exit code 0 only if no command was lost or answered twice and no rule broken. Without it Ctrl+C ends it."`

	Chat bool `name:"chat" help:"Chat with the bot here: what you type is said by one of the people, /name uses a command, and .help tells the rest. Lines may come from a pipe too."`

	Check    bool     `name:"check" help:"Judge the bot that is pointed here: lead it through a programme of faults, about five minutes, and say which statements of docs/conformance.md it kept and broke. The bot has to answer the first --say (and --slash). Exit code 1 if it broke one."`
	JSON     bool     `name:"json" help:"With --check: write the judgement to stdout as JSON, and all else to stderr."`
	Thorough bool     `name:"thorough" help:"With --check: play the slow steps too, about eight minutes."`
	Gentle   bool     `name:"gentle" help:"With --check: leave out the last step, after which a bot is right to give up."`
	Only     []string `name:"only" placeholder:"STEP" help:"With --check: play only these steps of the programme. --only list names them."`

	Scenario string `name:"scenario" placeholder:"FILE" help:"Play a scenario, a file or one of the library by its name, and say what a good bot would have done better. --scenario list names those of the library. Exit code 1 if an expectation was not met."`
}

// Validate refuses what cannot work.
func (s *simCommand) Validate() error {
	switch {
	case s.Guilds < 1 || s.Users < 1:
		return errors.New("--guilds and --users: want at least 1 of each")
	case s.Shards < 1 || s.Starts < 1:
		return errors.New("--shards and --concurrency: want at least 1 of each")
	case !(s.DM >= 0 && s.DM <= 1):
		return errors.New("--dm: want a share from 0, none of what people say, to 1, all of it")
	case s.Check && s.Scenario != "":
		return errors.New("--check and --scenario: want one of them; each makes a simulated Discord of its own")
	case s.Chat && (s.Check || s.Scenario != ""):
		return errors.New("--chat means nothing beside --check and --scenario")
	case !s.Check && (s.JSON || s.Thorough || s.Gentle || len(s.Only) > 0):
		return errors.New("--json, --thorough, --gentle and --only mean nothing without --check")
	case s.Check && s.Speed != 1:
		return errors.New("--speed means nothing beside --check: its intervals are as short as bots can live with already, 2.5 s for heartbeats")
	case (s.Check || s.Scenario != "") && (s.For > 0 || s.Control != "" || s.Faults != "none"):
		return errors.New("--for, --control-addr and --faults mean nothing beside --check and --scenario, which know what happens and when it ends")
	}
	if _, err := (discordsim.Config{}).Faster(s.Speed); err != nil && s.Scenario == "" { // a scenario has rules of its own
		return fmt.Errorf("--speed: %w", err)
	}
	return checkRate(s.rate())
}

// rate is how many commands a second people ask.
func (s *simCommand) rate() float64 {
	const usual = 0.5
	switch {
	case s.Rate != nil:
		return *s.Rate
	case s.Chat:
		return 0
	}
	return usual
}

// ownTimes says what no speed changes.
const ownTimes = "The bot's own backoffs and deadlines take as long as ever, and so do the 3 s for the answer to an interaction."

// describeSpeed says what the speed makes of Discord's intervals; nothing at speed 1.
func (s *simCommand) describeSpeed() string {
	if s.Speed <= 1 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Speed %g. Discord's intervals are shorter:\n\n", s.Speed)
	for _, i := range discordsim.Intervals() {
		if i.Default > 0 {
			fmt.Fprintf(&b, "  %-53s %8s instead of %s\n", i.Name, text.ShortDuration(i.At(s.Speed).Round(time.Millisecond)), text.ShortDuration(i.Default))
		}
	}
	return b.String() + "\n" + ownTimes + "\n"
}

// Run does what is asked for.
func (s *simCommand) Run(p *process) error {
	switch {
	case s.Check:
		return s.checkBot(p)
	case s.Scenario != "":
		return s.playScenario(p)
	}
	return s.serve(p)
}

// seed is the given one or one by chance.
func (s *simCommand) seed() uint64 {
	if s.Seed != nil {
		return *s.Seed
	}
	return uint64(rand.N(1_000_000_000))
}

// listen opens the simulator's ports.
func (s *simCommand) listen(sim *discordsim.Sim) (*discordsim.Listener, error) {
	listener, err := sim.Listen(s.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address with --addr", err)
	}
	return listener, nil
}

// pointBotHere is the text that tells where to point a bot.
func pointBotHere(listener *discordsim.Listener, app *discordsim.App) string {
	return fmt.Sprintf(`A simulated Discord is listening. Let your bot use

  DISCORD_API_URL=%s
  DISCORD_TOKEN=%s

or whatever your library calls them; the gateway's address comes from there.
`, listener.APIURL(), app.Token)
}

// signalContext is a context that a signal ends; the function releases it.
func (p *process) signalContext() (context.Context, func()) {
	signals, release := p.signals()
	ctx, end := context.WithCancelCause(context.Background())
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-signals:
			end(errors.New("it was stopped"))
		case <-over:
		}
	}()
	return ctx, func() {
		close(over)
		<-watched
		end(nil)
		release()
	}
}

// firstOf is the first text that is not empty, or "".
func firstOf(texts []string) string {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}
