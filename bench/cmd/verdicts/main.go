// Command verdicts has plain bots on libraries of several languages judged by evergreen sim
// --check, and writes the verdicts side by side:
//
//	go -C bench run ./cmd/verdicts                    all of them: docs/libraries.md, bench/results/verdicts.json
//	go -C bench run ./cmd/verdicts --only disc        libraries whose names contain it; the others stay as they were
//	go -C bench run ./cmd/verdicts --step "op 7" --dry    one step; writes nothing
//	go -C bench run ./cmd/verdicts --page             the page anew from the results there are
//
// A whole judgement takes five to ten minutes of real time, and a few run at once while the
// machine keeps up. Everything is on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"evergreen/bench/clients"
	"evergreen/bench/peer"
	"evergreen/bench/report"
	"evergreen/bench/verdicts"
)

func main() { peer.Main("verdicts", run) }

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("verdicts", flag.ContinueOnError)
	only := flags.String("only", "", "only libraries whose names contain this")
	step := flags.String("step", "", "only this step of the programme; implies --dry")
	together := flags.Int("together", 3, "how many are judged at once, while the machine keeps up")
	dry := flags.Bool("dry", false, "write nothing")
	page := flags.Bool("page", false, "judge nobody, and make the page of the results there are")
	work := flags.String("work", "", "a folder for what is built and printed; a temporary one by default, which is removed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bench, err := peer.Home(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(bench, "results", "verdicts.json")
	results, err := verdicts.Load(path)
	if err != nil {
		return err
	}
	if *page {
		return write(bench, results)
	}
	dir, remove, err := peer.Work(*work, "verdicts-")
	if err != nil {
		return err
	}
	defer remove()
	results.Machine, results.Command = report.This(), "evergreen "+strings.Join(verdicts.Args(), " ")
	columns, err := judge(ctx, bench, dir, *only, *step, *together)
	results.Columns = verdicts.Merge(results.Columns, columns)
	fmt.Print(verdicts.Markdown(verdicts.Results{Machine: results.Machine, Command: results.Command, Columns: columns}))
	if err != nil || *dry || *step != "" {
		return err
	}
	return errors.Join(verdicts.Save(path, results), write(bench, results), lost(columns))
}

// lost is an error if a library has not reached the end.
func lost(columns []verdicts.Column) error {
	var errs []error
	for _, c := range columns {
		if c.Report.Lost != "" {
			errs = append(errs, fmt.Errorf("%s has not come back from %q", c.Library, c.Report.Lost))
		}
	}
	return errors.Join(errs...)
}

// judge judges the bots that can be built here.
func judge(ctx context.Context, bench, work, only, step string, together int) ([]verdicts.Column, error) {
	builder, err := clients.NewBuilder(ctx, bench, work)
	if err != nil {
		return nil, err
	}
	var chosen []*clients.Client
	for _, c := range clients.Plain() {
		if !strings.Contains(c.Name, only) {
			continue
		}
		if err := builder.Build(ctx, c); err != nil {
			return nil, err
		}
		if c.Missing != "" {
			fmt.Fprintf(os.Stderr, "%s is left out: %s\n", c, c.Missing)
			continue
		}
		chosen = append(chosen, c)
	}
	var steps []string
	if step != "" {
		steps = []string{step}
	}
	tell := func(c *clients.Client, line string) {
		fmt.Fprintf(os.Stderr, "%s %-10s %s\n", time.Now().Format(time.TimeOnly), c, line)
	}
	return verdicts.Run(ctx, builder, chosen, together, tell, steps...)
}

func write(bench string, results verdicts.Results) error {
	return report.Insert(filepath.Join(filepath.Dir(bench), "docs", "libraries.md"), "verdicts", verdicts.Markdown(results))
}
