package disgogateway

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"evergreen/gateway"

	disgo "github.com/disgoorg/disgo/gateway"
)

// door lets one event at a time to disgo's event manager, which has one lock for
// all shards. Whoever waits here, unlike at a lock, can give up.
type door chan struct{}

func newDoor() door { return make(door, 1) }

// enter waits for its turn; false when ctx ended first.
func (d door) enter(ctx context.Context) bool {
	select {
	case d <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d door) leave() { <-d }

// HandleEvent gives one event to disgo. It is called by the shard's queue, one
// after another; a panic in it is contained there and costs this event. An event
// whose turn does not come before the end stays unhandled, so a RESUME brings it
// again.
func (l *life) HandleEvent(ctx context.Context, e gateway.Event) {
	kind := disgo.EventType(e.Type)
	data, usable := l.decode(kind, e)
	l.follow(data)
	if !usable && !l.plan.raw {
		return
	}
	handled := e.Hold()
	if !l.plan.door.enter(ctx) {
		return
	}
	defer handled()
	defer l.plan.door.leave()
	if l.plan.raw {
		l.plan.handler(l.g, disgo.EventTypeRaw, int(e.Seq), disgo.EventRaw{EventType: kind, Payload: bytes.NewReader(e.Data)})
	}
	if usable {
		l.plan.handler(l.g, kind, int(e.Seq), data)
	}
}

// decode makes disgo's event out of the raw one. What it cannot decode costs
// itself: it is counted, named in the log without its content, and skipped.
func (l *life) decode(kind disgo.EventType, e gateway.Event) (disgo.EventData, bool) {
	if forgotten := overlooked[kind]; forgotten != nil {
		data, err := forgotten(e.Data)
		return l.judged(e, data, err)
	}
	if !understood(kind) {
		l.g.unknown.Add(1)
		l.plan.log.Debug("an event of a type that disgo does not know was skipped", "type", e.Type, "sequence", e.Seq)
		return nil, false
	}
	data, err := disgo.UnmarshalEventData(e.Data, kind)
	return l.judged(e, data, err)
}

func (l *life) judged(e gateway.Event, data disgo.EventData, err error) (disgo.EventData, bool) {
	if err == nil {
		return data, true
	}
	l.g.undecodable.Add(1)
	// disgo's error repeats the whole event, which may be private.
	l.plan.log.Error("an event could not be decoded and was skipped", "type", e.Type, "sequence", e.Seq, "bytes", len(e.Data))
	return nil, false
}

// overlooked are the types disgo has handlers for but does not decode.
var overlooked = map[disgo.EventType]func([]byte) (disgo.EventData, error){
	disgo.EventTypeMessagePollVoteAdd:    decodeAs[disgo.EventMessagePollVoteAdd],
	disgo.EventTypeMessagePollVoteRemove: decodeAs[disgo.EventMessagePollVoteRemove],
}

func decodeAs[T disgo.EventData](raw []byte) (disgo.EventData, error) {
	var event T
	err := json.Unmarshal(raw, &event)
	return event, err
}

// types remembers the event types disgo understands.
var types sync.Map // disgo.EventType to true

// understood finds out by letting disgo decode nothing.
func understood(kind disgo.EventType) bool {
	if _, ok := types.Load(kind); ok {
		return true
	}
	nothing, _ := disgo.UnmarshalEventData([]byte("null"), kind)
	_, unknown := nothing.(disgo.EventUnknown)
	if !unknown { // names of unknown types come from outside and could be many
		types.Store(kind, true)
	}
	return !unknown
}
