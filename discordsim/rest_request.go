package discordsim

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// restRequest is one request to the REST API: what was asked, by whom, and what
// has to happen besides the response.
type restRequest struct {
	req       *http.Request
	route     *route
	params    map[string]string
	query     url.Values
	client    string // address of the caller, without port
	app       *App   // whose token it is; nil on routes without one
	token     string // the credential as sent, for telling retries apart; never printed
	now       time.Time
	body      []byte // the JSON of the body, whatever form it came in
	files     []file
	bodyError *restResponse // what reading the body already decided

	bucket    *bucket
	events    []func() // gateway events, each called with the simulator's lock held
	retryKey  string   // identifies the same request sent again
	createKey string   // identifies the same message created again
	nonce     string   // of a message create that may get lost
}

// restResponse is the response to a request.
type restResponse struct {
	status int
	body   any    // marshalled to JSON; nil is no body
	text   string // sent as it is, with the given content type, when set
	header http.Header
	scope  scope         // of a 429
	wait   time.Duration // of a 429
	bare   bool          // no rate limit headers and no Via: not Discord itself speaks
}

func ok200(body any) restResponse { return restResponse{status: http.StatusOK, body: body} }

func noContent() restResponse { return restResponse{status: http.StatusNoContent} }

// id reads a snowflake of the path; the route matcher has checked its form.
func (c *restRequest) id(name string) ID {
	n, _ := strconv.ParseUint(c.params[name], 10, 64)
	return ID(n)
}

// form reads the body as an object.
func (c *restRequest) form() *form { return newForm(c.body) }

// forms reads the body as a list of objects.
func (c *restRequest) forms(maxLen int) (list []*form, errors *formErrors) {
	f := newForm([]byte(`{"":` + string(cmp.Or(strings.TrimSpace(string(c.body)), "[]")) + `}`))
	return f.each("", maxLen), f.errors
}

// emit keeps an event for before or after the response; see releaseEvents.
func (c *restRequest) emit(event func()) { c.events = append(c.events, event) }

// majorParameter is the top-level resource of the path, which rate limits go by.
func (c *restRequest) majorParameter() string {
	for _, name := range []string{"channel", "guild", "webhook", "interaction"} {
		if id := c.params[name]; id != "" {
			return name + "/" + id + "/" + c.params["token"]
		}
	}
	return ""
}

// label names the request for people, without secrets: the template, not the
// path, since paths can hold tokens.
func (c *restRequest) label() string {
	if c.route == nil {
		_, path, _ := split(c.req.URL.Path)
		return c.req.Method + " " + templateOf(path)
	}
	return c.route.label()
}

// limitParam reads a page size of the query within its bounds.
func (c *restRequest) limitParam(low, high, otherwise int, wrong *formErrors) int {
	text := c.query.Get("limit")
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		wrong.add("limit", "NUMBER_TYPE_COERCE", "Value %q is not int.", clip([]byte(text)))
	case n < low:
		wrong.add("limit", "NUMBER_TYPE_MIN", "int value should be greater than or equal to %d.", low)
	case n > high:
		wrong.add("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", high)
	}
	return n
}

// idParam reads a snowflake of the query, 0 when absent.
func (c *restRequest) idParam(name string, wrong *formErrors) ID {
	text := c.query.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		wrong.add(name, "NUMBER_TYPE_COERCE", "Value %q is not snowflake.", clip([]byte(text)))
	}
	return ID(n)
}

// flagParam reads a bool of the query.
func (c *restRequest) flagParam(name string, wrong *formErrors) bool {
	text := c.query.Get(name)
	if text == "" {
		return false
	}
	b, ok := parseBool(text)
	if !ok {
		wrong.add(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
	}
	return b
}

// write puts the answer on the wire.
func (a restResponse) write(w http.ResponseWriter) {
	payload := a.payload()
	a.head(w, len(payload))
	push(w, payload)
}

// payload is the body as it goes over the wire.
func (a restResponse) payload() []byte {
	if a.text == "" && a.body != nil {
		return marshal(a.body)
	}
	return []byte(a.text)
}

// head writes status and headers for a body of so many bytes. Real answers
// carry Via; what stands in front of Discord does not send it.
func (a restResponse) head(w http.ResponseWriter, length int) {
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	if !a.bare {
		h.Set("Via", "1.1 google")
	}
	if a.text == "" && a.body != nil {
		h.Set("Content-Type", "application/json")
	}
	if a.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(a.status)
}

// push writes a part of a body at once. A client that has gone away cannot be
// told about it.
func push(w http.ResponseWriter, part []byte) {
	_, _ = w.Write(part)
	_ = http.NewResponseController(w).Flush()
}

// clientAddr is the address a request came from, without its port.
func clientAddr(req *http.Request) string {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		return req.RemoteAddr
	}
	return strings.TrimSpace(host)
}
