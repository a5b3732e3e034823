// Command features tries the features of libraries of several languages on a simulated
// Discord, and writes what works as a table:
//
//	go -C bench run ./cmd/features                        all of them: docs/features.md, bench/results/features.json
//	go -C bench run ./cmd/features --only eris            one library
//	go -C bench run ./cmd/features --feature poll --dry   features whose names contain it; writes nothing
//	go -C bench run ./cmd/features --list                 what a program does for each feature
//
// Everything is on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"evergreen/bench/features"
	"evergreen/bench/peer"
	"evergreen/bench/report"
)

func main() { peer.Main("features", run) }

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("features", flag.ContinueOnError)
	only := flags.String("only", "", "only libraries whose names contain this")
	part := flags.String("feature", "", "only features whose names contain this")
	dry := flags.Bool("dry", false, "write nothing")
	list := flags.Bool("list", false, "print the features and what a program does for each")
	work := flags.String("work", "", "a folder for what is built and printed; a temporary one by default, which is removed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *list {
		for _, f := range features.All() {
			fmt.Printf("%s\t%s\t%s\n", f.Group, f.Name, f.Does)
		}
		return nil
	}
	bench, err := peer.Home(ctx)
	if err != nil {
		return err
	}
	dir, remove, err := peer.Work(*work, "features-")
	if err != nil {
		return err
	}
	defer remove()
	page := filepath.Join(bench, "results", "features.json")
	columns, err := features.Load(page)
	if err != nil {
		return err
	}
	builder := &features.Builder{Bench: bench, Work: dir}
	var chosen []*features.Library
	for _, lib := range features.Libraries() {
		if !strings.Contains(lib.Name, *only) {
			continue
		}
		if builder.Build(ctx, lib); lib.Missing != "" {
			fmt.Fprintf(os.Stderr, "%s is left out: %s\n", lib.Name, lib.Missing)
			continue
		}
		chosen = append(chosen, lib)
	}
	// Each has a world of its own and mostly waits, so they run beside each other.
	results, errs := make([]features.Column, len(chosen)), make([]error, len(chosen))
	var running sync.WaitGroup
	for i, lib := range chosen {
		running.Go(func() {
			got, err := features.Run(ctx, lib, filepath.Join(dir, "run", lib.Name), func(f features.Feature) bool { return strings.Contains(f.Name, *part) })
			results[i], errs[i] = features.Column{Library: lib.Name, Version: lib.Version, Results: got}, err
		})
	}
	running.Wait()
	for _, column := range results {
		fmt.Print(features.Summary(column))
		columns = features.Merge(columns, column)
	}
	if err := errors.Join(errs...); err != nil || *dry {
		return err
	}
	if err := features.Save(page, columns); err != nil {
		return err
	}
	return report.Insert(filepath.Join(filepath.Dir(bench), "docs", "features.md"), "features", features.Markdown(columns))
}
