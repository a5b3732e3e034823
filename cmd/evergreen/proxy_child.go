package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"evergreen/internal/preload"
)

// childGrace is how long the bot's program gets to end when Evergreen stops.
const childGrace = 10 * time.Second

// child is the bot's program that evergreen proxy -- COMMAND starts. It is started once:
// to start it again is the work of a supervisor.
type child struct {
	command []string
	environ []string
	preload string // the folder for what points the program here; empty: it points itself here
	log     *slog.Logger
	stop    context.CancelFunc
	process *os.Process   // nil if it could not be started
	ended   chan struct{} // closed when it has ended
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
	cmd := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	cmd.Env = append(c.pointed(), "EVERGREEN_GATEWAY_URL="+ws+addr.String(), "EVERGREEN_API_URL="+rest+addr.String()+"/api")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return terminate(cmd.Process) }
	cmd.WaitDelay = childGrace
	if err := cmd.Start(); err != nil {
		c.log.Error("The bot's program cannot be started; Evergreen waits for the bot to connect", "error", err)
		cancel()
		close(c.ended)
		return
	}
	c.process = cmd.Process
	c.log.Info("The bot's program was started", "process", c.process.Pid)
	// end waits for it.
	go func() {
		defer close(c.ended)
		err := cmd.Wait()
		if ctx.Err() == nil {
			c.log.Warn("The bot's program has ended; the dot stays green, and events wait for the bot", "how", cmd.ProcessState.String(), "error", err,
				"do", "Start it again, or have a supervisor do so.")
		}
	}()
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
		if c.process != nil {
			_ = c.process.Kill()
		}
		<-c.ended
	}
}
