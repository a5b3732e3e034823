package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/process/output"
)

// hanging takes nothing until it is let go, or refuses everything.
type hanging struct {
	console
	hold <-chan struct{}
	err  error
}

func (h *hanging) Write(p []byte) (int, error) {
	if h.hold != nil {
		<-h.hold
	}
	if h.err != nil {
		return 0, h.err
	}
	return h.console.Write(p)
}

// newHanging makes a logger with such a console.
func newHanging(t *testing.T, h *hanging, o Options) *Logger {
	t.Helper()
	o.Console = h
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.l = l
	return l
}

// Given a console that takes nothing, then the file has every line and says so, and the
// lines of the dashboard too; when the console takes output again, it shows how many
// lines are only in the file.
func TestConsoleThatTakesNoOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		h, ring := &hanging{hold: hold}, NewRing(nil, nil)
		l := newHanging(t, h, Options{Level: slog.LevelDebug, File: path, Lines: ring})
		began := time.Now()
		const lines = 20_000
		for n := range lines {
			l.Debug("line", "n", n)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the lines waited for %s", waited)
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		told := "[WARNING] Log: The console takes no output; the log goes on in the file alone file=" + path + "\n"
		if got := withoutTime(t, read(t, path)); strings.Count(got, "[DEBUG] line n=") != lines || !strings.HasSuffix(got, told) {
			t.Errorf("the file ends with %q", got[max(0, len(got)-200):])
		}
		if last := ring.Last(1); len(last) != 1 || !strings.HasPrefix(last[0].Text, "The console takes no output") {
			t.Errorf("the last of the lines kept is %+v", last)
		}
		close(hold)
		got := withoutTime(t, h.String())
		shown := strings.Count(got, "[DEBUG] line n=")
		want := fmt.Sprintf("[WARNING] Log: The console took no output for a while; these lines are only in the log file for=\"40 s\" lines=%d file=%s\n", lines-shown, path)
		if shown < 1000 || !strings.Contains(got, want) {
			t.Errorf("%d lines are shown, and the end is %q", shown, got[max(0, len(got)-400):])
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(withoutTime(t, read(t, path)), want) {
			t.Error("the file does not tell how it ended")
		}
	})
}

// Given a console that has gone, then the file says so once and goes on.
func TestConsoleThatGoesAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	synctest.Test(t, func(t *testing.T) {
		l := newHanging(t, &hanging{err: syscall.EPIPE}, Options{File: path})
		for n := range 100 {
			l.Info("line", "n", n)
			time.Sleep(time.Second)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		got := withoutTime(t, read(t, path))
		if strings.Count(got, "[INFO] line n=") != 100 ||
			strings.Count(got, "[WARNING] Log: The console is gone; the log goes on in the file alone file="+path+" error=\"broken pipe\"\n") != 1 {
			t.Errorf("the file holds %s", got)
		}
	})
}

// Given a console that takes nothing and no file, then what waits is bounded, and the
// console shows in the end how many lines are lost.
func TestConsoleAloneThatTakesNoOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		h := &hanging{hold: hold}
		l := newHanging(t, h, Options{Level: slog.LevelDebug})
		for range 100_000 {
			l.Debug("line")
		}
		time.Sleep(time.Minute)
		close(hold)
		got := h.String()
		if len(got) > output.DefaultLimit || !strings.Contains(got, "The console took no output for a while; these lines are lost for=\"1 min\" lines=") {
			t.Errorf("%d bytes, which end with %q", len(got), got[max(0, len(got)-200):])
		}
	})
}

// Given a console that takes nothing, then the end of the log waits a second for it; a
// disk that hangs is given two.
func TestCloseDoesNotWaitForLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		defer close(hold)
		l := newHanging(t, &hanging{hold: hold}, Options{File: path})
		l.Info("last words")
		began := time.Now()
		if err := l.Close(); err != nil || time.Since(began) != consoleWait {
			t.Errorf("Close took %s: %v", time.Since(began), err)
		}
		if got := withoutTime(t, read(t, path)); got != "[INFO] last words\n" {
			t.Errorf("the file holds %q", got)
		}

		h := &hanging{}
		l = newHanging(t, h, Options{File: path})
		l.fileOut = output.New(&hanging{hold: hold}, 0)
		_, _ = io.WriteString(l.fileOut, "last words\n")
		began = time.Now()
		if err := l.Close(); err == nil || time.Since(began) != closeWait {
			t.Errorf("with a disk that hangs Close took %s: %v", time.Since(began), err)
		}
	})
}

// What is told of a stream says what was, for how long, and where the lines are.
func TestTroubleInWords(t *testing.T) {
	const stuckFor = 40 * time.Second
	for _, c := range []struct {
		of   string
		is   output.Trouble
		want string
	}{
		{"file", output.Trouble{Stuck: true}, "others [WARNING] The log file takes no lines: the disk hangs; the bot goes on without it file=x.log do="},
		{"file", output.Trouble{Over: true, Stuck: true, Took: stuckFor}, "all [INFO] The log file took no lines for a while; no line is missing for=\"40 s\" file=x.log"},
		{"file", output.Trouble{Over: true, Stuck: true, Took: stuckFor, Missed: 3}, "all [WARNING] The log file took no lines for a while; these lines are missing in it for=\"40 s\" lines=3 file=x.log"},
		{"file", output.Trouble{Over: true, Took: stuckFor, Missed: 3}, "all [WARNING] The log file was too slow for the log; these lines are missing in it for=\"40 s\" lines=3 file=x.log"},
		{"console", output.Trouble{Err: syscall.ENOSPC}, "others [WARNING] The console cannot be written; the log goes on in the file alone file=x.log error=\"no space left on device\""},
		{"console", output.Trouble{Err: &os.PathError{Op: "write", Path: "/dev/stderr", Err: syscall.EIO}}, "others [WARNING] The console is gone; the log goes on in the file alone file=x.log error="},
		{"console", output.Trouble{Over: true, Err: syscall.ENOSPC, Took: stuckFor, Missed: 3}, "all [WARNING] The console could not be written for a while; these lines are only in the log file for=\"40 s\" lines=3 file=x.log"},
		{"console", output.Trouble{Over: true, Took: stuckFor, Missed: 3}, "all [WARNING] The console was too slow for the log; these lines are only in the log file for=\"40 s\" lines=3 file=x.log"},
		{"console", output.Trouble{Over: true, Stuck: true, Took: stuckFor}, "all [INFO] The console took no output for a while; no line is missing for=\"40 s\""},
	} {
		var got strings.Builder
		to := func(who string) *slog.Logger {
			return slog.New(testHandler(func(r slog.Record) { got.WriteString(who + " " + string(appendLine(nil, r))) }))
		}
		if c.of == "file" {
			fileTrouble{"x.log", to("others"), to("all")}.tell(c.is)
		} else {
			consoleTrouble{"x.log", to("others"), to("all")}.tell(c.is)
		}
		if where, line, _ := strings.Cut(got.String(), " "); !strings.HasPrefix(where+" "+line[len(timeLayout)+1:], c.want) {
			t.Errorf("%s, %+v: %q, want %q", c.of, c.is, got.String(), c.want)
		}
	}
}

// testHandler is a handler that is a function.
type testHandler func(slog.Record)

func (h testHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h testHandler) Handle(_ context.Context, r slog.Record) error {
	h(r)
	return nil
}
func (h testHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h testHandler) WithGroup(string) slog.Handler      { return h }
