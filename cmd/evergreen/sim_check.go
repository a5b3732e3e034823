package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"evergreen/discordsim"
	"evergreen/discordsim/judge"
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
	fmt.Fprintf(told, `%s
It will be judged by what it sends. It should answer %s.

`, pointBotHere(listener, app), s.expectedAnswers())

	ctx, release := p.signalContext()
	defer release()
	report, err := judge.Run(ctx, judge.Options{
		Sim: sim, App: app, Command: firstOf(s.Say), Slash: firstOf(s.Slash), Thorough: s.Thorough, Gentle: s.Gentle, Only: s.Only,
		Tell: func(step judge.Step, number, of int) {
			fmt.Fprintf(told, "%2d/%d  %s: %s\n", number, of, step.Name, step.Says)
		},
	})
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
