package discordsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// requestFault is what the REST faults in force do to one request before it is
// handled. The zero value does nothing.
type requestFault struct {
	delay time.Duration // before anything is looked at
	// unanswered means that the request is not handled at all: its connection hangs
	// for so long and is then reset.
	unanswered bool
	hang       time.Duration

	ban       string
	banCode   int // of Cloudflare's page
	banFor    time.Duration
	respond   responder
	noHeaders bool          // strips the answer of all headers
	skew      time.Duration // of Discord's clock as headers show it
}

// responder answers in place of a route.
type responder func(*restAPI, *restRequest) restResponse

// responseFault is what a fault does to a response after the request was handled.
// The zero value delivers it.
type responseFault struct {
	fault Fault
	// deliver writes the response, or what is left of it, and reports whether the
	// client now knows it.
	deliver func(*restAPI, http.ResponseWriter, *http.Request, restResponse, Fault) bool
	// mayLose says that the client may not get the response.
	mayLose bool
}

// restFault is one fault of the REST side (S-087, S-092, S-097): what it does to a
// request before it is handled, or to a response afterwards.
type restFault struct {
	name, description string
	// combines lets other faults strike the same request; of those without it only the
	// first does.
	combines bool
	// skips are the requests the fault cannot be about.
	skips func(*restRequest) bool

	in          func(*restAPI, *requestFault, Fault)
	respond     func(Fault) responder
	out         responseFault
	changesOnly bool // out is for answers to a change that has been made
}

// restFaults is every fault of the REST side, in the order they are looked at.
var restFaults = []restFault{
	{name: "rest-slow", description: "REST answers take Delay (2 s) longer, and at random up to Text (such as 500ms) more", combines: true,
		in: func(r *restAPI, t *requestFault, f Fault) {
			d := f.delayOr(2 * time.Second)
			t.delay = r.sim.between(d, d+f.textDuration())
		}},
	{name: "rest-skew", description: "Discord's clock is Delay (1 min) off in X-RateLimit-Reset and Date", combines: true,
		in: func(_ *restAPI, t *requestFault, f Fault) { t.skew = f.delayOr(time.Minute) }},

	{name: "rest-ban", description: "the address is banned from REST for Delay, in the form Text says: 1015, html or json",
		in: func(_ *restAPI, t *requestFault, f Fault) { t.ban, t.banFor = f.banForm(), f.Delay }},
	{name: "rest-cloudflare", description: "Cloudflare refuses the address with a page: 403, error Code (1020), as plain text where Text is plain",
		in: func(_ *restAPI, t *requestFault, f Fault) { t.ban, t.banCode, t.banFor = f.pageForm(), f.pageCode(), 0 }},
	{name: "rest-reset", description: "the connection is reset before a REST request is handled",
		in: func(_ *restAPI, t *requestFault, _ Fault) { t.unanswered = true }},
	{name: "rest-timeout", description: "REST requests are neither handled nor answered; the connection is reset after Delay (2 min)",
		in: func(_ *restAPI, t *requestFault, f Fault) { t.unanswered, t.hang = true, f.delayOr(2*time.Minute) }},
	{name: "rest-401", description: "REST answers 401 as if the token were wrong", skips: (*restRequest).isTokenless,
		respond: func(Fault) responder { return always(errUnauthorized.answer()) }},
	{name: "rest-403", description: "REST answers 403 50001 Missing Access",
		respond: func(Fault) responder { return always(errMissingAccess.answer()) }},
	{name: "rest-5xx", description: "REST answers with a server error, Code (500), and Text as its body if given",
		respond: func(f Fault) responder {
			return always(serverError(f.statusOr(http.StatusInternalServerError), f.Text))
		}},
	{name: "rest-html", description: "a proxy answers REST with an HTML page and Code (502)",
		respond: func(f Fault) responder { return always(proxyPage(f.statusOr(http.StatusBadGateway))) }},
	{name: "rest-429", description: "the bucket of a REST request is empty for Delay (1 s): 429, scope user",
		respond: func(f Fault) responder { return emptyBucket(f.delayOr(time.Second)) }},
	{name: "rest-429-shared", description: "others have used up what a REST request wants for Delay (1 s): 429, scope shared",
		respond: func(f Fault) responder { return useUpShared(f.delayOr(time.Second)) }},
	{name: "rest-429-global", description: "all REST requests of the token have to pause for Delay (1 s): 429, scope global", skips: (*restRequest).isUnlimited,
		respond: func(f Fault) responder { return pauseGlobally(f.delayOr(time.Second)) }},
	{name: "rest-429-bare", description: "the bucket of a REST request is empty for Delay (1 s): 429 without any header that says so",
		in:      func(_ *restAPI, t *requestFault, _ Fault) { t.noHeaders = true },
		respond: func(f Fault) responder { return emptyBucket(f.delayOr(time.Second)) }},
	{name: "rest-429-odd", description: "something in front of Discord answers 429 with a text and none of Discord's marks; Text is its Retry-After, where it is date an HTTP date Delay (1 min) ahead",
		respond: func(f Fault) responder { return oddLimit(f) }},
	{name: "rest-redirect", description: "REST answers lead on with Code (302), and from there on and on",
		respond: func(f Fault) responder { return leadOn(f.statusOr(http.StatusFound)) }},

	{name: "rest-endless", description: "REST answers never end; where Text is gzip they are small on the wire and unpack without end, where it is header their header never ends",
		out: responseFault{deliver: endlessResponse, mayLose: true}},
	{name: "rest-commit-then-drop", description: "a change over REST is made, but its answer is lost; with Delay it comes that late", changesOnly: true,
		out: responseFault{deliver: dropResponse, mayLose: true}},
	{name: "rest-commit-then-502", description: "a change over REST is made, but a proxy answers with an HTML page and Code (502)", changesOnly: true,
		out: responseFault{deliver: replaceResponse, mayLose: true}},
	{name: "rest-truncated", description: "REST answers break off in the middle, with the connection; or only their JSON does, where Text is json",
		out: responseFault{deliver: truncateResponse, mayLose: true}},
	{name: "rest-drip", description: "REST answers drip in over Delay (5 s)",
		out: responseFault{deliver: dripResponse}},
}

