package discordsim

import (
	"net/http"
	"strconv"
	"time"
)

// trouble is at heart what the REST faults in force do to one request on its
// way in. The zero value lets it pass.
type trouble struct {
	delay time.Duration // before anything is looked at
	// never means that the request is not handled at all: its connection hangs
	// for so long and is then reset.
	never bool
	hang  time.Duration

	ban       string
	banFor    time.Duration
	instead   answering
	noHeaders bool          // strips the answer of all headers
	skew      time.Duration // of Discord's clock as headers show it
}

// answering is what answers in place of a route.
type answering func(*rest, *call) answer

// mishap is what a fault does to an answer on its way out, when the request has
// been handled already. The zero value delivers it.
type mishap struct {
	fault Fault
	// deliver brings the answer out, or what is left of it, and reports whether
	// the client now knows it.
	deliver func(*rest, http.ResponseWriter, *http.Request, answer, Fault) bool
	// loses says that the client may well not get the answer.
	loses bool
}

// restFault is one fault of the REST side (S-085, S-087, S-092, S-097): what it
// does to a request on its way in, or to an answer on its way out.
type restFault struct {
	name, says string
	// beside lets other faults strike the same request; of the others only the
	// first does.
	beside bool
	// spares are the requests the fault cannot be about.
	spares func(*call) bool

	in      func(*rest, *trouble, Fault)
	instead func(Fault) answering
	out     mishap
	changes bool // out is for answers to a change that has been made
}

// restFaults is every fault of the REST side, in the order they are looked at.
var restFaults = []restFault{
	{name: "rest-slow", says: "REST answers take Delay (2 s) longer, and at random up to Text (such as 500ms) more", beside: true,
		in: func(r *rest, t *trouble, f Fault) {
			d := f.takes(2 * time.Second)
			t.delay = r.sim.span(d, d+f.spread())
		}},
	{name: "rest-skew", says: "Discord's clock is Delay (1 min) off in X-RateLimit-Reset and Date", beside: true,
		in: func(_ *rest, t *trouble, f Fault) { t.skew = f.takes(time.Minute) }},

	{name: "rest-ban", says: "the address is banned from REST for Delay, in the form Text says: 1015, html or json",
		in: func(_ *rest, t *trouble, f Fault) { t.ban, t.banFor = f.banForm(), f.Delay }},
	{name: "rest-reset", says: "the connection is reset before a REST request is handled",
		in: func(_ *rest, t *trouble, _ Fault) { t.never = true }},
	{name: "rest-timeout", says: "REST requests are neither handled nor answered; the connection is reset after Delay (2 min)",
		in: func(_ *rest, t *trouble, f Fault) { t.never, t.hang = true, f.takes(2*time.Minute) }},
	{name: "rest-401", says: "REST answers 401 as if the token were wrong", spares: (*call).tokenless,
		instead: func(Fault) answering { return always(errUnauthorized.answer()) }},
	{name: "rest-403", says: "REST answers 403 50001 Missing Access",
		instead: func(Fault) answering { return always(errMissingAccess.answer()) }},
	{name: "rest-5xx", says: "REST answers with a server error, Code (500), and Text as its body if given",
		instead: func(f Fault) answering { return always(serverError(f.status(http.StatusInternalServerError), f.Text)) }},
	{name: "rest-html", says: "a proxy answers REST with an HTML page and Code (502)",
		instead: func(f Fault) answering { return always(proxyPage(f.status(http.StatusBadGateway))) }},
	{name: "rest-429", says: "the bucket of a REST request is empty for Delay (1 s): 429, scope user",
		instead: func(f Fault) answering { return emptied(f.takes(time.Second)) }},
	{name: "rest-429-shared", says: "others have used up what a REST request wants for Delay (1 s): 429, scope shared",
		instead: func(f Fault) answering { return shared(f.takes(time.Second)) }},
	{name: "rest-429-global", says: "all REST requests of the token have to pause for Delay (1 s): 429, scope global", spares: (*call).unlimited,
		instead: func(f Fault) answering { return paused(f.takes(time.Second)) }},
	{name: "rest-429-bare", says: "the bucket of a REST request is empty for Delay (1 s): 429 without any header that says so",
		in:      func(_ *rest, t *trouble, _ Fault) { t.noHeaders = true },
		instead: func(f Fault) answering { return emptied(f.takes(time.Second)) }},

	{name: "rest-commit-then-drop", says: "a change over REST is made, but its answer is lost; with Delay it comes that late", changes: true,
		out: mishap{deliver: dropped, loses: true}},
	{name: "rest-commit-then-502", says: "a change over REST is made, but a proxy answers with an HTML page and Code (502)", changes: true,
		out: mishap{deliver: replaced, loses: true}},
	{name: "rest-truncated", says: "REST answers break off in the middle, with the connection; or only their JSON does, where Text is json",
		out: mishap{deliver: truncated, loses: true}},
	{name: "rest-drip", says: "REST answers drip in over Delay (5 s)",
		out: mishap{deliver: dripped}},
}

