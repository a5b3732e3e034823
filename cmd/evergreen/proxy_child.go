package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"evergreen/internal/preload"
)

// childGrace is how long the bot's program gets to end when Evergreen stops.
const childGrace = 10 * time.Second

// With --restart a program that has ended with an error is started again, after a pause that
// grows from one end to the next and is short again once the program has run for a while.
const (
	firstPause   = time.Second
	longestPause = time.Minute
	ranWell      = 5 * time.Minute
)

// stopsToo is how long a program that has ended is not spoken of: Ctrl+C ends both it and
// Evergreen.
const stopsToo = time.Second

// child is the bot's program that evergreen proxy -- COMMAND starts.
type child struct {
	command []string
	environ []string
	preload string // the folder for what points the program here; empty: it points itself here
	restart bool   // after an end with an error
	log     *slog.Logger
	stop    context.CancelFunc
	ended   chan struct{} // closed when it has ended and is not started again

	mu      sync.Mutex
	process *os.Process // nil while it does not run
}

// start starts the program once bots can connect to an address. The program finds it in
// its environment.
func (c *child) start(addr net.Addr, tls bool) {
	ctx, cancel := context.WithCancel(context.Background())
	c.stop, c.ended = cancel, make(chan struct{})
	ws, rest := "ws://", "http://"
	if tls {
		ws, rest = "wss://", "https://"
	}
	environ := append(c.pointed(), "EVERGREEN_GATEWAY_URL="+ws+addr.String(), "EVERGREEN_API_URL="+rest+addr.String()+"/api")
	// end waits for it.
	go func() {
		defer close(c.ended)
		c.keepRunning(ctx, environ)
	}()
}

// keepRunning runs the program until it is over, or ctx ends.
func (c *child) keepRunning(ctx context.Context, environ []string) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	wait := func(d time.Duration) {
		timer.Reset(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		began := time.Now()
		how, well := c.run(ctx, environ)
		if time.Since(began) >= ranWell {
			pause = firstPause
		}
		wait(stopsToo)
		switch {
		case ctx.Err() != nil:
			return
		case !c.restart:
			c.log.Warn("The bot's program has ended; the dot stays green, and events wait for the bot", "how", how,
				"do", "Start it again, or have Evergreen do so with --restart.")
			return
		case well:
			c.log.Info("The bot's program has ended by itself and without an error, so it is not started again", "how", how)
			return
		}
		c.log.Warn("The bot's program has ended, and is started again; the dot stays green", "how", how, "in", pause)
		if wait(pause - stopsToo); ctx.Err() != nil {
			return
		}
	}
}

// run runs the program once, and returns how it has ended and whether that was without an
// error.
func (c *child) run(ctx context.Context, environ []string) (how string, well bool) {
	cmd := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	cmd.Env = environ
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return terminate(cmd.Process) }
	cmd.WaitDelay = childGrace
	defer endWithEvergreen(cmd)()
	if err := cmd.Start(); err != nil {
		return "it cannot be started: " + err.Error(), false
	}
	c.setProcess(cmd.Process)
	defer c.setProcess(nil)
	c.log.Info("The bot's program was started", "process", cmd.Process.Pid)
	err := cmd.Wait()
	return cmd.ProcessState.String(), err == nil
}

func (c *child) setProcess(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = p
}

// pointed returns the environment of the program, in which Python and Node point its library
// here.
func (c *child) pointed() []string {
	if c.preload == "" {
		return c.environ
	}
	dir, err := filepath.Abs(c.preload)
	if err == nil {
		err = preload.Write(dir)
	}
	if err != nil {
		c.log.Warn("The bot's library is not pointed here by itself", "error", err, "do", "Make the change of: evergreen proxy setup")
		return c.environ
	}
	c.log.Info("Python and Node point the bot's library here as they load it", "off", "--no-hook")
	return preload.Environ(c.environ, dir)
}

// end asks the program to end, and waits for it. One that has not ended after childGrace, or
// when ctx ends, is killed.
func (c *child) end(ctx context.Context) {
	c.stop()
	select {
	case <-c.ended:
	case <-ctx.Done():
		c.mu.Lock()
		if c.process != nil {
			_ = c.process.Kill()
		}
		c.mu.Unlock()
		<-c.ended
	}
}
