//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// separate puts a command into a process group of its own, whose end is its end: a test
// may have started programs that go on for ever with the mutant alive in them.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return endGroup(cmd) }
}

// endGroup kills what is left of the group.
func endGroup(cmd *exec.Cmd) error {
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
