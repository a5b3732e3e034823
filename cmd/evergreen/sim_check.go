package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/discordsim/judge"
	"evergreen/internal/text"
)

// checkBot waits for a bot and judges it.
func (s *simCommand) checkBot(p *process) error {
	if slices.Equal(s.Only, []string{listArg}) {
		return listSteps(p.stdout)
	}
	p.detach()
	sim := discordsim.New(judge.Config(s.seed()))
	defer sim.Close()
	listener, err := s.listen(sim)
	if err != nil {
		return err
	}
	app := sim.AddApp(discordsim.AppConfig{Name: "SimBot", Token: s.Token})
	told := p.stdout
	if s.JSON {
		told = p.stderr
	}
	o := judge.Options{
		Sim: sim, App: app, Command: firstOf(s.Say), Slash: firstOf(s.Slash), Thorough: s.Thorough, Gentle: s.Gentle, Only: s.Only,
	}
	fmt.Fprintf(told, `%s
It will be judged by what it sends. It should answer %s.
%s will be played. With a bot that does well that takes about %s from its first READY, with one that has to be waited for longer.

`, pointBotHere(listener, app), s.expectedAnswers(), text.Count(len(judge.Steps(o)), "step"), text.Duration(judge.Takes(o)))

	ctx, release := p.signalContext()
	defer release()
	report, err := s.judge(ctx, p.newSimProgress(told), o)
	if err != nil {
		return err
	}
	write := report.WriteText
	if s.JSON {
		write = report.WriteJSON
	} else {
		fmt.Fprintln(told)
	}
	if err := write(p.stdout); err != nil {
		return fmt.Errorf("the judgement cannot be written: %w", err)
	}
	p.deliver(ctx)
	if report.ExitCode() != 0 {
		return errors.New("the bot has not passed; what is listed as broken says why")
	}
	return nil
}

// judge judges the bot and shows how far that is.
func (s *simCommand) judge(ctx context.Context, progress *simProgress, o judge.Options) (judge.Report, error) {
	steps := judge.Steps(o)
	o.Tell = func(step judge.Step, number, of int) {
		fmt.Fprintf(progress, "%2d/%d  %s: %s\n", number, of, step.Name, step.Says)
		if number == 1 {
			progress.begin(judge.Takes(o))
		}
		// What the steps so far took is known, what the rest will take was said.
		var left time.Duration
		for _, s := range steps[min(number-1, len(steps)):] {
			left += s.Takes
		}
		progress.reach(fmt.Sprintf("step %d of %d: %s", number, of, step.Name), progress.passed()+left)
	}
	o.Gone = func(step judge.Step, within time.Duration) {
		fmt.Fprintf(progress, "       The bot has not come back from %q: end it and start it again within %s, or the judgement ends here.\n", step.Name, text.Duration(within))
	}
	shown, end := context.WithCancel(context.Background())
	var showing sync.WaitGroup
	showing.Go(func() { progress.follow(shown, inForce(o.Sim)) })
	report, err := judge.Run(ctx, o)
	end()
	showing.Wait()
	return report, err
}

// expectedAnswers is what the bot has to answer, as text.
func (s *simCommand) expectedAnswers() string {
	command, slash := firstOf(s.Say), firstOf(s.Slash)
	switch {
	case command != "" && slash != "":
		return fmt.Sprintf("%q with one reply, and the slash command /%s", command, slash)
	case command != "":
		return fmt.Sprintf("%q with one reply", command)
	case slash != "":
		return "the slash command /" + slash
	}
	return "nothing: what has to do with answers is not judged"
}

// listArg is the name that asks for a list.
const listArg = "list"

// listSteps names the steps of the programme.
func listSteps(w io.Writer) error {
	for _, step := range judge.Programme() {
		slow := ""
		if step.Slow {
			slow = " (with --thorough)"
		}
		if _, err := fmt.Fprintf(w, "%-28s %s%s\n", step.Name, step.Says, slow); err != nil {
			return err
		}
	}
	return nil
}
