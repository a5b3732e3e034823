package sse

import (
	"strings"
	"testing"
	"time"
)

// The buffer keeps a bounded number of bytes, of statuses only the newest, and gives
// a reader each event once and in order, or says that it cannot.
func TestBuffer(t *testing.T) {
	f := NewBuffer(time.Unix(1, 0), "status")
	start := f.newest()
	if start != 1e6 {
		t.Errorf("it begins at %d", start)
	}
	_, place, more, ok := f.after(start)
	if !ok || place != start {
		t.Fatal("the beginning is no place")
	}
	f.Publish("status", 1)
	f.Publish("latency", 2)
	f.Publish("status", 3)
	select {
	case <-more:
	default:
		t.Error("a reader was not woken")
	}
	frames, place, _, ok := f.after(start)
	if !ok || len(frames) != 2 || place != start+3 || string(frames[0])+string(frames[1]) !=
		"id: 1000002\nevent: latency\ndata: 2\n\nid: 1000003\nevent: status\ndata: 3\n\n" {
		t.Errorf("got %q %d %v", frames, place, ok)
	}
	if frames, _, _, ok := f.after(start + 1); !ok || len(frames) != 2 {
		t.Errorf("from an event that has gone: %q %v", frames, ok)
	}
	if _, _, _, ok := f.after(place + 1); ok {
		t.Error("a place in the future was accepted")
	}
	for range 100 {
		f.Publish("log", strings.Repeat("x", 10<<10))
	}
	if f.bytes > MaxBytes || len(f.events) > MaxBytes/(10<<10) {
		t.Errorf("%d bytes in %d events are kept", f.bytes, len(f.events))
	}
	if _, _, _, ok := f.after(place); ok {
		t.Error("a reader that is too late was not told")
	}
	f.Publish("log", make([]int, MaxBytes))
	if frames, _, _, ok := f.after(f.newest() - 1); !ok || len(frames) != 1 {
		t.Error("the newest event was not kept")
	}
	f.Publish("log", func() {})
}
