package discordsim

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// rest is at heart Discord's REST API as a bot meets it: a table of routes
// behind the same gates in the same order (ban, version, user agent, token,
// faults, global limit, bucket, body), each of which answers in Discord's
// words.
//
// All of it is guarded by the simulator's lock; a handler runs with the lock
// held and never waits.
type rest struct {
	sim    *Sim
	cfg    RESTConfig
	routes []*route

	buckets  map[bucketKey]*bucket
	global   map[string]*window
	invalid  map[string]*offender // by address
	refused  map[string]time.Time // by request: last answer of 401, 403 or 404
	dead     map[string]time.Time // by token: first 401 told
	lost     map[string]lostSend  // by message: create whose answer was lost
	known    map[string]*App      // by token: whose it is or was
	nonces   map[nonceKey]nonceEntry
	nonceAge []agedNonce             // the same, oldest first
	typing   map[ID]map[ID]time.Time // by channel and user: until when
	webhooks map[ID]*Webhook
	asked    map[ID]*interaction
	askedAge []*interaction          // the same, oldest first
	tokens   map[string]*interaction // the same by their tokens
	gone     map[string]time.Time    // by webhook: last answer of 404 10015
	creates  map[createScope]*createDay
	puts     map[createScope]putRecord

	page StatusPage

	requests []Request // newest last

	late []*lateEvent
}

func newREST(s *Sim, cfg RESTConfig) *rest {
	return &rest{
		sim: s, cfg: cfg.withDefaults(), routes: routes(),
		buckets: map[bucketKey]*bucket{}, global: map[string]*window{}, invalid: map[string]*offender{},
		refused: map[string]time.Time{}, dead: map[string]time.Time{}, lost: map[string]lostSend{},
		known: map[string]*App{}, nonces: map[nonceKey]nonceEntry{}, typing: map[ID]map[ID]time.Time{},
		webhooks: map[ID]*Webhook{}, asked: map[ID]*interaction{}, tokens: map[string]*interaction{}, gone: map[string]time.Time{},
		creates: map[createScope]*createDay{}, puts: map[createScope]putRecord{},
	}
}

// restHandler serves /api: the REST API and the status page.
func (s *Sim) restHandler() http.Handler { return s.rest }

// ServeHTTP answers one request.
func (r *rest) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if strings.HasPrefix(req.URL.Path, statusPath) {
		r.serveStatus(w, req)
		return
	}
	c := &call{req: req, client: clientAddr(req), query: req.URL.Query()}
	r.readBody(w, c)

	var early *answer
	var t trouble
	r.locked(func() {
		early = r.enter(c)
		t = r.trouble(c, early != nil)
	})
	if !r.wait(req.Context(), t.delay) || t.never {
		r.locked(func() { r.logged(c, 0, "", true) })
		r.wait(req.Context(), t.hang)
		r.reset(req)
	}

	var a answer
	var m mishap
	afterwards := func() {}
	r.locked(func() {
		c.now = time.Now()
		a = r.process(c, early, t)
		afterwards = r.release(c)
		if m = r.mishap(c, a); m.loses {
			r.loses(c, a)
		}
		r.logged(c, a.status, string(a.scope), m.loses)
	})
	if m.deliver != nil {
		// What becomes of the answer is no concern of the events.
		afterwards()
	} else {
		defer afterwards()
	}
	if r.deliver(w, req, a, m) {
		r.locked(func() { r.told(c, a) })
	}
}

// locked runs a piece of work under the simulator's lock, which is given back
// even if it panics.
func (r *rest) locked(work func()) {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	work()
}

// enter finds out what is asked and by whom, before any fault strikes: faults
// can be aimed at one bot or one route. It gives the refusal at the gates.
func (r *rest) enter(c *call) *answer {
	c.now = time.Now()
	refuse := func(p problem) *answer { a := p.answer(); return &a }
	version, path, ok := split(c.req.URL.Path)
	if !ok {
		return refuse(errNoRoute)
	}
	var unrouted *answer
	c.route, c.params, unrouted = r.find(c.req.Method, path)
	unauthorized := r.authenticate(c)
	r.manners(c, version)
	switch {
	case !served[version]:
		return refuse(errVersion)
	case r.cfg.RefuseUserAgent && !goodUserAgent.MatchString(c.req.UserAgent()):
		return refuse(errUserAgent)
	case c.route == nil:
		return unrouted
	case unauthorized:
		return refuse(errUnauthorized)
	}
	return unrouted
}

// goodUserAgent is the documented form; more text may follow.
var goodUserAgent = regexp.MustCompile(`^DiscordBot \([^,)]+, [^)]+\)`)

// authenticate finds the app of the token. It reports true when the route
// needs a token and there is no good one.
func (r *rest) authenticate(c *call) bool {
	header := c.req.Header.Get("Authorization")
	token, prefixed := strings.CutPrefix(header, "Bot ")
	c.token = token
	app := r.sim.appByToken(token)
	if app != nil && prefixed {
		c.app = app
		r.known[token] = app
	}
	if c.route == nil || c.route.open {
		return false
	}
	switch {
	case header == "":
		r.accuse(c, "G-125", c.label()+" came without Authorization")
	case app != nil && !prefixed:
		r.accuse(c, "G-125", c.label()+` came with the token but without the "Bot " prefix`)
	case strings.HasPrefix(token, "Bot "):
		r.accuse(c, "G-125", c.label()+` came with the "Bot " prefix twice`)
	}
	return c.app == nil
}

// process takes the request through the gates to its handler and back.
func (r *rest) process(c *call, early *answer, t trouble) answer {
	a, skew := r.gates(c, early, t), t.skew
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

func (r *rest) gates(c *call, early *answer, t trouble) answer {
	if a, banned := r.banned(c, t); banned {
		return a
	}
	if early != nil {
		return *early
	}
	if t.instead != nil {
		return t.instead(r, c)
	}
	if a, over := r.globalLimit(c); over {
		return a
	}
	if a, over := r.routeLimit(c); over {
		return a
	}
	if c.refuse != nil {
		return *c.refuse
	}
	if !methodsWithoutBody[c.req.Method] {
		r.flush()
	}
	return c.route.handle(r, c)
}

// wait lets time pass; it reports false when the client or the simulator went
// away meanwhile.
func (r *rest) wait(ctx context.Context, d time.Duration) bool {
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
	alarm *alarm
	done  bool
}

// release decides whether the events of a call go before or after its answer
// (S-070). The first it sends at once; for the second it gives the function to
// call when the answer has gone out.
func (r *rest) release(c *call) (afterwards func()) {
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
	lag := time.Duration(r.sim.random() * float64(r.cfg.EventLag))
	e := &lateEvent{fire: all}
	r.late = append(r.late, e)
	return func() {
		r.locked(func() {
			if !e.done {
				e.alarm = r.sim.after(lag, func() { r.flushUpTo(e) })
			}
		})
	}
}

// flush sends all late events at once: a later change must not overtake them.
func (r *rest) flush() {
	for len(r.late) > 0 {
		r.flushUpTo(r.late[0])
	}
}

// flushUpTo sends the late events up to and with e, in their order.
func (r *rest) flushUpTo(e *lateEvent) {
	for !e.done && len(r.late) > 0 {
		first := r.late[0]
		r.late = r.late[1:]
		first.done = true
		first.alarm.stop()
		first.fire()
	}
}
