package gateway

import (
	"context"
	"time"
)

// Event is one dispatch that [Options.Events] names, not yet decoded.
type Event struct {
	// Type is the event name, such as MESSAGE_CREATE.
	Type string
	// Seq is the event's place in the session: its sequence number.
	Seq int64
	// SessionID is the session it belongs to. Together with Seq it names the event for
	// good, across replays and restarts.
	SessionID string
	// Shard is the shard it came over; zero for an unsharded bot.
	Shard ShardID
	// Data is the raw JSON of the payload's d. The handler may keep it.
	Data []byte
	// Received is when the event was read.
	Received time.Time
	// Replayed marks an event that Discord sent while a session was being resumed. The
	// handler may have seen it before a crash, or never.
	Replayed bool

	pending *pendingEvent
}

// Hold makes the event count as handled when done is called. Without it, an event
// counts as handled when HandleEvent returns. Call Hold before that, and done from any
// goroutine; further calls of done do nothing. Until then the saved sequence number
// stays below the event, so that a crash replays it.
func (e Event) Hold() (done func()) {
	if e.pending == nil {
		return func() {}
	}
	return e.pending.hold()
}

// Pass gives a held event to a handler as if it came from the queue. Now that handler's
// own Hold, or else its return, says when the event has been handled. Pass does not
// recover a panic of the handler.
func (e Event) Pass(ctx context.Context, to Handler) {
	e.pending.unhold()
	defer e.pending.handlerReturned()
	to.HandleEvent(ctx, e)
}

// Handler receives the events of a shard, one after another and in order (G-067). Its
// goroutine neither reads the connection nor sends heartbeats: it may take its time
// (G-028, G-029). A panic costs that event.
//
// Delivery is at least once: after a crash, events that were not yet handled
// come again. SessionID and Seq name an event, the ids inside Data name what
// it is about.
type Handler interface {
	// HandleEvent handles one event; its return, or else [Event.Hold], says that it has.
	// ctx ends when a stop no longer waits for handlers.
	HandleEvent(ctx context.Context, event Event)
}

// HandlerFunc makes a function a [Handler].
type HandlerFunc func(ctx context.Context, event Event)

// HandleEvent calls f.
func (f HandlerFunc) HandleEvent(ctx context.Context, event Event) { f(ctx, event) }
