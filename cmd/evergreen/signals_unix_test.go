//go:build unix

package main

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
)

// SIGHUP means stop where there is a terminal that can be closed. Under nohup and
// without a terminal it is ignored.
func TestSIGHUPMeansStopOnATerminalOnly(t *testing.T) {
	defer signal.Reset(syscall.SIGHUP)
	signal.Ignore(syscall.SIGHUP) // as nohup does
	if slices.Contains(stopSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("SIGHUP means stop under nohup")
	}
	signal.Reset(syscall.SIGHUP)
	if stops := slices.Contains(stopSignals(), os.Signal(syscall.SIGHUP)); stops != hasTerminal() || stops == signal.Ignored(syscall.SIGHUP) {
		t.Errorf("SIGHUP means stop: %v; there is a terminal: %v", stops, hasTerminal())
	}
}
