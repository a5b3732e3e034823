//go:build unix

package output

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crashing is the variable that makes this test the program that crashes.
const crashing = "EVERGREEN_TEST_CRASHING"

// Given a console that takes nothing, when the program crashes, then it ends: the text
// of the crash, which the Go runtime writes itself, does not wait for the console.
func TestCrashDoesNotWaitForTheConsole(t *testing.T) {
	if os.Getenv(crashing) != "" {
		w := Open(os.Stderr, 0)
		_, _ = w.Write([]byte(strings.Repeat("x", 1<<19))) // more than a pipe holds
		for stuck := false; !stuck; runtime.Gosched() {
			w.mu.Lock()
			if stuck = !w.began.IsZero(); stuck {
				w.began = w.began.Add(-StuckAfter)
			}
			w.mu.Unlock()
		}
		w.overdue()
		panic("on purpose")
	}
	var ends [2]int // nothing reads the first; the second blocks, as that of os.Pipe does not
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(ends[0])
	defer func() { _ = unix.Close(ends[0]) }()
	console := os.NewFile(uintptr(ends[1]), "console")
	program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	program.Env = append(os.Environ(), crashing+"=1")
	program.Stderr = console
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	_ = console.Close()
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	select {
	case err := <-ended:
		if code := program.ProcessState.ExitCode(); code != 2 {
			t.Errorf("it ended with %v, want the exit code of a crash", err)
		}
	case <-time.After(20 * time.Second):
		_ = program.Process.Kill()
		t.Error("the crash waits for the console")
		<-ended
	}
}
