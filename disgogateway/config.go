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

// source is the bot behind a connection.
type source struct {
	token   string
	handler disgo.EventHandlerFunc
	log     *slog.Logger   // nil: slog.Default
	rest    disgorest.Rest // nil where only the gateway is known
	// inquiry and permit are shared by the shards of a manager; nil: one's own.
	inquiry *inquiry
	permit  gateway.IdentifyLimiter
	door    door
}

// plan is one connection, read from disgo's options.
type plan struct {
	options  gateway.Options // without presence, handler and observer
	presence *disgo.MessageDataPresenceUpdate
	handler  disgo.EventHandlerFunc
	door     door
	log      *slog.Logger
	raw      bool
	closed   disgo.CloseHandlerFunc
}

// plan reads disgo's options.
func (o Options) plan(src source, opts []disgo.ConfigOpt) plan {
	c := blank(opts)
	c.Logger = src.log
	for _, opt := range opts {
		opt(c)
	}
	if src.inquiry == nil && src.rest != nil {
		src.inquiry = newInquiry(src.rest)
	}
	pair := gateway.ShardID{ID: c.ShardID, Count: c.ShardCount}
	p := plan{
		presence: c.Presence, handler: src.handler, door: src.door, raw: c.EnableRawEvents, closed: c.CloseHandler,
		log: cmp.Or(c.Logger, slog.Default()).With("name", "gateway", "shard_id", pair.ID, "shard_count", max(1, pair.Count)),
	}
	if p.door == nil {
		p.door = newDoor()
	}
	p.options = gateway.Options{
		Credentials:       gateway.Credentials{Token: strings.TrimPrefix(src.token, "Bot "), Intents: gateway.Intents(c.Intents)},
		URLSource:         o.URLSource,
		Shard:             pair,
		Properties:        c.Browser,
		LargeThreshold:    c.LargeThreshold,
		IdentifyLimiter:   cmp.Or(o.Permit, src.permit),
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
	case c.URL == "" && src.inquiry != nil:
		p.options.URLSource = src.inquiry
	default:
		p.options.URLSource = gateway.FixedURL(base)
	}
	if p.options.CredentialChecker == nil && src.inquiry != nil {
		p.options.CredentialChecker = src.inquiry
	}
	switch {
	case p.options.IdentifyLimiter != nil:
	case c.IdentifyRateLimiter != nil:
		p.options.IdentifyLimiter = borrowed{c.IdentifyRateLimiter}
	default:
		p.options.IdentifyLimiter = newPermit(src.inquiry, o.Rand)
	}
	if p.options.Dialer == nil && c.Dialer != nil && c.Dialer != websocket.DefaultDialer {
		p.options.Dialer = redial(c.Dialer)
	}
	if c.SessionID != nil && c.LastSequenceReceived != nil {
		p.options.Session = gateway.Session{ID: *c.SessionID, ResumeURL: base, Seq: int64(*c.LastSequenceReceived)}
		if c.ResumeURL != nil && *c.ResumeURL != "" {
			p.options.Session.ResumeURL = *c.ResumeURL
		}
	}
	if o.Sessions != nil {
		if !p.options.Session.Resumable() {
			p.options.Session = o.Sessions.Session(pair)
		}
		p.options.SessionStore = o.Sessions.SessionStore(pair)
	}
	return p
}

// compressions translates disgo's names; what has none here, and the default, is
// zlib-stream, which costs an eighth of zstd's memory.
var compressions = map[disgo.CompressionType]gateway.Compression{
	disgo.CompressionZstdStream: gateway.CompressZstd,
	disgo.CompressionZlibStream: gateway.CompressZlib,
}

// newPermit is an account in memory that knows Discord's limits where it can ask.
func newPermit(q *inquiry, rand func() float64) gateway.IdentifyLimiter {
	opts := identify.Options{Total: identify.DefaultTotal, Rand: rand}
	if q != nil {
		opts.SessionStartLimit = q.limits
	}
	return identify.New(opts)
}

// redial takes over what a dialer of disgo's can be told: proxy, TLS, and how
// the TCP connection is made.
func redial(d *websocket.Dialer) gateway.Dialer {
	const phase = 5 * time.Second
	dial := d.NetDialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: phase, KeepAlive: 15 * time.Second}).DialContext
	}
	return gateway.WebSocketDialer{Transport: &http.Transport{
		Proxy: d.Proxy, DialContext: dial, TLSClientConfig: d.TLSClientConfig,
		TLSHandshakeTimeout: phase, ResponseHeaderTimeout: phase, IdleConnTimeout: phase, DisableCompression: true,
	}}
}
