package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/app"
	"evergreen/internal/mishap"
	"evergreen/internal/process/config"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/simapi"
)

// Options configures [Run]. Zero values mean the defaults named with each
// field.
type Options struct {
	// For is how long users ask and mishaps happen; 0: until the context ends.
	For time.Duration
	// Seed decides the faults, their order and parameters, and who asks what.
	Seed uint64
	// Rate is how many commands a second people ask: 2.
	Rate float64
	// Pace is the time between the end of one mishap and the next: 2 s.
	Pace time.Duration
	// Screen shows the demo. Default: none.
	Screen Screen
	// Logger takes the bot's own log. Default: none.
	Logger  *slog.Logger
	Version string
	// Dashboard is where the bot's dashboard and HTTP API are served, on this
	// machine; if its port is taken, on another one. The control API of the simulated
	// Discord gets the port behind it. Empty: none of them is served.
	Dashboard string
	// Bot is a bot in a process of its own, behind Evergreen's proxy, in the place of
	// ResearchBot. It is killed, hung and redeployed. Default: none.
	Bot *Program
}

// run is one demo under way.
type run struct {
	opts      Options
	world     *World
	app       *app.App
	users     *Users
	bot       *proxied // nil: ResearchBot
	observer  *observer
	dashboard dashboardAddr
	control   *simapi.Server // nil: not served
	start     time.Time
	told      time.Time // incidents up to here are in an episode; owned by playAll

	mu        sync.Mutex
	score     Score // what is added up here
	kinds     map[string]int
	now       *mishap.Occurrence
	nowSince  time.Time
	pressed   time.Time // when a person last set a fault
	finishing bool
}

// speed is how much faster than in reality Discord's intervals pass.
const speed = 10

// timing is the shard's, made to match.
var timing = gateway.Timing{
	HeartbeatTimeout: 6 * time.Second, SilenceProbe: 1500 * time.Millisecond,
	SuspectAfter: time.Second, DeadAfter: 2 * time.Second,
	GatewayURL: 3 * time.Second, Connect: 3 * time.Second, Hello: 1500 * time.Millisecond,
	Ready: 20 * time.Second, ReadyWarning: 1500 * time.Millisecond, Resumed: 1500 * time.Millisecond,
	Write: 2 * time.Second, Close: 500 * time.Millisecond, Move: time.Second,
	BackoffLocal: 500 * time.Millisecond, BackoffRemote: 3 * time.Second, BackoffReset: 6 * time.Second,
	ParkRecheck: 3 * time.Second,
}

// How a demo begins and ends.
const (
	readyTimeout  = 30 * time.Second
	firstMishap   = 1500 * time.Millisecond
	finishTimeout = 30 * time.Second
	// interruptedTimeout takes its place for a bot behind the proxy that was interrupted.
	interruptedTimeout = 1500 * time.Millisecond
	refreshEvery       = 200 * time.Millisecond
	linkLatency        = 12 * time.Millisecond
	linkJitter         = 8 * time.Millisecond
	keepaliveTime      = 30 * time.Second
)

// Run runs the demo until Options.For is over or ctx ends, lets the bot finish
// what was asked, and says how it went. The end of hurry cuts that short.
func Run(ctx, hurry context.Context, o Options) (Summary, error) {
	r, err := prepare(ctx, o)
	if err != nil {
		return Summary{}, err
	}
	defer r.world.Sim.Close()
	endControl := r.serveControl()
	r.opts.Screen.Begin(r.heading())
	ran := make(chan error, 1)
	go func() { ran <- r.app.Run(context.WithoutCancel(ctx)) }()
	stop := func() error {
		endControl()
		if r.bot != nil {
			r.bot.close(hurry)
		}
		r.app.Stop(hurry, gateway.EndSession)
		return <-ran
	}
	if err := r.begin(ctx, ran); err != nil {
		return Summary{}, errors.Join(err, stop())
	}
	show := r.refresh()
	r.playFor(ctx, hurry)
	interrupted := ctx.Err() != nil
	r.finish(hurry, interrupted)
	end := r.summary()
	unanswered := r.world.Sim.Unanswered(r.world.Bot)
	if err := stop(); err != nil {
		show()
		return end, err
	}
	// The stop, too, has to be as Discord wants it.
	end.Verdict.Violations = r.world.Sim.Verdict(r.world.Bot).Violations
	end.Failures = r.failures(end.Score, unanswered, interrupted)
	show()
	r.opts.Screen.End(end)
	return end, nil
}