// jsonText refuses a Text that is given and no JSON object.
func jsonText(f Fault) error {
	var object map[string]json.RawMessage
	if f.Text != "" && json.Unmarshal([]byte(f.Text), &object) != nil {
		return fmt.Errorf("the Text of %q has to be a JSON object", f.Name)
	}
	return nil
}

// restKinds is the REST side's part of all faults.
var restKinds = func() map[string]*faultKind {
	kinds := map[string]*faultKind{}
	for _, f := range restFaults {
		kinds[f.name] = &faultKind{description: f.description}
	}
	kinds["gateway-bot"] = &faultKind{check: jsonText,
		description: `GET /gateway/bot has the fields of Text ({"shards":1000000000}) in the place of its own`}
	return kinds
}()

// faultTarget is what faults look for when they may strike a request.
func (r *restAPI) faultTarget(c *restRequest) target {
	return target{app: r.appOf(c), shard: -1, host: "api", route: c.label()}
}

// requestFault says what the faults do to a request. One that was refused already
// gets no other response, but may still get lost.
func (r *restAPI) requestFault(c *restRequest, refused bool) (t requestFault) {
	at := r.faultTarget(c)
	if !refused && r.sim.inForce("outage", at.app) {
		t.respond = always(serverError(http.StatusServiceUnavailable, ""))
		return t
	}
	for _, f := range restFaults {
		if f.out.deliver != nil || (f.skips != nil && f.skips(c)) || (refused && f.respond != nil) {
			continue
		}
		a := r.sim.strike(f.name, at)
		if a == nil {
			continue
		}
		if f.in != nil {
			f.in(r, &t, a.Fault)
		}
		if f.respond != nil {
			t.respond = f.respond(a.Fault)
		}
		if t.ban != "" && t.banCode == 0 && a.For > 0 {
			t.banFor = a.Began.Add(a.For).Sub(c.now)
		}
		if !f.combines {
			break
		}
	}
	return t
}

// responseFault says what the faults do to a response.
func (r *restAPI) responseFault(c *restRequest, a restResponse) responseFault {
	changed := !methodsWithoutBody[c.req.Method] && a.status < http.StatusMultipleChoices
	for _, f := range restFaults {
		if f.out.deliver == nil || (f.changesOnly && !changed) {
			continue
		}
		if struck := r.sim.strike(f.name, r.faultTarget(c)); struck != nil {
			f.out.fault = struck.Fault
			return f.out
		}
	}
	return responseFault{}
}

// always responds to every request alike.
func always(a restResponse) responder { return func(*restAPI, *restRequest) restResponse { return a } }

// isTokenless reports whether a request is about a route that needs no token.
func (c *restRequest) isTokenless() bool { return c.route == nil || c.route.open }

// isUnlimited reports whether a request is about a route outside the global limit.
func (c *restRequest) isUnlimited() bool { return c.route == nil || c.route.exempt }

