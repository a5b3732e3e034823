package logging

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"evergreen/internal/text"
)

// Lines of one kind from info upwards are written one by one up to foldBurst in
// foldWindow, and counted beyond, so that nothing from outside can fill the log: 2 MB
// an hour at most for a kind with lines of 300 bytes. At debug every line is wanted.
const (
	foldBurst  = 20
	foldWindow = 10 * time.Second
	// foldKinds is how many kinds are told apart; all others are one. It bounds the
	// memory, should texts from outside stand in a message.
	foldKinds = 5000
	// foldText is how much of a message tells which line it was, in bytes.
	foldText = 200
)

// foldHandler counts the lines of a kind that come too fast, and tells their number in
// one line. It stands behind the redactHandler.
type foldHandler struct {
	next slog.Handler

	mu     sync.Mutex
	bursts map[lineKind]*lineBurst
	swept  time.Time
	ended  bool
}

// lineKind is what lines have in common that say the same. Shards are told apart:
// their number is the operator's.
type lineKind struct {
	level                     slog.Level
	component, message, shard string
}

// lineBurst is the lines of a kind in one window.
type lineBurst struct {
	began   time.Time
	written int
	folded  int
	message string      // the first of those folded
	timer   *time.Timer // ends the window; nil while none are folded
}

func newFoldHandler(next slog.Handler) *foldHandler {
	return &foldHandler{next: next, bursts: map[lineKind]*lineBurst{}}
}

// Handle passes the record on or counts it.
func (f *foldHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && !f.admit(r) {
		return nil
	}
	return f.next.Handle(ctx, r)
}

// admit reports whether the line is written.
func (f *foldHandler) admit(r slog.Record) bool {
	kind := kindOf(r)
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return true
	}
	b := f.bursts[kind]
	if b == nil && len(f.bursts) >= foldKinds {
		if f.sweep(now); len(f.bursts) >= foldKinds {
			kind = lineKind{level: r.Level}
			b = f.bursts[kind]
		}
	}
	if b == nil {
		b = &lineBurst{began: now}
		f.bursts[kind] = b
	}
	if b.folded == 0 && now.Sub(b.began) >= foldWindow {
		*b = lineBurst{began: now}
	}
	if b.written < foldBurst {
		b.written++
		return true
	}
	if b.folded++; b.folded == 1 {
		b.message = r.Message
		b.timer = time.AfterFunc(foldWindow-now.Sub(b.began), func() { f.tell(kind, b) })
	}
	return false
}

// kindOf returns the kind of a record. Numbers do not count: they are what varies in
// the messages of libraries, such as addresses.
func kindOf(r slog.Record) lineKind {
	k := lineKind{level: r.Level, message: strings.Map(func(c rune) rune {
		if unicode.IsDigit(c) {
			return -1
		}
		return c
	}, r.Message)}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case ComponentKey:
			k.component = a.Value.String()
		case "shard":
			k.shard = a.Value.String()
		}
		return true
	})
	return k
}

// sweep forgets the windows that are over, once a second at most. The caller holds mu.
func (f *foldHandler) sweep(now time.Time) {
	if now.Sub(f.swept) < time.Second {
		return
	}
	f.swept = now
	for kind, b := range f.bursts {
		if b.folded == 0 && now.Sub(b.began) >= foldWindow {
			delete(f.bursts, kind)
		}
	}
}

// tell ends a window in which lines were folded.
func (f *foldHandler) tell(kind lineKind, b *lineBurst) {
	f.mu.Lock()
	if f.bursts[kind] != b {
		f.mu.Unlock()
		return // told by end
	}
	delete(f.bursts, kind)
	f.mu.Unlock()
	f.write(kind, b)
}

// write writes the line for those that were folded.
func (f *foldHandler) write(kind lineKind, b *lineBurst) {
	now := time.Now()
	r := slog.NewRecord(now, kind.level, "More lines like this one were left out", 0)
	if kind.component != "" {
		r.AddAttrs(slog.String(ComponentKey, kind.component))
	}
	r.AddAttrs(slog.String("line", text.Clip(b.message, foldText)), slog.Int("times", b.folded), slog.String("within", text.Duration(now.Sub(b.began))))
	if kind.shard != "" {
		r.AddAttrs(slog.String("shard", kind.shard))
	}
	_ = f.next.Handle(context.Background(), r)
}

// end tells of what is folded so far. Lines that come later are all written.
func (f *foldHandler) end() {
	f.mu.Lock()
	f.ended = true
	bursts := f.bursts
	f.bursts = nil
	f.mu.Unlock()
	for kind, b := range bursts {
		if b.folded > 0 {
			b.timer.Stop()
			f.write(kind, b)
		}
	}
}

func (f *foldHandler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs and WithGroup are never called: the redactHandler keeps both to itself.
func (f *foldHandler) WithAttrs([]slog.Attr) slog.Handler { return f }
func (f *foldHandler) WithGroup(string) slog.Handler      { return f }
