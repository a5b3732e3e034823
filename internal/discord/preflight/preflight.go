// Package preflight asks over REST what must be known before an IDENTIFY is spent: the
// bot's account, its intents, the gateway's URL, and the session starts left today.
//
// [Client.Check] runs at the start and turns what only a person can fix into an error
// with the steps to take. For a shard a [Client] is the [gateway.URLSource] and the
// [gateway.CredentialChecker], which finds out whether a bot that Discord refused would
// be accepted now. For package identify it fetches the limits.
//
// A failure of REST never keeps the bot offline: the gateway may work nevertheless.
// Answers are decoded leniently: a field that is missing, null or of another type costs
// that field and nothing else.
package preflight

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"evergreen/gateway"
)

// Defaults of [Options].
const (
	DefaultAPIURL       = "https://discord.com/api/v10"
	DefaultUserAgent    = "DiscordBot (https://github.com/evergreen, 1)"
	DefaultTimeout      = 10 * time.Second
	DefaultCheckTimeout = 25 * time.Second
)

// Options configures a [Client]. HTTPClient, Token and Intents are required;
// every other zero value means the documented default.
type Options struct {
	// HTTPClient makes the requests. It should keep the rate limits and retry
	// what passes; a Client asks each question once.
	HTTPClient *http.Client
	// APIURL is the REST base. Default https://discord.com/api/v10.
	APIURL string
	// Gateway is the address to try while REST has told none, because it does not
	// answer: the gateway may be well nevertheless. Default: none, so that a shard
	// waits for REST.
	Gateway string
	// UserAgent is sent with every request.
	UserAgent string
	// Token returns the bot token as it is configured now, without the "Bot "
	// prefix. A new one is taken up at the next question.
	Token func() string

	// Intents returns what the bot wants to ask for. Optional is what it may start
	// without when the portal's switch is off.
	Intents  func() gateway.Intents
	Optional gateway.Intents
	// Shards is how many shards the bot has in all its processes. Default 1.
	Shards int
	// Running tells the same while the program runs; 0: as many as Discord
	// recommends. Default: Shards.
	Running func() int

	// TokenRecheck is after how long a token that was answered 401 is asked about
	// again, to see whether Discord was wrong. Default: never, until it changes.
	TokenRecheck time.Duration
	// Timeout bounds one question, waiting for rate limits included. Default 10 s.
	Timeout time.Duration
	// CheckTimeout bounds [Client.Check] as a whole. Default 25 s.
	CheckTimeout time.Duration
	Logger       *slog.Logger
}

// Client asks Discord. Make one with [New]; its methods may be called from any
// goroutine, and one Client serves all shards of a bot.
type Client struct {
	opts Options
	log  *slog.Logger
	// refreshing is held by the one that asks for the gateway on behalf of all.
	refreshing chan struct{}

	mu            sync.Mutex
	gatewayBot    gatewayBot // the last answer of GET /gateway/bot
	url           string     // the last usable address, from whatever answer
	failedAskedAt time.Time  // when a failed address was last asked about
	refused       string     // the token that was answered 401
	refusedAt     time.Time
	confirmed     map[gateway.CloseCode]confirmation
}

var (
	_ gateway.URLSource         = (*Client)(nil)
	_ gateway.CredentialChecker = (*Client)(nil)
)

// New makes a Client. It asks nothing yet.
func New(o Options) (*Client, error) {
	switch {
	case o.HTTPClient == nil:
		return nil, errors.New("preflight: an HTTP client is required")
	case o.Token == nil:
		return nil, errors.New("preflight: a source of the token is required")
	case o.Intents == nil:
		return nil, errors.New("preflight: the intents are required")
	}
	o.APIURL = cmp.Or(o.APIURL, DefaultAPIURL)
	o.UserAgent = cmp.Or(o.UserAgent, DefaultUserAgent)
	o.Shards = cmp.Or(o.Shards, 1)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.CheckTimeout = cmp.Or(o.CheckTimeout, DefaultCheckTimeout)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.APIURL = strings.TrimRight(o.APIURL, "/")
	return &Client{
		opts:       o,
		log:        o.Logger,
		refreshing: make(chan struct{}, 1),
		confirmed:  map[gateway.CloseCode]confirmation{},
	}, nil
}

// token is the configured token as Discord wants it.
func (c *Client) token() string {
	return strings.TrimPrefix(strings.TrimSpace(c.opts.Token()), "Bot ")
}
