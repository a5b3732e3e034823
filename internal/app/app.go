// Package app wires one running bot together and knows the order in which its parts
// start and stop.
//
// An [App] is a fleet of shards with ResearchBot as their handler, or the proxy for bots
// in other languages (Options.Proxy). It also has the REST transport of both, the identify limiter, the health tracker, the services around it
// and, if wanted, the HTTP API. What survives the process comes in through [Options]; the
// caller opens and closes it.
//
// Where to look: app.go makes the parts; run.go starts and stops them; shards.go and
// shardcount.go decide which shards run; credentials.go follows a changed token;
// services.go is the history, the alerts and Discord's status page;
// proxy.go has what is different with the proxy.
//
// # What SIGTERM does, down to the close code
//
//  1. runUntilSignal (cmd/evergreen/run.go) takes the signal and calls [App.Stop] with
//     [gateway.KeepSession], or [gateway.EndSession] with --goodbye.
//  2. App.Stop ends the lifecycle; awaitEnd in [App.Run] wakes and calls shutdown, which
//     has SHUTDOWN_GRACE: half of it for the shards, the rest for the bot.
//  3. [fleet.Fleet.Stop] calls [gateway.Shard.Stop] of all shards side by side. Each takes
//     no further events in and waits for the handlers of those it has.
//  4. closeForStop (gateway/serve.go) sends the close frame and waits until it has left:
//     4900 keeps the session, 1000 ends it (gateway/close.go).
//  5. [bot.Bot.Stop] finishes commands; Run returns when every goroutine has ended.
//  6. state.release (cmd/evergreen/state.go) saves how the run ended, closes the store and
//     frees the token.
//
// # How a kill -9 is survived
//
//  1. While the bot runs, the shard calls [gateway.SessionStore] Save for every event that
//     is handled; the store's writer (internal/store/writer.go) commits within 20 ms.
//  2. The operating system frees the lock of the dead process; openState
//     (cmd/evergreen/state.go) takes it, and store.Open reads what was committed.
//  3. Store.BeginRun finds a run without an end, and Store.Downtime makes the time since
//     its last sign of life the incident that the tracker begins with.
//  4. build asks [Sessions] whether a session can be resumed: one younger than
//     store.SessionLife, of this token, these intents and these shards. Then Run does not
//     wait for the preflight.
//  5. beginSession (gateway/run.go) begins with that session, so that the shard sends a
//     RESUME. Discord replays the events after the last one that was handled, and takes no
//     second answer with the nonce of the first (internal/bot/nonce.go).
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

	"evergreen/clock"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/network"
	"evergreen/internal/discord/preflight"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/lifecycle"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/process/logging"
	"evergreen/internal/sidecar"
	"evergreen/internal/web/api"
)

// Options configures an [App]. Config with a token is required; every other
// zero value means the documented default.
type Options struct {
	Config config.Config
	// Logger takes the lines of all parts, each with its component. Default:
	// none are written.
	Logger *slog.Logger
	// Redact removes secrets from texts that are stored. Default: a redactor that
	// knows the token.
	Redact func(string) string
	// Version is shown to people and, in the User-Agent, to Discord.
	Version string
	// API serves the HTTP API on Config.APIAddr; Lines holds the last lines of
	// the log for it.
	API   bool
	Lines *logging.Ring
	// Simulator is the address of the chat page of the simulated Discord that the bot
	// is in; the dashboard links to it. Default: it is the real one.
	Simulator string
	// Instance is what the HTTP API calls this run. Default: empty.
	Instance string
	// Listening is called with the address of the HTTP API, before anything else
	// starts, and with nil when the API has failed. Default: none.
	Listening func(net.Addr)

	// Transport makes the REST round trips below the rate limits and retries.
	// Default: over the network, by the proxies of Config.
	Transport http.RoundTripper
	// Dialer opens the gateway's WebSockets. Default: the same way as REST.
	Dialer gateway.Dialer
	// Resolver turns names into addresses. Default: the system's.
	Resolver network.Resolver
	// Gateway is the gateway's URL while REST has told none. Default: Discord's, if
	// Config.APIURL is Discord's.
	Gateway string
	// Machine is watched for memory that runs short. Default: none.
	Machine *host.Machine
	// Observers see every observation of the shard, after the app's own.
	Observers []gateway.Observer
	// Channels take alerts beside those that Config names.
	Channels []alert.Channel
	// Commands are offered beside [bot.Builtin].
	Commands []bot.Command
	// Proxy serves bots in other languages in place of ResearchBot, on Config.ProxyAddr.
	// ProxyDir is the folder for what survives the process. Default: nothing does.
	Proxy    bool
	ProxyDir string
	// StartBot is called with the address that bots connect to, once they can. What it
	// returns, unless it is nil, ends what it has started, at the latest when its context
	// ends; that is done while bots can still connect. Default: none.
	StartBot func(net.Addr) (end func(context.Context))
	// Listen opens the address of a setting, which is API_ADDR or PROXY_ADDR. Default: as
	// a new TCP listener.
	Listen func(ctx context.Context, setting, addr string) (net.Listener, error)

	// Timing replaces the timing that Config gives. Default: that of Config.
	Timing *gateway.Timing
	// Rand returns numbers in [0,1) for every jitter; many goroutines call it.
	// Default math/rand/v2.
	Rand func() float64
	// Clock tells a sleep of the host from a wall clock that was set. Default: the
	// machine's.
	Clock *clock.Clock

	// Sessions, Storage (of the identify limiter), Journal (of the incidents),
	// History, Alerts and Limits (of REST) keep what survives the process. Default: a
	// fresh start, and everything ends with the process.
	Sessions Sessions
	Storage  identify.Storage
	Journal  health.Journal
	History  history.Storage
	Alerts   alert.Storage
	Limits   rest.Storage
	// PreviousDowntime is the time since the previous run, as [health.Downtime] makes it. Default:
	// there was none.
	PreviousDowntime *health.Incident
	// Conditions returns what is known to be wrong beside the connection: that these
	// are not kept, that another process uses the token. Default: nothing.
	Conditions func() []health.Condition
	// TokenChanged is called with a token that takes the place of the one before.
	// Default: none.
	TokenChanged func(token string)
}

