// Command sidebyside puts the same ping bot on Evergreen and on its peers
// through the same scenarios and tells how each did:
//
//	go -C bench run ./cmd/sidebyside          a few minutes, with short intervals
//	go -C bench run ./cmd/sidebyside --full   at Discord's real intervals
//
// It needs a Unix; CPU time and memory are measured on Linux only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"evergreen/bench/peer"
	"evergreen/bench/report"
	"evergreen/bench/trial"
)

func main() {
	peer.Main("sidebyside", func(ctx context.Context, args []string) error { return run(ctx, args, os.Stdout, os.Stderr) })
}

// options is the command line.
type options struct {
	full             bool
	jobs             int
	seed             uint64
	out, work, again string
	peers, scenarios string
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("sidebyside", flag.ContinueOnError)
	flags.BoolVar(&o.full, "full", false, "run at Discord's real intervals, about 40 minutes")
	flags.IntVar(&o.jobs, "jobs", 24, "how many cells that only wait run beside each other")
	flags.Uint64Var(&o.seed, "seed", 1, "decides all chance of the simulated Discord")
	flags.StringVar(&o.out, "out", "", "a folder for sidebyside.md, .json and .svg, and for summary.md")
	flags.StringVar(&o.work, "work", "", "a folder for what is built and printed; a temporary one by default, which is removed")
	flags.StringVar(&o.peers, "peers", "", "only these, comma-separated: evergreen,gateway,disgo,discordgo,arikawa,discord.js,discord.py")
	flags.StringVar(&o.scenarios, "scenarios", "", "only those whose names contain one of these, comma-separated")
	flags.StringVar(&o.again, "again", "", "make table and chart again from this sidebyside.json, and run nothing; with several, comma-separated, rows of the later ones replace those of the first")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not understood; want flags only", flags.Arg(0))
	}
	if o.jobs < 1 {
		return o, errors.New("--jobs: want at least 1")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	pace := trial.Short
	if o.full {
		pace = trial.Full
	}
	if o.again != "" {
		return again(o, out)
	}
	work, remove, err := peer.Work(o.work, "sidebyside-")
	if err != nil {
		return err
	}
	defer remove()
	r := report.Run{
		Machine: report.This(), Pace: pace.Name, Rules: pace, Seed: o.seed, Jobs: o.jobs,
		Command: o.command(),
	}
	fmt.Fprintln(progress, r.Machine)
	bench, err := peer.Home(ctx)
	if err != nil {
		return err
	}
	builder := &peer.Builder{Bench: bench, Work: work}
	var peers []*peer.Peer
	for _, p := range peer.All() {
		if !chosen(o.peers, p.Short, false) {
			continue
		}
		builder.Build(ctx, p)
		if p.Missing != "" {
			fmt.Fprintf(progress, "%s is not run: %s\n", p.Name, p.Missing)
		} else {
			fmt.Fprintf(progress, "%s %s\n", p.Name, p.Version)
		}
		peers = append(peers, p)
	}
	for _, sc := range trial.Table(pace) {
		if chosen(o.scenarios, sc.Name, true) {
			r.Scenarios = append(r.Scenarios, sc)
		}
	}
	r.Peers = report.Of(peers)
	began := time.Now()
	plan := trial.Plan{
		Peers: peers, Scenarios: r.Scenarios, Pace: pace, Seed: o.seed, Jobs: o.jobs, Folder: filepath.Join(work, "cells"),
		Progress: func(done, all int, f trial.Figures, took time.Duration) {
			fmt.Fprintf(progress, "%6s  %3d/%d  %-18s %-26s %s (%s)\n", time.Since(began).Round(time.Second), done, all, f.Scenario, f.Peer, report.Line(f), took.Round(time.Second))
		},
	}
	r.Figures, err = plan.Run(ctx)
	if err != nil {
		return err
	}
	r.Took = time.Since(began).Round(time.Second)
	return write(o, r, out)
}

// write prints the table and fills the folder.
func write(o options, r report.Run, out io.Writer) error {
	if err := r.WriteMarkdown(out); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	for name, to := range map[string]func(io.Writer) error{
		"sidebyside.md": r.WriteMarkdown, "summary.md": r.WriteSummary, "sidebyside.json": r.WriteJSON, "sidebyside.svg": r.WriteSVG,
	} {
		file, err := os.Create(filepath.Join(o.out, name))
		if err != nil {
			return err
		}
		if err := errors.Join(to(file), file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// again makes the reports from figures that are there. Of several files the
// later ones replace rows of the first, and the report says so.
func again(o options, out io.Writer) error {
	var r report.Run
	for i, path := range strings.Split(o.again, ",") {
		one, err := read(path)
		if err != nil {
			return err
		}
		if i == 0 {
			r = one
		} else if err := r.Replace(one); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	r.Rules = trial.Short
	if r.Pace == trial.Full.Name {
		r.Rules = trial.Full
	}
	for _, sc := range trial.Table(r.Rules) {
		if chosen(o.scenarios, sc.Name, true) {
			r.Scenarios = append(r.Scenarios, sc)
		}
	}
	return write(o, r, out)
}

// read reads the figures of a run.
func read(path string) (report.Run, error) {
	file, err := os.Open(path)
	if err != nil {
		return report.Run{}, err
	}
	defer func() { _ = file.Close() }()
	r, err := report.ReadJSON(file)
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// chosen reports whether a name is in a list; all are in an empty one.
func chosen(list, name string, part bool) bool {
	if list == "" {
		return true
	}
	for one := range strings.SplitSeq(list, ",") {
		if one == name || part && strings.Contains(name, one) {
			return true
		}
	}
	return false
}

// command is what makes such a run again; where its files go is not part of it.
func (o options) command() string {
	text := fmt.Sprintf("go -C bench run ./cmd/sidebyside --jobs %d --seed %d", o.jobs, o.seed)
	if o.full {
		text += " --full"
	}
	if o.peers != "" {
		text += fmt.Sprintf(" --peers %q", o.peers)
	}
	if o.scenarios != "" {
		text += fmt.Sprintf(" --scenarios %q", o.scenarios)
	}
	return text
}
