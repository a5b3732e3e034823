package store

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/process/tokenlock"

	"go.uber.org/goleak"
)

const token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.a-secret-part-of-thirty-eight-letters0"

const intents = gateway.Intents(33281)

var alone = gateway.ShardID{}

func TestMain(m *testing.M) {
	if dir := os.Getenv(actAs); dir != "" {
		refuse()
		acts[os.Getenv(act)](dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// act names what the other process does, in the folder that actAs names.
const act = "EVERGREEN_TEST_ACT"

var acts = map[string]func(dir string){"": writeUntilKilled}

// inAnotherProcess runs an act and returns what it printed.
func inAnotherProcess(t *testing.T, dir, name string, environ ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), actAs+"="+dir, act+"="+name), environ...)
	out, err := cmd.Output()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	return string(out)
}

// refuse makes system calls fail as the environment says, where that can be done.
var refuse = func() {}

// logRecorder is a logger whose lines a test can wait for.
type logRecorder struct {
	t     *testing.T
	with  string // what With has added
	lines *logLines
}

type logLines struct {
	mu   sync.Mutex
	all  []string
	more chan struct{}
}

func newLogRecorder(t *testing.T) *logRecorder {
	return &logRecorder{t: t, lines: &logLines{more: make(chan struct{}, 1)}}
}

func (l *logRecorder) Enabled(context.Context, slog.Level) bool { return true }
func (l *logRecorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *l
	for _, a := range attrs {
		with.with += " " + a.String()
	}
	return &with
}
func (l *logRecorder) WithGroup(string) slog.Handler { return l }
func (l *logRecorder) Handle(_ context.Context, r slog.Record) error {
	text := r.Message + l.with
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	l.lines.mu.Lock()
	l.lines.all = append(l.lines.all, text)
	l.lines.mu.Unlock()
	select {
	case l.lines.more <- struct{}{}:
	default:
	}
	return nil
}

// said returns the first line that contains the text, taking it and what came
// before it away.
func (l *logRecorder) said(text string) (string, bool) {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	for i, line := range l.lines.all {
		if strings.Contains(line, text) {
			l.lines.all = l.lines.all[i+1:]
			return line, true
		}
	}
	return "", false
}

// await waits for a line.
func (l *logRecorder) await(text string) string {
	l.t.Helper()
	patience := time.NewTimer(30 * time.Second)
	defer patience.Stop()
	for {
		if line, ok := l.said(text); ok {
			return line
		}
		select {
		case <-l.lines.more:
		case <-patience.C:
			l.t.Fatalf("the log never said %q; it has %q", text, l.lines.all)
		}
	}
}

// open opens the database in the folder for as long as the test runs.
func open(t *testing.T, dir string, l *logRecorder) *Store {
	t.Helper()
	o := Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token), Version: "1.0"}
	if l != nil {
		o.Logger = slog.New(l)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

// shut closes the store, as the end of a process would.
func shut(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// dbPath is where the database of the test's token is.
func dbPath(dir string) string { return filepath.Join(dir, "evergreen-123456789012345678.db") }

func session(id string, seq int64) gateway.Session {
	return gateway.Session{ID: id, ResumeURL: "wss://" + id + ".example", Seq: seq}
}

// quick is a folder in memory where there is such a thing. What a test does there
// does not depend on how fast the disk is, only on what was written to it.
func quick(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "evergreen-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// found is the session that the next run resumes.
func found(t *testing.T, s *Store) gateway.Session {
	t.Helper()
	session, check := s.checkSession(alone, intents)
	if check.reason != notDropped && check.reason != noneSaved {
		t.Errorf("check: %v", check)
	}
	return session
}

func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}
