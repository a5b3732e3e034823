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

// run is a gateway from Open to Close: one shard and the goroutines around it.
type run struct {
	g       *Gateway
	config  *config
	shard   *gateway.Shard
	members memberRequests

	ctx    context.Context // ends with the life
	cancel context.CancelFunc
	group  sync.WaitGroup
	done   chan struct{} // closed when all of it is gone

	liveOnce sync.Once
	live     chan struct{}  // closed when the shard is live for the first time
	refused  chan error     // one slot: Discord refused the bot before that
	acks     chan time.Time // one slot: an answered heartbeat
}

func newRun(g *Gateway, p *config) (*run, error) {
	l := &run{
		g: g, config: p, done: make(chan struct{}), live: make(chan struct{}),
		refused: make(chan error, 1), acks: make(chan time.Time, 1),
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

// start starts the goroutines.
func (l *run) start() {
	l.group.Go(func() {
		defer l.cancel()
		if err := l.shard.Run(context.Background()); err != nil {
			l.config.log.Error("the shard cannot run", "error", err)
		}
	})
	l.group.Go(l.deliverACKs)
	go func() {
		l.group.Wait()
		close(l.done)
	}()
}

// waitLive waits for the first READY or RESUMED.
func (l *run) waitLive(ctx context.Context) error {
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
func (l *run) stop(ctx context.Context, mode gateway.StopMode) {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if err := l.shard.Stop(ctx, mode); err != nil {
		l.config.log.Warn("the gateway is closed while a listener still runs", "error", err)
		l.cancel()
		return
	}
	l.cancel()
	<-l.done
}

// Observe follows the shard. It comes from one goroutine of the shard's.
func (l *run) Observe(n gateway.Observation) {
	switch what := n.Event.(type) {
	case gateway.Transition:
		if parked, ok := what.To.(gateway.Parked); ok {
			l.onParked(parked.Reason)
		} else if gateway.Online(what.To) {
			l.liveOnce.Do(func() { close(l.live) })
		}
	case gateway.HeartbeatACK:
		select {
		case l.acks <- n.At:
		default: // the listeners are behind; the next one will do
		}
	}
	l.logEvent(n.Event)
	if l.g.options.Observer != nil {
		l.g.options.Observer.Observe(n)
	}
}

// onParked tells whoever has to know that only a person can help.
func (l *run) onParked(cause gateway.Reason) {
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
	l.config.log.Error("Discord refuses the bot; the shard waits until that is mended", "error", err)
	if l.config.closeHandler != nil {
		// Not waited for by stop: what it does first is often to close.
		go l.config.closeHandler(l.g, err, false)
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

// deliverACKs hands answered heartbeats to disgo. They wait for its event manager on
// a goroutine of their own, and the newest takes the place of those before it.
func (l *run) deliverACKs() {
	last := time.Time{}
	for {
		select {
		case at := <-l.acks:
			if last.IsZero() {
				last = at
			}
			beat := disgo.EventHeartbeatAck{LastHeartbeat: last, NewHeartbeat: at}
			last = at
			if l.config.lock.lock(l.ctx) {
				l.callHandler(func() { l.config.handler(l.g, disgo.EventTypeHeartbeatAck, 0, beat) })
			}
		case <-l.ctx.Done():
			return
		}
	}
}

// callHandler calls what listens and leaves the door, also after a panic.
func (l *run) callHandler(call func()) {
	defer l.config.lock.unlock()
	defer func() {
		if v := recover(); v != nil {
			l.config.log.Error("a listener for heartbeats panicked", "panic", fmt.Sprint(v))
		}
	}()
	call()
}

// logEvent writes down what an operator wants to know.
func (l *run) logEvent(what gateway.ShardEvent) {
	log := l.config.log
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
