package sse

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The bounds of a Buffer.
const (
	MaxEvents = 512
	MaxBytes  = 256 << 10
)

// Buffer holds the last events of a stream, each encoded once for all readers. A
// reader has a place in it and no queue of its own, so the number and the speed of
// readers do not slow [Buffer.Publish]; a reader that is too slow, or was away for
// too long, finds that its place is gone. All its methods may be called at the same
// time.
type Buffer struct {
	superseded []string

	mu     sync.Mutex
	last   int64 // id of the newest event
	gone   int64 // id of the newest event that was pushed out
	events []event
	bytes  int
	more   chan struct{} // closed at the next event
}

// event is one event as it is sent.
type event struct {
	id    int64
	kind  string
	frame []byte
}

// NewBuffer makes a buffer whose ids go on from those of an earlier run: they are
// microseconds since 1970 at the start, then one more for each event. Of a superseded
// kind only the newest event is kept: a reader that comes back needs no other.
func NewBuffer(now time.Time, superseded ...string) *Buffer {
	id := now.UnixMicro()
	return &Buffer{superseded: superseded, last: id, gone: id, more: make(chan struct{})}
}

// Publish adds an event. v is what JSON makes of it; what JSON cannot encode is left out.
func (b *Buffer) Publish(kind string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	e := event{b.last, kind, Frame(b.last, kind, data)}
	if slices.Contains(b.superseded, kind) {
		b.events = slices.DeleteFunc(b.events, func(old event) bool {
			if old.kind == kind {
				b.bytes -= len(old.frame)
			}
			return old.kind == kind
		})
	}
	b.events, b.bytes = append(b.events, e), b.bytes+len(e.frame)
	surplus := 0
	for len(b.events)-surplus > 1 && (len(b.events)-surplus > MaxEvents || b.bytes > MaxBytes) {
		b.bytes -= len(b.events[surplus].frame)
		b.gone = b.events[surplus].id
		surplus++
	}
	b.events = slices.Delete(b.events, 0, surplus)
	close(b.more)
	b.more = make(chan struct{})
}

// Frame writes an event the way a browser reads it. Data is JSON, which has no line
// breaks.
func Frame(id int64, kind string, data []byte) []byte {
	var text bytes.Buffer
	text.WriteString("id: " + strconv.FormatInt(id, 10) + "\nevent: " + kind + "\ndata: ")
	text.Write(data)
	text.WriteString("\n\n")
	return text.Bytes()
}

// newest is the place behind all events so far.
func (b *Buffer) newest() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// after returns the frames of the events after a place, the place behind them,
// and a channel that is closed when there are more. ok is false if events after
// the place have been pushed out, or the place is not of this buffer.
func (b *Buffer) after(place int64) (frames [][]byte, next int64, more <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if place < b.gone || place > b.last {
		return nil, 0, nil, false
	}
	at, _ := slices.BinarySearchFunc(b.events, place+1, func(e event, id int64) int { return int(e.id - id) })
	for _, e := range b.events[at:] {
		frames = append(frames, e.frame)
	}
	return frames, b.last, b.more, true
}
