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
	// longestWait is how long a proof may wait for its turn to identify: for the
	// spacing of five seconds, and for nothing longer.
	longestWait = 6 * time.Second
	// listening is how long heartbeats are exchanged after READY, every
	// proofBeat.
	listening = 1500 * time.Millisecond
	proofBeat = 250 * time.Millisecond
	// leaving is how long the end of a proof may take.
	leaving = 1500 * time.Millisecond
)

// checkReady proves that the bot comes online: with a session of its own, or by
// the word of the instance that runs.
func (v *visit) checkReady(ctx context.Context) Finding {
	if v.holder != nil {
		return v.wordOfRunning()
	}
	held, err := tokenlock.Acquire(ctx, v.config.StateDir, v.of, tokenlock.Options{Temporary: true, Version: v.Version})
	if taken, ok := errors.AsType[*tokenlock.HeldError](err); ok {
		v.holder = &taken.Holder // it started this very moment
		return v.wordOfRunning()
	} else if err != nil {
		return fail("the token could not be taken for the proof: " + why(err))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A bot that starts meanwhile is not kept waiting.
	var serving sync.WaitGroup
	serving.Go(func() { held.Serve(func(tokenlock.Holder) { cancel() }) })
	defer serving.Wait()
	defer held.Release()
	kept, err := store.Open(ctx, store.Options{Dir: v.config.StateDir, Fingerprint: v.of, Version: v.Version})
	if err != nil {
		return needsYou(err.Error())
	}
	defer func() {
		closing, done := context.WithTimeout(context.Background(), leaving)
		defer done()
		_ = kept.Close(closing)
	}()
	return v.prove(ctx, kept)
}

// wordOfRunning is the proof by a running instance: a second session would cost a
// start and prove less.
func (v *visit) wordOfRunning() Finding {
	r := v.running
	if r == nil {
		return warn("not proved: "+v.holder.String()+" runs the bot and cannot be asked, and a second session would get in its way",
			"Start it with run --api and ask again, or stop it and run the doctor.")
	}
	if v.starting(r) {
		return warn("not proved yet: the running instance is just starting", "Ask again in a minute.").saw(trimmed([]string{r.Reason})...)
	}
	if !r.Connected {
		return fail("the running instance is not connected: "+r.StatusText, "See Running instance above; the checks between say what works.").saw(trimmed([]string{r.Reason})...)
	}
	since := ""
	if r.Since != nil {
		since = " for " + lasted(v.Now().Sub(*r.Since))
	}
	f := pass(fmt.Sprintf("by the running instance: %s is %s%s, in %s", r.Bot.Username, strings.ToLower(r.StatusText), since, text.Count(r.Bot.Guilds, "guild")),
		"no session start was spent")
	if r.Counts.ACKs > 0 {
		f = f.saw(fmt.Sprintf("%s sent, %d answered", text.Count(int(r.Counts.Heartbeats), "heartbeat"), r.Counts.ACKs))
	} else {
		f = f.saw("no heartbeat has been due yet")
	}
	if r.Latency.Gateway != nil {
		f = f.saw("heartbeat round trips: " + r.Latency.Gateway.says())
	}
	return f
}

// visitor asks the bot's account for a session start that is not the bot's own:
// it keeps the spacing and counts in the budget, but what becomes of the proof's
// short session says nothing about the bot's next one (G-038, G-042).
type visitor struct {
	ledger *identify.Limiter
	waits  func(until time.Time, why string)
}

// visitorPair is the place of such starts in the account.
var visitorPair = gateway.ShardID{Count: -1}

func (p visitor) Acquire(ctx context.Context, _ gateway.ShardID, announce func(time.Time, string)) (identify.Grant, error) {
	return p.ledger.Acquire(ctx, visitorPair, func(until time.Time, why string) {
		announce(until, why)
		p.waits(until, why)
	})
}

// proof is what was seen of a session.
type proof struct {
	hello    gateway.HelloReceived
	ready    gateway.Ready
	beats    []time.Duration
	trouble  []string
	parked   gateway.Reason
	waiting  string // why the turn comes too late, and when it comes
	until    time.Time
	complete chan struct{}
	finish   sync.Once
}

func (p *proof) end() { p.finish.Do(func() { close(p.complete) }) }

// see takes in one observation; they come one after another.
func (p *proof) see(n gateway.Observation) {
	switch o := n.Event.(type) {
	case gateway.HelloReceived:
		p.hello = o
	case gateway.Ready:
		p.ready = o
	case gateway.HeartbeatACK:
		p.beats = append(p.beats, o.Latency)
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
			p.end()
		}
	}
}

