package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deadConsole is a console that refuses what is written, or takes nothing until it is
// let go.
type deadConsole struct {
	err  error
	hold chan struct{}
}

func (d *deadConsole) Write(p []byte) (int, error) {
	if d.hold != nil {
		<-d.hold
	}
	return len(p), d.err
}

// runWithConsole runs a command with the console as both of its streams.
func runWithConsole(t *testing.T, console io.Writer, environ []string, args ...string) *command {
	t.Helper()
	c := &command{stdout: newStream(), stderr: newStream(), signals: make(chan os.Signal, 2), exit: make(chan int, 1)}
	p := &process{
		stdout: console, stderr: console, environ: environ,
		signals: func() (<-chan os.Signal, func()) { return c.signals, func() {} },
	}
	go func() { c.exit <- p.run(args) }()
	return c
}

// logHas waits until the log file has a text.
func logHas(t *testing.T, file, text string) string {
	t.Helper()
	return eventually(t, fmt.Sprintf("%q in the log file", text), func() (string, bool) {
		log, _ := os.ReadFile(file)
		return string(log), strings.Contains(string(log), text)
	})
}

// Given a console that takes no output, or one that has gone, then the bot answers every
// command, the log file has every line, and a stop takes a second longer at most.
func TestRunGoesOnWithoutItsConsole(t *testing.T) {
	const commands = 4
	for name, console := range map[string]*deadConsole{
		"takes no output": {hold: make(chan struct{})}, "has gone": {err: syscall.EPIPE},
	} {
		t.Run(name, func(t *testing.T) {
			file := inTempDir(t)
			if console.hold != nil {
				defer close(console.hold)
			}
			world, listener := listeningSim(t)
			environ := settings(world, listener, "LOG_LEVEL=debug", "EVERGREEN_STATE_DIR="+t.TempDir())
			c := runWithConsole(t, console, environ, "run")
			logHas(t, file, "Online with a new session")
			for range commands {
				if got := awaitAnswer(t, world, ask(world, "!ping")); !strings.HasPrefix(got, "Pong!") {
					t.Errorf("!ping was answered %q", got)
				}
			}
			began := time.Now()
			if code := c.stop(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(began); took > patience/3 {
				t.Errorf("the stop took %s", took)
			}
			log := logHas(t, file, "Gateway: Stopped")
			if n := strings.Count(log, "Command has run"); n != commands {
				t.Errorf("%d commands are in the log file", n)
			}
			if console.err != nil && strings.Count(log, "The console is gone; the log goes on in the file alone") != 1 {
				t.Errorf("the log file does not say that the console is gone:\n%s", log)
			}
		})
	}
}

// Given a terminal that is closed, which the system may tell twice, then the bot keeps
// its session, says why it stops and what to do, and the next start knows that it was
// stopped.
func TestTerminalIsClosed(t *testing.T) {
	file := inTempDir(t)
	world, listener := listeningSim(t)
	environ := settings(world, listener, "EVERGREEN_STATE_DIR="+t.TempDir())
	c := runWithConsole(t, &deadConsole{err: syscall.EIO}, environ, "run")
	logHas(t, file, "Online with a new session")
	c.signals <- syscall.SIGHUP
	c.signals <- syscall.SIGHUP
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log := logHas(t, file, "The terminal was closed"); !strings.Contains(log, "Run it as a service") {
		t.Errorf("the log file does not say what to do:\n%s", log)
	}
	if v := awaitClose(t, world); v.CloseCodes[4900] != 1 {
		t.Errorf("closed with %v, want 4900", v.CloseCodes)
	}
	c = runWithConsole(t, io.Discard, environ, "run")
	logHas(t, file, "it was stopped and kept its session")
	logHas(t, file, "Resumed the session of an earlier run")
	c.stop(t)
}

// Given a console that takes no output, then the simulator and the demo serve as before
// and can be stopped.
func TestSimAndDemoGoOnWithoutTheirConsole(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"sim", "--addr", "127.0.0.1:0", "--for", "1s", "--rate", "0"}, {"demo", "--no-api", "--for", "1s"},
		{"sim", "--addr", "127.0.0.1:0", "--check"}, {"sim", "--addr", "127.0.0.1:0", "--scenario", "clean-run"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			console := &deadConsole{hold: make(chan struct{})}
			defer close(console.hold)
			c := runWithConsole(t, console, nil, args...)
			c.stop(t)
		})
	}
}
