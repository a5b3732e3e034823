package discordsim

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// restAPI is Discord's REST API: a table of routes behind the same checks in the
// same order (ban, version, user agent, token, faults, global limit, bucket,
// body), each of which responds in Discord's words.
//
// The simulator's lock guards all of it; a handler runs with the lock held and
// never waits.
type restAPI struct {
	sim    *Sim
	cfg    RESTConfig
	routes []*route

	buckets           map[bucketKey]*bucket
	global            map[string]*window
	invalid           map[string]*clientRecord // by address
	refused           map[string]time.Time     // by request: last answer of 401, 403 or 404
	deadTokens        map[string]time.Time     // by token: first 401 told
	lostCreates       map[string]lostCreate    // by message: create whose answer was lost
	tokenOwners       map[string]*App          // by token: whose it is or was
	nonces            map[nonceKey]nonceEntry
	noncesByAge       []agedNonce             // the same, oldest first
	typing            map[ID]map[ID]time.Time // by channel and user: until when
	webhooks          map[ID]*Webhook
	interactions      map[ID]*interaction
	interactionsByAge []*interaction          // the same, oldest first
	interactionTokens map[string]*interaction // the same by their tokens
	unknownWebhooks   map[string]time.Time    // by webhook: last answer of 404 10015
	invites           map[string]*Invite
	stickers          map[ID]*Sticker
	images            map[imageKey]string // hashes of pictures
	uploads           []upload            // oldest first
	uploadBytes       int
	creates           map[commandScope]*createDay
	puts              map[commandScope]putCount

	page StatusPage

	requests []Request // newest last

	lateEvents []*lateEvent
}

func newRESTAPI(s *Sim, cfg RESTConfig) *restAPI {
	return &restAPI{
		sim: s, cfg: cfg.withDefaults(), routes: routes(),
		buckets: map[bucketKey]*bucket{}, global: map[string]*window{}, invalid: map[string]*clientRecord{},
		refused: map[string]time.Time{}, deadTokens: map[string]time.Time{}, lostCreates: map[string]lostCreate{},
		tokenOwners: map[string]*App{}, nonces: map[nonceKey]nonceEntry{}, typing: map[ID]map[ID]time.Time{},
		invites: map[string]*Invite{}, stickers: map[ID]*Sticker{}, images: map[imageKey]string{}, webhooks: map[ID]*Webhook{}, interactions: map[ID]*interaction{}, interactionTokens: map[string]*interaction{}, unknownWebhooks: map[string]time.Time{},
		creates: map[commandScope]*createDay{}, puts: map[commandScope]putCount{},
	}
}

// ServeHTTP serves /api, one request to the REST API or the status page, and the files
// that were attached to messages.
func (r *restAPI) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if strings.HasPrefix(req.URL.Path, statusPath) {
		r.serveStatus(w, req)
		return
	}
	if strings.HasPrefix(req.URL.Path, attachmentPath) {
		r.serveAttachment(w, req)
		return
	}
	c := &restRequest{req: req, client: clientAddr(req), query: req.URL.Query()}
	r.readBody(w, c)

	var early *restResponse
	var t requestFault
	r.locked(func() {
		early = r.route(c)
		t = r.requestFault(c, early != nil)
	})
	if !r.wait(req.Context(), t.delay) || t.unanswered {
		r.locked(func() { r.logRequest(c, 0, "", true) })
		r.wait(req.Context(), t.hang)
		r.resetConn(req)
	}

	var a restResponse
	var m responseFault
	afterwards := func() {}
	r.locked(func() {
		c.now = time.Now()
		a = r.process(c, early, t)
		afterwards = r.releaseEvents(c)
		if m = r.responseFault(c, a); m.mayLose {
			r.noteLost(c, a)
		}
		r.logRequest(c, a.status, string(a.scope), m.mayLose)
	})
	if m.deliver != nil {
		// The events do not depend on what becomes of the response.
		afterwards()
	} else {
		defer afterwards()
	}
	if r.deliver(w, req, a, m) {
		r.locked(func() { r.noteDelivered(c, a) })
	}
}

// locked calls work with the simulator's lock held, which it gives back even if
// work panics.
func (r *restAPI) locked(work func()) {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	work()
}

// route finds the route and the app of a request, before any fault strikes: faults
// can be limited to one bot or one route. It returns the refusal, if there is one.
func (r *restAPI) route(c *restRequest) *restResponse {
	c.now = time.Now()
	version, path, ok := split(c.req.URL.Path)
	if !ok {
		return errNoRoute.refusal()
	}
	var unrouted *restResponse
	c.route, c.params, unrouted = r.find(c.req.Method, path)
	unauthorized := r.authenticate(c)
	r.checkRequest(c, version)
	switch {
	case !served[version]:
		return errVersion.refusal()
	case r.cfg.RefuseUserAgent && !takenUserAgent.MatchString(c.req.UserAgent()):
		return errUserAgent.refusal()
	case c.route == nil:
		return unrouted
	case unauthorized:
		return errUnauthorized.refusal()
	}
	return unrouted
}

