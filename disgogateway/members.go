package disgogateway

import (
	"sync"

	"evergreen/gateway"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// memberRequests are the requests for members whose answers are not complete. Discord
// may drop one and say so with RATE_LIMITED; disgo knows that event, but whoever
// asked would wait for ever.
type memberRequests struct {
	mu    sync.Mutex
	open  map[memberKey]*memberRequest
	order []memberKey // oldest first
}

// memberKey is what RATE_LIMITED and the answers name a request by.
type memberKey struct {
	guild snowflake.ID
	nonce string
}

type memberRequest struct {
	data    disgo.MessageDataRequestGuildMembers
	repeats int
}

const (
	// maxRequests is how many are remembered; an answer that never comes must
	// not be waited for without end.
	maxRequests = 256
	// maxRepeats is how often one is sent again.
	maxRepeats = 5
)

// add remembers a request that is about to be sent.
func (r *memberRequests) add(data disgo.MessageData) {
	var d disgo.MessageDataRequestGuildMembers
	switch v := data.(type) {
	case disgo.MessageDataRequestGuildMembers:
		d = v
	case *disgo.MessageDataRequestGuildMembers:
		d = *v
	default:
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[memberKey]*memberRequest{}
	}
	key := memberKey{d.GuildID, d.Nonce}
	if r.open[key] == nil {
		r.order = append(r.order, key)
	}
	r.open[key] = &memberRequest{data: d}
	for len(r.order) > maxRequests {
		delete(r.open, r.order[0])
		r.order = r.order[1:]
	}
}

// repeat returns the request to send again, nil if there is none.
func (r *memberRequests) repeat(key memberKey) *disgo.MessageDataRequestGuildMembers {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.open[key]
	if a == nil || a.repeats >= maxRepeats {
		return nil
	}
	a.repeats++
	return &a.data
}

// remove forgets a request.
func (r *memberRequests) remove(key memberKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[key] == nil {
		return
	}
	delete(r.open, key)
	for i, k := range r.order {
		if k == key {
			r.order = append(r.order[:i], r.order[i+1:]...)
			return
		}
	}
}

// trackMembers watches what becomes of requests. The shard knows from RATE_LIMITED how
// long the guild may not be asked about, and holds the repetition back (G-108).
func (l *run) trackMembers(data disgo.EventData) {
	switch d := data.(type) {
	case disgo.EventGuildMembersChunk:
		if d.ChunkIndex >= d.ChunkCount-1 {
			l.members.remove(memberKey{d.GuildID, d.Nonce})
		}
	case disgo.EventRateLimited:
		meta, ok := d.Meta.(disgo.RateLimitedMetadataRequestGuildMembers)
		if !ok {
			return
		}
		again := l.members.repeat(memberKey{meta.GuildID, meta.Nonce})
		if again == nil || l.ctx.Err() != nil {
			return
		}
		l.g.repeated.Add(1)
		l.group.Go(func() {
			if err := l.shard.Send(l.ctx, gateway.OpRequestGuildMembers, *again); err != nil && l.ctx.Err() == nil {
				l.config.log.Warn("a request for members could not be sent again", "error", err)
			}
		})
	}
}
