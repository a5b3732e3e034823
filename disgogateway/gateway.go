package disgogateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"

	"github.com/disgoorg/disgo/discord"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
)

// Gateway is disgo's gateway.Gateway over a [gateway.Shard]. Make one with [New]
// or [WithGateway]. All methods may be called from any goroutine, also from
// listeners. It can be opened again after it was closed.
type Gateway struct {
	options   Options
	resolve   func() (config, error)
	once      sync.Once
	config    config
	configErr error // why there is no config

	mu       sync.Mutex
	run      *run // nil while closed
	session  gateway.Session
	presence *disgo.MessageDataPresenceUpdate
	earlier  gateway.Stats // of earlier runs

	undecodable, unknown, repeated atomic.Int64
}

var (
	_ disgo.Gateway    = (*Gateway)(nil)
	_ disgo.CreateFunc = New
)

func newGateway(own Options, resolve func() (config, error)) *Gateway {
	return &Gateway{options: own, resolve: resolve}
}

// configure reads the options when it is first called.
func (g *Gateway) configure() (*config, error) {
	g.once.Do(func() {
		g.config, g.configErr = g.resolve()
		g.session = g.config.options.Session
		g.presence = g.config.presence
	})
	return &g.config, g.configErr
}

// Stats counts what a [Gateway] has done since it was made.
type Stats struct {
	// Stats are those of the shard, summed over every Open.
	gateway.Stats
	// Undecodable counts events that disgo could not decode, Unknown those of types it
	// does not know. Both were skipped, except for listeners to raw events.
	Undecodable, Unknown int64
	// Repeated counts requests for members that were sent again because Discord
	// had answered the first with RATE_LIMITED.
	Repeated int64
}

// Stats returns the counts so far.
func (g *Gateway) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Stats{Stats: g.earlier, Undecodable: g.undecodable.Load(), Unknown: g.unknown.Load(), Repeated: g.repeated.Load()}
	if g.run != nil {
		s.Stats = s.Plus(g.run.shard.Stats())
	}
	return s
}

// State returns the state of the shard, which says more than Status.
func (g *Gateway) State() gateway.State {
	if r := g.currentRun(); r != nil {
		return r.shard.State()
	}
	return gateway.Idle{}
}

func (g *Gateway) currentRun() *run {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.run
}

// ShardID returns the shard's number.
func (g *Gateway) ShardID() int {
	p, _ := g.configure()
	return p.options.Shard.ID
}

// ShardCount returns the number of shards the bot has.
func (g *Gateway) ShardCount() int {
	p, _ := g.configure()
	return max(1, p.options.Shard.Count)
}

// Intents returns the intents of the bot.
func (g *Gateway) Intents() disgo.Intents {
	p, _ := g.configure()
	return disgo.Intents(p.options.Intents)
}

// heldSession returns the session that can be resumed, of the shard or of the last
// run.
func (g *Gateway) heldSession() gateway.Session {
	_, _ = g.configure()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run != nil {
		return g.run.shard.Session()
	}
	return g.session
}

// SessionID returns the ID of the session; nil without one.
func (g *Gateway) SessionID() *string { return nonZero(g.heldSession().ID) }

// ResumeURL returns the session's resume URL; nil without one.
func (g *Gateway) ResumeURL() *string { return nonZero(g.heldSession().ResumeURL) }

// LastSequenceReceived returns the sequence number that a RESUME by another process
// should start from: that up to which the listeners have finished. What was received
// and still waits lies above it. It is nil without a session.
func (g *Gateway) LastSequenceReceived() *int { return nonZero(int(g.heldSession().Seq)) }

func nonZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Latency returns the round trip of the last answered heartbeat; zero before.
func (g *Gateway) Latency() time.Duration {
	if r := g.currentRun(); r != nil {
		return r.shard.Latency()
	}
	return 0
}

// Status translates [Gateway.State].
func (g *Gateway) Status() disgo.Status {
	if r := g.currentRun(); r != nil {
		return statusOf(r.shard.State())
	}
	return disgo.StatusDisconnected
}

func statusOf(s gateway.State) disgo.Status {
	switch s := s.(type) {
	case gateway.Idle:
		return disgo.StatusUnconnected
	case gateway.Connecting:
		return disgo.StatusConnecting
	case gateway.Identifying:
		return disgo.StatusWaitingForReady
	case gateway.Resuming:
		return disgo.StatusResuming
	default:
		if gateway.Online(s) {
			return disgo.StatusReady
		}
		return disgo.StatusDisconnected
	}
}

// Open connects and returns when READY or RESUMED has come. From then on the gateway
// stays open, whatever happens to the connection, until Close. Open fails if ctx ends
// first, if the options are wrong, or if Discord refuses the bot for a reason that only
// a person can remove. In the last case the error holds a *websocket.CloseError. After
// a failure the gateway is closed again.
func (g *Gateway) Open(ctx context.Context) error {
	r, err := g.startRun()
	if err != nil {
		return err
	}
	if err = r.waitLive(ctx); err != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		g.endRun(closing, gateway.KeepSession)
	}
	return err
}

// startRun starts a run and does not wait until it is live.
func (g *Gateway) startRun() (*run, error) {
	p, err := g.configure()
	if err != nil {
		return nil, err
	}
	if p.handler == nil {
		return nil, errors.New("disgogateway: there is no event handler to give events to")
	}
	if old := g.currentRun(); old != nil {
		if _, parked := old.shard.State().(gateway.Parked); parked {
			g.endRun(context.Background(), gateway.KeepSession)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run != nil {
		return nil, discord.ErrGatewayAlreadyConnected
	}
	r, err := newRun(g, p)
	if err != nil {
		return nil, fmt.Errorf("disgogateway: %w", err)
	}
	g.run = r
	r.start()
	return r, nil
}

// closeTimeout is how long listeners get to finish when the gateway is closed.
const closeTimeout = 5 * time.Second

// Close closes the gateway and ends the session: the bot is offline at once. It waits
// as [Gateway.CloseWithCode] does.
func (g *Gateway) Close(ctx context.Context) {
	g.CloseWithCode(ctx, websocket.CloseNormalClosure, "Shutting down")
}

// CloseWithCode closes the gateway, also while it is being opened. The codes 1000 and
// 1001 end the session. After any other it can be resumed, by Open or by another
// process with what SessionID, LastSequenceReceived and ResumeURL return. The shard
// sends its own code for either; code and message are not sent.
//
// It waits until the listeners have finished what they were given, until ctx ends, or
// for 5 s. Trap: a listener that closes its own gateway waits for itself, so there it
// takes those 5 s and 3 s more.
func (g *Gateway) CloseWithCode(ctx context.Context, code int, _ string) {
	mode := gateway.EndSession
	if gateway.CloseCode(code).Resumable() {
		mode = gateway.KeepSession
	}
	g.endRun(ctx, mode)
}

// endRun ends the present run, if there is one.
func (g *Gateway) endRun(ctx context.Context, mode gateway.StopMode) {
	_, _ = g.configure()
	if r := g.currentRun(); r != nil {
		r.stop(ctx, mode)
		g.mu.Lock()
		if g.run == r {
			g.run = nil
			g.session = r.shard.Session()
			g.earlier = g.earlier.Plus(r.shard.Stats())
			g.earlier.QueuedBytes, g.earlier.QueuedAge = 0, 0
		}
		g.mu.Unlock()
	}
	if mode == gateway.EndSession {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.session = gateway.Session{} // a run that has begun meanwhile has its own
	}
}
