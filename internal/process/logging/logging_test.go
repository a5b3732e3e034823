package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"
)

// console is a console in memory. What it shows is asked for once it has taken all.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
	l    *Logger
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

// settle waits until file and console have every line, those about the log included.
func (c *console) settle() {
	for range 2 {
		if c.l.fileOut != nil {
			_ = c.l.fileOut.Wait(context.Background())
		}
		_ = c.l.console.Wait(context.Background())
	}
}

func (c *console) String() string {
	c.settle()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// newLogger makes a logger with its console in memory.
func newLogger(t *testing.T, o Options) (*Logger, *console) {
	t.Helper()
	c := &console{}
	o.Console = c
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c.l = l
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, c
}

// withoutTime cuts the timestamp off each line, after making sure there is one.
func withoutTime(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text) {
		if _, err := time.Parse(timeLayout, line[:min(len(line), len(timeLayout))]); err != nil {
			t.Fatalf("line %q does not begin with a time: %v", line, err)
		}
		b.WriteString(line[len(timeLayout)+1:])
	}
	return b.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The three lines of the originating note come out word for word, on a console
// that is no terminal and in the file.
func TestLinesOfTheNote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "bot.log")
	l, console := newLogger(t, Options{Level: slog.LevelDebug, File: path})
	at := time.Date(2026, 11, 24, 3, 44, 17, 0, time.Local)
	handler := Component(l.Logger, "ResearchBot").Handler()
	say := func(level slog.Level, text string) {
		t.Helper()
		if err := handler.Handle(t.Context(), slog.NewRecord(at, level, text, 0)); err != nil {
			t.Fatal(err)
		}
	}
	say(slog.LevelDebug, "Keep-alive ping - Latency: 45ms, Guilds: 3, Last activity: 120s ago")
	say(slog.LevelWarn, "No activity for 30.0 minutes")
	say(slog.LevelError, "Max reconnection attempts reached")

	want := `2026-11-24 03:44:17 [DEBUG] ResearchBot: Keep-alive ping - Latency: 45ms, Guilds: 3, Last activity: 120s ago
2026-11-24 03:44:17 [WARNING] ResearchBot: No activity for 30.0 minutes
2026-11-24 03:44:17 [ERROR] ResearchBot: Max reconnection attempts reached
`
	if got := console.String(); got != want {
		t.Errorf("the console shows\n%s", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != want {
		t.Errorf("the file holds\n%s", got)
	}
}

// Attributes follow the message as key=value, in quotes where their end could
// be mistaken, groups with dots.
func TestAttributesOfALine(t *testing.T) {
	l, console := newLogger(t, Options{})
	log := l.With("who", "main").WithGroup("net").With("try", 2)
	log.Info("dialled",
		"err", errors.New("no route"), "took", 1500*time.Millisecond, "empty", "", "odd key", "x=y",
		slog.Group("peer", "host", "gateway.discord.gg", "port", 443), slog.Group("", "inline", true), slog.Group("nothing"),
		"at", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "nil", nil, "bytes", []byte("ab c"), "f", 0.5, slog.Attr{})
	l.Info("between levels")
	l.Log(t.Context(), slog.LevelWarn+1, "spelled as the level below")
	l.Debug("not logged")
	want := `[INFO] dialled who=main net.try=2 net.err="no route" net.took=1.5s net.empty="" "net.odd key"="x=y" ` +
		`net.peer.host=gateway.discord.gg net.peer.port=443 net.inline=true net.at=2026-01-02T03:04:05Z net.nil=<nil> net.bytes="ab c" net.f=0.5
[INFO] between levels
[WARNING] spelled as the level below
`
	if got := withoutTime(t, console.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The component may be given when a logger is made, in a record, or again; it
// is an ordinary attribute inside a group.
func TestComponent(t *testing.T) {
	l, console := newLogger(t, Options{})
	Component(Component(l.Logger, "Main"), "Gateway").Info("one")
	l.Info("two", ComponentKey, "API")
	Component(l.Logger, "Main").WithGroup("g").Info("three", ComponentKey, "x")
	Component(l.Logger, "A\nB").Info("four")
	want := "[INFO] Gateway: one\n[INFO] API: two\n[INFO] Main: three g.component=x\n[INFO] A\\nB: four\n"
	if got := withoutTime(t, console.String()); got != want {
		t.Errorf("got %s", got)
	}
}

// Whatever a message, a key or a value holds, a record is one line, and no
// escape sequence, direction mark or control character gets through.
func TestNothingForgesALine(t *testing.T) {
	nasty := "x\n2026-11-24 03:44:17 [ERROR] Forged: line\r\x1b[2K\x00\u202e\u2028\u0085\xff"
	for _, format := range []Format{Text, JSON} {
		l, console := newLogger(t, Options{Format: format})
		l.WithGroup(nasty).Info(nasty, nasty, nasty, "err", errors.New(nasty), "any", struct{ V string }{nasty})
		got := console.String()
		if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") {
			t.Errorf("%s: not one line: %q", format, got)
		}
		if strings.ContainsAny(got, "\r\x1b\x00") || strings.IndexByte(got, 0xff) >= 0 || format == Text && strings.ContainsAny(got, "\u202e\u2028\u0085") {
			t.Errorf("%s: a control character got through: %q", format, got)
		}
	}
	var terminal bytes.Buffer
	log := slog.New(newRedactHandler(newColourHandler(&terminal), slog.LevelInfo, NewRedactor()))
	log.Info(`literal \x1b[31m `+nasty, "v", `literal \x1b[31m with space`+nasty)
	got := terminal.String()
	for _, ours := range []string{"\x1b[2m", "\x1b[22m", "\x1b[0m", "\x1b[92m"} {
		got = strings.ReplaceAll(got, ours, "")
	}
	if strings.ContainsAny(got, "\x1b\r\x00\u202e") || strings.Count(got, "\n") != 1 {
		t.Errorf("the terminal gets %q", got)
	}
}

// A terminal shows the same words, with colours.
func TestTerminal(t *testing.T) {
	var terminal bytes.Buffer
	log := Component(slog.New(newRedactHandler(newColourHandler(&terminal), slog.LevelDebug, NewRedactor())), "ResearchBot")
	log.Warn("No activity for 30.0 minutes", "guilds", 3)
	got := terminal.String()
	if !strings.Contains(got, "\x1b[93m[WARNING]\x1b[0m ResearchBot: No activity for 30.0 minutes \x1b[2mguilds=\x1b[22m3\n") {
		t.Errorf("got %q", got)
	}
	if wantsColour(&terminal, os.Getenv) {
		t.Error("a buffer is taken for a terminal")
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if wantsColour(null, func(string) string { return "" }) {
		t.Error("the null device is taken for a terminal")
	}
}

// JSON lines are one object each, in a fixed order, and no attribute can pass
// for the time, the level or the message.
func TestJSONLines(t *testing.T) {
	l, console := newLogger(t, Options{Format: JSON})
	Component(l.Logger, "Gateway").Warn("a \"b\"\nc", "level", "DEBUG", "msg", "forged", "n", 3, "u", uint64(4), "f", 1.5,
		"nan", math.NaN(), "ok", true, "took", time.Second, "err", errors.New("x"), slog.Group("g", "a", 1, "a", 2))
	line := console.String()
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got["time"])); err != nil || time.Since(at) > time.Minute {
		t.Errorf("time is %v", got["time"])
	}
	rest := line[strings.Index(line, `"level"`):]
	want := `"level":"WARNING","component":"Gateway","msg":"a \"b\"\nc","level_":"DEBUG","msg_":"forged","n":3,"u":4,"f":1.5,` +
		`"nan":"NaN","ok":true,"took":"1s","err":"x","g":{"a":1,"a_":2}}` + "\n"
	if rest != want {
		t.Errorf("got  %s\nwant %s", rest, want)
	}
}

// The rules that the standard library sets for handlers hold.
func TestHandlerRules(t *testing.T) {
	var console *console
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		var l *Logger
		l, console = newLogger(t, Options{Format: JSON})
		return l.Handler()
	}, func(t *testing.T) map[string]any {
		var got map[string]any
		if err := json.Unmarshal([]byte(console.String()), &got); err != nil {
			t.Fatal(err)
		}
		return got
	})
}

