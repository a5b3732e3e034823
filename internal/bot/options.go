package bot

import (
	"cmp"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/internal/text"

	"github.com/disgoorg/snowflake/v2"
)

// Defaults of [Options].
const (
	DefaultPrefix               = "!"
	DefaultKeepaliveInterval    = 300 * time.Second
	DefaultActivityWarningAfter = 30 * time.Minute
	DefaultConcurrency          = 16
	DefaultOutstanding          = 512
	DefaultHandlerTimeout       = 30 * time.Second
	DefaultSlowAfter            = 3 * time.Second
	DefaultAnswerWithin         = 3 * time.Minute
	DefaultCooldown             = time.Second
)

// Never switches a duration of [Options] off.
const Never = -1

// Options configures a [Bot]. Token and HTTPClient are required; every other
// zero value means the documented default.
type Options struct {
	// Token is the bot token, without the "Bot " prefix.
	Token string
	// HTTPClient makes the REST requests. It must keep Discord's rate limits and
	// retry what is temporary; the bot repeats a failed answer for AnswerWithin.
	HTTPClient *http.Client
	// APIURL is the REST base, such as https://discord.com/api/v10, the default.
	APIURL string
	// UserAgent is sent with every request (G-125). Default "DiscordBot
	// (https://github.com/evergreen, Version)".
	UserAgent string
	// Version is what about tells.
	Version string

	// Prefix starts a command in a message. Default "!".
	Prefix string
	// Commands are what people can ask for. Default [Builtin].
	Commands []Command
	// KeepCommands leaves the slash commands at Discord as they are.
	KeepCommands bool
	// Owners may use owner-only commands, besides the owner of the application.
	Owners []snowflake.ID
	// Shutdown ends the bot for good. It is called after the answer to shutdown was
	// sent and must not block. Default: shutdown only answers.
	Shutdown func()

	// Intents are what the shard asks for, for the diagnosis of missing message
	// content. Default [Intents] without presences.
	Intents gateway.Intents
	// Presence is refreshed every KeepaliveInterval.
	Presence gateway.Presence
	// Undelivered reports whether the bot's answers do not get out. While that is so, a
	// presence that is online is shown as idle. Default: it is never so.
	Undelivered func() bool
	// KeepaliveInterval is the time between two keep-alives, give or take five
	// percent. Default 300 s; [Never]: none.
	KeepaliveInterval time.Duration
	// ActivityWarningAfter is the time without activity before a warning. Default
	// 30 min; [Never]: no warning.
	ActivityWarningAfter time.Duration

	// Concurrency is how many commands run at once. Default 16.
	Concurrency int
	// Outstanding is how many commands may wait, run or be answered at once; further
	// events wait in the gateway's queue. Default 512.
	Outstanding int
	// HandlerTimeout is the time limit of a command, with its wait for a free
	// handler. Default 30 s.
	HandlerTimeout time.Duration
	// SlowAfter is when a command is named in the log as slow. Default 3 s.
	SlowAfter time.Duration
	// AnswerWithin is how long sending one answer is tried. It should stay below
	// the few minutes for which Discord remembers a nonce. Default 3 min.
	AnswerWithin time.Duration
	// Cooldown is the time between two uses of a command by one user, five of
	// which may be saved up. Default 1 s; [Never]: none.
	Cooldown time.Duration

	// Health is what status reports. Default: what the shard itself knows.
	Health Health
	Logger *slog.Logger
	// Rand returns numbers in [0,1) for every jitter; many goroutines call it.
	// Default math/rand/v2.
	Rand func() float64
}

// complete fills in the defaults.
func (o Options) complete() (Options, error) {
	o.Token = strings.TrimPrefix(o.Token, "Bot ")
	switch {
	case o.Token == "":
		return o, errors.New("the bot has no token")
	case o.HTTPClient == nil:
		return o, errors.New("the bot has no HTTP client")
	}
	or(&o.Prefix, DefaultPrefix)
	or(&o.UserAgent, "DiscordBot (https://github.com/evergreen, "+cmp.Or(o.Version, "0")+")")
	or(&o.KeepaliveInterval, DefaultKeepaliveInterval)
	or(&o.ActivityWarningAfter, DefaultActivityWarningAfter)
	or(&o.Concurrency, DefaultConcurrency)
	or(&o.Outstanding, DefaultOutstanding)
	or(&o.HandlerTimeout, DefaultHandlerTimeout)
	or(&o.SlowAfter, DefaultSlowAfter)
	or(&o.AnswerWithin, DefaultAnswerWithin)
	or(&o.Cooldown, DefaultCooldown)
	or(&o.Intents, Intents(false))
	or(&o.Logger, slog.New(slog.DiscardHandler))
	if o.Commands == nil {
		o.Commands = Builtin()
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Undelivered == nil {
		o.Undelivered = func() bool { return false }
	}
	if o.Presence.Status == "" {
		o.Presence.Status = gateway.StatusOnline
	}
	if text.Fold(o.Prefix) == "" {
		return o, errors.New("the bot's prefix has no character that can be seen")
	}
	if o.Concurrency < 0 || o.Outstanding < 0 {
		return o, errors.New("the bot's concurrency limits must not be negative")
	}
	if o.HandlerTimeout < 0 || o.SlowAfter < 0 || o.AnswerWithin < 0 {
		return o, errors.New("the bot's time limits must not be negative")
	}
	return o, errors.Join(o.Presence.Validate(), checkCommands(o.Commands))
}

// or sets a zero value to its default.
func or[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}
