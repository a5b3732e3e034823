// Command proxy measures evergreen proxy and prints the figures as a table:
//
//	go -C bench run ./cmd/proxy                     about seven minutes
//	go -C bench run ./cmd/proxy --write             also into docs/performance.md
//	go -C bench run ./cmd/proxy --only throughput   with --write, its rows only
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
	"time"

	"evergreen/bench/peer"
	"evergreen/bench/proxy"
	"evergreen/bench/report"
)

func main() { peer.Main("proxy", run) }

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("proxy", flag.ContinueOnError)
	r := proxy.Run{Log: os.Stderr}
	only := flags.String("only", "", "one of "+strings.Join(proxy.Names(), ", "))
	write := flags.Bool("write", false, "write the table into docs/performance.md, with --only its rows")
	flags.StringVar(&r.Evergreen, "evergreen", "", "the program to measure; by default the one of this tree is built")
	flags.DurationVar(&r.Lasting, "for", 5*time.Second, "how long each load lasts")
	flags.DurationVar(&r.Away, "away", time.Minute, "how long a bot is away")
	flags.IntVar(&r.Guilds, "guilds", 1000, "how many guilds there are where many are needed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bench, err := peer.Home(ctx)
	if err != nil {
		return err
	}
	if r.Folder, err = os.MkdirTemp("", "proxy-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.Folder) }()
	if r.Evergreen == "" {
		if r.Evergreen, err = peer.BuildEvergreen(ctx, bench, r.Folder); err != nil {
			return err
		}
	}
	machine := report.This()
	rows, err := r.Measure(ctx, *only)
	text := proxy.Markdown(rows) + "\n" + machine.String() + ".\n"
	fmt.Print(text)
	if err != nil || !*write {
		return err
	}
	put := report.Insert
	if *only != "" {
		put = report.Merge
	}
	return put(filepath.Join(filepath.Dir(bench), "docs", "performance.md"), "proxy", text)
}
