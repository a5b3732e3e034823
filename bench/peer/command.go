package peer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
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

// Work is the folder for what a command builds and prints: the given one, which is made where
// it is not there, or a temporary one that remove removes.
func Work(given, pattern string) (dir string, remove func(), err error) {
	if given != "" {
		if dir, err = filepath.Abs(given); err == nil {
			err = os.MkdirAll(dir, 0o755)
		}
		return dir, func() {}, err
	}
	if dir, err = os.MkdirTemp("", pattern); err != nil {
		return "", nil, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
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
