package disgogateway

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"evergreen/gateway"

	disgo "github.com/disgoorg/disgo/gateway"
)

// eventLock lets one event at a time to disgo's event manager, which has one lock for
// all shards. Whoever waits here, unlike at a lock, can give up.
type eventLock chan struct{}

func newEventLock() eventLock { return make(eventLock, 1) }

// lock waits for its turn; false when ctx ended first.
func (d eventLock) lock(ctx context.Context) bool {
	select {
	case d <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d eventLock) unlock() { <-d }

// HandleEvent gives one event to disgo. It is called by the shard's queue, one
// after another; a panic in it is contained there and costs this event. An event
// whose turn does not come before the end stays unhandled, so a RESUME brings it
// again.
func (l *run) HandleEvent(ctx context.Context, e gateway.Event) {
	kind := disgo.EventType(e.Type)
	data, usable := l.decode(kind, e)
	l.trackMembers(data)
	if !usable && !l.config.raw {
		return
	}
	handled := e.Hold()
	if !l.config.lock.lock(ctx) {
		return
	}
	defer handled()
	defer l.config.lock.unlock()
	if l.config.raw {
		l.config.handler(l.g, disgo.EventTypeRaw, int(e.Seq), disgo.EventRaw{EventType: kind, Payload: bytes.NewReader(e.Data)})
	}
	if usable {
		l.config.handler(l.g, kind, int(e.Seq), data)
	}
}

// decode makes disgo's event out of the raw one. What it cannot decode costs
// itself: it is counted, named in the log without its content, and skipped.
func (l *run) decode(kind disgo.EventType, e gateway.Event) (disgo.EventData, bool) {
	if forgotten := undecoded[kind]; forgotten != nil {
		data, err := forgotten(e.Data)
		return l.countError(e, data, err)
	}
	if !isKnownType(kind) {
		l.g.unknown.Add(1)
		l.config.log.Debug("an event of a type that disgo does not know was skipped", "type", e.Type, "sequence", e.Seq)
		return nil, false
	}
	data, err := disgo.UnmarshalEventData(e.Data, kind)
	return l.countError(e, data, err)
}

func (l *run) countError(e gateway.Event, data disgo.EventData, err error) (disgo.EventData, bool) {
	if err == nil {
		return data, true
	}
	l.g.undecodable.Add(1)
	// disgo's error repeats the whole event, which may be private.
	l.config.log.Error("an event could not be decoded and was skipped", "type", e.Type, "sequence", e.Seq, "bytes", len(e.Data))
	return nil, false
}

// undecoded are the types disgo has handlers for but does not decode.
var undecoded = map[disgo.EventType]func([]byte) (disgo.EventData, error){
	disgo.EventTypeMessagePollVoteAdd:    decodeAs[disgo.EventMessagePollVoteAdd],
	disgo.EventTypeMessagePollVoteRemove: decodeAs[disgo.EventMessagePollVoteRemove],
}

func decodeAs[T disgo.EventData](raw []byte) (disgo.EventData, error) {
	var event T
	err := json.Unmarshal(raw, &event)
	return event, err
}

// knownTypes remembers the event types disgo understands.
var knownTypes sync.Map // disgo.EventType to true

// isKnownType finds out by letting disgo decode nothing.
func isKnownType(kind disgo.EventType) bool {
	if _, ok := knownTypes.Load(kind); ok {
		return true
	}
	nothing, _ := disgo.UnmarshalEventData([]byte("null"), kind)
	_, unknown := nothing.(disgo.EventUnknown)
	if !unknown { // names of unknown types come from outside and could be many
		knownTypes.Store(kind, true)
	}
	return !unknown
}
