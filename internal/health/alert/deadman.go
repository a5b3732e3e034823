package alert

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"evergreen/internal/health"
)

// DefaultInterval is the time between two calls of a [DeadMan].
const DefaultInterval = time.Minute

// DeadManOptions configures a [DeadMan]. Snapshot, URL and Client are required;
// every other zero value means the default named with it.
type DeadManOptions struct {
	// Snapshot reads the health of the bot.
	Snapshot func() health.Snapshot
	// URL is called while the bot is online. While it is not, /fail is added to
	// its path and the reason sent; a push address of Uptime Kuma gets
	// status=down and the reason as its parameters instead.
	URL    string
	Client *http.Client
	// Interval is the time between two calls. Default 1 min.
	Interval time.Duration
	// After is how long the bot has to be away before that is reported; until
	// then nothing is sent. Default 1 min.
	After time.Duration
	// Redact takes secrets out of the reason. Default: it is left as it is.
	Redact func(string) string
	// Log takes a line when the watchdog cannot be reached. Default: none are
	// written.
	Log *slog.Logger
}

// DeadMan calls a watchdog elsewhere while the bot is online, so that the watchdog
// notices when this process or its host is gone. Make it with [NewDeadMan], call
// Run once.
type DeadMan struct {
	opts DeadManOptions
	// The moments are on the scale of [health.Snapshot.Steady]: a clock that is set back
	// must not stop the calls.
	started  time.Time
	called   time.Time // the last call that succeeded
	tried    time.Time
	ok       bool // what that call said
	failures int
}

// NewDeadMan makes a dead man's switch. It does nothing before [DeadMan.Run].
func NewDeadMan(o DeadManOptions) *DeadMan {
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	if o.After <= 0 {
		o.After = DefaultAfter
	}
	if o.Redact == nil {
		o.Redact = func(text string) string { return text }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &DeadMan{opts: o}
}

// minCallGap is the least time between two calls, also after a failure.
const minCallGap = 10 * time.Second

// Run calls until ctx ends. Call it once.
func (d *DeadMan) Run(ctx context.Context) error {
	first := d.opts.Snapshot()
	d.started = first.Steady(first.At)
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		d.check(ctx, d.opts.Snapshot())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// check calls when a call is due: at every interval, and at once when the bot has
// gone offline or come back.
func (d *DeadMan) check(ctx context.Context, s health.Snapshot) {
	online := s.Ready && s.Connected
	now := s.Steady(s.At)
	if !online {
		since := s.Steady(s.OfflineSince)
		if since.Before(d.started) {
			since = d.started
		}
		if s.Status == health.Stopping || s.Status != health.NeedsYou && now.Sub(since) < d.opts.After {
			return
		}
	}
	due := d.called.IsZero() || online != d.ok || now.Sub(d.called) >= d.opts.Interval
	if !due || !d.tried.IsZero() && now.Sub(d.tried) < min(minCallGap, d.opts.Interval) {
		return
	}
	d.tried = now
	within, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := d.newRequest(online, d.opts.Redact(s.Sentence())).do(within, d.opts.Client)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.failures++
		if d.failures == 1 {
			d.opts.Log.Warn("The watchdog of DEADMAN_PING_URL cannot be called; trying again", "error", d.opts.Redact(err.Error()))
		}
		return
	}
	if d.failures > 0 {
		d.opts.Log.Info("The watchdog of DEADMAN_PING_URL can be called again")
	}
	d.called, d.ok, d.failures = now, online, 0
}

// newRequest makes the call: the bot is online, or it is not and why.
func (d *DeadMan) newRequest(online bool, reason string) request {
	u, err := url.Parse(d.opts.URL)
	if err != nil {
		return request{address: "\x00"} // refused without the address in the error
	}
	if strings.Contains(u.Path, "/api/push/") {
		q := u.Query()
		q.Set("status", "up")
		q.Set("msg", "online")
		if !online {
			q.Set("status", "down")
			q.Set("msg", clipRunes(reason, 250))
		}
		u.RawQuery = q.Encode()
		return request{method: http.MethodGet, address: u.String()}
	}
	if online {
		return request{method: http.MethodGet, address: u.String()}
	}
	u = u.JoinPath("fail")
	return request{http.MethodPost, u.String(), map[string]string{"Content-Type": "text/plain; charset=utf-8"}, []byte(reason)}
}
