package disgogateway

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"evergreen/gateway"

	disgo "github.com/disgoorg/disgo/gateway"
)

// HandleEvent hands one event to disgo. The shard's queue calls it, one event after
// another; a panic in it is recovered there and costs this event. An event that is
// still waiting when the run ends stays unhandled, so a RESUME brings it again.
func (r *run) HandleEvent(ctx context.Context, e gateway.Event) {
	kind := disgo.EventType(e.Type)
	data, usable := r.decode(kind, e)
	r.trackMembers(data)
	handled := e.Hold()
	if !r.config.lock.lock(ctx) {
		return
	}
	defer handled()
	defer r.config.lock.unlock()
	if kind == disgo.EventTypeReady || kind == disgo.EventTypeResumed {
		r.toldOnce.Do(func() { close(r.told) })
	}
	if r.config.raw {
		r.config.handler(r.gateway, disgo.EventTypeRaw, int(e.Seq), disgo.EventRaw{EventType: kind, Payload: bytes.NewReader(e.Data)})
	}
	if usable {
		r.config.handler(r.gateway, kind, int(e.Seq), data)
	}
}

// decode makes disgo's event out of the raw one. An event that cannot be decoded is
// counted and skipped.
func (r *run) decode(kind disgo.EventType, e gateway.Event) (data disgo.EventData, usable bool) {
	var err error
	switch decode := undecoded[kind]; {
	case decode != nil:
		data, err = decode(e.Data)
	case isKnownType(kind):
		data, err = disgo.UnmarshalEventData(e.Data, kind)
	default:
		r.gateway.unknown.Add(1)
		r.config.log.Debug("Event of a type that disgo does not know skipped", "type", e.Type, "sequence", e.Seq)
		return nil, false
	}
	if err != nil {
		r.gateway.undecodable.Add(1)
		// disgo's error is not logged: it repeats the whole event, which may be private.
		r.config.log.Error("Event skipped: it could not be decoded", "type", e.Type, "sequence", e.Seq, "bytes", len(e.Data))
		return nil, false
	}
	return data, true
}

// undecoded are the types that disgo has handlers for but does not decode.
var undecoded = map[disgo.EventType]func([]byte) (disgo.EventData, error){
	disgo.EventTypeMessagePollVoteAdd:    decodeAs[disgo.EventMessagePollVoteAdd],
	disgo.EventTypeMessagePollVoteRemove: decodeAs[disgo.EventMessagePollVoteRemove],
}

func decodeAs[T disgo.EventData](raw []byte) (disgo.EventData, error) {
	var event T
	err := json.Unmarshal(raw, &event)
	return event, err
}

// knownTypes are event types that disgo can decode.
var knownTypes sync.Map // disgo.EventType to true

// isKnownType finds out by letting disgo decode null.
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