// goodUserAgent is the documented form; more text may follow. takenUserAgent is what
// Discord has taken from libraries for ten years: the name and something in parentheses.
var (
	goodUserAgent  = regexp.MustCompile(`^DiscordBot \([^,)]+, [^)]+\)`)
	takenUserAgent = regexp.MustCompile(`^DiscordBot \(\S`)
)

// authenticate finds the app of the token. It reports true when the route
// needs a token and there is no good one.
func (r *restAPI) authenticate(c *restRequest) bool {
	header := c.req.Header.Get("Authorization")
	token, prefixed := strings.CutPrefix(header, "Bot ")
	c.token = token
	app := r.sim.tokens[token]
	if app != nil && prefixed {
		c.app = app
		r.tokenOwners[token] = app
	}
	if c.route == nil || c.route.open {
		return false
	}
	switch {
	case header == "":
		r.violation(c, "G-125", c.label()+" came without Authorization")
	case app != nil && !prefixed:
		r.violation(c, "G-125", c.label()+` came with the token but without the "Bot " prefix`)
	case strings.HasPrefix(token, "Bot "):
		r.violation(c, "G-125", c.label()+` came with the "Bot " prefix twice`)
	}
	return c.app == nil
}

// process responds to a request and adds the rate limit headers.
func (r *restAPI) process(c *restRequest, early *restResponse, t requestFault) restResponse {
	a, skew := r.answer(c, early, t), t.skew
	h := http.Header{}
	for k, v := range a.header {
		h[k] = v
	}
	if !a.bare && !t.noHeaders {
		if c.bucket != nil && a.scope != scopeGlobal {
			c.bucket.headers(h, c.route.bucket, c.now, skew)
		}
	} else if t.noHeaders {
		h = http.Header{}
	}
	if skew != 0 {
		h.Set("Date", c.now.Add(skew).UTC().Format(http.TimeFormat))
	}
	a.header = h
	r.countInvalid(c, a)
	return a
}

func (r *restAPI) answer(c *restRequest, early *restResponse, t requestFault) restResponse {
	if a, banned := r.banned(c, t); banned {
		return a
	}
	if early != nil {
		return *early
	}
	if t.respond != nil {
		return t.respond(r, c)
	}
	if a, over := r.globalLimit(c); over {
		return a
	}
	if a, over := r.routeLimit(c); over {
		return a
	}
	if c.bodyError != nil {
		return *c.bodyError
	}
	if !methodsWithoutBody[c.req.Method] {
		r.flush()
	}
	return c.route.handle(r, c)
}

// wait waits for d; it reports false when the client goes away or the simulator is
// closed meanwhile.
func (r *restAPI) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-r.sim.done:
	}
	return false
}

// lateEvent is a gateway event that follows its REST answer.
type lateEvent struct {
	fire  func()
	timer *simTimer
	done  bool
}

// releaseEvents decides whether the events of a request go before or after its
// response (S-070). It sends the former at once; for the latter it returns the
// function to call when the response has been written.
func (r *restAPI) releaseEvents(c *restRequest) (afterwards func()) {
	if len(c.events) == 0 {
		return func() {}
	}
	all := func() {
		for _, event := range c.events {
			event()
		}
	}
	if r.cfg.EventLag < 0 || r.sim.chance(0.5) {
		all()
		return func() {}
	}
	lag := time.Duration(r.sim.rng.Float64() * float64(r.cfg.EventLag))
	e := &lateEvent{fire: all}
	r.lateEvents = append(r.lateEvents, e)
	return func() {
		r.locked(func() {
			if !e.done {
				e.timer = r.sim.after(lag, func() { r.flushUpTo(e) })
			}
		})
	}
}

// flush sends all late events at once: a later change must not overtake them.
func (r *restAPI) flush() {
	for len(r.lateEvents) > 0 {
		r.flushUpTo(r.lateEvents[0])
	}
}

// flushUpTo sends the late events up to and with e, in their order.
func (r *restAPI) flushUpTo(e *lateEvent) {
	for !e.done && len(r.lateEvents) > 0 {
		first := r.lateEvents[0]
		r.lateEvents = r.lateEvents[1:]
		first.done = true
		first.timer.stop()
		first.fire()
	}
}