// prepare makes the world, the crowd and the bot.
func prepare(ctx context.Context, o Options) (*run, error) {
	if o.Rate <= 0 {
		o.Rate = 2
	}
	if o.Pace <= 0 {
		o.Pace = 2 * time.Second
	}
	if o.Screen == nil {
		o.Screen = noScreen{}
	}
	r := &run{opts: o, observer: newObserver(), kinds: map[string]int{}, start: time.Now()}
	r.told = r.start
	if o.Bot != nil {
		if err := o.Bot.check(); err != nil {
			return nil, err
		}
	}
	if o.Dashboard != "" {
		var err error
		if r.dashboard, err = findDashboardAddr(ctx, o.Dashboard); err != nil {
			return nil, fmt.Errorf("the dashboard cannot be served (--no-api goes without it): %w", err)
		}
	}
	rules, err := discordsim.Config{Seed: o.Seed, Latency: linkLatency, Jitter: linkJitter, LogFrames: -1}.Faster(speed)
	if err != nil {
		return nil, err
	}
	r.world = NewWorld(WorldOptions{Rate: o.Rate, Sim: rules})
	r.users = &Users{World: r.world, Rate: o.Rate, Say: userMessages, Slash: userSlashCommands, Seed: o.Seed}
	if o.Bot != nil {
		r.users.Say, r.users.Slash = commandsFor(*o.Bot)
		r.bot = newProxied(*o.Bot, r.world, r.users)
	}

	simulator := ""
	if r.dashboard.addr != "" {
		if err := r.listenControl(ctx); err != nil {
			r.world.Sim.Close()
			return nil, fmt.Errorf("the simulated Discord cannot be looked into (--no-api goes without it): %w", err)
		}
		simulator = r.control.URL() + "/"
	}
	c := config.Against(r.world.Sim.APIURL(), r.world.Bot.Token)
	c.KeepaliveInterval, c.APIAddr = keepaliveTime, r.dashboard.addr
	lines := logging.NewRing(nil, nil)
	log := slog.New(lines)
	if o.Logger != nil {
		log = slog.New(slog.NewMultiHandler(o.Logger.Handler(), lines))
	}
	chance := newJitter(o.Seed)
	options := app.Options{
		Config: c, Logger: log, Version: o.Version, API: r.dashboard.addr != "", Lines: lines, Simulator: simulator, Commands: faultyCommands, Timing: &timing, Rand: chance.next,
		Transport: r.world.Sim.Transport(), Dialer: gateway.WebSocketDialer{Transport: r.world.Sim.Transport()},
		Observers: []gateway.Observer{r.observer},
	}
	if r.bot != nil {
		options.Proxy, options.Commands, options.Config.ProxyAddr = true, nil, "127.0.0.1:0"
		options.StartBot = func(addr net.Addr) func(context.Context) {
			r.bot.listens <- addr
			return nil
		}
	}
	bot, err := app.New(options)
	if err != nil {
		if r.control != nil {
			r.control.Close()
		}
		r.world.Sim.Close()
		return nil, err
	}
	r.app = bot
	if r.bot != nil {
		r.bot.status = bot.Proxy().Status
	}
	return r, nil
}

// jitter is a seeded source of jitter for many goroutines.
type jitter struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newJitter(seed uint64) *jitter {
	return &jitter{rng: rand.New(rand.NewPCG(seed, 0xB07))}
}

func (c *jitter) next() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.Float64()
}

// begin waits until the bot is online for the first time, and has answered if it is behind
// the proxy.
func (r *run) begin(ctx context.Context, ran chan error) error {
	if r.bot == nil {
		return r.awaitReady(ctx, ran)
	}
	if err := r.bot.begin(ctx, ran); err != nil {
		return err
	}
	if err := r.awaitReady(ctx, ran); err != nil {
		return err
	}
	return r.bot.rehearse(ctx)
}

// awaitReady waits until the bot is online for the first time.
func (r *run) awaitReady(ctx context.Context, ran chan error) error {
	limit := time.NewTimer(readyTimeout)
	defer limit.Stop()
	select {
	case <-r.observer.ready:
		return nil
	case err := <-ran:
		ran <- nil
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return errors.New("the bot was not online within " + readyTimeout.String() + ": " + r.app.Tracker().Snapshot().Sentence())
	}
}

// playFor lets people ask and faults strike until the time is over, and the last
// strike come to its end.
func (r *run) playFor(ctx, hurry context.Context) {
	interrupted := ctx
	if r.opts.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.opts.For)
		defer cancel()
	}
	var acting sync.WaitGroup
	acting.Go(func() { r.users.Run(ctx) })
	acting.Go(func() {
		if r.bot != nil {
			r.strikeAll(ctx, interrupted)
			return
		}
		r.playAll(ctx, hurry)
	})
	<-ctx.Done()
	r.mu.Lock()
	r.finishing = true
	r.mu.Unlock()
	acting.Wait()
	r.world.Sim.LiftAll()
}

