package disgogateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/gateway"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
)

// sendTimeout bounds a Send whose context has no deadline: it may wait for a
// connection, and for Discord's limit of 120 payloads a minute.
const sendTimeout = 75 * time.Second

// Send sends a payload that bots may send: presence (op 3), voice state (op 4),
// requests for members (op 8), soundboard sounds (op 31) and channel info (op 43). It
// returns when the payload was written. While there is no connection it waits until ctx
// ends, or for 75 s if ctx has no deadline. It fails with discord.ErrShardNotConnected
// when the gateway is closed and with discord.ErrShardNotReady when the connection did
// not come back in time.
//
// A presence is stored, goes into every IDENTIFY, and is sent as Discord's limit
// allows; for it Send does not wait. A request for members that Discord answers with
// RATE_LIMITED is sent again when the time it names has passed, up to five times; then the
// log says that it is given up.
func (g *Gateway) Send(ctx context.Context, op disgo.Opcode, data disgo.MessageData) error {
	r := g.currentRun()
	if r == nil {
		return discord.ErrShardNotConnected
	}
	switch op {
	case disgo.OpcodePresenceUpdate:
		return g.setPresence(r, data)
	case disgo.OpcodeRequestGuildMembers:
		r.members.add(data)
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, sendTimeout)
		defer cancel()
	}
	if _, parked := r.shard.State().(gateway.Parked); parked {
		return discord.ErrShardNotReady
	}
	err := r.shard.Send(ctx, gateway.Opcode(op), data)
	switch {
	case errors.Is(err, gateway.ErrStopped):
		return fmt.Errorf("%w: %w", discord.ErrShardNotConnected, err)
	case errors.Is(err, context.DeadlineExceeded) && !gateway.Online(r.shard.State()):
		return fmt.Errorf("%w: %w", discord.ErrShardNotReady, err)
	}
	return err
}

func (g *Gateway) setPresence(r *run, data disgo.MessageData) error {
	var update disgo.MessageDataPresenceUpdate
	switch d := data.(type) {
	case disgo.MessageDataPresenceUpdate:
		update = d
	case *disgo.MessageDataPresenceUpdate:
		update = *d
	default:
		return fmt.Errorf("disgogateway: a presence update with a %T", data)
	}
	if err := r.shard.SetPresence(presenceOf(update)); err != nil {
		return fmt.Errorf("disgogateway: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.presence = &update
	return nil
}

// Presence returns a copy of the presence that was set; nil if none was.
func (g *Gateway) Presence() *disgo.MessageDataPresenceUpdate {
	_, _ = g.configure()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.presence == nil {
		return nil
	}
	presence := *g.presence
	return &presence
}

// presenceOf translates what a bot may set. An empty status means online.
func presenceOf(p disgo.MessageDataPresenceUpdate) gateway.Presence {
	out := gateway.Presence{
		Since: p.Since, Status: gateway.Status(cmp.Or(p.Status, discord.OnlineStatusOnline)), AFK: p.AFK,
		Activities: []gateway.Activity{},
	}
	for _, a := range p.Activities {
		out.Activities = append(out.Activities, gateway.Activity{
			Name: a.Name, Type: gateway.ActivityType(a.Type), State: value(a.State), URL: value(a.URL),
		})
	}
	return out
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