// prove starts a session, exchanges heartbeats, and leaves it as a pause does:
// Discord ends it by itself after a while, and the session that the bot has saved
// is not touched.
func (v *visit) prove(ctx context.Context, kept *store.Store) Finding {
	p := &proof{complete: make(chan struct{})}
	var mu sync.Mutex // for p.waiting, which the permit's goroutine sets
	permit := visitor{
		ledger: identify.New(identify.Options{Storage: kept.Identifies(), SessionStartLimit: v.preflight.Limits}),
		waits: func(until time.Time, why string) {
			if time.Until(until) > longestWait {
				mu.Lock()
				p.waiting, p.until = why, until
				mu.Unlock()
				p.end()
			}
		},
	}
	dialer, idle := v.dialer()
	defer idle()
	presence := v.config.Presence()
	intents := v.intents()
	if v.report.Application.FlagsKnown {
		intents &^= intents.Refused(v.report.Application.Flags)
	}
	seen := make(chan gateway.Observation, 1000)
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: v.config.Token.Reveal(), Intents: intents},
		URLSource:   v.preflight, Shard: v.pair, IdentifyLimiter: permit, Dialer: dialer, Events: []string{}, Presence: &presence,
		Compression: v.config.Compression, ReadLimit: v.config.ReadLimit,
		Observer: gateway.ObserverFunc(func(n gateway.Observation) { seen <- n }),
		Timing:   gateway.Timing{SilenceProbe: proofBeat, Connect: dialTime, Hello: dialTime, Close: leaving / 2},
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
	v.follow(ctx, p, seen)
	patience, done := context.WithTimeout(context.Background(), leaving)
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
			p.see(n)
		case <-stopped:
			alive = false
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return v.judge(ctx, p)
}

// follow takes observations in until enough has been seen.
func (v *visit) follow(ctx context.Context, p *proof, seen <-chan gateway.Observation) {
	// What is needed to leave, and to say so, is taken off the check's own time.
	deadline, _ := ctx.Deadline()
	over := time.NewTimer(time.Until(deadline) - 2*leaving)
	defer over.Stop()
	var heard <-chan time.Time
	for {
		select {
		case n := <-seen:
			p.see(n)
			if p.ready.SessionID != "" && heard == nil {
				timer := time.NewTimer(listening)
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

// judge says what the proof has shown.
func (v *visit) judge(ctx context.Context, p *proof) Finding {
	var f Finding
	switch {
	case p.parked.Kind != gateway.ReasonNone:
		policy := p.parked.Code.Policy()
		f = needsYou(fmt.Sprintf("Discord refuses the session (close code %d): %s", p.parked.Code, policy.Says), policy.Remedy).because(health.ClientMistake)
		switch p.parked.Code {
		case gateway.CloseAuthFailed:
			f.Cause = health.TokenRefused
		case gateway.CloseInvalidIntents, gateway.CloseDisallowedIntents:
			f.Cause = health.IntentsRefused
		case gateway.CloseInvalidShard, gateway.CloseShardingRequired:
			f.Cause = health.ShardingRequired
		}
		return f.saw(p.trouble...)
	case p.waiting != "":
		return warn("not proved now, to spare session starts; the next one may be spent at "+p.until.Local().Format(time.TimeOnly),
			"Run the doctor again then. Everything before READY works.").saw("the account of session starts says: " + p.waiting).because(health.IdentifyBudget)
	case p.ready.SessionID == "" && ctx.Err() == context.Canceled:
		return warn("not proved: the bot was started meanwhile and has taken over", "Run the doctor again to ask it.")
	case p.ready.SessionID == "" && p.hello.Interval == 0:
		return fail("no HELLO: the connection does not come about", "See WebSocket (wss) above; if that is well, run the doctor again.").saw(p.trouble...).because(health.NetworkDown)
	case p.ready.SessionID == "":
		return fail("HELLO came, READY did not", "If https://discordstatus.com reports trouble, wait: the bot does so too. Else run the doctor again in a minute.").
			saw(p.trouble...).because(health.DiscordOutage)
	}
	v.mu.Lock()
	v.beats = p.beats
	v.mu.Unlock()
	f = pass(fmt.Sprintf("READY %s after IDENTIFY: %s, in %s", ms(p.ready.Took), p.ready.Username, text.Count(p.ready.Guilds, "guild")),
		fmt.Sprintf("HELLO %s after the dial, with a heartbeat wanted every %.1f s", ms(p.hello.Took), p.hello.Interval.Seconds()))
	if len(p.beats) == 0 {
		f = warn("READY came, but no heartbeat was answered", "Run the doctor again; if it stays so, something on the way lets nothing out.").saw(f.Evidence...).because(health.HalfOpen)
	} else {
		f = f.saw("first heartbeat answered in " + ms(p.beats[0]))
	}
	if v.pair.Count > 1 {
		f = f.saw(fmt.Sprintf("this was shard %d of %d", v.pair.ID, v.pair.Count))
	}
	f = f.saw(p.trouble...)
	return f.saw("left with code 4900: nothing ended, and the session that the bot has saved is as it was; 1 session start was spent")
}
