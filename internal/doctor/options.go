package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/network"
	"evergreen/internal/discord/preflight"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
)

// Options configures [Checks]. Loaded or LoadErr is required.
type Options struct {
	// Loaded is what [config.Load] returned, with TokenOptional, and LoadErr its
	// error.
	Loaded  *config.Loaded
	LoadErr error
	// Version of this program is told to Discord.
	Version string
	// ForProxy looks at evergreen proxy also where nothing says that it runs here.
	ForProxy bool
	// Fix lets checks mend what can be mended without risk.
	Fix bool

	// Machine is asked about memory, files, disk and sleep. Default: this one.
	Machine host.Machine
	// Resolver looks names up. Default: that of the system.
	Resolver Resolver
	// Dial opens TCP connections. Default: a [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Proxy returns the proxy of a request. Default: that of the settings, as for
	// the bot.
	Proxy func(*http.Request) (*url.URL, error)
	// Roots are the authorities that may sign certificates. Default: those of the
	// system.
	Roots *x509.CertPool
	// Now reads the clock of this machine. Default [time.Now].
	Now func() time.Time
}

// Resolver looks up the addresses of a name; network is ip4 or ip6.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// examination is what the checks need, and what they have found out. A field that
// a check writes is read only by checks that come after it.
type examination struct {
	Options
	config      config.Config
	fingerprint tokenlock.Fingerprint
	client      *http.Client // REST, without the bot's limits and retries
	limited     *http.Client // REST with the bot's limits; nil before the login
	close       func()
	started     time.Time
	proxied     bool // the bot is one behind evergreen proxy, by the settings or the state folder

	target      *url.URL // of the REST API
	proxy       *url.URL // nil without a proxy on the way to it
	addrs       []netip.Addr
	connectTime time.Duration // TCP round trip of the fastest address
	local       net.Addr      // this machine's end of it; nil if that is not known
	chainBytes  int           // size of the certificates that came in the TLS handshake

	answer       restAnswer // by REST
	preflight    *preflight.Client
	report       preflight.Report
	preflightErr error // why preflight would end a start, other than the token
	startLimit   identify.SessionStartLimit
	shard        gateway.ShardID // the shard to prove READY with
	gatewayURL   string          // the address

	summary  store.Summary     // of the database
	holder   *tokenlock.Holder // nil: no process runs the bot
	instance *instance         // what it says; nil if it cannot be asked

	botsReady bool // it is evergreen proxy, and bots can connect

	mu         sync.Mutex
	heartbeats []time.Duration // round trips of heartbeats
}

// restAnswer is what the headers of a REST answer tell.
type restAnswer struct {
	date time.Time // Discord's clock; zero if there is no Date header
	at   time.Time // this machine's clock at that moment
	edge string    // the place of Cloudflare's edge that answered, such as FRA
}

// Checks returns the checks for a bot, and a function that closes their
// connections; call it after [Examine].
func Checks(o Options) ([]Check, func()) {
	x := &examination{Options: o, config: config.Defaults(), started: time.Now()}
	if o.Loaded != nil {
		x.config = o.Loaded.Config
	}
	if x.Now == nil {
		x.Now = time.Now
	}
	if x.Resolver == nil {
		x.Resolver = net.DefaultResolver
	}
	if x.Dial == nil {
		x.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	if x.Proxy == nil {
		route, err := x.proxies().Route()
		if err != nil {
			route = func(*http.Request) (*url.URL, error) { return nil, err }
		}
		x.Proxy = route
	}
	x.fingerprint = tokenlock.FingerprintOf(x.config.Token.Reveal())
	x.target, _ = url.Parse(x.config.APIURL) // Load has checked it
	x.proxied = x.runsProxy()
	transport := x.transport()
	x.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	x.close = transport.CloseIdleConnections
	return x.checks(), x.close
}

// userAgent is the User-Agent of this program, in Discord's form.
func (x *examination) userAgent() string {
	return "DiscordBot (https://github.com/evergreen, " + cmp.Or(x.Version, "0") + ")"
}

func (x *examination) proxies() network.Proxies {
	c := x.config
	return network.Proxies{HTTPS: c.HTTPSProxy.Reveal(), HTTP: c.HTTPProxy.Reveal(), All: c.AllProxy.Reveal(), No: c.NoProxy}
}

// intents are what the bot asks for. Of one behind the proxy that is known once it has
// connected; until then nothing that has a switch.
func (x *examination) intents() gateway.Intents {
	if !x.isProxied() {
		return bot.Intents(x.config.PresenceIntent)
	}
	if x.instance != nil && x.instance.Proxy.Intents != 0 {
		return gateway.Intents(x.instance.Proxy.Intents)
	}
	return cmp.Or(gateway.Intents(x.config.ProxyIntents), gateway.IntentGuilds)
}

// isSimulated reports whether DISCORD_API_URL is not Discord's.
func (x *examination) isSimulated() bool {
	host := x.target.Hostname()
	return host != "discord.com" && host != "canary.discord.com" && host != "ptb.discord.com"
}