// Sessions keeps a bot's sessions from one run to the next. A session belongs to
// one shard and to the intents it was started with. A [store.Store] is one.
type Sessions interface {
	// Sessions returns the sessions of shards that identify with these intents.
	Sessions(gateway.Intents) fleet.Sessions
	// Resumable reports whether one of these shards has a session to resume.
	Resumable([]gateway.ShardID, gateway.Intents) bool
	// Shards and Intents are the number of shards and the intents of the sessions
	// that are there to resume, 0 without any.
	Shards() int
	Intents() gateway.Intents
}

// App is one bot. Make it with [New], start it with [App.Run] and end it with
// [App.Stop].
//
// All methods may be called at the same time, Run once. An App answers the questions of
// its parts itself. It is the [gateway.URLSource] and [gateway.CredentialChecker] of
// its shards, the [health.Source] of its tracker and the [bot.Health] of its bot.
type App struct {
	opts        Options
	log         *slog.Logger
	client      *http.Client
	rest        *rest.Transport
	preflight   *preflight.Client
	limiter     *identify.Limiter
	tracker     *health.Tracker
	healthCheck *health.Monitor
	services    services
	token       *token
	network     *network.Network      // nil with Options.Transport and Dialer
	memory      *memoryMonitor        // nil without a machine
	server      *api.Server           // nil without the API
	proxy       *sidecar.Sidecar      // nil without Options.Proxy
	endBot      func(context.Context) // ends what Options.StartBot has started; nil before and without it

	// provisional is the time in which the bot runs one shard because REST has not
	// told how many it needs. growing is set while the number of shards changes
	// because Discord refuses the present one.
	provisional provisionalCount
	growing     atomic.Bool
	// advised is the highest number of shards that the log has recommended.
	advised int

	// preflightReport is the result of the preflight; nil before it.
	preflightReport atomic.Pointer[preflight.Report]
	// preflightDone is closed after the preflight.
	preflightDone chan struct{}
	// listening is closed once the addresses of the HTTP API and of the proxy are open.
	listening chan struct{}
	// parts is replaced once at most, before the shards run: when the preflight
	// finds optional intents switched off.
	parts atomic.Pointer[botParts]

	mu   sync.Mutex
	work sync.WaitGroup // work beside Run; Add only under mu, before the stop

	life     *lifecycle.Lifecycle
	stopOnce sync.Once
	mode     gateway.StopMode // of the first stop; set before life stops
}

// program is what handles the events of the shards.
type program interface {
	gateway.Handler
	gateway.Observer
	Run(context.Context) error
	Stop(context.Context) error
}

// botParts is what depends on the intents: the shards and their handler.
type botParts struct {
	fleet   *fleet.Fleet
	program program
	bot     *bot.Bot // the program, unless that is the proxy
	intents gateway.Intents
	// resumes: a shard has a session of an earlier run to resume.
	resumes bool
}

