package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"evergreen/internal/demo/pingbot"
	"evergreen/internal/text"
)

// Program is how a bot is started that runs in a process of its own.
type Program struct {
	// Command is the program and its arguments. It finds DISCORD_TOKEN,
	// EVERGREEN_GATEWAY_URL and EVERGREEN_API_URL in its environment, which otherwise is
	// Environ.
	Command []string
	Environ []string
	// Plain means that it is the demo's own bot, package pingbot, which takes orders on its
	// standard input. Others get signals.
	Plain bool
	// Output takes what it prints. Default: only the last lines are kept, for an error.
	Output io.Writer
}

// MaxPlainRate is how many commands a second the demo's own bot can be asked: it answers one
// after the other, and must catch up with what has waited for it.
const MaxPlainRate = 8

// canHang reports whether the bot can be made to hang on this system.
func (p Program) canHang() bool { return p.Plain || canSuspend }

// check reports a program that cannot be started, before anything else is.
func (p Program) check() error {
	if _, err := exec.LookPath(p.Command[0]); err != nil {
		return fmt.Errorf("the bot %q cannot be started: %w", p.Command[0], errors.Unwrap(err))
	}
	return nil
}

// process is a bot's process that was started. Its methods may be called at the same time.
type process struct {
	program Program
	cmd     *exec.Cmd
	orders  io.WriteCloser
	printed tail
	ended   chan struct{} // closed when it has ended and been waited for

	mu     sync.Mutex
	asked  bool      // to end
	gone   time.Time // when its end was noticed; zero: it runs
	hung   bool
	failed error // how it has ended
}

// outputDelay bounds the wait for the output of programs that a bot has started and that
// outlive it.
const outputDelay = time.Second

// start starts the bot. End it with kill or stop.
func (p Program) start(environ ...string) (*process, error) {
	one := &process{program: p, cmd: exec.Command(p.Command[0], p.Command[1:]...), ended: make(chan struct{})}
	one.cmd.Env = append(append([]string(nil), p.Environ...), environ...)
	one.cmd.WaitDelay = outputDelay
	one.printed.also = p.Output
	one.cmd.Stdout, one.cmd.Stderr = &one.printed, &one.printed
	separate(one.cmd)
	var err error
	if one.orders, err = one.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := one.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the bot cannot be started: %w", err)
	}
	// kill and stop wait for it.
	go func() {
		err := one.cmd.Wait()
		killGroup(one.cmd.Process) // what it has started and left behind would go on being the bot
		one.mu.Lock()
		one.gone, one.failed = time.Now(), err
		one.mu.Unlock()
		close(one.ended)
	}()
	return one, nil
}

// runs reports whether the process has not ended.
func (o *process) runs() bool {
	select {
	case <-o.ended:
		return false
	default:
		return true
	}
}

// endedByItself reports whether the process has ended and was not asked to.
func (o *process) endedByItself() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.gone.IsZero() && !o.asked
}

// ask notes that the process is to end.
func (o *process) ask() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = true
}

// kill ends the process at once, with what it has started.
func (o *process) kill() {
	o.ask()
	killGroup(o.cmd.Process)
	<-o.ended
}

// stopGrace is how long a bot may take to end when it is asked to.
const stopGrace = time.Second

// stop asks the process to end, and kills it after stopGrace or at the end of ctx.
func (o *process) stop(ctx context.Context) {
	o.ask()
	o.goOn()
	if o.program.Plain {
		o.order(pingbot.Stop)
	} else {
		terminateGroup(o.cmd.Process)
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-o.ended:
		return
	case <-grace.C:
	case <-ctx.Done():
	}
	o.kill()
}

// hang has the process do nothing any more until goOn.
func (o *process) hang() {
	o.setHung(true)
	if o.program.Plain {
		o.order(pingbot.Hang)
	} else {
		suspendGroup(o.cmd.Process)
	}
}

// goOn ends what hang has begun.
func (o *process) goOn() {
	if !o.setHung(false) {
		return
	}
	if o.program.Plain {
		o.order(pingbot.GoOn)
	} else {
		continueGroup(o.cmd.Process)
	}
}

// setHung returns whether it was set before.
func (o *process) setHung(hung bool) (before bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, o.hung = o.hung, hung
	return before
}

// order writes a line to the bot's input. A bot that has ended needs none.
func (o *process) order(line string) { _, _ = io.WriteString(o.orders, line+"\n") }

// endError says how a process has ended that should run.
func (o *process) endError() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	how := "exit status 0"
	if o.failed != nil {
		how = o.failed.Error()
	}
	return fmt.Errorf("the bot has ended by itself (%s)%s", how, o.lastPrinted())
}

// lastPrinted is the last that the process has printed, to follow the words of an error.
func (o *process) lastPrinted() string {
	lines := o.printed.lines()
	if len(lines) == 0 {
		return ""
	}
	return ". The last it has said:\n  " + strings.Join(lines, "\n  ")
}

// tail is a writer that keeps the last lines.
type tail struct {
	also io.Writer // gets whole lines as they come; nil: none

	mu   sync.Mutex
	last []string
	rest []byte
}

// Bounds of a [tail].
const (
	tailLines = 12
	tailLine  = 300
)

// Write keeps the lines.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = append(t.rest, p...)
	for {
		line, rest, whole := bytes.Cut(t.rest, []byte{'\n'})
		if !whole {
			if len(t.rest) > tailLine {
				t.rest = t.rest[:tailLine]
			}
			return len(p), nil
		}
		t.rest = rest
		said := text.Clip(text.OneLine(string(line)), tailLine)
		t.last = append(t.last, said)
		t.last = t.last[max(0, len(t.last)-tailLines):]
		if t.also != nil {
			_, _ = io.WriteString(t.also, "bot: "+said+"\n")
		}
	}
}

// lines returns the last lines.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.last...)
}
