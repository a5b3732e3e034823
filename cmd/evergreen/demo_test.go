package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Given a demo in a pipe, when it is interrupted after the first fault, then it
// finishes what is open, sums up, and ends with exit code 0.
func TestDemoUntilInterrupted(t *testing.T) {
	t.Parallel()
	c := startCommand(t, nil, "demo", "--seed", "1", "--pace", "0.5")
	c.stdout.await(t, "the bot  ")
	c.signals <- os.Interrupt
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s\n%s", code, c.stdout, c.stderr)
	}
	for _, want := range []string{"with seed 1, ", " answered exactly once, 0 lost, 0 twice", "PASSED"} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("the summary does not say %q:\n%s", want, c.stdout)
		}
	}
	if strings.Contains(c.stdout.String(), "\x1b") {
		t.Error("a pipe got control characters")
	}
}

// Given --for, the demo ends by itself; given --verbose and --log-file, the bot's
// own lines can be read.
func TestDemoEndsByItself(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bot.log")
	c := startCommand(t, nil, "demo", "--api-addr", "127.0.0.1:0", "--for", "1", "--seed", "5", "--verbose", "--log-file", file)
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s\n%s", code, c.stdout, c.stderr)
	}
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the screen": c.stdout.String(), "the log file": string(log)} {
		if !strings.Contains(text, "Gateway: Online with a new session") {
			t.Errorf("%s does not show the bot's log:\n%s", where, text)
		}
	}
}

// Given a demo that has hardly begun, two interrupts end it at once.
func TestDemoInterruptedTwice(t *testing.T) {
	t.Parallel()
	c := startCommand(t, nil, "demo", "--api-addr", "127.0.0.1:0")
	c.signals <- os.Interrupt
	c.signals <- syscall.SIGTERM
	c.code(t)
}
