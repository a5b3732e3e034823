// Package app is at heart one running bot, wired together: settings in, one
// error out.
//
// An [App] is a shard, ResearchBot as its handler, the REST transport beneath
// both, the account of session starts, and whoever watches: tracker, narrator,
// monitor and, if wanted, the HTTP API. It knows the order in which these start
// and stop, and nothing of how any of them does its work. What has to survive
// the process (a session, the account) comes in through [Options] and is kept
// by whoever made it.
//
// Statement ids such as G-090 refer to the table in docs/conformance.md.
package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
	"evergreen/internal/api"
	"evergreen/internal/bot"
	"evergreen/internal/config"
	"evergreen/internal/health"
	"evergreen/internal/ledger"
	"evergreen/internal/logging"
	"evergreen/internal/preflight"
	"evergreen/internal/rest"
)

// Options configures an [App]. Config with a token is required; every other
// zero value means the documented default.
type Options struct {
	Config config.Config
	// Logger takes the lines of all parts, each with its component. Default:
	// none are written.
	Logger *slog.Logger
	// Redact takes secrets out of texts that are kept: what peers and libraries
	// said about an incident. Default: a redactor that knows the token.
	Redact func(string) string
	// Version is told to people and, in the User-Agent, to Discord.
	Version string
	// API serves the HTTP API on Config.APIAddr; Lines holds the last lines of
	// the log for it.
	API   bool
	Lines *api.LogRing

	// Transport makes the REST round trips below the rate limits and retries.
	// Default: one of its own, over the network.
	Transport http.RoundTripper
	// Dialer opens the gateway's WebSockets. Default: over the network.
	Dialer gateway.Dialer
	// Observers see every observation of the shard, after the app's own.
	Observers []gateway.Observer
	// Commands are offered beside [bot.Builtin].
	Commands []bot.Command

	// Timing replaces the timing that Config gives. Default: that of Config.
	Timing *gateway.Timing
	// Rand returns numbers in [0,1) for every jitter; many goroutines call it.
	// Default math/rand/v2.
	Rand func() float64

	// Sessions knows the session of an earlier run and keeps that of this one,
	// Storage keeps the account of session starts, Journal the incidents.
	// Default: a fresh start, and everything ends with the process.
	Sessions Sessions
	Storage  ledger.Storage
	Journal  health.Journal
}

// Sessions keeps a bot's session from one run to the next. A session belongs to
// the intents it was started with.
type Sessions interface {
	// Session is what an earlier run left to resume, or the zero Session. It is
	// asked once for each set of intents.
	Session(gateway.Intents) gateway.Session
	// Keeper is told whenever the session to resume changes.
	Keeper(gateway.Intents) gateway.Keeper
}

// forgetful is what keeps sessions when nobody does.
type forgetful struct{}

func (forgetful) Session(gateway.Intents) gateway.Session { return gateway.Session{} }
func (forgetful) Keeper(gateway.Intents) gateway.Keeper   { return nil }

// App is one bot. Make it with [New], start it with [App.Run], end it with
// [App.Stop].
type App struct {
	opts    Options
	log     *slog.Logger
	client  *http.Client
	rest    *rest.Transport
	check   *preflight.Client
	ledger  *ledger.Ledger
	tracker *health.Tracker
	monitor *health.Monitor
	watch   watch
	server  *api.Server // nil without the API

	// core is replaced once at most, before the shard runs: when Discord's
	// switches allow fewer intents than were wanted.
	core atomic.Pointer[core]

	started  atomic.Bool
	finished chan struct{} // closed when Run has returned

	stopOnce sync.Once
	mode     gateway.StopMode // of the first stop; read after halt has ended
	halt     context.Context  // ends with the first stop
	haltNow  context.CancelFunc
	hurry    context.Context // ends when nothing may be waited for any more
	hurryNow context.CancelFunc
}

// core is the shard and its handler: what depends on the intents.
type core struct {
	shard *gateway.Shard
	bot   *bot.Bot
	// resumes is whether the shard begins with the session of an earlier run.
	resumes bool
}

