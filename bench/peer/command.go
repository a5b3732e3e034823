package peer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main runs a command of this module until it is done or a signal ends its context. An error
// is told, and ends the process with exit code 1.
func Main(name string, run func(ctx context.Context, args []string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, name+":", err)
		stop()
		os.Exit(1)
	}
}

// BuildEvergreen builds the program of this tree into a folder and returns its path.
func BuildEvergreen(ctx context.Context, bench, work string) (path string, err error) {
	ours := All()[0]
	(&Builder{Bench: bench, Work: work}).Build(ctx, ours)
	if ours.Missing != "" {
		return "", fmt.Errorf("the program cannot be built: %s", ours.Missing)
	}
	return ours.Command.Path, nil
}
