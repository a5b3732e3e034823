package logging

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"evergreen/internal/text"
)

// The bounds of a [Ring]: lines, bytes of one text, and attributes of a line.
const (
	ringLines = 300
	ringText  = 1 << 10
	ringAttrs = 16
)

// Ring is a [slog.Handler] that keeps the last 300 lines in memory, for the HTTP
// API and its live stream. A line takes 2 KiB at most: longer texts are cut.
type Ring struct {
	level  slog.Leveler
	redact func(string) string
	*ringLog
	groups string // the names of open groups, each followed by a dot
	given  []slog.Attr
}

// ringLog is what all handlers derived from one Ring share.
type ringLog struct {
	mu       sync.Mutex
	lines    []Line // oldest first from next on
	next     int
	follower func(Line)
	burst    int       // lines the follower got since paced
	paced    time.Time // when burst began
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

// NewRing makes a ring that keeps lines of at least this level; nil means
// slog.LevelInfo. Redact takes secrets out of every text; nil is for a ring that
// stands behind a handler that has done so.
func NewRing(level slog.Leveler, redact func(string) string) *Ring {
	if level == nil {
		level = slog.LevelInfo
	}
	if redact == nil {
		redact = func(text string) string { return text }
	}
	return &Ring{level: level, redact: redact, ringLog: &ringLog{}}
}

// Enabled reports whether lines of this level are kept.
func (l *Ring) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level.Level() }

// WithAttrs returns a handler for lines with these attributes.
func (l *Ring) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *l
	c.given = slices.Clip(c.given)
	for _, a := range attrs {
		c.given = append(c.given, slog.Attr{Key: l.groups + a.Key, Value: a.Value})
	}
	return &c
}

// WithGroup returns a handler that puts attributes into a group.
func (l *Ring) WithGroup(name string) slog.Handler {
	if name == "" {
		return l
	}
	c := *l
	c.groups += name + "."
	return &c
}

// Handle keeps a line.
func (l *Ring) Handle(_ context.Context, r slog.Record) error {
	line := Line{At: r.Time, Level: r.Level, Text: l.text(r.Message)}
	left := ringText
	add := func(key string, v slog.Value) {
		if key == ComponentKey {
			line.Component = l.text(v.String())
			return
		}
		if len(line.Attrs) == ringAttrs || left <= 0 {
			return
		}
		key, value := clip(l.redact(key), left), clip(l.redact(v.String()), left)
		left -= len(key) + len(value)
		line.Attrs = append(line.Attrs, slog.String(key, value))
	}
	for _, a := range l.given {
		flatten(a.Key, a.Value, add)
	}
	r.Attrs(func(a slog.Attr) bool {
		flatten(l.groups+a.Key, a.Value, add)
		return true
	})
	if follower := l.keep(line); follower != nil {
		follower(line)
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

func (l *Ring) text(s string) string { return clip(l.redact(s), ringText) }

// clip is [text.Clip] of a text that may not be UTF-8.
func clip(s string, limit int) string { return text.Clip(strings.ToValidUTF8(s, "\uFFFD"), limit) }

// The pace at which a follower gets lines. What comes faster can be looked up
// with [Ring.Last], and does not push other events out of the live stream.
const (
	followBurst = 20
	followEvery = 2 * time.Second
)

// keep stores a line and returns the follower that gets it, or nil.
func (r *ringLog) keep(line Line) func(Line) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < ringLines {
		r.lines = append(r.lines, line)
	} else {
		r.lines[r.next] = line
		r.next = (r.next + 1) % ringLines
	}
	if now.Sub(r.paced) >= followEvery {
		r.paced, r.burst = now, 0
	}
	if r.burst++; r.burst > followBurst {
		return nil
	}
	return r.follower
}

// Follow calls follower for every new line, 20 in two seconds at most, until the
// function it returns is called. There is one follower at a time. It runs on the
// goroutine that logs and must not wait.
func (r *ringLog) Follow(follower func(Line)) (stop func()) {
	set := func(follower func(Line)) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.follower = follower
	}
	set(follower)
	return func() { set(nil) }
}

// Last returns up to limit lines, the oldest first.
func (l *Ring) Last(limit int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := append(slices.Clone(l.lines[l.next:]), l.lines[:l.next]...)
	return all[max(0, len(all)-max(0, limit)):]
}
