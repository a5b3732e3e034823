package rest

import (
	"cmp"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"time"
)

// Defaults of [Options].
const (
	DefaultUserAgent      = "DiscordBot (https://github.com/evergreen, 1)"
	DefaultGlobalLimit    = 50
	DefaultInvalidLimit   = 1000
	DefaultTries          = 4
	DefaultAttemptTimeout = 10 * time.Second
	DefaultTimeout        = time.Minute
	DefaultReplayLimit    = 1 << 20
	DefaultMaxBuckets     = 4096
)

// Never switches a limit of [Options] off.
const Never = -1

// Options configures a [Transport]. Every zero value means the documented
// default.
type Options struct {
	// Base makes the round trips. Default: a transport with a deadline for each
	// phase of a connection.
	Base http.RoundTripper
	// UserAgent is sent where a request has none of the documented form
	// "DiscordBot (<url>, <version>)".
	UserAgent string
	// GlobalLimit is the number of requests a second per token. Default
	// 50; [Never]: no limit.
	GlobalLimit int
	// InvalidLimit is the number of answers of 401, 403 and 429 in ten minutes at
	// which nothing is sent any more; Discord bans the address at 10,000.
	// Default 1,000; [Never]: no limit.
	InvalidLimit int
	// TokenRecheck is after how long one request with a token that was answered
	// 401 is sent, in case Discord was wrong. Default: never, until the token
	// changes.
	TokenRecheck time.Duration
	// Tries is how often one request is sent at most while the server or the
	// connection fails; answers of 429 count apart. Default 4.
	Tries int
	// AttemptTimeout bounds one attempt, its answer's body included. With a body beyond
	// ReplayLimit it bounds the time in which nothing of it is sent. Default 10 s.
	AttemptTimeout time.Duration
	// Timeout bounds a whole request with all its waits and attempts, unless the
	// deadline of its context comes first; but not the sending of a body beyond
	// ReplayLimit. Default 1 min.
	Timeout time.Duration
	// ReplayLimit is the largest request body in bytes that is kept to be sent
	// again. A larger one without http.Request.GetBody is sent once. Default 1 MiB.
	ReplayLimit int64
	// MaxBuckets is how many rate limits are remembered at once. Default 4096.
	MaxBuckets int
	// Storage keeps the limits that hold for the next process. Default: they end with
	// this one.
	Storage Storage
	// Observe receives what an operator may want to know. It is called on the
	// goroutines of requests, many at once, and must not block. Default: none.
	Observe func(Event)
	// Rand returns numbers in [0,1) for the jitter. Default math/rand/v2.
	Rand func() float64
}

// complete fills in the defaults.
func (o Options) complete() Options {
	o.GlobalLimit = cmp.Or(o.GlobalLimit, DefaultGlobalLimit)
	o.InvalidLimit = cmp.Or(o.InvalidLimit, DefaultInvalidLimit)
	o.Tries = cmp.Or(o.Tries, DefaultTries)
	o.AttemptTimeout = cmp.Or(o.AttemptTimeout, DefaultAttemptTimeout)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.ReplayLimit = cmp.Or(o.ReplayLimit, DefaultReplayLimit)
	o.MaxBuckets = cmp.Or(o.MaxBuckets, DefaultMaxBuckets)
	if !properUserAgent.MatchString(o.UserAgent) {
		o.UserAgent = DefaultUserAgent
	}
	if o.Base == nil {
		o.Base = newBase()
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return o
}

// properUserAgent is the documented form; more text may follow.
var properUserAgent = regexp.MustCompile(`^DiscordBot \([^\s,)]+, [^)]+\)`)

// newBase returns a transport with a deadline for each phase of a connection. Its
// pings find a dead HTTP/2 connection before requests pile up on it.
func newBase() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: 5 * time.Second,

		MaxResponseHeaderBytes: 256 << 10,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    16,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}
