//go:build unix

package demo

import (
	"os"
	"os/exec"
	"syscall"
)

// canSuspend reports whether a process can be stopped and go on.
const canSuspend = true

// separate has a process be the first of a group: Ctrl+C on the terminal does not reach it,
// and what it starts is ended with it.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(p *os.Process)      { signalGroup(p, syscall.SIGKILL) }
func terminateGroup(p *os.Process) { signalGroup(p, syscall.SIGTERM) }
func suspendGroup(p *os.Process)   { signalGroup(p, syscall.SIGSTOP) }
func continueGroup(p *os.Process)  { signalGroup(p, syscall.SIGCONT) }

// signalGroup sends a signal to a process and all it has started. If there is none any more,
// nothing is left to do.
func signalGroup(p *os.Process, signal syscall.Signal) { _ = syscall.Kill(-p.Pid, signal) }