// New makes an App. It sends no request and starts no goroutine. The error names the
// first option that cannot work.
func New(o Options) (*App, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.New(clock.Source{})
	}
	if o.Redact == nil {
		o.Redact = logging.NewRedactor(o.Config.Token.Reveal()).Redact
	}
	a := &App{
		opts: o, log: logging.Component(o.Logger, "Evergreen"),
		life: lifecycle.New(), preflightDone: make(chan struct{}), listening: make(chan struct{}), provisional: provisionalCount{wake: make(chan struct{}, 1)}, token: &token{used: o.Config.Token.Reveal()},
	}
	err := a.setupNetwork()
	if err != nil {
		return nil, err
	}
	a.rest = rest.New(rest.Options{
		Base: a.opts.Transport, UserAgent: a.userAgent(), TokenRecheck: tokenRecheck, GlobalLimit: o.Config.RESTLimit, Observe: a.logREST, Storage: o.Limits, Rand: o.Rand,
	})
	a.client = &http.Client{
		Transport: tokenTransport{next: a.rest, first: o.Config.Token.Reveal(), token: a.token},
		// Discord's API never redirects; a captive portal does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if a.preflight, err = preflight.New(a.preflightOptions()); err != nil {
		return nil, err
	}
	a.limiter = identify.New(identify.Options{
		Storage: o.Storage, SessionStartLimit: a.preflight.Limits, HoldUntil: a.preflightDone, Alert: a.warnBudget, Rand: o.Rand,
	})
	if o.Machine != nil {
		a.memory = &memoryMonitor{machine: *o.Machine, log: logging.Component(o.Logger, "Memory")}
	}
	a.tracker = health.NewTracker(health.Options{
		Source: a, Redact: o.Redact, Journal: o.Journal, PreviousDowntime: o.PreviousDowntime, Clock: o.Clock,
	})
	a.healthCheck = health.NewMonitor(health.MonitorOptions{
		Snapshot: a.tracker.Snapshot, Log: logging.Component(o.Logger, "Monitor"),
		Interval: o.Config.HealthCheckInterval, OfflineAfter: o.Config.OfflineWarningAfter,
	})
	a.services = a.newServices()
	if o.Proxy {
		if a.proxy, err = sidecar.New(a.proxyOptions()); err != nil {
			return nil, err
		}
		if a.opts.Sessions != nil && !a.proxy.Restored() {
			a.opts.Sessions = savedOnly{a.opts.Sessions}
		}
	}
	if o.API {
		if a.server, err = a.newServer(); err != nil {
			return nil, err
		}
	}
	if err = a.build(a.firstIntents()); err != nil {
		return nil, err
	}
	return a, nil
}

// wantedIntents returns the intents that the settings ask for, or the bots behind the
// proxy.
func (a *App) wantedIntents() gateway.Intents {
	if a.proxy != nil {
		return a.proxy.Known().Intents
	}
	return bot.Intents(a.opts.Config.PresenceIntent)
}

// firstIntents returns the intents until the preflight has ended: those of a session to
// resume, if it was begun without some of the optional intents.
func (a *App) firstIntents() gateway.Intents {
	wanted := a.wantedIntents()
	if a.opts.Sessions == nil {
		return wanted
	}
	left := a.opts.Sessions.Intents()
	if left|a.opts.Config.OptionalIntents&wanted == wanted && left&^wanted == 0 {
		return left
	}
	return wanted
}

// userAgent returns the User-Agent in the form that Discord documents.
func (a *App) userAgent() string {
	return "DiscordBot (https://github.com/evergreen, " + cmp.Or(a.opts.Version, "0") + ")"
}

// tokenRecheck is how soon a token that was answered 401 is tested again, in case the
// answer was a mistake. Discord bans an address at 10,000 refused requests in ten
// minutes, so one in ten minutes needs no backoff.
const tokenRecheck = 10 * time.Minute

func (a *App) preflightOptions() preflight.Options {
	c := a.opts.Config
	return preflight.Options{
		HTTPClient: a.client, APIURL: c.APIURL, Gateway: a.fallbackGateway(), UserAgent: a.userAgent(), Token: a.token.newest, TokenRecheck: tokenRecheck,
		Running: a.shardCount, Intents: a.wantedIntents, Optional: a.optionalIntents(), Logger: logging.Component(a.opts.Logger, "Preflight"),
	}
}

