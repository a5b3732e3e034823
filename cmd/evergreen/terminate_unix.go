//go:build unix

package main

import (
	"os"
	"syscall"
)

// terminate asks a process to end.
func terminate(process *os.Process) error { return process.Signal(syscall.SIGTERM) }
