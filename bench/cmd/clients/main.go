// Command clients kills bots on libraries of several languages at random, behind
// evergreen proxy and alone, and prints what came of it as a table:
//
//	go -C bench run ./cmd/clients                       about nine minutes
//	go -C bench run ./cmd/clients --for 10m --only disc
//	go -C bench run ./cmd/clients --both                kill Evergreen too
//	go -C bench run ./cmd/clients --write               write the table into docs/performance.md
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
	"time"

	"evergreen/bench/clients"
	"evergreen/bench/peer"
	"evergreen/bench/report"
)

func main() { peer.Main("clients", run) }

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("clients", flag.ContinueOnError)
	lasting := flags.Duration("for", 2*time.Minute, "how long each bot is killed, once behind Evergreen and once alone")
	only := flags.String("only", "", "only libraries whose names contain this")
	both := flags.Bool("both", false, "kill Evergreen too, every second time; without the runs alone")
	write := flags.Bool("write", false, "write the table into docs/performance.md")
	together := flags.Int("together", 3, "bots that run at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bench, err := peer.Home(ctx)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "clients-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	builder, err := clients.NewBuilder(ctx, bench, work)
	if err != nil {
		return err
	}
	var chosen []*clients.Client
	for _, c := range clients.All() {
		if !strings.Contains(c.String(), *only) {
			continue
		}
		if err := builder.Build(ctx, c); err != nil {
			return err
		}
		if c.Missing != "" {
			fmt.Fprintf(os.Stderr, "%s is left out: %s\n", c, c.Missing)
			continue
		}
		chosen = append(chosen, c)
	}
	runs, err := crashAll(ctx, builder, chosen, *lasting, max(1, *together), *both)
	table := clients.Markdown(runs)
	fmt.Print(table)
	if err != nil || !*write {
		return err
	}
	return report.Insert(filepath.Join(filepath.Dir(bench), "docs", "performance.md"), "clients", table)
}

// crashAll runs each bot behind Evergreen and alone, in the order of the bots.
func crashAll(ctx context.Context, b *clients.Builder, chosen []*clients.Client, lasting time.Duration, together int, both bool) (runs []clients.Crashes, err error) {
	var work sync.WaitGroup
	free := make(chan struct{}, together)
	pairs := make([][]clients.Crashes, len(chosen))
	errs := make([]error, len(chosen))
	for i, c := range chosen {
		work.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			for _, behind := range []bool{true, false} {
				if both && !behind {
					continue
				}
				fmt.Fprintf(os.Stderr, "%s, behind Evergreen: %t\n", c, behind)
				f, err := clients.Crash(ctx, b, c, filepath.Join(b.Work, c.String(), fmt.Sprint(behind)), lasting, behind, both)
				if err != nil {
					errs[i] = errors.Join(errs[i], fmt.Errorf("%s: %w", c, err))
					continue
				}
				pairs[i] = append(pairs[i], f)
			}
		})
	}
	work.Wait()
	for _, pair := range pairs {
		runs = append(runs, pair...)
	}
	return runs, errors.Join(errs...)
}
