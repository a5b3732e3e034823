package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// route is one thing that can be asked for.
type route struct {
	path string
	// open: for everybody. What is not open needs the token.
	open  bool
	serve func(*Server, http.ResponseWriter, *http.Request)
}

// routes is everything the server knows.
var routes = []route{
	{"/livez", true, (*Server).livez},
	{"/readyz", true, (*Server).readyz},
	{"/startupz", true, (*Server).startupz},
	{"/health", false, (*Server).health},
	{"/", true, func(_ *Server, w http.ResponseWriter, _ *http.Request) { notFound.write(w) }},
}

// headers stand on every answer: it is for programs, not to be kept, guessed at,
// framed or read by other sites.
var headers = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// ServeHTTP answers one request. Whatever goes wrong on the way costs that
// request only.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("A request to the HTTP API failed inside the bot", "path", r.URL.Path,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			broken.write(w)
		}
	}()
	if r.ContentLength != 0 {
		leaveBody(w)
	}
	// A path has one spelling. Others are not redirected but unknown.
	if !strings.HasPrefix(r.URL.Path, "/") || r.URL.RawPath != "" || path.Clean(r.URL.Path) != r.URL.Path {
		notFound.write(w)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// route puts the checks in front of what serves.
func (s *Server) route(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != to.path { // "/" stands for all that is not known
			notFound.write(w)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			methodNotAllowed.write(w)
			return
		}
		if r.ContentLength != 0 {
			bodyNotAllowed.write(w)
			return
		}
		if !to.open && !s.admitted(w, r) {
			return
		}
		to.serve(s, w, r)
	})
}

// leaveBody sees to it that nobody waits for a request's body: the server would
// read it after the answer, for as long as the client likes to be slow, and
// count the connection as one at work.
func leaveBody(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
}

// admitted reports whether a request may see what is not open. If not, it has
// been answered.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) bool {
	p, ok := s.admit(r)
	if ok {
		return true
	}
	s.refused(r, p)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="evergreen"`)
	}
	p.write(w)
	return false
}

// admit decides it, and names the problem if the answer is no.
func (s *Server) admit(r *http.Request) (problem, bool) {
	if s.opts.Token != "" {
		return badToken, s.presents(r.Header)
	}
	s.mu.Lock()
	loopback := s.loopback
	s.mu.Unlock()
	if !loopback {
		return tokenNotSet, false
	}
	// A page in a browser on this machine can give any name the address
	// 127.0.0.1. The name it used then stands in the request.
	return wrongHost, local(r.Host)
}

// presents reports whether the header carries the token. How long it takes does
// not tell how much of it was right.
func (s *Server) presents(h http.Header) bool {
	given := h.Values("Authorization")
	if len(given) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	key := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(key[:], s.key[:]) == 1
}

// local reports whether a Host header names this machine and nothing else.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// throttle lets one thing through a minute.
type throttle struct {
	mu   sync.Mutex
	last time.Time
	held int
}

// pass reports whether it is time, and how many were held back before.
func (t *throttle) pass(now time.Time) (held int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.last.IsZero() && now.Sub(t.last) < time.Minute {
		t.held++
		return 0, false
	}
	held, t.held, t.last = t.held, 0, now
	return held, true
}

// refused tells the operator that somebody was turned away, once a minute.
func (s *Server) refused(r *http.Request, p problem) {
	if held, ok := s.refusals.pass(time.Now()); ok {
		s.opts.Log.Info("A request to the HTTP API was refused", "path", r.URL.Path, "from", r.RemoteAddr,
			"why", p.Detail, "others_since_the_last_line", held)
	}
}
