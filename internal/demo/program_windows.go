package demo

import (
	"os"
	"os/exec"
	"syscall"
)

// canSuspend reports whether a process can be stopped and go on.
const canSuspend = false

// separate keeps Ctrl+C on the console from the process.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func killGroup(p *os.Process) { _ = p.Kill() }

// terminateGroup ends a process: Windows has no signal that asks for it.
func terminateGroup(p *os.Process) { _ = p.Kill() }

// suspendGroup and continueGroup do nothing: a bot that cannot be suspended is not hung.
func suspendGroup(*os.Process)  {}
func continueGroup(*os.Process) {}
