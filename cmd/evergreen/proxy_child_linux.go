package main

import (
	"os/exec"
	"runtime"
	"syscall"
)

// endWithEvergreen has the kernel ask the program to end when this process is killed: the
// next one starts another, and two would do twice what a bot does by the clock. The kernel
// goes by the thread that starts the program, so that is kept until release.
func endWithEvergreen(cmd *exec.Cmd) (release func()) {
	runtime.LockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return runtime.UnlockOSThread
}