// restKinds is the REST side's part of all faults.
var restKinds = func() map[string]*kind {
	kinds := map[string]*kind{}
	for _, f := range restFaults {
		kinds[f.name] = &kind{says: f.says}
	}
	return kinds
}()

// place is where a request stands for a fault that looks for its target.
func (r *rest) place(c *call) place {
	return place{app: r.culprit(c), shard: -1, host: "api", route: c.label()}
}

// trouble finds out what the faults do to a request. A request that was refused
// at the gates is past being answered otherwise, but not past getting lost.
func (r *rest) trouble(c *call, refused bool) (t trouble) {
	at := r.place(c)
	if !refused && r.sim.lasting("outage", at.app) {
		t.instead = always(serverError(http.StatusServiceUnavailable, ""))
		return t
	}
	for _, f := range restFaults {
		if f.out.deliver != nil || (f.spares != nil && f.spares(c)) || (refused && f.instead != nil) {
			continue
		}
		a := r.sim.strikes(f.name, at)
		if a == nil {
			continue
		}
		if f.in != nil {
			f.in(r, &t, a.Fault)
		}
		if f.instead != nil {
			t.instead = f.instead(a.Fault)
		}
		if t.ban != "" && a.For > 0 {
			t.banFor = a.Began.Add(a.For).Sub(c.now)
		}
		if !f.beside {
			break
		}
	}
	return t
}

// mishap finds out what the faults do to an answer.
func (r *rest) mishap(c *call, a answer) mishap {
	changed := !methodsWithoutBody[c.req.Method] && a.status < http.StatusMultipleChoices
	for _, f := range restFaults {
		if f.out.deliver == nil || (f.changes && !changed) {
			continue
		}
		if struck := r.sim.strikes(f.name, r.place(c)); struck != nil {
			f.out.fault = struck.Fault
			return f.out
		}
	}
	return mishap{}
}

// always answers whatever is asked in one way.
func always(a answer) answering { return func(*rest, *call) answer { return a } }

// tokenless reports whether a request is about a route that needs no token.
func (c *call) tokenless() bool { return c.route == nil || c.route.open }

// unlimited reports whether a request is about a route outside the global limit.
func (c *call) unlimited() bool { return c.route == nil || c.route.exempt }

// takes is the time the fault is about.
func (f Fault) takes(otherwise time.Duration) time.Duration {
	if f.Delay == 0 {
		return otherwise
	}
	return f.Delay
}

// spread is the time in Text; none where Text is something else.
func (f Fault) spread() time.Duration {
	d, err := time.ParseDuration(f.Text)
	if err != nil {
		return 0
	}
	return max(0, d)
}

// status is the HTTP status the fault is about.
func (f Fault) status(otherwise int) int {
	if f.Code < 200 || f.Code > 599 {
		return otherwise
	}
	return f.Code
}

func (f Fault) banForm() string {
	if f.Text == banHTML || f.Text == banJSON {
		return f.Text
	}
	return banPlain
}

