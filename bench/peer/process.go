package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Process is a bot that runs.
type Process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	Began  time.Time
	signal bool // Stop was called while it ran
}

// Start starts a bot in a folder of its own.
func (c Command) Start(folder string, env ...string) (*Process, error) {
	log := c.Console
	if log == nil {
		file, err := os.OpenFile(filepath.Join(folder, "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		log = file
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = folder
	cmd.Env = append(append([]string{"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1"}, c.Env...), env...)
	cmd.Stdout, cmd.Stderr = log, log
	p := &Process{cmd: cmd, ended: make(chan struct{}), Began: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the bot cannot be started: %w", err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait()
	}()
	return p, nil
}

// Ended is closed when the process is gone.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Alive reports whether it still runs.
func (p *Process) Alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// stopWithin is how long a bot may take to end after SIGTERM.
const stopWithin = 15 * time.Second

// Stop asks it to end with SIGTERM, and kills it if it does not.
func (p *Process) Stop() {
	p.signal = p.Alive()
	p.Signal(syscall.SIGTERM)
	p.Signal(syscall.SIGCONT)
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.Kill()
	}
}

// Kill ends it at once.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.ended
}

// Exit returns how it ended: the exit code or the signal, with "by itself" if it was
// not stopped by [Process.Stop].
func (p *Process) Exit() string {
	if p.Alive() {
		return "running"
	}
	text := fmt.Sprint(p.cmd.ProcessState.ExitCode())
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		text = status.Signal().String()
	}
	if !p.signal {
		text += ", by itself"
	}
	return text
}

// Usage is what a process has used.
type Usage struct {
	// CPU is the time of all its threads.
	CPU time.Duration
	// RSS is what it has in memory now, Own the part of it that is not pages of
	// files, Peak the most there was, in bytes.
	RSS, Own, Peak int64
}
