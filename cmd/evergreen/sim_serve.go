package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/demo"
	"evergreen/internal/mishap"
	"evergreen/internal/web/chat"
	"evergreen/internal/web/simapi"
)

// serve plays Discord until it is stopped.
func (s *simCommand) serve(p *process) error {
	p.detach()
	seed := s.seed()
	rules, err := discordsim.Config{Seed: seed}.Faster(s.Speed)
	if err != nil {
		return fmt.Errorf("--speed: %w", err)
	}
	world := demo.NewWorld(demo.WorldOptions{
		Sim: rules, Guilds: s.Guilds, People: s.Users, Token: s.Token, Bot: "SimBot",
		Shards: s.Shards, Concurrency: s.Starts,
	})
	defer world.Sim.Close()
	for _, g := range world.Guilds {
		world.Sim.AddVoiceChannels(g, "voice", "quiet voice")
	}
	listener, err := s.listen(world.Sim)
	if err != nil {
		return err
	}
	control, err := simapi.Listen(context.Background(), s.controlAddr(listener), simapi.Options{
		Sim: world.Sim, Apps: []*discordsim.App{world.Bot},
		Page: chat.New(chat.Options{Attachments: world.Sim.Attachments()}),
	})
	if err != nil {
		return fmt.Errorf("%w; choose another address with --control-addr", err)
	}
	s.printUsage(p, world, listener, control.URL())

	signals, release := p.signals()
	defer release()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var work sync.WaitGroup
	work.Go(func() { control.Run(ctx) })
	var chatted error
	if s.Chat {
		work.Go(func() {
			defer end()
			chatted = p.chat(ctx, world)
		})
	} else {
		work.Go(func() { newSimLog(world, p.stdout).follow(ctx) })
	}
	if s.rate() > 0 {
		crowd := demo.Users{World: world, Rate: s.rate(), Say: s.Say, Slash: s.Slash, DM: s.DM, Seed: seed}
		work.Go(func() { crowd.Run(ctx) })
	}
	if s.Faults == "auto" {
		work.Go(func() { s.injectFaults(ctx, world, seed) })
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
	case <-ctx.Done(): // the chat has ended
	case <-over:
		timed = true
	}
	end()
	work.Wait()
	if chatted != nil {
		return chatted
	}
	v := world.Sim.Verdict(world.Bot)
	fmt.Fprintln(p.stdout, strings.Join(verdictLines(v), "\n"))
	if timed && !passed(v) {
		return errors.New("the bot has not passed; the lines above say why")
	}
	return nil
}

// passed reports whether a bot passed. Advice fails none.
func passed(v discordsim.Verdict) bool {
	return v.Asked > 0 && v.Lost+v.Twice+len(v.Broken()) == 0
}

// controlPortOffset is how many ports above the simulator's the control port is, so
// that it is 8510 where nothing else is said.
const controlPortOffset = 10

// controlAddr is the address for control requests: that of --control-addr, else a port
// near the simulator's and none of its two. If the simulator's was any port, it is any
// port too.
func (s *simCommand) controlAddr(listener *discordsim.Listener) string {
	if s.Control != "" {
		return s.Control
	}
	host, wanted, _ := net.SplitHostPort(s.Addr)
	port := listener.Addr().(*net.TCPAddr).Port + controlPortOffset
	if wanted == "0" || port > math.MaxUint16 || port == listener.ResumeAddr().(*net.TCPAddr).Port {
		port = 0
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// printUsage says how to use it.
func (s *simCommand) printUsage(p *process, world *demo.World, listener *discordsim.Listener, control string) {
	asks := "who say nothing"
	if s.rate() > 0 {
		asks = fmt.Sprintf("who ask %g times a second", s.rate())
		if s.DM > 0 {
			asks += fmt.Sprintf(" (%g %% of it in direct messages)", 100*s.DM)
		}
	}
	fmt.Fprintf(p.stdout, `%s
The bot is in %d guilds with %d people %s. Its owner is user %d.

Look, talk and break it: %s/
Let somebody ask:        curl -d '{"channel":"%s/%s","as":"person-1","content":"!ping"}' %s/sim/say
Let something go wrong:  curl -d '{"fault":"half-open","for":"30s"}' %s/sim/faults
What can go wrong:       curl %s/sim/faults
How the bot fares:       curl %s/sim/verdict    (or Ctrl+C)

%s`, pointBotHere(listener, world.Bot), len(world.Guilds), len(world.People), asks, world.Bot.Owner, control, world.Guilds[0].Name, world.Guilds[0].Channels[0].Name, control, control, control, control, s.describeSpeed())
}

// realTimeScale stretches the times of the faults, which are made for a world ten times as
// fast, to those of speed 1.
const realTimeScale = 10

// injectFaults draws one mishap after another until ctx ends.
func (s *simCommand) injectFaults(ctx context.Context, world *demo.World, seed uint64) {
	pace := time.Duration(s.Pace)
	schedule := mishap.NewSchedule(mishap.ScheduleOptions{Seed: seed, Scale: realTimeScale / s.Speed, Every: mishap.CostlyEvery(pace)})
	timer := time.NewTimer(pace)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		mishap.Inject(world.Sim, schedule.Next().Faults)
		timer.Reset(pace)
	}
}