// serverError is Discord's own 5xx.
func serverError(status int, text string) answer {
	if text != "" {
		return answer{status: status, text: text}
	}
	message := strconv.Itoa(status) + ": " + http.StatusText(status)
	return answer{status: status, body: map[string]any{"message": message, "code": 0}}
}

// proxyPage is what stands in front of Discord answering for it.
func proxyPage(status int) answer {
	h := http.Header{"Server": {"cloudflare"}, "Content-Type": {"text/html; charset=UTF-8"}}
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return answer{status: status, bare: true, header: h, text: htmlPage(title, title)}
}

// emptied empties the bucket of a request for a while. It stays empty for
// whoever comes back too early, and that is recorded like any other such visit.
func emptied(wait time.Duration) answering {
	return func(r *rest, c *call) answer {
		if b := r.bucketOf(c); b != nil && b.used < b.Requests {
			b.used, b.until, b.empty, b.limited = b.Requests, c.now.Add(wait), time.Time{}, time.Time{}
		}
		if a, over := r.routeLimit(c); over {
			return a
		}
		return limitedAnswer(scopeUser, wait)
	}
}

// shared lets others use up what a request wants.
func shared(wait time.Duration) answering {
	return func(r *rest, c *call) answer {
		if b := r.bucketOf(c); b != nil && !c.now.Before(b.held) {
			b.held, b.heldTold = c.now.Add(wait), time.Time{}
		}
		if a, over := r.routeLimit(c); over {
			return a
		}
		return limitedAnswer(scopeShared, wait)
	}
}

// paused begins a global pause.
func paused(wait time.Duration) answering {
	return func(r *rest, c *call) answer {
		if w := r.globalOf(c); !c.now.Before(w.paused) {
			w.paused, w.told = c.now.Add(wait), time.Time{}
		}
		if a, over := r.globalLimit(c); over {
			return a
		}
		return limitedAnswer(scopeGlobal, wait)
	}
}

// deliver brings an answer out through whatever happens to it, and reports
// whether the client now knows it.
func (r *rest) deliver(w http.ResponseWriter, req *http.Request, a answer, m mishap) bool {
	if m.deliver != nil {
		return m.deliver(r, w, req, a, m.fault)
	}
	a.write(w)
	return true
}

// dropped loses the answer with its connection, or holds it back.
func dropped(r *rest, w http.ResponseWriter, req *http.Request, a answer, f Fault) bool {
	if f.Delay <= 0 || !r.wait(req.Context(), f.Delay) {
		r.reset(req)
	}
	a.write(w)
	return true
}

// replaced lets a proxy answer instead.
func replaced(_ *rest, w http.ResponseWriter, _ *http.Request, _ answer, f Fault) bool {
	proxyPage(f.status(http.StatusBadGateway)).write(w)
	return false
}

// truncated writes half of the answer.
func truncated(r *rest, w http.ResponseWriter, req *http.Request, a answer, f Fault) bool {
	payload := a.payload()
	if len(payload) < 2 {
		a.write(w)
		return true
	}
	half := payload[:len(payload)/2]
	if f.Text == "json" {
		a.head(w, len(half))
		push(w, half)
		return false
	}
	a.head(w, len(payload))
	push(w, half)
	panic(http.ErrAbortHandler)
}

// drops is in how many pieces an answer drips in.
const drops = 20

// dripped writes the answer piece by piece.
func dripped(r *rest, w http.ResponseWriter, req *http.Request, a answer, f Fault) bool {
	payload := a.payload()
	a.head(w, len(payload))
	piece := max(1, (len(payload)+drops-1)/drops)
	for len(payload) > 0 {
		if !r.wait(req.Context(), f.takes(5*time.Second)/drops) {
			r.reset(req)
		}
		n := min(piece, len(payload))
		push(w, payload[:n])
		payload = payload[n:]
	}
	return true
}

// reset ends the connection of a request at once and without an answer, as a
// router does that has forgotten it. It does not return.
func (r *rest) reset(req *http.Request) {
	r.locked(func() {
		if l := linkOf(req.Context()); l != nil {
			l.cut()
		}
	})
	panic(http.ErrAbortHandler)
}
