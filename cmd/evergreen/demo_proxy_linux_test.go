package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// processesWith returns the processes that have a text in their environment.
func processesWith(t *testing.T, text string) (ids []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err == nil && bytes.Contains(environ, []byte(text)) {
			ids = append(ids, filepath.Base(filepath.Dir(file)))
		}
	}
	return ids
}

// Given a bot that never comes, when the demo is interrupted meanwhile, then it ends with exit
// code 0, and so does the bot.
func TestProxyDemoInterruptedBeforeTheBotComes(t *testing.T) {
	t.Parallel()
	mark := "DEMO_TEST=" + t.TempDir()
	c := startCommand(t, []string{mark, "PATH=" + os.Getenv("PATH")}, "demo", "--proxy", "--no-api", "--", "sleep", "600")
	eventually(t, "the bot runs", func() ([]string, bool) {
		found := processesWith(t, mark)
		return found, len(found) == 1
	})
	c.signals <- os.Interrupt
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left := processesWith(t, mark); len(left) > 0 {
		t.Errorf("it leaves the processes %s", strings.Join(left, ", "))
	}
}

// Given a bot of one's own, which is suspended, killed and redeployed with signals, when the
// demo is interrupted, then no process of it is left, nor of what it has started.
func TestProxyDemoLeavesNoBotBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds of real time")
	}
	t.Parallel()
	mark := "DEMO_TEST=" + t.TempDir()
	c := startCommand(t, []string{asProgram + "=1", mark, "PATH=" + os.Getenv("PATH")},
		"demo", "--proxy", "--no-api", "--seed", "4", "--pace", "0.3", "--", "sh", "-c", `sleep 600 & exec "$0" demo-bot`, os.Args[0])
	c.stdout.await(t, "bot hangs ")
	c.stdout.await(t, "Held the session while the bot did not read")
	if n := len(processesWith(t, mark)); n < 2 {
		t.Errorf("%d processes run, want the bot and what it has started", n)
	}
	c.signals <- os.Interrupt
	if code := c.code(t); code != 0 || !strings.Contains(c.stdout.String(), "PASSED") {
		t.Errorf("exit code %d", code)
	}
	eventually(t, "no process is left", func() ([]string, bool) {
		left := processesWith(t, mark)
		return left, len(left) == 0
	})
}
