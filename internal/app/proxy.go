package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/process/config"
	"evergreen/internal/process/logging"
	"evergreen/internal/sidecar"
)

// proxyOptions are the settings of the proxy for bots in other languages.
func (a *App) proxyOptions() sidecar.Options {
	c := a.opts.Config
	disk := int64(c.ProxyBacklogDisk)
	if disk == 0 {
		disk = -1
	}
	return sidecar.Options{
		Token: a.token.current, HTTPClient: a.client, UserAgent: a.userAgent(), APIURL: c.APIURL,
		Addr: c.ProxyAddr, Listen: a.listen("PROXY_ADDR"), PublicURL: c.ProxyURL, StandIn: c.ProxyToken.Reveal(), TLSCert: c.ProxyTLSCert, TLSKey: c.ProxyTLSKey,
		Intents: gateway.Intents(c.ProxyIntents), Shards: c.ProxyBotShards, NoREST: !c.ProxyREST,
		BacklogBytes: int64(c.ProxyBacklog), BacklogDisk: disk, BacklogAge: c.ProxyBacklogAge, Settle: c.ProxySettle,
		Interactions: sidecar.Mode(c.ProxyInteractions), AwayReply: c.ProxyAwayReply,
		Instance: a.opts.Instance, Dir: a.opts.ProxyDir, Log: logging.Component(a.opts.Logger, "Proxy"),
	}
}

// optionalIntents are the privileged intents that may be switched off. With the proxy
// those are all of them: a bot that asks for one is told by 4014, as Discord would.
func (a *App) optionalIntents() gateway.Intents {
	if a.opts.Proxy {
		return gateway.IntentsPrivileged
	}
	return a.opts.Config.OptionalIntents
}

// startProxy opens the address that bots connect to and serves it until serving ends. It
// returns once a bot has told what it wants, in this run or an earlier one.
func (a *App) startProxy(ctx, serving context.Context, running *sync.WaitGroup) error {
	if err := a.proxy.Listen(ctx); err != nil {
		return &config.Failure{Code: config.ExitConfig, Err: err, Steps: []string{
			"Free the address, or set PROXY_ADDR to another one and tell your bot: evergreen proxy setup",
		}}
	}
	close(a.listening)
	running.Go(func() {
		if err := a.proxy.Run(serving); err != nil {
			a.log.Error("The proxy has failed", "error", err)
			a.requestStop(gateway.KeepSession)
		}
	})
	if a.opts.StartBot != nil {
		a.endBot = a.opts.StartBot(a.proxy.Addr())
	}
	return a.awaitIdentity(ctx)
}

// endStartedBot ends what Options.StartBot has started, if that was not done.
func (a *App) endStartedBot() {
	if a.endBot != nil {
		a.endBot(a.life.AbortContext())
		a.endBot = nil
	}
}

// listen returns what opens the address of a setting.
func (a *App) listen(setting string) func(context.Context, string) (net.Listener, error) {
	return func(ctx context.Context, addr string) (net.Listener, error) {
		if a.opts.Listen == nil {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		}
		return a.opts.Listen(ctx, setting, addr)
	}
}

// preflightOfBot runs the preflight with what the bot asks for. A bot that asks for what
// Discord does not allow it is told so, and the next one that connects is asked.
func (a *App) preflightOfBot(ctx context.Context) error {
	for {
		err := a.runPreflight(ctx, true)
		refused, ok := errors.AsType[*intentsRefused](err)
		if !ok {
			return err
		}
		a.log.Error("The bot asks for intents that are switched off in the developer portal",
			"switches", refused.intents.Switches(), "do", "Switch them on at https://discord.com/developers/applications (your application, Bot), or have the bot ask for less; then start the bot again.")
		a.proxy.Refuse(gateway.CloseDisallowedIntents)
		if err := a.awaitIdentity(ctx); err != nil || a.life.Stopping() {
			return err
		}
	}
}

// awaitIdentity waits until it is known what the bot asks for. A stop ends it.
func (a *App) awaitIdentity(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.life.StopContext(), cancel)()
	if !a.proxy.Known().Known {
		// A wrong token is told now, not when the first bot comes.
		if _, err := a.preflight.Check(ctx); err != nil && !a.life.Stopping() {
			return err
		}
	}
	if !a.proxy.Known().Known { // it may have come meanwhile
		a.log.Info("Waiting for the first bot to connect: it says which intents it needs", "address", a.proxy.Addr().String(), "do", "evergreen proxy setup")
	}
	if _, err := a.proxy.AwaitIdentity(ctx); err != nil && !a.life.Stopping() {
		return err
	}
	return nil
}

// intentsRefused is the error of a preflight that found intents of the bot switched off.
type intentsRefused struct{ intents gateway.Intents }

func (e *intentsRefused) Error() string {
	return fmt.Sprintf("the intents %s are switched off", e.intents)
}

// Proxy returns the proxy for bots in other languages; nil without Options.Proxy.
func (a *App) Proxy() *sidecar.Sidecar { return a.proxy }

// savedOnly keeps sessions and resumes none: the proxy does not know the guilds that they
// belong to, and a RESUME brings none.
type savedOnly struct{ sessions Sessions }

// Sessions returns what saves sessions.
func (s savedOnly) Sessions(intents gateway.Intents) fleet.Sessions {
	return savedOnlyShards{s.sessions.Sessions(intents)}
}

// Resumable reports false.
func (savedOnly) Resumable([]gateway.ShardID, gateway.Intents) bool { return false }

// Shards returns 0.
func (savedOnly) Shards() int { return 0 }

// Intents returns 0.
func (savedOnly) Intents() gateway.Intents { return 0 }

type savedOnlyShards struct{ sessions fleet.Sessions }

// Session returns none.
func (savedOnlyShards) Session(gateway.ShardID) gateway.Session { return gateway.Session{} }

// SessionStore returns what saves the session of the shard.
func (s savedOnlyShards) SessionStore(shard gateway.ShardID) gateway.SessionStore {
	return s.sessions.SessionStore(shard)
}
