package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"evergreen/internal/process/output"
	"evergreen/internal/text"
)

// lastWait is how long a command that ends waits for a console that takes no output.
const lastWait = time.Second

// detach makes a command independent of its console, as it has to be that serves others:
// a console that takes no output keeps nothing waiting, and one that has gone ends
// nothing. A line tells what the console has missed.
func (p *process) detach() {
	ignoreTerminalStop()
	// A program that catches SIGPIPE gets an error from a write to a pipe without a reader,
	// and is not ended by it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	stdout, stderr := detached(p.stdout), detached(p.stderr)
	p.stdout, p.stderr, p.detached = stdout, stderr, []*output.Writer{stdout, stderr}
	log.SetOutput(stderr) // for libraries that were given no logger
	for _, w := range p.detached {
		w.Tell(func(t output.Trouble) {
			if t.Over && t.Missed > 0 {
				fmt.Fprintf(w, "The console took no output for %s; %s are missing here.\n", text.Duration(t.Took), text.Count(t.Missed, "line"))
			}
		})
	}
}

// detached is the stream behind a Writer.
func detached(to io.Writer) *output.Writer {
	if f, ok := to.(*os.File); ok {
		return output.Open(f, 0)
	}
	return output.New(to, 0)
}

// flush waits for what a command has printed, for a moment.
func (p *process) flush() {
	limited, cancel := context.WithTimeout(context.Background(), lastWait)
	defer cancel()
	p.deliver(limited)
}

// deliver waits until the console has taken what was printed, or ctx ends. A result is
// waited for as long as nobody stops the command: it may be read in a pager.
func (p *process) deliver(ctx context.Context) {
	for _, w := range p.detached {
		_ = w.Wait(ctx)
	}
}
