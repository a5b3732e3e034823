package disgogateway

import (
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/identify"

	disgo "github.com/disgoorg/disgo/gateway"
	disgorest "github.com/disgoorg/disgo/rest"
	"github.com/gorilla/websocket"
)

// source is the part of a configuration that comes from the bot.
type source struct {
	token   string
	handler disgo.EventHandlerFunc
	log     *slog.Logger   // nil: slog.Default
	rest    disgorest.Rest // nil where only the gateway is known
	// gatewayBot, limiter and lock are shared by the shards of a manager; nil: each
	// gateway has its own.
	gatewayBot *gatewayBot
	limiter    gateway.IdentifyLimiter
	lock       eventLock
}

// config is the configuration of one [Gateway].
type config struct {
	options      gateway.Options // without presence, handler and observer
	presence     *disgo.MessageDataPresenceUpdate
	handler      disgo.EventHandlerFunc
	lock         eventLock
	log          *slog.Logger
	raw          bool
	closeHandler disgo.CloseHandlerFunc
}

// config reads disgo's options.
func (o Options) config(src source, opts []disgo.ConfigOpt) config {
	c := newConfig(opts)
	c.Logger = src.log
	for _, opt := range opts {
		opt(c)
	}
	if src.gatewayBot == nil && src.rest != nil {
		src.gatewayBot = newGatewayBot(src.rest)
	}
	shard := gateway.ShardID{ID: c.ShardID, Count: c.ShardCount}
	p := config{
		presence: c.Presence, handler: src.handler, lock: src.lock, raw: c.EnableRawEvents, closeHandler: c.CloseHandler,
		log: cmp.Or(c.Logger, slog.Default()).With("name", "gateway", "shard_id", shard.ID, "shard_count", max(1, shard.Count)),
	}
	if p.lock == nil {
		p.lock = newEventLock()
	}
	p.options = gateway.Options{
		Credentials:       gateway.Credentials{Token: strings.TrimPrefix(src.token, "Bot "), Intents: gateway.Intents(c.Intents)},
		URLSource:         o.URLSource,
		Shard:             shard,
		Properties:        c.Browser,
		LargeThreshold:    c.LargeThreshold,
		IdentifyLimiter:   o.identifyLimiter(src, c.IdentifyRateLimiter),
		CredentialChecker: o.CredentialChecker,
		Dialer:            o.Dialer,
		Compression:       compressions[c.Compression],
		QueueBytes:        o.QueueBytes,
		Timing:            o.Timing,
		Rand:              o.Rand,
	}
	base := cmp.Or(c.URL, disgo.URL)
	switch {
	case p.options.URLSource != nil:
	case c.URL == "" && src.gatewayBot != nil:
		p.options.URLSource = src.gatewayBot
	default:
		p.options.URLSource = gateway.FixedURL(base)
	}
	if p.options.CredentialChecker == nil && src.gatewayBot != nil {
		p.options.CredentialChecker = src.gatewayBot
	}
	if p.options.Dialer == nil && c.Dialer != nil && c.Dialer != websocket.DefaultDialer {
		p.options.Dialer = dialerOf(c.Dialer)
	}
	p.options.Session = sessionOf(c.SessionID, c.LastSequenceReceived, c.ResumeURL, base)
	if o.Sessions != nil {
		if !p.options.Session.Resumable() {
			p.options.Session = o.Sessions.Session(shard)
		}
		p.options.SessionStore = o.Sessions.SessionStore(shard)
	}
	return p
}

// compressions translates disgo's names. The rest, and the default, is zlib-stream,
// which costs an eighth of zstd's memory.
var compressions = map[disgo.CompressionType]gateway.Compression{
	disgo.CompressionZstdStream: gateway.CompressZstd,
	disgo.CompressionZlibStream: gateway.CompressZlib,
}

// sessionOf returns the session that disgo's options name; zero without one. Without a
// resume URL it is resumed at the base URL.
func sessionOf(id *string, seq *int, resumeURL *string, base string) gateway.Session {
	if id == nil || seq == nil {
		return gateway.Session{}
	}
	s := gateway.Session{ID: *id, ResumeURL: base, Seq: int64(*seq)}
	if resumeURL != nil && *resumeURL != "" {
		s.ResumeURL = *resumeURL
	}
	return s
}

// identifyLimiter returns the identify limiter of the options, that of the shard
// manager, the bot's own one for disgo, or a new one, in this order.
func (o Options) identifyLimiter(src source, own disgo.IdentifyRateLimiter) gateway.IdentifyLimiter {
	switch {
	case o.IdentifyLimiter != nil:
		return o.IdentifyLimiter
	case src.limiter != nil:
		return src.limiter
	case own != nil:
		return disgoLimiter{own}
	}
	return newLimiter(src.gatewayBot, o.Rand)
}

// newLimiter returns an identify limiter with a budget in memory. It asks Discord for
// the session start limit where b is not nil.
func newLimiter(b *gatewayBot, rand func() float64) gateway.IdentifyLimiter {
	opts := identify.Options{Total: identify.DefaultTotal, Rand: rand}
	if b != nil {
		opts.SessionStartLimit = b.sessionStartLimit
	}
	return identify.New(opts)
}

// dialerOf returns a dialer with the settings of one of disgo's: proxy, TLS, and how
// the TCP connection is made.
func dialerOf(d *websocket.Dialer) gateway.Dialer {
	const phase = 5 * time.Second
	dial := d.NetDialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: phase, KeepAlive: 15 * time.Second}).DialContext
	}
	return gateway.WebSocketDialer{Transport: &http.Transport{
		Proxy: d.Proxy, DialContext: gateway.TunedDial(dial), TLSClientConfig: d.TLSClientConfig,
		TLSHandshakeTimeout: phase, ResponseHeaderTimeout: phase, IdleConnTimeout: phase, DisableCompression: true,
	}}
}
