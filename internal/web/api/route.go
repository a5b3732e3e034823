package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// route is a path with the method it is served for and the clients it is served to.
type route struct {
	// path is served alone; one that ends in "/" stands for all below it, and
	// "/" for itself.
	path  string
	serve func(*Server, http.ResponseWriter, *http.Request)
	// open: served to all clients. What is not open needs the token.
	open bool
	// probe: open, and answered also when strangers keep the server busy.
	probe bool
	// page: for people. A login form is the answer to a request without the token.
	page bool
	// post: served for POST, and not for GET and HEAD.
	post bool
	// write: it changes something. Only the token in the header counts, also on this
	// machine.
	write bool
	// enabled reports whether this server has it. Nil: always.
	enabled func(*Server) bool
}

// routes are the paths for programs.
var routes = []route{
	{path: "/livez", probe: true, serve: (*Server).livez},
	{path: "/readyz", probe: true, serve: (*Server).readyz},
	{path: "/readyz/bot", probe: true, serve: (*Server).readyzBot},
	{path: "/startupz", probe: true, serve: (*Server).startupz},
	{path: "/health", serve: (*Server).health},
	{path: "/metrics", serve: (*Server).serveMetrics},
	{path: "/openapi.json", serve: (*Server).openapi},
	{path: "/badge/state.svg", open: true, serve: (*Server).stateBadge},
	{path: "/badge/uptime.svg", open: true, serve: (*Server).uptimeBadge},
	{path: "/api/v1/status", serve: (*Server).status},
	{path: "/api/v1/incidents", serve: (*Server).incidents},
	{path: "/api/v1/uptime", serve: (*Server).uptime},
	{path: "/api/v1/latency", serve: (*Server).latency},
	{path: "/api/v1/rates", serve: (*Server).rates},
	{path: "/api/v1/shards", serve: (*Server).shards},
	{path: "/api/v1/shards/", post: true, write: true, serve: (*Server).operateShard, enabled: (*Server).hasOperator},
	{path: "/api/v1/fleet", serve: (*Server).fleet, enabled: (*Server).hasOperator},
	{path: "/api/v1/fleet/reshard", post: true, write: true, serve: (*Server).reshard, enabled: (*Server).hasOperator},
	{path: "/api/v1/logs", serve: (*Server).logs},
	{path: "/api/v1/events", serve: (*Server).stream},
}

// methods are those a route is served for.
func (rt route) methods() []string {
	if rt.post {
		return []string{http.MethodPost}
	}
	return []string{http.MethodGet, http.MethodHead}
}

// matches reports whether the path leads to the route.
func (rt route) matches(path string) bool {
	if below, ok := strings.CutSuffix(rt.path, "/"); ok && below != "" {
		rest, ok := strings.CutPrefix(path, rt.path)
		return ok && rest != ""
	}
	return path == rt.path
}

// find returns the route for a request, or, if there is none for its method, the
// methods of its path. No methods: the path is not served.
func (s *Server) find(r *http.Request) (found route, methods []string) {
	// A path has one spelling. Others are not redirected but unknown.
	if r.URL.RawPath != "" || path.Clean(r.URL.Path) != r.URL.Path {
		return route{}, nil
	}
	for _, to := range s.routes {
		if !to.matches(r.URL.Path) {
			continue
		}
		if slices.Contains(to.methods(), r.Method) {
			return to, nil
		}
		methods = append(methods, to.methods()...)
	}
	return route{}, methods
}

// headers stand on every answer: browsers must not keep it, guess its type, frame
// it or show it to other sites. Pages, badges and what may be kept replace them.
var headers = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// SetHeaders sets those headers on an answer.
func SetHeaders(w http.ResponseWriter) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
}

// ServeHTTP answers one request. A panic on the way costs that request only.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.unserved.Requested(r)
	SetHeaders(w)
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("A request to the HTTP API failed inside the bot", "path", r.URL.Path,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			broken.Write(w)
		}
	}()
	to, methods := s.find(r)
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if !s.conns.begin(conn, to.probe) {
		refuseBody(w)
		busy.Write(w)
		return
	}
	defer s.conns.end(conn)
	if r.ContentLength != 0 && !to.post {
		refuseBody(w)
	}
	switch {
	case to.serve == nil && methods == nil:
		notFound.Write(w)
	case to.serve == nil:
		w.Header().Set("Allow", strings.Join(methods, ", "))
		methodNotAllowed.Write(w)
	case r.ContentLength != 0 && !to.post:
		bodyNotAllowed.Write(w)
	case to.probe:
		to.serve(s, w, r)
	case to.open:
		s.serveAnonymous(to, w, r)
	case s.authorized(w, r, to):
		to.serve(s, w, r)
	}
}

