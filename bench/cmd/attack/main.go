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
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"evergreen/bench/attack"
	"evergreen/bench/peer"
)

func main() { peer.Main("attack", run) }

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
		if *program, err = peer.BuildEvergreen(ctx, bench, work); err != nil {
			return err
		}
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