// playAll lets one thing after another go wrong.
func (r *run) playAll(ctx, hurry context.Context) {
	schedule := mishap.NewSchedule(mishap.ScheduleOptions{
		Seed: r.opts.Seed, Commands: true, Every: mishap.CostlyEvery(r.opts.Pace + 3*time.Second),
	})
	for delay := firstMishap; wait(ctx, delay); delay = r.opts.Pace {
		m := schedule.Next()
		r.beginEpisode(m)
		r.opts.Screen.Mishap(r.elapsed(), m)
		e := r.play(hurry, m)
		r.endEpisode(e)
		r.opts.Screen.Episode(e)
	}
}

// strikeAll does one thing after another to the bot behind the proxy, until ctx ends. The end
// of interrupted cuts the one that is under way short.
func (r *run) strikeAll(ctx, interrupted context.Context) {
	deck := newStrikeDeck(r.opts.Seed, r.bot.program.canHang())
	for delay := firstMishap; wait(ctx, delay); delay = r.opts.Pace {
		d := deck.next()
		r.beginEpisode(d.Occurrence)
		r.opts.Screen.Mishap(r.elapsed(), d.Occurrence)
		var e Episode
		if d.strike.play == nil {
			e = r.play(interrupted, d.Occurrence)
		} else {
			e = r.strikeBot(interrupted, d)
		}
		e.Proxied = true
		r.endEpisode(e)
		r.opts.Screen.Episode(e)
	}
}

// wait waits, and reports whether ctx let it.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *run) beginEpisode(m mishap.Occurrence) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.nowSince = &m, time.Now()
	r.kinds[m.Name]++
	r.score.Mishaps++
}

func (r *run) endEpisode(e Episode) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = nil
	r.score.AtRisk += e.AtRisk
	if !e.Costs && r.pressed.Before(r.start.Add(e.At)) {
		r.score.Unforced += e.Grey
	}
	r.score.Longest = max(r.score.Longest, e.AtRisk)
	r.score.Replayed += e.Replayed
}

// finish waits until every command is answered and the bot is well, as long as
// that can still come about.
func (r *run) finish(hurry context.Context, interrupted bool) {
	timeout := finishTimeout
	if r.bot != nil {
		_ = r.bot.revive() // else what waits for it is counted
		if interrupted {
			timeout = interruptedTimeout
		}
	}
	limited, cancel := context.WithTimeout(hurry, timeout)
	defer cancel()
	for wait(limited, settledFor) {
		if r.world.Sim.Verdict(r.world.Bot).Waiting == 0 && r.app.Tracker().Snapshot().Ready {
			wait(limited, settledFor) // a second answer would come about now
			return
		}
	}
}

func (r *run) elapsed() time.Duration { return time.Since(r.start) }

// currentScore is the score at this moment.
func (r *run) currentScore() Score {
	v := r.world.Sim.Verdict(r.world.Bot)
	snap := r.app.Tracker().Snapshot()
	var proxied *ProxiedScore
	if r.bot != nil {
		proxied = r.bot.score()
		v.Violations = v.Broken() // its bot follows no advice
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.score
	s.Elapsed, s.Verdict, s.Up = r.elapsed(), v, v.Online+v.Offline
	s.Online, s.Status, s.Latency = r.world.Sim.Online(r.world.Bot), snap.Sentence(), r.app.Fleet().Latency()
	s.Finishing = r.finishing
	s.Proxied = proxied
	if r.now != nil {
		now := *r.now
		s.Now, s.NowFor = &now, time.Since(r.nowSince)
	}
	return s
}

// failures says what must not have happened.
func (r *run) failures(s Score, unanswered []string, interrupted bool) []string {
	if s.Proxied != nil {
		return proxiedFailures(s.Verdict, *s.Proxied, unanswered, interrupted)
	}
	return failures(s.Verdict, unanswered)
}

func (r *run) summary() Summary {
	s := Summary{Score: r.currentScore(), Seed: r.opts.Seed, Kinds: map[string]int{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, n := range r.kinds {
		s.Kinds[name] = n
	}
	return s
}

// refresh keeps the screen up to date until the function it returns is called.
func (r *run) refresh() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var showing sync.WaitGroup
	showing.Go(func() {
		for r.opts.Screen.Score(r.currentScore()); wait(ctx, refreshEvery); {
			r.opts.Screen.Score(r.currentScore())
		}
	})
	return func() {
		cancel()
		showing.Wait()
	}
}
