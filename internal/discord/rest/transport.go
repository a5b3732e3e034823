package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Transport is an [http.RoundTripper] that keeps Discord's rate limits and retries.
// Make one with [New] and use it for every request from this host to Discord's REST
// API: the limits are counted for all of them together.
//
// All methods may be called at the same time. Limits and refusals belong to the
// Authorization header of a request, so a new token begins without any. An error
// of one request ends nothing for the others.
type Transport struct {
	opts Options
	// large has one slot, for the answer that is longer than largeAnswer.
	large chan struct{}

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
	foreignTold   time.Time // when a foreign refusal was last reported
	delivery      deliveries
	invalid       invalidCounter
	trips         roundTrips
	stats         Stats
}

// New returns a Transport.
func New(opts Options) *Transport {
	opts = opts.complete()
	t := &Transport{
		opts:          opts,
		large:         make(chan struct{}, 1),
		waiting:       map[*request]struct{}{},
		buckets:       map[bucketKey]*bucket{},
		globalLimits:  map[string]*globalLimit{},
		routes:        newBoundedMap[string](1024),
		refusedTokens: newBoundedMap[time.Time](64),
		goneWebhooks:  newBoundedMap[struct{}](1024),
		interactions:  newBoundedMap[struct{}](4096),
		invalid:       invalidCounter{limit: opts.InvalidLimit},
	}
	if opts.Storage != nil {
		t.restore(time.Now())
	}
	return t
}

// RoundTrip sends the request as soon as the rate limits allow, and retries it if
// that is safe, within the request's context and Options.Timeout. An error is an
// [*Error]. If time runs out after an answer has come, that answer is returned,
// also a 429 or 5xx. Two answers become errors: one that is larger than any of
// Discord's, and the refusal of something else, which reads like one of Discord's
// (see [InspectRefusal]).
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
	defer cancel()
	sending := ctx
	if body.large {
		sending = req.Context() // it is sent for as long as it gets on
	}
	ctx, stop := waiting(ctx)
	defer stop()
	a, err := t.do(ctx, sending, clean, r, body)
	switch {
	case err != nil:
		return nil, t.explain(r, err)
	case a.response == nil:
		return nil, t.explain(r, &Error{Request: r.route.name(), Reason: ReasonConnection, Err: a.err})
	}
	a.response.Request = req
	return a.response, nil
}

// CloseIdleConnections closes the idle connections of the base, where it has
// any. http.Client.CloseIdleConnections calls it.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.opts.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// prepare returns the request to send: with a documented User-Agent, a Content-Type
// if it has a body, and without the Authorization that a path with a token does
// not need (G-125). The base chooses how answers are compressed, because they are read
// here: a caller that can take brotli would have them come in that.
func (t *Transport) prepare(req *http.Request, r *request, body requestBody) *http.Request {
	clean := req.Clone(req.Context())
	if clean.Header == nil {
		clean.Header = http.Header{}
	}
	if !properUserAgent.MatchString(clean.Header.Get("User-Agent")) {
		clean.Header.Set("User-Agent", t.opts.UserAgent)
	}
	if clean.Header.Get("Content-Type") == "" && body.looksLikeJSON() {
		clean.Header.Set("Content-Type", "application/json")
	}
	clean.Header.Del("Accept-Encoding")
	if r.route.open {
		clean.Header.Del("Authorization")
	}
	r.owner = digest(clean.Header.Get("Authorization"))
	return clean
}

// register gives the request its place in the order of arrival.
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
	r.exempt = r.route.interaction() || asked
}

// explain returns an [*Error] without secrets.
func (t *Transport) explain(r *request, err error) error {
	said, ok := errors.AsType[*Error](err)
	if !ok {
		said = &Error{Request: r.route.name(), Reason: ReasonConnection, Err: err}
	}
	said.Err = scrub(said.Err, r.secrets)
	return said
}
