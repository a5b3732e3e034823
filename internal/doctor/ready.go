package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
	"evergreen/internal/text"
)

const (
	// maxIdentifyWait is how long the proof waits for its turn to identify: as long as
	// the spacing of five seconds takes.
	maxIdentifyWait = 6 * time.Second
	// For heartbeatTime after READY heartbeats are exchanged, every
	// heartbeatInterval.
	heartbeatTime     = 1500 * time.Millisecond
	heartbeatInterval = 250 * time.Millisecond
	// closeTimeout is how long closing the proof's connection may take.
	closeTimeout = 1500 * time.Millisecond
)

// checkReady proves that the bot comes online: with a session of its own, or by
// what the running instance says.
func (x *examination) checkReady(ctx context.Context) Finding {
	if x.holder != nil {
		return x.readyOfInstance()
	}
	held, err := tokenlock.Acquire(ctx, x.config.StateDir, x.fingerprint, tokenlock.Options{Temporary: true, Version: x.Version})
	if taken, ok := errors.AsType[*tokenlock.HeldError](err); ok {
		x.holder = &taken.Holder // it started this very moment
		return x.readyOfInstance()
	} else if err != nil {
		return fail("the token could not be taken for the proof: " + explain(err))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A bot that starts meanwhile takes over at once.
	var serving sync.WaitGroup
	serving.Go(func() { held.Serve(func(tokenlock.Holder) { cancel() }) })
	defer serving.Wait()
	defer held.Release()
	kept, err := store.Open(ctx, store.Options{Dir: x.config.StateDir, Fingerprint: x.fingerprint, Version: x.Version})
	if err != nil {
		return needsYou(err.Error())
	}
	defer func() {
		closing, done := context.WithTimeout(context.Background(), closeTimeout)
		defer done()
		_ = kept.Close(closing)
	}()
	return x.proveReady(ctx, kept)
}

// readyOfInstance is the proof by the running instance: a second session would
// cost a session start and prove less.
func (x *examination) readyOfInstance() Finding {
	r := x.instance
	if r == nil {
		return warn("not proved: "+x.holder.String()+" runs the bot and cannot be asked, and a second session would get in its way",
			"Start it with run --api and ask again, or stop it and run the doctor.")
	}
	if r.awaitsBot() {
		return warn("not proved: Evergreen connects once the first bot has said which intents it needs", trimLines([]string{r.Remedy})...)
	}
	if x.isStarting(r) {
		return warn("not proved yet: the running instance is just starting", "Ask again in a minute.").with(trimLines([]string{r.Reason})...)
	}
	if !r.Connected {
		if r.lostLarge() {
			return fail("the running instance is not connected: large packets are lost on the way (MTU)", x.mtuSteps()...).with(trimLines([]string{r.Reason})...).withCause(health.PathMTU)
		}
		return fail("the running instance is not connected: "+r.StatusText, "See Running instance above; the checks between say what works.").with(trimLines([]string{r.Reason})...)
	}
	since := ""
	if r.Since != nil {
		since = " for " + longDuration(x.Now().Sub(*r.Since))
	}
	f := pass(fmt.Sprintf("by the running instance: %s is %s%s, in %s", r.Bot.Username, strings.ToLower(r.StatusText), since, text.Count(r.Bot.Guilds, "guild")),
		"no session start was spent")
	if r.Counts.ACKs > 0 {
		f = f.with(fmt.Sprintf("%s sent, %d answered", text.Count(int(r.Counts.Heartbeats), "heartbeat"), r.Counts.ACKs))
	} else {
		f = f.with("no heartbeat has been due yet")
	}
	if r.Latency.Gateway != nil {
		f = f.with("heartbeat round trips: " + r.Latency.Gateway.String())
	}
	return f
}

// proofLimiter takes a session start from the bot's limiter that is not the bot's
// own: it keeps the spacing and counts in the budget, but the proof's short session
// is not one of the bot's crash loop.
type proofLimiter struct {
	limiter *identify.Limiter
	delayed func(until time.Time, why string)
}

// proofShard is the shard of such starts in the limiter.
var proofShard = gateway.ShardID{Count: -1}

func (p proofLimiter) Acquire(ctx context.Context, _ gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	return p.limiter.Acquire(ctx, proofShard, func(until time.Time, why string) {
		announce(until, why)
		p.delayed(until, why)
	})
}

// SessionEnded does nothing: the end of the proof's session says nothing of the bot's.
func (proofLimiter) SessionEnded(gateway.ShardID, time.Duration) {}

// proof is what was observed of the proof's session.
type proof struct {
	hello      gateway.HelloReceived
	ready      gateway.Ready
	heartbeats []time.Duration
	trouble    []string
	parked     gateway.Reason
	waiting    string // why IDENTIFY has to wait too long, and until when
	until      time.Time
	complete   chan struct{}
	once       sync.Once
}

func (p *proof) finish() { p.once.Do(func() { close(p.complete) }) }

// observe takes in an observation. Only proveReady's goroutine calls it.
func (p *proof) observe(n gateway.Observation) {
	switch o := n.Event.(type) {
	case gateway.HelloReceived:
		p.hello = o
	case gateway.Ready:
		p.ready = o
	case gateway.HeartbeatACK:
		p.heartbeats = append(p.heartbeats, o.Latency)
	case gateway.ConnectFailed:
		p.trouble = append(p.trouble, "the connection failed: "+o.Reason.String())
	case gateway.Disconnected:
		if o.Reason.Kind != gateway.ReasonStop {
			p.trouble = append(p.trouble, "disconnected: "+o.Reason.String())
		}
	case gateway.SessionInvalidated:
		p.trouble = append(p.trouble, "Discord answered op 9 (invalid session)")
	case gateway.Transition:
		if parked, ok := o.To.(gateway.Parked); ok {
			p.parked = parked.Reason
			p.finish()
		}
	}
}

// proveReady starts a session, exchanges heartbeats, and closes the connection with
// the session kept: Discord ends it after a while, and the session that the bot has
// saved is not touched.
func (x *examination) proveReady(ctx context.Context, kept *store.Store) Finding {
	p := &proof{complete: make(chan struct{})}
	var mu sync.Mutex // guards p.waiting, which the shard's goroutine sets
	permit := proofLimiter{
		limiter: identify.New(identify.Options{Storage: kept.Identifies(), SessionStartLimit: x.preflight.Limits}),
		delayed: func(until time.Time, why string) {
			if time.Until(until) > maxIdentifyWait {
				mu.Lock()
				p.waiting, p.until = why, until
				mu.Unlock()
				p.finish()
			}
		},
	}
	dialer, idle := x.webSocketDialer()
	defer idle()
	presence := x.config.Presence()
	intents := x.intents()
	if x.report.Application.FlagsKnown {
		intents &^= intents.Refused(x.report.Application.Flags)
	}
	readLimit, _ := x.config.Room(x.Machine.Memory().Granted(), 1)
	seen := make(chan gateway.Observation, 1000)
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: x.config.Token.Reveal(), Intents: intents},
		URLSource:   x.preflight, APIURL: x.config.APIURL, Shard: x.shard, IdentifyLimiter: permit, Dialer: dialer, Events: []string{}, Presence: &presence,
		Compression: x.config.Compression, ReadLimit: readLimit,
		Observer: gateway.ObserverFunc(func(n gateway.Observation) { seen <- n }),
		Timing:   gateway.Timing{SilenceProbe: heartbeatInterval, Connect: dialTimeout, Hello: dialTimeout, Close: closeTimeout / 2},
		Rand:     func() float64 { return 0 }, // the first heartbeat at once
	})
	if err != nil {
		return needsYou("the bot cannot be started: " + err.Error())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = shard.Run(running)
	}()
	x.observeUntilDone(ctx, p, seen)
	patience, done := context.WithTimeout(context.Background(), closeTimeout)
	defer done()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = shard.Stop(patience, gateway.KeepSession)
		<-ran
	}()
	for alive := true; alive; {
		select {
		case n := <-seen:
			p.observe(n)
		case <-stopped:
			alive = false
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return x.proofFinding(ctx, p)
}

// observeUntilDone takes in observations until enough has been observed.
func (x *examination) observeUntilDone(ctx context.Context, p *proof, seen <-chan gateway.Observation) {
	// Closing the connection takes part of the check's timeout.
	deadline, _ := ctx.Deadline()
	over := time.NewTimer(time.Until(deadline) - 2*closeTimeout)
	defer over.Stop()
	var heard <-chan time.Time
	for {
		select {
		case n := <-seen:
			p.observe(n)
			if p.ready.SessionID != "" && heard == nil {
				timer := time.NewTimer(heartbeatTime)
				defer timer.Stop()
				heard = timer.C
			}
		case <-heard:
			return
		case <-p.complete:
			return
		case <-over.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// proofFinding returns the finding of the proof.
func (x *examination) proofFinding(ctx context.Context, p *proof) Finding {
	var f Finding
	switch {
	case p.parked.Kind != "":
		code := p.parked.Code
		f = needsYou(fmt.Sprintf("Discord refuses the session (close code %d): %s", code, code.Meaning()), code.Remedy()).withCause(health.Diagnose(p.parked))
		return f.with(p.trouble...)
	case p.waiting != "":
		return warn("not proved now, to spare session starts; the next one may be spent at "+p.until.Local().Format(time.TimeOnly),
			"Run the doctor again then. Everything before READY works.").with("the budget of session starts says: " + p.waiting).withCause(health.IdentifyBudget)
	case p.ready.SessionID == "" && ctx.Err() == context.Canceled:
		return warn("not proved: the bot was started meanwhile and has taken over", "Run the doctor again to ask it.")
	case p.ready.SessionID == "" && p.hello.Interval == 0:
		return fail("no HELLO: the connection does not come about", "See WebSocket (wss) above; if that is well, run the doctor again.").with(p.trouble...).withCause(health.NetworkDown)
	case p.ready.SessionID == "" && len(p.heartbeats) == 0:
		return fail("HELLO came and then nothing at all, not even the answer to a heartbeat: READY is large, and large packets are lost on the way (MTU)", x.mtuSteps()...).
			with(p.trouble...).withCause(health.PathMTU)
	case p.ready.SessionID == "":
		return fail("HELLO came, READY did not", "If https://discordstatus.com reports trouble, wait: the bot does so too. Else run the doctor again in a minute.").
			with(p.trouble...).withCause(health.DiscordOutage)
	}
	x.mu.Lock()
	x.heartbeats = p.heartbeats
	x.mu.Unlock()
	f = pass(fmt.Sprintf("READY %s after IDENTIFY: %s, in %s", roundTrip(p.ready.Took), p.ready.Username, text.Count(p.ready.Guilds, "guild")),
		fmt.Sprintf("HELLO %s after the dial, with a heartbeat wanted every %.1f s", roundTrip(p.hello.Took), p.hello.Interval.Seconds()))
	if len(p.heartbeats) == 0 {
		f = warn("READY came, but no heartbeat was answered", "Run the doctor again; if it stays so, something on the way lets nothing out.").with(f.Evidence...).withCause(health.HalfOpen)
	} else {
		f = f.with("first heartbeat answered in " + roundTrip(p.heartbeats[0]))
	}
	if x.shard.Count > 1 {
		f = f.with(fmt.Sprintf("this was shard %d of %d", x.shard.ID, x.shard.Count))
	}
	f = f.with(p.trouble...)
	return f.with("left with code 4900: nothing ended, and the session that the bot has saved is as it was; 1 session start was spent")
}