// A level may change while the logger is in use.
func TestLevel(t *testing.T) {
	level := new(slog.LevelVar)
	l, console := newLogger(t, Options{Level: level})
	l.Debug("no")
	level.Set(slog.LevelDebug)
	l.Debug("yes")
	if got := withoutTime(t, console.String()); got != "[DEBUG] yes\n" {
		t.Errorf("got %q", got)
	}
}

// Options that make no sense are refused with words.
func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{Format: "xml"}, {MaxSizeMB: -1}, {MaxBackups: -1}, {MaxAgeDays: -1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// A value whose methods panic, a huge one and a record with far too many of
// them cost that value, not the line.
func TestMonstrousValues(t *testing.T) {
	l, console := newLogger(t, Options{})
	many := make([]any, 0, 1000)
	for i := range 500 {
		many = append(many, fmt.Sprint("k", i), i)
	}
	l.Info("one", "a", panics{}, "b", (*panics)(nil), "c", strings.Repeat("ö", maxText))
	l.Info("two", many...)
	lines := strings.Split(withoutTime(t, console.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `a="!PANIC: no" b=<nil> c=öö`) || len(lines[0]) > maxText+100 || strings.Contains(lines[0], "\ufffd") {
		t.Errorf("got %.120q", lines)
	}
	if n := strings.Count(lines[1], "="); n != maxAttrs {
		t.Errorf("%d attributes are logged", n)
	}
}

type panics struct{}

func (p panics) Error() string { panic("no") }

// A logger made in virtual time leaves nothing behind once it is closed.
func TestCloseEndsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.log")
	synctest.Test(t, func(t *testing.T) {
		var console bytes.Buffer
		l, err := New(Options{Console: &console, File: path})
		if err != nil {
			t.Fatal(err)
		}
		l.Info("first")
		time.Sleep(time.Hour)
		l.Info("second")
		for range 2 {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		l.Info("after the end")
		synctest.Wait()
		if got := withoutTime(t, console.String()); got != "[INFO] first\n[INFO] second\n[INFO] after the end\n" {
			t.Errorf("the console shows %q", got)
		}
	})
	if got := withoutTime(t, read(t, path)); got != "[INFO] first\n[INFO] second\n" {
		t.Errorf("the file holds %q", got)
	}
}