// serveAnonymous answers a request without a token, if not too many such are being
// answered already.
func (s *Server) serveAnonymous(to route, w http.ResponseWriter, r *http.Request) {
	select {
	case s.anonymous <- struct{}{}:
		defer func() { <-s.anonymous }()
		to.serve(s, w, r)
	default:
		refuseBody(w)
		busy.Write(w)
	}
}

// refuseBody keeps the server from reading the body of a request after the answer.
// A slow client could make that last, with the connection counted as busy.
func refuseBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
}

// authorized reports whether a request may see what is not open. If not, it has
// been answered.
func (s *Server) authorized(w http.ResponseWriter, r *http.Request, to route) bool {
	p, ok := s.authorize(r)
	switch {
	case ok && to.write && !s.tokenConfigured():
		p, ok = writeNeedsToken, false
	case ok && to.write && !s.hasTokenHeader(r.Header):
		p, ok = badToken, false // a session is for looking
	}
	if ok {
		return true
	}
	s.logRefusal(r, p)
	switch p.Status {
	case http.StatusUnauthorized:
		if to.page {
			// 401 would make the form say that a token was wrong; none was given.
			s.dashboard.ShowLogin(w, r, http.StatusForbidden, r.URL.Path)
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="evergreen"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Connection", "close") // so that each try costs a connection
	}
	p.Write(w)
	return false
}

// authorize decides whether a request may see what is not open, and returns the
// problem if not.
func (s *Server) authorize(r *http.Request) (Problem, bool) {
	if isFromOtherPage(r) {
		return otherSite, false
	}
	if s.tokenConfigured() {
		if s.dashboard.SignedIn(r) {
			return Problem{}, true
		}
		if len(r.Header.Values("Authorization")) == 0 {
			return badToken, false
		}
		return s.checkToken(r, bearerToken(r.Header))
	}
	s.mu.Lock()
	loopback := s.loopback
	s.mu.Unlock()
	if !loopback {
		return tokenNotSet, false
	}
	if mark := proxyMark(r); mark != "" {
		return throughProxy(mark), false
	}
	// A page in a browser on this machine can give any name the address
	// 127.0.0.1. The name it used then stands in the request.
	return wrongHost, isLocalHost(r.Host)
}

// stillAuthorized reports whether what a request was admitted with still holds.
func (s *Server) stillAuthorized(r *http.Request) bool {
	return !s.tokenConfigured() || s.dashboard.SignedIn(r) || s.hasTokenHeader(r.Header)
}

func (s *Server) tokenConfigured() bool { return s.opts.Token != "" }

// checkToken compares a token with the server's, and returns the problem if it is
// wrong. The right one is let in however many wrong ones its address has presented:
// behind a proxy, or beside a scraper with an old token, that address is the
// operator's too.
func (s *Server) checkToken(r *http.Request, token string) (Problem, bool) {
	if s.isToken(token) {
		return Problem{}, true
	}
	if wait := s.logins.countWrong(origin(r)); wait > 0 {
		p := tooManyWrongTokens
		p.Wait = wait
		return p, false
	}
	return badToken, false
}

// hasTokenHeader reports whether the header carries the token.
func (s *Server) hasTokenHeader(h http.Header) bool { return s.isToken(bearerToken(h)) }

// bearerToken is the token in the header; empty unless there is exactly one.
func bearerToken(h http.Header) string {
	given := h.Values("Authorization")
	if len(given) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// isToken reports whether a text is the token, in the same time for any text of
// that length, so that the time does not tell how much of it was right.
func (s *Server) isToken(text string) bool {
	key := sha256.Sum256([]byte(strings.TrimSpace(text)))
	return subtle.ConstantTimeCompare(key[:], s.key[:]) == 1
}

// logRefusal logs that a request was refused, once a minute.
func (s *Server) logRefusal(r *http.Request, p Problem) {
	if held, ok := s.refusals.Pass(time.Now()); ok {
		s.opts.Log.Info("A request to the HTTP API was refused", "path", r.URL.Path, "from", r.RemoteAddr,
			"why", p.Detail, "others_since_the_last_line", held)
	}
}
