package statuspage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// DefaultInterval is the default of [Options].Interval, and the least.
const DefaultInterval = minInterval

const (
	// Discord's page is cached for about half a minute.
	minInterval    = time.Minute
	maxBackoff     = 15 * time.Minute
	maxRetryAfter  = time.Hour // as much as is believed
	requestTimeout = 10 * time.Second
	maxBody        = 1 << 20
	// staleAfter is the age from which an answer counts as nothing known.
	staleAfter = 10 * time.Minute
)

// Options configures a [Poller]. URL is required.
type Options struct {
	// URL is the address of summary.json.
	URL string
	// Interval is the time between two requests, at least 1 min. Default 1 min.
	Interval time.Duration
	// Changed is called when the status has changed, also when it is not known any
	// more. It runs on the poller's goroutine. Default: nothing is called.
	Changed func(Status)
	// Client sends the requests. Default: a client of its own.
	Client *http.Client
	// UserAgent is the User-Agent of the requests.
	UserAgent string
	// Log takes lines for the operator. Default: none are written.
	Log *slog.Logger
	// Rand returns numbers in [0,1) for the jitter. Default math/rand/v2.
	Rand func() float64
}

// Poller polls Discord's status page. [Poller.Status] may be called at any time
// from any goroutine.
type Poller struct {
	opts         Options
	ownTransport *http.Transport // of the default client; nil with one from outside

	mu   sync.Mutex
	last Status // as of the last good answer

	// Used by Run's goroutine alone:
	etag, modified string
	reported       Status
	failures       int
}

// New returns a poller that sends no request before [Poller.Run].
func New(o Options) *Poller {
	p := &Poller{}
	o.Interval = max(o.Interval, minInterval)
	if o.Changed == nil {
		o.Changed = func(Status) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Client == nil {
		p.ownTransport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1, IdleConnTimeout: 2 * minInterval,
			TLSHandshakeTimeout: requestTimeout, ResponseHeaderTimeout: requestTimeout, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		}
		o.Client = &http.Client{Transport: p.ownTransport}
	}
	p.opts = o
	return p
}

// Status returns the latest status; zero after ten minutes without an answer.
func (p *Poller) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.last.At) > staleAfter {
		return Status{}
	}
	return p.last.clone()
}

// Run polls until ctx ends. Call it once. When requests fail it logs the first
// failure and goes on.
func (p *Poller) Run(ctx context.Context) error {
	if p.ownTransport != nil {
		defer p.ownTransport.CloseIdleConnections()
	}
	for {
		wait := p.nextWait(p.fetch(ctx))
		if ctx.Err() != nil {
			return nil
		}
		if now := p.Status(); !now.saysTheSame(p.reported) {
			p.reported = now
			p.opts.Changed(now)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// nextWait returns how long to wait after an answer or a failure: the interval,
// twice as long after each failure, at least the page's Retry-After, and up to a
// fifth more, so that many bots do not ask at the same moment.
func (p *Poller) nextWait(err error) time.Duration {
	wait := p.opts.Interval
	if err == nil {
		if p.failures > 0 {
			p.opts.Log.Info("Discord's status page can be read again")
		}
		p.failures = 0
		return wait + time.Duration(p.opts.Rand()*float64(wait)/5)
	}
	p.failures++
	if p.failures == 1 {
		p.opts.Log.Info("Discord's status page could not be read, which changes nothing for the bot", "error", err)
	}
	for range min(p.failures, 10) {
		wait *= 2
	}
	wait = min(wait, max(maxBackoff, p.opts.Interval))
	if refused, ok := errors.AsType[*statusError](err); ok {
		wait = max(wait, min(refused.retryAfter, maxRetryAfter))
	}
	return wait + time.Duration(p.opts.Rand()*float64(wait)/5)
}

// statusError is an answer with an HTTP status other than 200 and 304.
type statusError struct {
	status     int
	retryAfter time.Duration
}

func (r *statusError) Error() string { return fmt.Sprintf("it answered HTTP %d", r.status) }

// fetch sends one request.
func (p *Poller) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.opts.URL, nil)
	if err != nil {
		return errors.New("its address cannot be used; see DISCORD_STATUS_URL")
	}
	request.Header.Set("Accept", "application/json")
	if p.opts.UserAgent != "" {
		request.Header.Set("User-Agent", p.opts.UserAgent)
	}
	if p.etag != "" {
		request.Header.Set("If-None-Match", p.etag)
	}
	if p.modified != "" {
		request.Header.Set("If-Modified-Since", p.modified)
	}
	answer, err := p.opts.Client.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return err
	}
	defer answer.Body.Close()
	now := time.Now()
	switch answer.StatusCode {
	case http.StatusOK:
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
		if err != nil {
			return err
		}
		if len(body) > maxBody {
			return errNotAPage
		}
		s, err := parse(body, now)
		if err != nil {
			return err
		}
		p.etag, p.modified = answer.Header.Get("ETag"), answer.Header.Get("Last-Modified")
		p.mu.Lock()
		p.last = s
		p.mu.Unlock()
		return nil
	case http.StatusNotModified:
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.last.Known() {
			p.etag, p.modified = "", ""
			return errNotAPage
		}
		p.last.At = now
		return nil
	}
	return &statusError{status: answer.StatusCode, retryAfter: parseRetryAfter(answer.Header.Get("Retry-After"))}
}

// parseRetryAfter reads a Retry-After in seconds; anything else counts as none.
func parseRetryAfter(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
