package api

import (
	"context"
	"log/slog"
	"net"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/dashboard"
)

// Bot tells how the bot is at this moment. Many goroutines call it at once; no
// method may block.
type Bot interface {
	// Snapshot is the state of the bot and of Discord as it says itself.
	Snapshot() health.Snapshot
	// Check is what the periodic monitor saw last. A zero At means that it has not
	// looked yet.
	Check() health.Check
	// Presence is the presence the bot wants. What was sent, and when, the server
	// learns as an observer. An empty Status means not known.
	Presence() gateway.Presence
	// Budget is how many session starts were used and are left.
	Budget() identify.Usage
	// REST is how requests to Discord fare.
	REST() rest.Stats
	// Handlers is how each command fares. Each makes metrics of its own, so there
	// have to be few.
	Handlers() []bot.HandlerTime
}

// Options configures a [Server]. Bot is required.
type Options struct {
	// Addr is host:port; an empty host means every interface. Default
	// 127.0.0.1:8000.
	Addr string
	// Listen opens an address. Default: as a new TCP listener.
	Listen func(ctx context.Context, addr string) (net.Listener, error)
	// Token is what clients have to present for all but the probes, the badges
	// and the public status page. Without one an address beyond loopback serves
	// nothing else.
	Token string
	// StatusPage offers the status page at /status to everybody. Default: it is
	// not there.
	StatusPage bool
	// Version is that of this program.
	Version string
	// Simulator is the address of the chat page of a simulated Discord, for a link on
	// the dashboard. Default: there is none.
	Simulator string
	// Instance is a text that is different for each run, by which a [Client] knows the
	// one it looks for. Default: empty.
	Instance string
	// AddrRequired keeps Listen from taking another address where Addr cannot be had.
	AddrRequired bool

	// Bot tells how the bot is.
	Bot Bot
	// History tells how it has been, such as a [history.History]. Default: what it
	// would fill is null in every answer.
	History dashboard.History
	// Archive finds incidents however long ago they were. Default: those of
	// History that are at hand.
	Archive health.Archive
	// Operator pauses, resumes, restarts and moves shards and changes their number
	// for clients that present the token. Default: there are no such paths.
	Operator Operator
	// Proxy tells how the bots behind evergreen proxy are. Default: there is none.
	Proxy Proxy
	// Lines holds the last lines of the log. Default: null in every answer.
	Lines *logging.Ring

	// Log takes lines for the operator. Default: none are written.
	Log    *slog.Logger
	Limits Limits
}

// The defaults of [Limits].
const (
	DefaultHeader      = 5 * time.Second
	DefaultRead        = 10 * time.Second
	DefaultWrite       = 10 * time.Second
	DefaultIdle        = time.Minute
	DefaultDrain       = 5 * time.Second
	DefaultKeepAlive   = 15 * time.Second
	DefaultSession     = 24 * time.Hour
	DefaultHeaderBytes = 16 << 10
	DefaultConns       = 128
	DefaultWrongTokens = 20
)

// Limits bounds what clients can cost. Zero values mean the defaults named with
// each field.
type Limits struct {
	Header time.Duration // to read the head of a request. Default 5 s.
	Read   time.Duration // to read a whole request. Default 10 s.
	Write  time.Duration // to write an answer, or one piece of a stream. Default 10 s.
	Idle   time.Duration // between two requests of one connection. Default 60 s.
	Drain  time.Duration // for running requests when the server stops. Default 5 s.
	// KeepAlive is the time between two comments on a quiet stream. Default 15 s.
	KeepAlive time.Duration
	// Session is how long a login lasts after it was last used. Default 24 h.
	Session time.Duration
	// HeaderBytes is the size of a request's head. Default 16 KiB.
	HeaderBytes int
	// Conns is how many requests are answered at once; the next is refused, and probes
	// have as many places again. When more than four times as many connections wait for a
	// request, the one that has waited longest is closed. Default 128.
	Conns int
	// Streams is how many live streams are served at once. Default half of
	// Conns.
	Streams int
	// WrongTokens is how many wrong tokens of one address are answered with 401 in a
	// minute; those beyond are answered with 429. The right token is always let in.
	// Default 20.
	WrongTokens int
}

func (l Limits) orDefaults() Limits {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&l.Header, DefaultHeader}, {&l.Read, DefaultRead}, {&l.Write, DefaultWrite}, {&l.Idle, DefaultIdle},
		{&l.Drain, DefaultDrain}, {&l.KeepAlive, DefaultKeepAlive}, {&l.Session, DefaultSession},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = DefaultHeaderBytes
	}
	if l.Conns <= 0 {
		l.Conns = DefaultConns
	}
	if l.Streams <= 0 {
		l.Streams = max(1, l.Conns/2)
	}
	if l.WrongTokens <= 0 {
		l.WrongTokens = DefaultWrongTokens
	}
	return l
}
