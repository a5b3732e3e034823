package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"evergreen/internal/testmode"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(dialFor); addr != "" {
		dialAndWait(addr)
		return
	}
	testmode.Waiting()
	goleak.VerifyTestMain(m)
}

// patience bounds every wait. Tests run beside each other, and other packages are
// built and tested meanwhile, so it is long.
const patience = 90 * time.Second

// stream is an output that can be waited for.
type stream struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed by the next write
}

func newStream() *stream { return &stream{changed: make(chan struct{})} }

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	return s.text.Write(p)
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the text was written and returns what follows on its line.
func (s *stream) await(t *testing.T, text string) string {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		_, rest, found := strings.Cut(s.text.String(), text)
		line, _, whole := strings.Cut(rest, "\n")
		changed := s.changed
		s.mu.Unlock()
		if found && whole {
			return strings.TrimSpace(line)
		}
		select {
		case <-changed:
		case <-limit.C:
			t.Fatalf("%q was not written:\n%s", text, s)
		}
	}
}

// command is a command that runs.
type command struct {
	stdout, stderr *stream
	signals        chan os.Signal
	exit           chan int
}

// startCommand runs a command with an environment and a state folder of its own.
// What it wrote is shown if the test fails.
func startCommand(t *testing.T, environ []string, args ...string) *command {
	t.Helper()
	return startTyping(t, strings.NewReader(""), environ, args...)
}

// startTyping is [startCommand] with a standard input.
func startTyping(t *testing.T, stdin io.Reader, environ []string, args ...string) *command {
	t.Helper()
	c := &command{stdout: newStream(), stderr: newStream(), signals: make(chan os.Signal, 2), exit: make(chan int, 1)}
	p := &process{
		stdin: stdin, stdout: c.stdout, stderr: c.stderr, environ: append([]string{"EVERGREEN_STATE_DIR=" + t.TempDir()}, environ...),
		signals: func() (<-chan os.Signal, func()) { return c.signals, func() {} },
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("evergreen %s wrote:\n%s\n%s", strings.Join(args, " "), c.stdout, c.stderr)
		}
	})
	go func() { c.exit <- p.run(args) }()
	return c
}

// code waits for the exit code.
func (c *command) code(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.exit:
		return code
	case <-time.After(patience):
		t.Fatalf("the command does not end:\n%s\n%s", c.stdout, c.stderr)
		return -1
	}
}

// stop sends SIGTERM and waits for the exit code.
func (c *command) stop(t *testing.T) int {
	t.Helper()
	c.signals <- syscall.SIGTERM
	return c.code(t)
}

// inTempDir lets the test run in an empty folder, where there is no .env and a
// log may be written.
func inTempDir(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	t.Chdir(folder)
	return filepath.Join(folder, "logs", "bot.log")
}
