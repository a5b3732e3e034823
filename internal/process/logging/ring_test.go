package logging

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"
)

// The ring is a handler like any other. What the library wants of time is not
// asked for: a line without one has none.
func TestRingIsAHandler(t *testing.T) {
	var ring *Ring
	slogtest.Run(t, func(*testing.T) slog.Handler {
		ring = NewRing(slog.LevelDebug, nil)
		return ring
	}, func(*testing.T) map[string]any {
		line := ring.Last(1)[0]
		got := map[string]any{slog.LevelKey: line.Level, slog.MessageKey: line.Text}
		if !line.At.IsZero() {
			got[slog.TimeKey] = line.At
		}
		for _, a := range line.Attrs {
			in := got
			path := strings.Split(a.Key, ".")
			for _, group := range path[:len(path)-1] {
				if in[group] == nil {
					in[group] = map[string]any{}
				}
				in = in[group].(map[string]any)
			}
			in[path[len(path)-1]] = a.Value.String()
		}
		return got
	})
}

// However much is logged, the ring keeps the last lines, short ones, without
// secrets, and knows their component.
func TestRingIsBounded(t *testing.T) {
	ring := NewRing(nil, func(text string) string { return strings.ReplaceAll(text, "hunter22", "[redacted]") })
	log := slog.New(ring).With("component", "Gateway", "password", "hunter22")
	log.Debug("not kept")
	for n := range 1000 {
		log.Info(fmt.Sprint("line ", n), "text", strings.Repeat("ü", 5000), "error", errors.New("hunter22 is wrong"))
	}
	log.Warn("hunter22" + strings.Repeat("x", 5000))
	lines := ring.Last(5000)
	if len(lines) != ringLines || lines[0].Text != "line 701" || lines[ringLines-2].Text != "line 999" {
		t.Fatalf("%d lines, from %q", len(lines), lines[0].Text)
	}
	if last := ring.Last(1); len(last) != 1 || last[0].Level != slog.LevelWarn || len(ring.Last(-1)) != 0 {
		t.Errorf("got %+v", last)
	}
	for _, line := range lines {
		size := len(line.Text) + len(line.Component)
		for _, a := range line.Attrs {
			size += len(a.Key) + len(a.Value.String())
		}
		if text := fmt.Sprint(line); size > 2200 || strings.Contains(text, "hunter22") || line.Component != "Gateway" || strings.Contains(text, "\uFFFD") {
			t.Fatalf("%d bytes: %s", size, text)
		}
	}
}

// A follower does not get the whole of a burst of lines, and none after it has
// stopped.
func TestRingPacesFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := NewRing(nil, nil)
		told := 0
		stop := ring.Follow(func(Line) { told++ })
		burst := func() {
			for range 500 {
				slog.New(ring).Info("again")
			}
		}
		burst()
		time.Sleep(followEvery)
		burst()
		if told != 2*followBurst {
			t.Errorf("told %d lines", told)
		}
		stop()
		time.Sleep(followEvery)
		burst()
		if told != 2*followBurst {
			t.Errorf("told %d lines after the end", told)
		}
	})
}
