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

// run is a [Gateway] from Open to Close: one shard and the goroutines around it.
type run struct {
	gateway *Gateway
	config  *config
	shard   *gateway.Shard
	members memberRequests

	ctx    context.Context // ends when the shard has been stopped
	cancel context.CancelFunc
	group  sync.WaitGroup
	done   chan struct{} // closed when all goroutines have ended

	liveOnce sync.Once
	live     chan struct{} // closed when the shard is live for the first time
	toldOnce sync.Once
	told     chan struct{}  // closed when the listeners get the first READY or RESUMED, perhaps before live
	refused  chan error     // one slot: Discord refused the bot before that
	acks     chan time.Time // one slot: when the newest answered heartbeat was
}

func newRun(g *Gateway, p *config) (*run, error) {
	r := &run{
		gateway: g, config: p, done: make(chan struct{}), live: make(chan struct{}), told: make(chan struct{}),
		refused: make(chan error, 1), acks: make(chan time.Time, 1),
	}
	opts := p.options
	opts.Session = g.session
	if g.presence != nil {
		presence := presenceOf(*g.presence)
		opts.Presence = &presence
	}
	opts.Handler, opts.Observer = r, r
	var err error
	if r.shard, err = gateway.New(opts); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// start starts the goroutines.
func (r *run) start() {
	r.group.Go(func() {
		_ = r.shard.Run(context.Background()) // fails only where stop came before it
	})
	r.group.Go(r.deliverACKs)
	go func() {
		r.group.Wait()
		close(r.done)
	}()
}

// waitLive waits for the first READY or RESUMED. It does not fail once a listener has been
// told of it: a listener that then ends ctx, or the process, has a bot that is open.
func (r *run) waitLive(ctx context.Context) error {
	select {
	case <-r.live:
		return nil
	case err := <-r.refused:
		return err
	case <-r.ctx.Done():
		return fmt.Errorf("%w: it was closed while it was being opened", discord.ErrShardNotConnected)
	case <-ctx.Done():
	}
	select {
	case <-r.live:
		return nil
	case <-r.told:
		return nil
	default:
		return ctx.Err()
	}
}

// stop ends the run. It gives up waiting when ctx ends or after closeTimeout, while a
// listener has not returned.
func (r *run) stop(ctx context.Context, mode gateway.StopMode) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	err := r.shard.Stop(ctx, mode)
	r.cancel()
	if err == nil {
		// The shard has ended; a listener for heartbeats may still run. If ctx has ended, the
		// other goroutines get a second.
		patience := time.NewTimer(time.Second)
		defer patience.Stop()
		select {
		case <-r.done:
			return
		case <-ctx.Done():
		}
		select {
		case <-r.done:
			return
		case <-patience.C:
			err = ctx.Err()
		}
	}
	r.config.log.Warn("Gateway closed while a listener still runs", "error", err)
}

// Observe implements [gateway.Observer]. One goroutine of the shard calls it.
func (r *run) Observe(n gateway.Observation) {
	switch what := n.Event.(type) {
	case gateway.Transition:
		if parked, ok := what.To.(gateway.Parked); ok {
			r.onParked(parked.Reason)
		} else if gateway.Online(what.To) {
			r.liveOnce.Do(func() { close(r.live) })
		}
	case gateway.HeartbeatACK:
		select {
		case r.acks <- n.At:
		default: // the listeners are behind; the next one will do
		}
	}
	r.logEvent(n.Event)
	if r.gateway.options.Observer != nil {
		r.gateway.options.Observer.Observe(n)
	}
}

// onParked reports a shard that waits for a person: to Open, or to log and close
// handler.
func (r *run) onParked(reason gateway.Reason) {
	code := int(reason.Code)
	err := fmt.Errorf("disgogateway: %s: %w", remedy(reason), &websocket.CloseError{Code: code, Text: reason.Text})
	select {
	case <-r.live:
	default:
		select {
		case r.refused <- err:
		default:
		}
		return
	}
	r.config.log.Error("Discord refuses the bot; the shard waits until that is corrected", "error", err)
	if r.config.closeHandler != nil {
		// Stop does not wait for it: it often closes the gateway.
		go r.config.closeHandler(r.gateway, err, false)
	}
}

// remedy returns what has happened and what a person has to do.
func remedy(reason gateway.Reason) string {
	if errors.Is(reason.Err, gateway.ErrUnauthorized) {
		reason.Code = gateway.CloseAuthFailed
	}
	if reason.Code.Remedy() == "" {
		return reason.Code.Meaning()
	}
	return reason.Code.Meaning() + ". " + reason.Code.Remedy()
}

// deliverACKs hands answered heartbeats to disgo. They wait for its event manager on
// this goroutine, and the newest replaces those before it.
func (r *run) deliverACKs() {
	last := time.Time{}
	for {
		select {
		case at := <-r.acks:
			if last.IsZero() {
				last = at
			}
			beat := disgo.EventHeartbeatAck{LastHeartbeat: last, NewHeartbeat: at}
			last = at
			if r.config.lock.lock(r.ctx) {
				r.callHandler(func() { r.config.handler(r.gateway, disgo.EventTypeHeartbeatAck, 0, beat) })
			}
		case <-r.ctx.Done():
			return
		}
	}
}

// callHandler runs call and unlocks, also after a panic.
func (r *run) callHandler(call func()) {
	defer r.config.lock.unlock()
	defer func() {
		if v := recover(); v != nil {
			r.config.log.Error("Listener for heartbeats panicked", "panic", fmt.Sprint(v))
		}
	}()
	call()
}

// logEvent logs what an operator wants to know.
func (r *run) logEvent(what gateway.ShardEvent) {
	log := r.config.log
	switch what := what.(type) {
	case gateway.Ready:
		log.Info("Connected with a new session", "guilds", what.Guilds, "took", what.Took)
	case gateway.Resumed:
		log.Info("Resumed", "replayed", what.Replayed, "gap", what.Gap)
	case gateway.Disconnected:
		if what.Reason.Kind == gateway.ReasonStop {
			log.Info("Closed")
			return
		}
		log.Warn("Disconnected", "reason", what.Reason.String(), "session_kept", what.Session)
	case gateway.ConnectFailed:
		log.Warn("Connection failed", "reason", what.Reason.String(), "failures", what.Failures, "next", what.Next)
	case gateway.SessionLost:
		if what.Reason.Kind != gateway.ReasonStop {
			log.Warn("Session lost", "reason", what.Reason.String())
		}
	case gateway.AttemptsExhausted:
		log.Error("Many attempts in a row have failed; going on", "failures", what.Failures)
	case gateway.IdentifyDelayed:
		log.Warn("IDENTIFY has to wait", "until", what.Until, "why", what.Why)
	case gateway.QueueFull:
		log.Warn("Listeners are too slow; further events are left with Discord for now", "bytes", what.Bytes)
	case gateway.QueueDrained:
		log.Info("Listeners have caught up; what was left with Discord is fetched")
	case gateway.PayloadSkipped:
		log.Warn("Payload skipped", "why", what.Why, "type", what.Type)
	case gateway.HandlerPanicked:
		log.Error("Event lost: its handler panicked", "type", what.Type, "panic", what.Value)
	}
}
