package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Transport is an [http.RoundTripper] with Discord's manners. Make one with
// [New] and use it for everything that goes to Discord's REST API from this
// host: what it learns, it learns for all.
//
// Limits and refusals belong to the Authorization header a request carries, so
// a new token starts afresh.
type Transport struct {
	opts Options

	mu            sync.Mutex
	arrivals      uint64
	waiting       map[*request]struct{}
	buckets       map[bucketKey]*bucket
	globalLimits  map[string]*globalLimit // by owner
	routes        boundedMap[string]      // route to bucket id; empty: the route has none
	refusedTokens boundedMap[time.Time]   // owners whose token was answered 401, and when
	goneWebhooks  boundedMap[struct{}]    // webhooks that were answered 404
	interactions  boundedMap[struct{}]    // tokens of interactions that were called back
	ban           ban
	invalid       invalidCounter
	trips         roundTrips
	stats         Stats
}

// New returns a Transport.
func New(opts Options) *Transport {
	opts = opts.complete()
	return &Transport{
		opts:          opts,
		waiting:       map[*request]struct{}{},
		buckets:       map[bucketKey]*bucket{},
		globalLimits:  map[string]*globalLimit{},
		routes:        newBoundedMap[string](1024),
		refusedTokens: newBoundedMap[time.Time](64),
		goneWebhooks:  newBoundedMap[struct{}](1024),
		interactions:  newBoundedMap[struct{}](4096),
		invalid:       invalidCounter{limit: opts.InvalidLimit},
	}
}

// RoundTrip sends the request when it is welcome and again when that is safe,
// within the request's context and Options.Timeout. An error is an [*Error].
// When the patience ends after an answer has come, the answer is returned,
// whatever it says: a 429 or 5xx that could not be waited out among them. Only
// an answer that says that this address is blocked becomes an error, because in
// its own words it looks like something that passes.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	r := &request{route: routeOf(req), woken: make(chan struct{}, 1)}
	header := req.Header.Get("Authorization")
	r.secrets = append([]string{header[strings.Index(header, " ")+1:]}, r.route.secrets...)
	body, err := readRequestBody(req, t.opts.ReplayLimit)
	if err != nil {
		return nil, t.explain(r, err)
	}
	clean := t.prepare(req, r, body)
	t.register(r)

	ctx, cancel := context.WithTimeout(req.Context(), t.opts.Timeout)
	a, err := t.do(ctx, clean, r, body)
	switch {
	case err != nil:
		cancel()
		return nil, t.explain(r, err)
	case a.response == nil:
		cancel()
		return nil, t.explain(r, &Error{Request: r.route.name(), Reason: ReasonConnection, Err: a.err})
	}
	a.response.Request = req
	if a.rest == nil {
		cancel()
	} else {
		stop := a.rest.stop
		a.rest.stop = func() { stop(); cancel() }
	}
	return a.response, nil
}

// CloseIdleConnections closes the idle connections of the base, where it has
// any. http.Client.CloseIdleConnections calls it.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.opts.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// prepare makes the request that is sent: with a proper User-Agent, a
// Content-Type if it has a body, and without the Authorization that a path with
// a token does not need (G-125).
func (t *Transport) prepare(req *http.Request, r *request, body requestBody) *http.Request {
	clean := req.Clone(req.Context())
	if clean.Header == nil {
		clean.Header = http.Header{}
	}
	if agent := clean.Header.Get("User-Agent"); agent != t.opts.UserAgent && !properUserAgent.MatchString(agent) {
		clean.Header.Set("User-Agent", t.opts.UserAgent)
	}
	if clean.Header.Get("Content-Type") == "" && body.looksLikeJSON() {
		clean.Header.Set("Content-Type", "application/json")
	}
	if r.route.open {
		clean.Header.Del("Authorization")
	}
	r.owner = digest(clean.Header.Get("Authorization"))
	return clean
}

// register gives the ticket its place in order of arrival.
func (t *Transport) register(r *request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Requests++
	t.arrivals++
	r.arrival = t.arrivals
	if r.route.callback {
		t.interactions.put(r.route.token, struct{}{})
	}
	_, asked := t.interactions.get(r.route.token)
	r.exempt = r.route.interaction() || (r.route.token != "" && asked)
}

// explain makes an error that can be printed.
func (t *Transport) explain(r *request, err error) error {
	said, ok := errors.AsType[*Error](err)
	if !ok {
		said = &Error{Request: r.route.name(), Reason: ReasonConnection, Err: err}
	}
	said.Err = scrub(said.Err, r.secrets)
	return said
}

// do sends the request until an answer is final or nothing more may be
// tried. Without an answer, and without an error of the gates, the answer's own
// error says why.
func (t *Transport) do(ctx context.Context, req *http.Request, r *request, body requestBody) (answer, error) {
	repeatable := r.route.repeatable(body.nonce)
	var last answer
	limits, failures := 0, 0
	for sent := false; ; sent = true {
		if err := t.acquire(ctx, r); err != nil {
			if !sent {
				body.close()
			}
			if last.response != nil && req.Context().Err() == nil {
				return last, nil
			}
			return answer{}, err
		}
		last = t.attempt(ctx, req, r, body, sent)
		v := t.release(r, last)
		if v.event != nil {
			t.opts.Observe(*v.event)
		}
		switch {
		case v.err != nil:
			return answer{}, v.err
		case !body.replayable():
			return last, nil
		case v.limited:
			if limits++; limits > maxLimits {
				return last, nil
			}
			continue // the gates know how long
		case !v.failed || (last.reached && !repeatable && !unprocessed[last.status()]):
			return last, nil
		}
		failures++
		pause := max(t.backoff(failures), v.wait)
		if failures >= t.opts.Tries || !fits(ctx, pause) {
			return last, nil
		}
		t.opts.Observe(Event{
			Reason: v.reason, At: time.Now(), Request: r.route.name(), Resource: r.route.resource,
			Wait: pause, Status: last.status(), Try: failures, Err: scrub(last.err, r.secrets),
		})
		if !sleep(ctx, pause) {
			if last.response != nil && req.Context().Err() == nil {
				return last, nil
			}
			return answer{}, ctx.Err()
		}
	}
}

// attempt sends once and counts it. The reservation is given back even if the
// base panics.
func (t *Transport) attempt(ctx context.Context, req *http.Request, r *request, body requestBody, again bool) answer {
	t.mu.Lock()
	t.stats.Sent++
	if again {
		t.stats.Retries++
	}
	t.mu.Unlock()
	returned := false
	defer func() {
		if !returned {
			t.release(r, answer{err: errors.New("the connection panicked"), reached: true})
		}
	}()
	a := t.send(ctx, req, body)
	returned = true
	return a
}
