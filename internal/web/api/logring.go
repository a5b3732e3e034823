package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The bounds of a [LogRing]: lines, bytes of one text, and attributes of a line.
const (
	ringLines = 300
	ringText  = 1 << 10
	ringAttrs = 16
)

// componentKey is the attribute with the name of who speaks.
const componentKey = "component"

// LogRing is a [slog.Handler] that keeps the last 300 lines in memory, for those
// who look at the bot from elsewhere. A line takes 2 KiB at most: longer texts
// are cut.
type LogRing struct {
	level  slog.Leveler
	redact func(string) string
	*ring
	groups string // the names of open groups, each followed by a dot
	given  []slog.Attr
}

// ring is what all handlers derived from one LogRing share.
type ring struct {
	mu    sync.Mutex
	lines []Line // oldest first from next on
	next  int
	tell  func(Line)
	burst int       // lines told since paced
	paced time.Time // when burst began
}

// Line is one line of the log.
type Line struct {
	At        time.Time
	Level     slog.Level
	Component string
	Text      string
	// Attrs are the attributes in their order; their values are strings.
	Attrs []slog.Attr
}

// NewLogRing makes a ring that keeps lines of at least this level; nil means
// slog.LevelInfo. Redact takes secrets out of every text; nil is for a ring that
// stands behind a handler that has done so.
func NewLogRing(level slog.Leveler, redact func(string) string) *LogRing {
	if level == nil {
		level = slog.LevelInfo
	}
	if redact == nil {
		redact = func(text string) string { return text }
	}
	return &LogRing{level: level, redact: redact, ring: &ring{}}
}

// Enabled reports whether lines of this level are kept.
func (l *LogRing) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level.Level() }

// WithAttrs returns a handler for lines with these attributes.
func (l *LogRing) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *l
	c.given = slices.Clip(c.given)
	for _, a := range attrs {
		c.given = append(c.given, slog.Attr{Key: l.groups + a.Key, Value: a.Value})
	}
	return &c
}

// WithGroup returns a handler that puts attributes into a group.
func (l *LogRing) WithGroup(name string) slog.Handler {
	if name == "" {
		return l
	}
	c := *l
	c.groups += name + "."
	return &c
}

// Handle keeps a line.
func (l *LogRing) Handle(_ context.Context, r slog.Record) error {
	line := Line{At: r.Time, Level: r.Level, Text: l.text(r.Message)}
	left := ringText
	add := func(key string, v slog.Value) {
		if key == componentKey {
			line.Component = l.text(v.String())
			return
		}
		if len(line.Attrs) == ringAttrs || left <= 0 {
			return
		}
		key, text := cut(l.redact(key), left), cut(l.redact(v.String()), left)
		left -= len(key) + len(text)
		line.Attrs = append(line.Attrs, slog.String(key, text))
	}
	for _, a := range l.given {
		flatten(a.Key, a.Value, add)
	}
	r.Attrs(func(a slog.Attr) bool {
		flatten(l.groups+a.Key, a.Value, add)
		return true
	})
	if tell := l.keep(line); tell != nil {
		tell(line)
	}
	return nil
}

// flatten resolves a value and gives its parts names with dots.
func flatten(key string, v slog.Value, add func(string, slog.Value)) {
	v = v.Resolve()
	if v.Kind() != slog.KindGroup {
		if key != "" || v.Any() != nil {
			add(key, v)
		}
		return
	}
	for _, a := range v.Group() {
		name := a.Key
		if key != "" && name != "" {
			name = key + "." + name
		}
		flatten(name, a.Value, add)
	}
}

func (l *LogRing) text(s string) string { return cut(l.redact(s), ringText) }

// cut shortens a text to so many bytes, between two characters.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "..."
}

// The pace at which lines are told to the live stream. What comes faster can be
// looked up, and does not push other events out of the stream.
const (
	tellBurst = 20
	tellEvery = 2 * time.Second
)

// keep stores a line and returns whom to tell about it, if anybody.
func (r *ring) keep(line Line) func(Line) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < ringLines {
		r.lines = append(r.lines, line)
	} else {
		r.lines[r.next] = line
		r.next = (r.next + 1) % ringLines
	}
	if now.Sub(r.paced) >= tellEvery {
		r.paced, r.burst = now, 0
	}
	if r.burst++; r.burst > tellBurst {
		return nil
	}
	return r.tell
}

// follow has every new line told, until the function it returns is called.
func (r *ring) follow(tell func(Line)) (stop func()) {
	set := func(tell func(Line)) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tell = tell
	}
	set(tell)
	return func() { set(nil) }
}

// Last returns up to limit lines, the oldest first.
func (l *LogRing) Last(limit int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := append(slices.Clone(l.lines[l.next:]), l.lines[:l.next]...)
	return all[max(0, len(all)-max(0, limit)):]
}

// lineBody is one line as it is sent.
type lineBody struct {
	At        *time.Time        `json:"at"`
	Level     string            `json:"level"`
	Component string            `json:"component"`
	Text      string            `json:"text"`
	Attrs     map[string]string `json:"attrs"`
}

func (l Line) body() lineBody {
	b := lineBody{At: moment(l.At), Level: levelName(l.Level), Component: l.Component, Text: l.Text, Attrs: map[string]string{}}
	for _, a := range l.Attrs {
		b.Attrs[a.Key] = a.Value.String()
	}
	return b
}

// levelName is the name of the level at or below, in data.
func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "error"
	case level >= slog.LevelWarn:
		return "warning"
	case level >= slog.LevelInfo:
		return "info"
	}
	return "debug"
}

// logsBody is the answer of /api/v1/logs.
type logsBody struct {
	Lines []lineBody `json:"lines"`
}

// logs shows the last lines of the log.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	limit, ok := number(r.URL.Query().Get("limit"), 100, ringLines)
	if !ok {
		badLimit(ringLines).write(w)
		return
	}
	var body logsBody
	if s.opts.Lines != nil {
		body.Lines = []lineBody{}
		for _, line := range s.opts.Lines.Last(limit) {
			body.Lines = append(body.Lines, line.body())
		}
	}
	writeJSON(w, http.StatusOK, "application/json", body)
}
