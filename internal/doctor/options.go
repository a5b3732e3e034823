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

// Options is whom the doctor examines, and with what. Loaded or LoadErr is
// required; every other zero value means the documented default.
type Options struct {
	// Loaded is what [config.Load] returned, with TokenOptional, or LoadErr why it
	// did not.
	Loaded  *config.Loaded
	LoadErr error
	// Version of this program is told to Discord.
	Version string
	// Fix mends what can be mended without risk: see the checks that say so.
	Fix bool

	// Machine is asked about memory, files, disk and sleep. Default: this one.
	Machine host.Machine
	// Resolver looks names up. Default: that of the system.
	Resolver Resolver
	// Dial opens TCP connections. Default: a [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Proxy says which proxy a request goes through. Default: that of the
	// settings, as for the bot.
	Proxy func(*http.Request) (*url.URL, error)
	// Roots are the authorities that certificates are checked against. Default:
	// those of the system.
	Roots *x509.CertPool
	// Now is the clock of this machine. Default [time.Now].
	Now func() time.Time
}

// Resolver looks up the addresses of a name; network is ip4 or ip6.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// visit is one examination: what the checks need, and what they have learnt. A
// field that a check writes is read only by checks that come after it.
type visit struct {
	Options
	config  config.Config
	of      tokenlock.Fingerprint
	client  *http.Client // REST, without the bot's limits and retries
	close   func()
	started time.Time

	target  *url.URL // of the REST API
	proxied *url.URL // nil without a proxy on the way to it
	addrs   []netip.Addr
	connect time.Duration // TCP round trip of the fastest address

	answered  answered // by REST
	preflight *preflight.Client
	report    preflight.Report
	refusal   error // what preflight would end a start for, the token apart
	limits    identify.SessionStartLimit
	pair      gateway.ShardID // the shard to prove READY with
	gateway   string          // the address

	glance  store.Summary
	holder  *tokenlock.Holder // nil: no process runs the bot
	running *running          // what it says; nil if it cannot be asked

	mu    sync.Mutex
	beats []time.Duration // round trips of heartbeats
}

// answered is what an answer of REST tells beside its content.
type answered struct {
	date time.Time // Discord's clock; zero if it did not say
	at   time.Time // ours at that moment
	edge string    // the place of the edge that answered, such as FRA
}

// Checks is the list of checks for a bot. The function ends what they hold; call
// it after [Examine].
func Checks(o Options) ([]Check, func()) {
	v := &visit{Options: o, config: config.Defaults(), started: time.Now()}
	if o.Loaded != nil {
		v.config = o.Loaded.Config
	}
	if v.Now == nil {
		v.Now = time.Now
	}
	if v.Resolver == nil {
		v.Resolver = net.DefaultResolver
	}
	if v.Dial == nil {
		v.Dial = (&net.Dialer{Timeout: dialTime, KeepAlive: 15 * time.Second}).DialContext
	}
	if v.Proxy == nil {
		route, err := v.proxies().Route()
		if err != nil {
			route = func(*http.Request) (*url.URL, error) { return nil, err }
		}
		v.Proxy = route
	}
	v.of = tokenlock.FingerprintOf(v.config.Token.Reveal())
	v.target, _ = url.Parse(v.config.APIURL) // Load has checked it
	transport := v.transport()
	v.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	v.close = transport.CloseIdleConnections
	return v.table(), v.close
}

// userAgent names this program to Discord in the form it demands (G-125).
func (v *visit) userAgent() string {
	return "DiscordBot (https://github.com/evergreen, " + cmp.Or(v.Version, "0") + ")"
}

// proxies are those of the settings.
func (v *visit) proxies() network.Proxies {
	c := v.config
	return network.Proxies{HTTPS: c.HTTPSProxy.Reveal(), HTTP: c.HTTPProxy.Reveal(), All: c.AllProxy.Reveal(), No: c.NoProxy.Reveal()}
}

// intents is what the bot asks for.
func (v *visit) intents() gateway.Intents { return bot.Intents(v.config.PresenceIntent) }

// simulated reports whether the bot is pointed at something else than Discord.
func (v *visit) simulated() bool {
	host := v.target.Hostname()
	return host != "discord.com" && host != "canary.discord.com" && host != "ptb.discord.com"
}
