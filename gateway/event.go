package gateway

import (
	"context"
	"time"
)

// Event is one dispatch that somebody asked for, not yet decoded.
type Event struct {
	// Type is the event name, such as MESSAGE_CREATE.
	Type string
	// Seq is its place in the session, SessionID the session it belongs to:
	// together they name the event for good, across replays and restarts.
	Seq       int64
	SessionID string
	Shard     ShardID
	// Data is the raw JSON of the payload's d. The handler may keep it.
	Data []byte
	// Received is when the event was read; Replayed marks one that Discord
	// sent again while a session was being resumed.
	Received time.Time
	Replayed bool

	pending *pendingEvent
}

// Hold takes over the duty to say when the event has been handled; without
// it, an event counts as handled when HandleEvent returns. Call done exactly
// once, from any goroutine; more calls do nothing. A held event keeps the
// saved sequence number below itself, so that a crash replays it.
func (e Event) Hold() (done func()) {
	if e.pending == nil {
		return func() {}
	}
	return e.pending.hold()
}

// Pass gives an event that was taken over with Hold to a handler, as if it came
// from the queue: now that handler's own Hold, or else its return, says when the
// event has been handled. A panic is the caller's.
func (e Event) Pass(ctx context.Context, to Handler) {
	e.pending.unhold()
	defer e.pending.handlerReturned()
	to.HandleEvent(ctx, e)
}

// Handler receives the events of a shard, one after another and in order
// (G-067), on a goroutine that neither reads the connection nor sends
// heartbeats: it may take its time (G-028, G-029). A panic costs that event.
//
// Delivery is at least once: after a crash, events that were not yet handled
// come again. SessionID and Seq name an event, the ids inside Data name what
// it is about.
type Handler interface {
	HandleEvent(ctx context.Context, event Event)
}

// HandlerFunc makes a function a [Handler].
type HandlerFunc func(ctx context.Context, event Event)

// HandleEvent calls f.
func (f HandlerFunc) HandleEvent(ctx context.Context, event Event) { f(ctx, event) }
