//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals are the signals that mean stop. SIGHUP is one where there is a terminal
// that can be closed; nohup has it ignored, and that stays so. Elsewhere it is ignored
// too: what other programs read again at a SIGHUP is looked after all the time here.
func stopSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	switch {
	case signal.Ignored(syscall.SIGHUP):
	case hasTerminal():
		all = append(all, syscall.SIGHUP)
	default:
		signal.Ignore(syscall.SIGHUP)
	}
	return all
}

// hasTerminal reports whether the process has a controlling terminal.
func hasTerminal() bool {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	_ = terminal.Close()
	return true
}

// ignoreTerminalStop keeps a terminal from suspending the process when it writes from the
// background ("stty tostop").
func ignoreTerminalStop() { signal.Ignore(syscall.SIGTTOU) }
