// Command attack runs Evergreen in surroundings that wish it ill and tells what that
// costs:
//
//	go -C bench run ./cmd/attack                       about five minutes
//	go -C bench run ./cmd/attack --evergreen PATH      the same for another build
//
// Everything is on loopback. It needs Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"

	"evergreen/bench/attack"
	"evergreen/bench/peer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "attack:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("attack", flag.ContinueOnError)
	program := flags.String("evergreen", "", "the program to attack; by default the one of this tree is built")
	only := flags.String("only", "", "only attacks whose names contain this")
	if err := flags.Parse(args); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "attack-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if *program == "" {
		bench, err := peer.Home(ctx)
		if err != nil {
			return err
		}
		ours := peer.All()[0]
		(&peer.Builder{Bench: bench, Work: work}).Build(ctx, ours)
		if ours.Missing != "" {
			return fmt.Errorf("the program cannot be built: %s", ours.Missing)
		}
		*program = ours.Command.Path
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "attack\tasked\tanswered\tpeak memory\tlog\tSIGTERM to end\texit\tnotes")
	for _, a := range attack.Table() {
		if !strings.Contains(a.Name, *only) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", a.Name, a.What)
		f, err := attack.Run(ctx, *program, a, filepath.Join(work, strings.ReplaceAll(a.Name, " ", "-")))
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d MB\t%d kB\t%.1f s\t%s\t%s\n",
			a.Name, f.Asked, f.Answered, f.Peak>>20, f.Log>>10, f.Stop.Seconds(), f.Exit, strings.Join(f.Notes, "; "))
	}
	return table.Flush()
}
