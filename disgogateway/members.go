package disgogateway

import (
	"slices"
	"sync"

	"evergreen/gateway"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// memberRequests are the requests for members whose answers are not complete. Discord
// may drop one and say so with RATE_LIMITED. disgo knows that event but does not
// repeat the request, so its caller would wait for ever.
type memberRequests struct {
	mu    sync.Mutex
	open  map[memberKey]*memberRequest
	order []memberKey // oldest first
}

// memberKey identifies a request, in RATE_LIMITED and in the answers.
type memberKey struct {
	guild snowflake.ID
	nonce string
}

type memberRequest struct {
	data    disgo.MessageDataRequestGuildMembers
	repeats int
}

const (
	// maxRequests bounds the requests that are kept: an answer may never come.
	maxRequests = 256
	// maxRepeats is how often one request is repeated.
	maxRepeats = 5
)

// add keeps a request that is about to be sent.
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

// repeat returns the request to send again; nil if there is none. givenUp reports that it
// was repeated maxRepeats times: then it is dropped.
func (r *memberRequests) repeat(key memberKey) (again *disgo.MessageDataRequestGuildMembers, givenUp bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.open[key]
	switch {
	case a == nil:
		return nil, false
	case a.repeats >= maxRepeats:
		r.drop(key)
		return nil, true
	}
	a.repeats++
	return &a.data, false
}

// remove drops a request that was answered.
func (r *memberRequests) remove(key memberKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(key)
}

// drop drops a request, if there is one. The caller holds mu.
func (r *memberRequests) drop(key memberKey) {
	delete(r.open, key)
	r.order = slices.DeleteFunc(r.order, func(k memberKey) bool { return k == key })
}

// trackMembers repeats requests that Discord has dropped. The shard knows from
// RATE_LIMITED for how long the guild may not be asked about, and holds the repetition
// back.
func (r *run) trackMembers(data disgo.EventData) {
	switch d := data.(type) {
	case disgo.EventGuildMembersChunk:
		if d.ChunkIndex >= d.ChunkCount-1 {
			r.members.remove(memberKey{d.GuildID, d.Nonce})
		}
	case disgo.EventRateLimited:
		meta, _ := d.Meta.(disgo.RateLimitedMetadataRequestGuildMembers) // no request has the zero key
		again, givenUp := r.members.repeat(memberKey{meta.GuildID, meta.Nonce})
		if givenUp {
			r.config.log.Warn("Request for members given up: Discord has limited it again and again", "guild", meta.GuildID, "repeats", maxRepeats)
		}
		if again == nil {
			return
		}
		r.gateway.repeated.Add(1)
		r.group.Go(func() {
			if err := r.shard.Send(r.ctx, gateway.OpRequestGuildMembers, *again); err != nil && r.ctx.Err() == nil {
				r.config.log.Warn("Request for members could not be repeated", "error", err)
			}
		})
	}
}
