package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The bounds of what a feed remembers for streams that were interrupted.
const (
	feedEvents = 512
	feedBytes  = 256 << 10
)

// feed is at heart the last events of the live stream, each written once for all
// who read. A reader has a place in it and no queue of its own, so the number
// and the speed of readers cost whoever publishes nothing; a reader that is too
// slow finds that its place is gone.
type feed struct {
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

// newFeed makes a feed whose ids go on from those of an earlier run: they are
// microseconds since 1970 at the start, then one more for each event.
func newFeed(now time.Time) *feed {
	id := now.UnixMicro()
	return &feed{last: id, gone: id, more: make(chan struct{})}
}

// superseded names the kinds of which only the newest matters to a reader that
// comes back.
var superseded = map[string]bool{"status": true}

// publish adds an event.
func (f *feed) publish(kind string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		return // only an unencodable type leads here, and none is given
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	e := event{f.last, kind, frame(f.last, kind, data)}
	if superseded[kind] {
		f.events = slices.DeleteFunc(f.events, func(old event) bool {
			if old.kind == kind {
				f.bytes -= len(old.frame)
			}
			return old.kind == kind
		})
	}
	f.events, f.bytes = append(f.events, e), f.bytes+len(e.frame)
	surplus := 0
	for len(f.events)-surplus > 1 && (len(f.events)-surplus > feedEvents || f.bytes > feedBytes) {
		f.bytes -= len(f.events[surplus].frame)
		f.gone = f.events[surplus].id
		surplus++
	}
	f.events = slices.Delete(f.events, 0, surplus)
	close(f.more)
	f.more = make(chan struct{})
}

// frame writes an event the way a browser reads it.
func frame(id int64, kind string, data []byte) []byte {
	var b bytes.Buffer
	b.WriteString("id: " + strconv.FormatInt(id, 10) + "\nevent: " + kind + "\ndata: ")
	b.Write(data) // JSON has no line breaks
	b.WriteString("\n\n")
	return b.Bytes()
}

// newest is the place behind all events so far.
func (f *feed) newest() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// after returns the frames of the events after a place, the place behind them,
// and a channel that is closed when there are more. ok is false if events after
// the place have been pushed out, or the place is none of this feed.
func (f *feed) after(place int64) (frames [][]byte, next int64, more <-chan struct{}, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if place < f.gone || place > f.last {
		return nil, 0, nil, false
	}
	at, _ := slices.BinarySearchFunc(f.events, place+1, func(e event, id int64) int { return int(e.id - id) })
	for _, e := range f.events[at:] {
		frames = append(frames, e.frame)
	}
	return frames, f.last, f.more, true
}
