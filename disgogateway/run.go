package disgogateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"evergreen/gateway"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
)

// life is a gateway from Open to Close: one shard and the goroutines around it.
type life struct {
	g       *Gateway
	plan    *plan
	shard   *gateway.Shard
	members requests

	ctx    context.Context // ends with the life
	cancel context.CancelFunc
	group  sync.WaitGroup
	over   chan struct{} // closed when all of it is gone

	liveOnce sync.Once
	live     chan struct{}  // closed when the shard is live for the first time
	refused  chan error     // one slot: Discord refused the bot before that
	beats    chan time.Time // one slot: an answered heartbeat
}

func newLife(g *Gateway, p *plan) (*life, error) {
	l := &life{
		g: g, plan: p, over: make(chan struct{}), live: make(chan struct{}),
		refused: make(chan error, 1), beats: make(chan time.Time, 1),
	}
	opts := p.options
	opts.Session = g.session
	if g.presence != nil {
		presence := presenceOf(*g.presence)
		opts.Presence = &presence
	}
	opts.Handler, opts.Observer = l, l
	var err error
	if l.shard, err = gateway.New(opts); err != nil {
		return nil, err
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l, nil
}

// begin starts the goroutines.
func (l *life) begin() {
	l.group.Go(func() {
		defer l.cancel()
		if err := l.shard.Run(context.Background()); err != nil {
			l.plan.log.Error("the shard cannot run", "error", err)
		}
	})
	l.group.Go(l.pulse)
	go func() {
		l.group.Wait()
		close(l.over)
	}()
}

// await waits for the first READY or RESUMED.
func (l *life) await(ctx context.Context) error {
	select {
	case <-l.live:
		return nil
	case err := <-l.refused:
		return err
	case <-l.ctx.Done():
		return fmt.Errorf("%w: it was closed while it was being opened", discord.ErrShardNotConnected)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends the life. It returns early only if a listener does not.
func (l *life) stop(ctx context.Context, mode gateway.StopMode) {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if err := l.shard.Stop(ctx, mode); err != nil {
		l.plan.log.Warn("the gateway is closed while a listener still runs", "error", err)
		l.cancel()
		return
	}
	l.cancel()
	<-l.over
}

// Observe follows the shard. It comes from one goroutine of the shard's.
func (l *life) Observe(n gateway.Observation) {
	switch what := n.Event.(type) {
	case gateway.Transition:
		if parked, ok := what.To.(gateway.Parked); ok {
			l.parked(parked.Reason)
		} else if gateway.Online(what.To) {
			l.liveOnce.Do(func() { close(l.live) })
		}
	case gateway.HeartbeatACK:
		select {
		case l.beats <- n.At:
		default: // the listeners are behind; the next one will do
		}
	}
	l.narrate(n.Event)
	if l.g.own.Observer != nil {
		l.g.own.Observer.Observe(n)
	}
}

// parked tells whoever has to know that only a person can help.
func (l *life) parked(cause gateway.Reason) {
	code := int(cause.Code)
	err := fmt.Errorf("disgogateway: %s: %w", remedy(cause), &websocket.CloseError{Code: code, Text: cause.Text})
	select {
	case <-l.live:
	default:
		select {
		case l.refused <- err:
		default:
		}
		return
	}
	l.plan.log.Error("Discord refuses the bot; the shard waits until that is mended", "error", err)
	if l.plan.closed != nil {
		// Not waited for by stop: what it does first is often to close.
		go l.plan.closed(l.g, err, false)
	}
}

// remedy says what has to be done.
func remedy(cause gateway.Reason) string {
	if errors.Is(cause.Err, gateway.ErrUnauthorized) {
		cause.Code = gateway.CloseAuthFailed
	}
	p := cause.Code.Policy()
	if p.Remedy == "" {
		return p.Says
	}
	return p.Says + ". " + p.Remedy
}

// pulse hands answered heartbeats to disgo. They wait for its event manager on
// a goroutine of their own, and the newest takes the place of those before it.
func (l *life) pulse() {
	last := time.Time{}
	for {
		select {
		case at := <-l.beats:
			if last.IsZero() {
				last = at
			}
			beat := disgo.EventHeartbeatAck{LastHeartbeat: last, NewHeartbeat: at}
			last = at
			if l.plan.door.enter(l.ctx) {
				l.guarded(func() { l.plan.handler(l.g, disgo.EventTypeHeartbeatAck, 0, beat) })
			}
		case <-l.ctx.Done():
			return
		}
	}
}

// guarded calls what listens and leaves the door, also after a panic.
func (l *life) guarded(call func()) {
	defer l.plan.door.leave()
	defer func() {
		if v := recover(); v != nil {
			l.plan.log.Error("a listener for heartbeats panicked", "panic", fmt.Sprint(v))
		}
	}()
	call()
}

// narrate writes down what an operator wants to know.
func (l *life) narrate(what gateway.ShardEvent) {
	log := l.plan.log
	switch what := what.(type) {
	case gateway.Ready:
		log.Info("connected with a new session", "guilds", what.Guilds, "took", what.Took)
	case gateway.Resumed:
		log.Info("resumed", "replayed", what.Replayed, "gap", what.Gap)
	case gateway.Disconnected:
		if what.Reason.Kind == gateway.ReasonStop {
			log.Info("closed")
			return
		}
		log.Warn("disconnected", "cause", what.Reason.String(), "session_kept", what.Session)
	case gateway.ConnectFailed:
		log.Warn("cannot connect", "cause", what.Reason.String(), "failures", what.Failures, "next", what.Next)
	case gateway.SessionLost:
		if what.Reason.Kind != gateway.ReasonStop {
			log.Warn("the session is lost", "cause", what.Reason.String())
		}
	case gateway.AttemptsExhausted:
		log.Error("many attempts in a row have failed; going on", "failures", what.Failures)
	case gateway.IdentifyDelayed:
		log.Warn("the next session has to wait", "until", what.Until, "why", what.Why)
	case gateway.QueueFull:
		log.Warn("listeners are too slow; further events are left with Discord for now", "bytes", what.Bytes)
	case gateway.QueueDrained:
		log.Info("listeners have caught up; what was left with Discord is fetched")
	case gateway.PayloadSkipped:
		log.Warn("a payload was skipped", "why", what.Why, "type", what.Type)
	case gateway.HandlerPanicked:
		log.Error("an event's handler panicked; the event is lost", "type", what.Type, "panic", what.Value)
	}
}
