package gateway

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"time"
)

// queue holds events between the goroutine that reads them and the one that hands
// them to the handler. It is bounded in bytes, and the reader never waits for it.
//
// When it is full, sequence.accept leaves all further events with Discord, and once it
// is half empty connLoop.checkDeadlines ends the connection, so that a RESUME fetches
// them (rule 9).
type queue struct {
	mu            sync.Mutex
	events        []Event
	head          int
	bytes         int64
	limit         int64
	wake          chan struct{} // one slot: something was pushed
	handlingSince time.Time     // when the event now being handled was received
}

// eventOverhead is what an event costs beyond its data.
const eventOverhead = 160

func newQueue(limit int64) *queue {
	return &queue{limit: limit, wake: make(chan struct{}, 1)}
}

// push adds an event unless the queue is full; an empty queue takes any.
func (q *queue) push(e Event) bool { return q.add(e, q.limit) }

// force adds an event whatever the queue holds.
func (q *queue) force(e Event) { q.add(e, math.MaxInt64) }

func (q *queue) add(e Event, limit int64) bool {
	size := int64(len(e.Data)) + eventOverhead
	q.mu.Lock()
	if q.bytes > 0 && size > limit-q.bytes {
		q.mu.Unlock()
		return false
	}
	q.events = append(q.events, e)
	q.bytes += size
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// pop takes the oldest event.
func (q *queue) pop() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.events) {
		q.events, q.head, q.handlingSince = q.events[:0], 0, time.Time{}
		return Event{}, false
	}
	e := q.events[q.head]
	q.events[q.head] = Event{}
	q.head++
	if q.head > 1024 && q.head*2 > len(q.events) {
		q.events = append(q.events[:0], q.events[q.head:]...)
		q.head = 0
	}
	q.bytes -= int64(len(e.Data)) + eventOverhead
	q.handlingSince = e.Received
	return e, true
}

// finish says that the event that was taken last has been handled, and returns the bytes that
// wait.
func (q *queue) finish() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handlingSince = time.Time{}
	return q.bytes
}

// load returns the bytes that wait and when the oldest event that is not handled was
// received, zero if there is none.
func (q *queue) load() (bytes int64, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	oldest = q.handlingSince
	if oldest.IsZero() && q.head < len(q.events) {
		oldest = q.events[q.head].Received
	}
	return q.bytes, oldest
}

// deliver hands events to the handler until ctx ends. It calls handled after each
// event, and drained after each that leaves the queue at most half full.
func (q *queue) deliver(ctx context.Context, h Handler, panicked func(Event, HandlerPanicked), handled, drained func()) {
	for {
		e, ok := q.pop()
		if !ok {
			select {
			case <-q.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		if ctx.Err() != nil {
			return // not handled: the low-water mark stays below it
		}
		handle(ctx, h, e, panicked)
		handled()
		if q.finish() <= q.limit/2 {
			drained()
		}
	}
}

// handle contains a panic: it costs this event and nothing else (rule 9).
func handle(ctx context.Context, h Handler, e Event, panicked func(Event, HandlerPanicked)) {
	defer e.pending.handlerReturned()
	defer func() {
		if v := recover(); v != nil {
			panicked(e, HandlerPanicked{Type: e.Type, Value: fmt.Sprint(v), Stack: string(debug.Stack())})
			e.pending.finish()
		}
	}()
	h.HandleEvent(ctx, e)
}