// build makes the bot and the shards for the intents.
func (a *App) build(intents gateway.Intents) error {
	c := a.opts.Config
	parts := botParts{intents: intents}
	if err := a.makeProgram(&parts); err != nil {
		return err
	}
	timing := c.Timing()
	if a.opts.Timing != nil {
		timing = *a.opts.Timing
	}
	presence := a.Presence()
	var sessions fleet.Sessions
	if a.opts.Sessions != nil {
		sessions = a.opts.Sessions.Sessions(intents)
	}
	var memory int64
	if a.opts.Machine != nil {
		memory = a.opts.Machine.Memory().Granted()
	}
	eventLog := health.NewEventLog(logging.Component(a.opts.Logger, "Gateway"), a.opts.Clock)
	shard := gateway.Options{
		Credentials: gateway.Credentials{Token: a.token.current(), Intents: intents},
		URLSource:   a, APIURL: a.gatewayTrust(), CredentialChecker: a, IdentifyLimiter: a.limiter, Dialer: a.opts.Dialer,
		Observer: a.observers(eventLog, parts.program),
		Handler:  parts.program, Events: bot.Events(),
		Presence: &presence, Compression: c.Compression,
		MaxAttempts: c.MaxReconnectAttempts, Timing: timing, Rand: a.opts.Rand, Clock: a.opts.Clock,
	}
	if a.proxy != nil { // its bots want every event, and large guilds as they like
		shard.Events, shard.LargeThreshold = nil, a.proxy.Known().LargeThreshold
	}
	var err error
	parts.fleet, err = fleet.New(fleet.Options{
		Shard:    shard,
		Assigner: fleet.AssignerFunc(a.assignShards), Sessions: sessions,
		Room: func(shards int) (readLimit, queueBytes int64) { return c.Room(memory, shards) },
	})
	if err != nil {
		return err
	}
	if a.shardCount() > 0 { // known without asking Discord
		if err := a.makeShards(context.Background(), &parts); err != nil {
			return err
		}
		parts.resumes = sessions != nil && a.opts.Sessions.Resumable(parts.fleet.Assignment().Shards(), intents)
	}
	if a.proxy != nil {
		a.proxy.Attach(parts.fleet)
	} else {
		parts.bot.Attach(anyShard{parts.fleet})
	}
	a.parts.Store(&parts)
	return nil
}

// makeProgram makes what handles the events.
func (a *App) makeProgram(parts *botParts) (err error) {
	if a.proxy != nil {
		parts.program = a.proxy
		return nil
	}
	c := a.opts.Config
	parts.bot, err = bot.New(bot.Options{
		Token: c.Token.Reveal(), HTTPClient: a.client, APIURL: c.APIURL, UserAgent: a.userAgent(), Version: a.opts.Version,
		Prefix: c.CommandPrefix, Commands: append(bot.Builtin(), a.opts.Commands...), KeepCommands: !c.SlashCommands,
		Owners: c.OwnerIDs, Shutdown: func() { a.requestStop(gateway.EndSession) },
		Intents: parts.intents, Presence: c.Presence(), Undelivered: func() bool { return !a.rest.Undelivered().Since.IsZero() },
		KeepaliveInterval: c.KeepaliveInterval, ActivityWarningAfter: c.ActivityWarningAfter,
		Concurrency: c.CommandConcurrency, HandlerTimeout: c.CommandTimeout, Cooldown: c.CommandCooldown,
		Health: a, Logger: logging.Component(a.opts.Logger, "ResearchBot"), Rand: a.opts.Rand,
	})
	if err != nil {
		return fmt.Errorf("the bot cannot be set up: %w", err)
	}
	parts.program = parts.bot
	return nil
}

// observers returns the observers of the shards, the tracker first: the others ask it.
func (a *App) observers(more ...gateway.Observer) health.Observers {
	all := append(health.Observers{a.tracker, a.services.history}, more...)
	if a.server != nil {
		all = append(all, a.server)
	}
	return append(all, a.opts.Observers...)
}

// Fleet returns the shards. Until the preflight has ended, others may take their place.
func (a *App) Fleet() *fleet.Fleet { return a.parts.Load().fleet }

// Shard returns the first of the shards; nil while it is not known which run here.
func (a *App) Shard() *gateway.Shard {
	if all := a.Fleet().Shards(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Bot returns the handler of the shards, which may be replaced as [App.Fleet] may; nil
// with Options.Proxy.
func (a *App) Bot() *bot.Bot { return a.parts.Load().bot }

// Tracker returns the health tracker.
func (a *App) Tracker() *health.Tracker { return a.tracker }

// REST returns the counters of the REST transport.
func (a *App) REST() rest.Stats { return a.rest.Stats() }

// Listening is closed once the addresses of the HTTP API and of the proxy are open.
func (a *App) Listening() <-chan struct{} { return a.listening }

// APIAddr returns where the HTTP API listens; nil before it does and without it.
func (a *App) APIAddr() net.Addr {
	if a.server == nil {
		return nil
	}
	return a.server.Addr()
}
