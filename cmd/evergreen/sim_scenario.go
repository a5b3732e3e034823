package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/discordsim/scenario"
	"evergreen/internal/demo"
	"evergreen/internal/text"
)

// playScenario waits for a bot and plays a scenario to it.
func (s *simCommand) playScenario(p *process) error {
	if s.Scenario == listArg {
		return s.listScenarios(p.stdout)
	}
	sc, err := s.scenario()
	if err != nil {
		return err
	}
	if s.Seed != nil {
		sc.Seed = *s.Seed
	}
	whole := sc.Length()
	if s.Speed != 1 {
		if sc, err = sc.Faster(s.Speed); err != nil {
			return fmt.Errorf("--speed: %w", err)
		}
	}
	p.detach()
	sim := discordsim.New(sc.Rules())
	defer sim.Close()
	listener, err := s.listen(sim)
	if err != nil {
		return err
	}
	app := sc.Populate(sim, discordsim.AppConfig{Name: "SimBot", Token: s.Token})
	fmt.Fprintf(p.stdout, "%s\nScenario %s, seed %d: %s\n%s\nIt begins when your bot asks for something.\n\n",
		pointBotHere(listener, app), sc.Name, sc.Seed, sc.Says, s.describeLength(sc, whole))

	ctx, release := p.signalContext()
	defer release()
	if err := awaitBot(ctx, sim); err != nil {
		return fmt.Errorf("the scenario has not begun: %w", err)
	}
	var work sync.WaitGroup
	defer work.Wait()
	seen, end := context.WithCancel(context.Background())
	defer end()
	progress := p.newSimProgress(p.stdout)
	progress.begin(sc.Length())
	sc.Tell = func(m scenario.Moment) { progress.reach(m.What, sc.Length()) }
	work.Go(func() { newSimLog(&demo.World{Sim: sim, Bot: app}, progress).follow(seen) })
	work.Go(func() { progress.follow(seen, inForce(sim)) })
	out, err := sc.Run(ctx, sim, app)
	end()
	work.Wait()
	if out != nil && len(out.Bots) > 0 {
		fmt.Fprintln(p.stdout, strings.Join(verdictLines(out.Bots[0].Verdict), "\n"))
	}
	if err != nil {
		return err
	}
	defer p.deliver(ctx)
	broken := out.Broken()
	if len(broken) == 0 {
		fmt.Fprintf(p.stdout, "passed     %s: the bot did what the scenario expects of a good one\n", sc.Name)
		return nil
	}
	for _, what := range broken {
		fmt.Fprintln(p.stdout, "expected   "+text.OneLine(what))
	}
	if s.Speed > 1 {
		fmt.Fprintf(p.stdout, "           At speed %g the bot's own pauses, which nobody shortens, weigh %[1]g times as much. What is not kept here may be kept without --speed.\n", s.Speed)
	}
	return errors.New("the bot has not passed; the lines above say what was expected")
}

// describeLength says how long a scenario takes; whole is how long it takes at speed 1.
func (s *simCommand) describeLength(sc *scenario.Scenario, whole time.Duration) string {
	simulated := text.ShortDuration(whole.Round(time.Second))
	if s.Speed > 1 {
		return fmt.Sprintf("%s of simulated time take %s at speed %g. %s", simulated, text.Duration(sc.Length()), s.Speed, ownTimes)
	}
	said := fmt.Sprintf("%s of simulated time; on a port that takes %s.", simulated, text.Duration(whole))
	const example = 10
	if faster, err := sc.Faster(example); err == nil {
		said += fmt.Sprintf(" With --speed %d: %s.", example, text.Duration(faster.Length()))
	}
	return said
}

// scenario reads a file or a scenario of the library. A name with a dot or a slash is
// a file; the error for an unknown name has the library's nearest one.
func (s *simCommand) scenario() (*scenario.Scenario, error) {
	name := s.Scenario
	if _, err := os.Stat(name); err == nil || strings.ContainsAny(name, `./\`) {
		return scenario.Load(name)
	}
	sc, err := scenario.Named(name)
	if err != nil {
		return nil, fmt.Errorf("%w; --scenario list names them all, and a file may be given too", err)
	}
	return sc, nil
}

// awaitBot waits until a bot has asked the simulator for something. A
// scenario's times count from there, not from when the server was started.
func awaitBot(ctx context.Context, sim *discordsim.Sim) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if len(sim.Requests(nil)) > 0 || len(sim.Connections(nil)) > 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// listScenarios names the scenarios of the library with the time each takes at the speed,
// if it can be played at that.
func (s *simCommand) listScenarios(w io.Writer) error {
	for _, name := range scenario.Names() {
		sc, err := scenario.Named(name)
		if err != nil {
			return err
		}
		if faster, err := sc.Faster(max(1, s.Speed)); err == nil {
			sc = faster
		}
		if _, err := fmt.Fprintf(w, "%-27s %8s  %s\n", name, text.ShortDuration(sc.Length().Round(time.Second)), sc.Says); err != nil {
			return err
		}
	}
	return nil
}
