package main

import (
	"os"
	"syscall"
)

// stopSignals are the signals that mean stop. The runtime makes SIGTERM of a console
// window that is closed, and holds the end back for the five seconds that Windows grants.
func stopSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// ignoreTerminalStop has nothing to do: a console suspends no process here.
func ignoreTerminalStop() {}