// delayOr is the Delay of the fault, with its default.
func (f Fault) delayOr(otherwise time.Duration) time.Duration {
	if f.Delay == 0 {
		return otherwise
	}
	return f.Delay
}

// textDuration is the time in Text; none where Text is something else.
func (f Fault) textDuration() time.Duration {
	d, err := time.ParseDuration(f.Text)
	if err != nil {
		return 0
	}
	return max(0, d)
}

// statusOr is the HTTP status in Code, with its default.
func (f Fault) statusOr(otherwise int) int {
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
func serverError(status int, text string) restResponse {
	if text != "" {
		return restResponse{status: status, text: text}
	}
	message := strconv.Itoa(status) + ": " + http.StatusText(status)
	return restResponse{status: status, body: map[string]any{"message": message, "code": 0}}
}

// proxyPage is a response of a proxy in front of Discord.
func proxyPage(status int) restResponse {
	h := http.Header{"Server": {"cloudflare"}, "Content-Type": {"text/html; charset=UTF-8"}}
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	return restResponse{status: status, bare: true, header: h, text: htmlPage(title, title)}
}

// emptyBucket empties the bucket of a request for a while. A request that comes
// back too early finds it empty and is recorded as any other.
func emptyBucket(wait time.Duration) responder {
	return func(r *restAPI, c *restRequest) restResponse {
		if b := r.bucketOf(c); b != nil && b.used < b.Requests {
			b.used, b.until, b.emptyTold, b.limitedTold = b.Requests, c.now.Add(wait), time.Time{}, time.Time{}
		}
		if a, over := r.routeLimit(c); over {
			return a
		}
		return limitedAnswer(scopeUser, wait)
	}
}

// useUpShared lets other bots use up the resource of a request.
func useUpShared(wait time.Duration) responder {
	return func(r *restAPI, c *restRequest) restResponse {
		if b := r.bucketOf(c); b != nil && !c.now.Before(b.sharedUntil) {
			b.sharedUntil, b.sharedTold = c.now.Add(wait), time.Time{}
		}
		if a, over := r.routeLimit(c); over {
			return a
		}
		return limitedAnswer(scopeShared, wait)
	}
}

// pauseGlobally begins a global pause.
func pauseGlobally(wait time.Duration) responder {
	return func(r *restAPI, c *restRequest) restResponse {
		if w := r.globalOf(c); !c.now.Before(w.paused) {
			w.paused, w.pausedTold = c.now.Add(wait), time.Time{}
		}
		if a, over := r.globalLimit(c); over {
			return a
		}
		return limitedAnswer(scopeGlobal, wait)
	}
}

// deliver writes a response as the fault says, and reports whether the client now
// knows it.
func (r *restAPI) deliver(w http.ResponseWriter, req *http.Request, a restResponse, m responseFault) bool {
	if m.deliver != nil {
		return m.deliver(r, w, req, a, m.fault)
	}
	a.write(w)
	return true
}

// dropResponse resets the connection, or writes the response after Delay.
func dropResponse(r *restAPI, w http.ResponseWriter, req *http.Request, a restResponse, f Fault) bool {
	if f.Delay <= 0 || !r.wait(req.Context(), f.Delay) {
		r.resetConn(req)
	}
	a.write(w)
	return true
}

// replaceResponse writes the response of a proxy instead.
func replaceResponse(_ *restAPI, w http.ResponseWriter, _ *http.Request, _ restResponse, f Fault) bool {
	proxyPage(f.statusOr(http.StatusBadGateway)).write(w)
	return false
}

// truncateResponse writes half of the answer.
func truncateResponse(r *restAPI, w http.ResponseWriter, req *http.Request, a restResponse, f Fault) bool {
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

// dripPieces is in how many pieces an answer drips in.
const dripPieces = 20

// dripResponse writes the answer piece by piece.
func dripResponse(r *restAPI, w http.ResponseWriter, req *http.Request, a restResponse, f Fault) bool {
	payload := a.payload()
	a.head(w, len(payload))
	piece := max(1, (len(payload)+dripPieces-1)/dripPieces)
	for len(payload) > 0 {
		if !r.wait(req.Context(), f.delayOr(5*time.Second)/dripPieces) {
			r.resetConn(req)
		}
		n := min(piece, len(payload))
		push(w, payload[:n])
		payload = payload[n:]
	}
	return true
}

// resetConn resets the connection of a request. It does not return: it panics with
// http.ErrAbortHandler.
func (r *restAPI) resetConn(req *http.Request) {
	r.locked(func() {
		if l := linkOf(req.Context()); l != nil {
			l.Cut()
		}
	})
	panic(http.ErrAbortHandler)
}
