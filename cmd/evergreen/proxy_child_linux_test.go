package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Given a proxy that has started the bot's program, when it is killed, then the program is
// asked to end: the next proxy starts another.
func TestKilledProxyEndsItsProgram(t *testing.T) {
	t.Parallel()
	h := newProxyHarness(t)
	diary := filepath.Join(h.folder, "diary")
	program := h.start("--no-api", "--", "sh", "-c", `
		trap 'kill $waiting; echo ended >>`+diary+`; exit 0' TERM
		sleep 600 & waiting=$!
		echo started >>`+diary+`
		wait`)
	awaitDiary := func(want string) {
		t.Helper()
		eventually(t, "what the program has done: "+want, func() (string, bool) {
			text, _ := os.ReadFile(diary)
			return string(text), strings.Join(strings.Fields(string(text)), " ") == want
		})
	}
	awaitDiary("started")
	if err := program.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	awaitDiary("started ended")
}
