package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/demo"
)

// simCommand is evergreen sim.
type simCommand struct {
	Addr    string   `name:"addr" default:"127.0.0.1:8500" help:"Where the REST API and the gateway listen; the gateway to resume at takes the next port (${default})."`
	Control string   `name:"control-addr" default:"127.0.0.1:8510" help:"Where faults can be set and the verdict asked for (${default})."`
	Token   string   `name:"token" placeholder:"..." help:"The bot token the simulator accepts. A random one by default. It is worth nothing anywhere else."`
	Guilds  int      `name:"guilds" default:"4" help:"Guilds the bot is in (${default})."`
	Users   int      `name:"users" default:"24" help:"People in them (${default})."`
	Rate    float64  `name:"rate" default:"0.5" help:"Commands a second that people ask, 0 for none (${default})."`
	Say     []string `name:"say" default:"!ping" sep:"none" help:"What people say, one of it each time; the bot has to answer each with one reply. May be given several times (${default})."`
	Slash   []string `name:"slash" placeholder:"NAME" help:"Slash commands people use too."`
	Seed    *uint64  `name:"seed" placeholder:"N" help:"Decides all chance, so that a run can be repeated. Random by default."`
	Faults  string   `name:"faults" enum:"auto,none" default:"none" help:"auto: faults strike one after another, in real time; none: only those that are asked for (${default})."`
	Pace    duration `name:"pace" default:"60s" help:"Time between two faults of auto (${default})."`
	For     duration `name:"for" placeholder:"10m" help:"End by itself after this time, with exit code 0 only if no command was lost or answered twice and no rule broken. Without it Ctrl+C ends it."`
}

// Validate refuses what cannot work.
func (s *simCommand) Validate() error {
	if s.Guilds < 1 || s.Users < 1 {
		return errors.New("--guilds and --users: want at least 1 of each")
	}
	return checkRate(s.Rate)
}

// Run serves until it is stopped.
func (s *simCommand) Run(p *process) error {
	seed := rand.Uint64()
	if s.Seed != nil {
		seed = *s.Seed
	}
	world := demo.NewWorld(demo.WorldOptions{
		Sim: discordsim.Config{Seed: seed}, Guilds: s.Guilds, People: s.Users, Token: s.Token, Bot: "SimBot",
	})
	defer world.Sim.Close()
	listener, err := world.Sim.Listen(s.Addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --addr", err)
	}
	control, err := newControl(s.Control, world)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --control-addr", err)
	}
	s.explain(p, world, listener, control.addr())

	signals, release := p.signals()
	defer release()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var work sync.WaitGroup
	work.Go(func() { control.serve(ctx) })
	work.Go(func() { newWatcher(world, p.stdout).watch(ctx) })
	if s.Rate > 0 {
		crowd := demo.Crowd{World: world, Rate: s.Rate, Say: s.Say, Slash: s.Slash, Seed: seed}
		work.Go(func() { crowd.Run(ctx) })
	}
	if s.Faults == "auto" {
		work.Go(func() { s.strike(ctx, world, seed) })
	}
	var over <-chan time.Time
	if s.For > 0 {
		timer := time.NewTimer(time.Duration(s.For))
		defer timer.Stop()
		over = timer.C
	}
	timed := false
	select {
	case <-signals:
	case <-over:
		timed = true
	}
	end()
	work.Wait()
	v := world.Sim.Verdict(world.Bot)
	fmt.Fprintln(p.stdout, strings.Join(verdictLines(v), "\n"))
	if timed && (v.Asked == 0 || v.Lost+v.Twice+len(v.Violations) > 0) {
		return errors.New("the bot has not passed; the lines above say why")
	}
	return nil
}

// explain says how to use it.
func (s *simCommand) explain(p *process, world *demo.World, listener *discordsim.Listener, control net.Addr) {
	asks := "who say nothing"
	if s.Rate > 0 {
		asks = fmt.Sprintf("who ask %g times a second", s.Rate)
	}
	fmt.Fprintf(p.stdout, `A simulated Discord is listening. Let your bot use

  DISCORD_API_URL=%s
  DISCORD_TOKEN=%s

or whatever your library calls them; the gateway's address comes from there. The
bot is in %d guilds with %d people %s. Its owner is user %d.

Let something go wrong:  curl -d '{"fault":"half-open","for":"30s"}' http://%s/sim/faults
What can go wrong:       curl http://%s/sim/faults
How the bot fares:       curl http://%s/sim/verdict    (or Ctrl+C)

`, listener.APIURL(), world.Bot.Token, len(world.Guilds), len(world.People), asks, world.Bot.Owner, control, control, control)
}

// realTime stretches the times of the faults, which are made for a world ten
// times as fast.
const realTime = 10

// strike lets one thing after another go wrong.
func (s *simCommand) strike(ctx context.Context, world *demo.World, seed uint64) {
	pace := time.Duration(s.Pace)
	schedule := demo.NewSchedule(demo.ScheduleOptions{Seed: seed, Scale: realTime, Every: demo.CostlyEvery(pace)})
	timer := time.NewTimer(pace)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for _, f := range schedule.Next().Faults {
			if _, err := world.Sim.Inject(f); err != nil {
				panic("evergreen: the schedule names a fault that is not there: " + err.Error())
			}
		}
		timer.Reset(pace)
	}
}
