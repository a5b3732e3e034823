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

// The limits of asking. Discord's page is cached for about half a minute, so
// asking more often would learn nothing.
const (
	shortestInterval = time.Minute
	longestPause     = 15 * time.Minute
	patience         = 10 * time.Second
	mostBytes        = 1 << 20
	// stale is the age from which an answer says nothing any more.
	stale = 10 * time.Minute
)

// Options configures a [Poller]. URL is required; every other zero value means
// the default named with it.
type Options struct {
	// URL is that of summary.json.
	URL string
	// Interval is the time between two questions, a minute at least. Default
	// 1 min.
	Interval time.Duration
	// Changed is told when what Discord says has changed, also when it is not
	// known any more. It runs on the poller's goroutine. Default: nobody is told.
	Changed func(Status)
	// Client asks. Default: one of its own.
	Client *http.Client
	// UserAgent names this program.
	UserAgent string
	// Log takes lines for the operator. Default: none are written.
	Log *slog.Logger
	// Rand returns numbers in [0,1) for the jitter. Default math/rand/v2.
	Rand func() float64
}

// Poller asks Discord's status page. Make it with [New].
type Poller struct {
	opts Options
	own  *http.Transport // of the default client; nil with one from outside

	mu   sync.Mutex
	last Status // as of the last good answer

	// Of Run's goroutine alone:
	etag, modified string
	told           Status
	failures       int
}

// New makes a poller. It asks nothing before [Poller.Run].
func New(o Options) *Poller {
	p := &Poller{}
	o.Interval = max(o.Interval, shortestInterval)
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
		p.own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1, IdleConnTimeout: 2 * shortestInterval,
			TLSHandshakeTimeout: patience, ResponseHeaderTimeout: patience, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		}
		o.Client = &http.Client{Transport: p.own}
	}
	p.opts = o
	return p
}

// Status returns what Discord said last. After ten minutes without an answer
// nothing is known any more.
func (p *Poller) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.last.At) > stale {
		return Status{}
	}
	return p.last.clone()
}

// Run asks until ctx ends. Call it once. That the page cannot be had is logged
// once, and no reason to end.
func (p *Poller) Run(ctx context.Context) error {
	if p.own != nil {
		defer p.own.CloseIdleConnections()
	}
	for {
		wait := p.next(p.ask(ctx))
		if ctx.Err() != nil {
			return nil
		}
		if now := p.Status(); !now.same(p.told) {
			p.told = now
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

// next says how long to wait after an answer or a failure: up to a fifth more
// than the interval, so that many bots do not ask in step, twice as long after
// each failure, and as long as the page asks for.
func (p *Poller) next(err error) time.Duration {
	wait := p.opts.Interval
	if err == nil {
		if p.failures > 0 {
			p.opts.Log.Info("Discord's status page can be asked again")
		}
		p.failures = 0
		return wait + time.Duration(p.opts.Rand()*float64(wait)/5)
	}
	p.failures++
	if p.failures == 1 {
		p.opts.Log.Info("Discord's status page could not be asked, which changes nothing for the bot: " + err.Error())
	}
	for range min(p.failures, 10) {
		wait *= 2
	}
	wait = min(wait, max(longestPause, p.opts.Interval))
	if refused, ok := errors.AsType[*refusal](err); ok {
		wait = max(wait, min(refused.after, 24*time.Hour))
	}
	return wait + time.Duration(p.opts.Rand()*float64(wait)/5)
}

// refusal is an answer that is not a page.
type refusal struct {
	status int
	after  time.Duration
}

func (r *refusal) Error() string { return fmt.Sprintf("it answered HTTP %d", r.status) }

// ask asks once.
func (p *Poller) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
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
		body, err := io.ReadAll(io.LimitReader(answer.Body, mostBytes+1))
		if err != nil {
			return err
		}
		if len(body) > mostBytes {
			return errNotAPage
		}
		s, err := read(body, now)
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
	return &refusal{status: answer.StatusCode, after: after(answer.Header.Get("Retry-After"))}
}

// after reads a Retry-After in seconds; anything else is no wish.
func after(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