// New wires a bot together. Nothing runs and nobody is asked before [App.Run].
// The error names the first option that cannot work.
func New(o Options) (*App, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Redact == nil {
		o.Redact = logging.NewRedactor(o.Config.Token.Reveal()).Redact
	}
	if o.Sessions == nil {
		o.Sessions = forgetful{}
	}
	a := &App{
		opts: o, log: logging.Component(o.Logger, "Evergreen"),
		finished: make(chan struct{}),
	}
	a.halt, a.haltNow = context.WithCancel(context.Background())
	a.hurry, a.hurryNow = context.WithCancel(context.Background())
	a.rest = rest.New(rest.Options{
		Base: o.Transport, UserAgent: a.userAgent(), TokenRecheck: tokenRecheck, Observe: a.restSaid, Rand: o.Rand,
	})
	a.client = &http.Client{
		Transport: a.rest,
		// Discord's API never redirects; a captive portal does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var err error
	if a.check, err = preflight.New(a.preflightOptions()); err != nil {
		return nil, err
	}
	a.ledger = ledger.New(ledger.Options{Storage: o.Storage, Limits: a.check.Limits, Alert: a.startsRunLow, Rand: o.Rand})
	a.tracker = health.NewTracker(health.Options{
		Shards: 1, Stats: func() gateway.Stats { return a.Shard().Stats() }, Activity: a.activity, Redact: o.Redact,
		Journal: o.Journal,
	})
	a.monitor = health.NewMonitor(health.MonitorOptions{
		Snapshot: a.tracker.Snapshot, Log: logging.Component(o.Logger, "Monitor"),
		Interval: o.Config.HealthCheckInterval, OfflineAfter: orNever(o.Config.OfflineWarningAfter),
	})
	a.watch = a.newWatch()
	if o.API {
		if a.server, err = a.newServer(); err != nil {
			return nil, err
		}
	}
	if err = a.assemble(a.intents()); err != nil {
		return nil, err
	}
	return a, nil
}

// intents is what the bot wants to ask for.
func (a *App) intents() gateway.Intents { return bot.Intents(a.opts.Config.PresenceIntent) }

// userAgent names this program to Discord in the form it demands (G-125).
func (a *App) userAgent() string {
	return "DiscordBot (https://github.com/evergreen, " + cmp.Or(a.opts.Version, "0") + ")"
}

// tokenRecheck is how soon a token that was answered 401 is asked about again:
// the answer may have been a mistake, or somebody may have mended it (G-098).
const tokenRecheck = 10 * time.Minute

func (a *App) preflightOptions() preflight.Options {
	c := a.opts.Config
	return preflight.Options{
		HTTPClient: a.client, APIURL: c.APIURL, UserAgent: a.userAgent(), Token: c.Token.Reveal, TokenRecheck: tokenRecheck,
		Intents: a.intents(), Optional: c.OptionalIntents, Logger: logging.Component(a.opts.Logger, "Preflight"),
	}
}

// assemble makes the bot and the shard for the intents.
func (a *App) assemble(intents gateway.Intents) error {
	c := a.opts.Config
	var parts core
	var err error
	parts.bot, err = bot.New(bot.Options{
		Token: c.Token.Reveal(), HTTPClient: a.client, APIURL: c.APIURL, UserAgent: a.userAgent(), Version: a.opts.Version,
		Prefix: c.CommandPrefix, Commands: append(bot.Builtin(), a.opts.Commands...), KeepCommands: !c.SlashCommands,
		Owners: c.OwnerIDs, Goodbye: func() { a.requestStop(gateway.Goodbye) },
		Intents: intents, Presence: c.Presence(),
		KeepaliveInterval: c.KeepaliveInterval, ActivityWarningAfter: orNever(c.ActivityWarningAfter),
		Concurrency: c.CommandConcurrency, HandlerTimeout: c.CommandTimeout, Cooldown: orNever(c.CommandCooldown),
		Health: report{a.tracker}, Logger: logging.Component(a.opts.Logger, "ResearchBot"), Rand: a.opts.Rand,
	})
	if err != nil {
		return fmt.Errorf("the bot cannot be set up: %w", err)
	}
	timing := c.Timing()
	if a.opts.Timing != nil {
		timing = *a.opts.Timing
	}
	presence := c.Presence()
	dialer := a.opts.Dialer
	if dialer == nil {
		dialer = gateway.WebSocketDialer{UserAgent: a.userAgent()}
	}
	session := a.opts.Sessions.Session(intents)
	parts.resumes = session.Resumable()
	narrator := health.NewNarrator(logging.Component(a.opts.Logger, "Gateway"))
	parts.shard, err = gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: c.Token.Reveal(), Intents: intents},
		Locator:     a.check, Inspector: a.check, Permit: a.ledger, Keeper: a.opts.Sessions.Keeper(intents), Dialer: dialer,
		Observer: a.observers(narrator, parts.bot),
		Handler:  parts.bot, Events: bot.Events(),
		Presence: &presence, Session: session, Compression: c.Compression, ReadLimit: c.ReadLimit,
		MaxAttempts: c.MaxReconnectAttempts, Timing: timing, Rand: a.opts.Rand,
	})
	if err != nil {
		return err
	}
	parts.bot.Attach(parts.shard)
	a.core.Store(&parts)
	return nil
}

// observers are told of everything, the tracker first: the others ask it.
func (a *App) observers(more ...gateway.Observer) health.Observers {
	all := append(health.Observers{a.tracker, a.watch.history}, more...)
	if a.server != nil {
		all = append(all, a.server)
	}
	return append(all, a.opts.Observers...)
}

// orNever translates the settings' "0: never" into the "negative: never" of the
// parts.
func orNever(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// Shard is the running shard; until the questions before the start have been
// answered another one may take its place.
func (a *App) Shard() *gateway.Shard { return a.core.Load().shard }

// Bot is the running bot; what is said of [App.Shard] holds for it too.
func (a *App) Bot() *bot.Bot { return a.core.Load().bot }

// Tracker knows how the bot is.
func (a *App) Tracker() *health.Tracker { return a.tracker }

// REST tells how requests to Discord fare.
func (a *App) REST() rest.Stats { return a.rest.Stats() }

// APIAddr is where the HTTP API listens; nil before it does and without it.
func (a *App) APIAddr() net.Addr {
	if a.server == nil {
		return nil
	}
	return a.server.Addr()
}
