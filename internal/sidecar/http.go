package sidecar

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"evergreen/internal/discord/rest"
)

// uploadLimit bounds the body of one request: Discord's largest upload.
const uploadLimit = 500 << 20

// gatewayRoute is GET /gateway and /gateway/bot of any version of the API.
var gatewayRoute = regexp.MustCompile(`^/api(/v[0-9]{1,2})?/gateway(/bot)?/?$`)

// ownTokenRoute is a route that carries a token of its own, so that requests need no
// other: webhooks, and the answers to interactions.
var ownTokenRoute = regexp.MustCompile(`^/api(/v[0-9]{1,2})?/(webhooks|interactions)/[0-9]+/[^/]`)

// InstancePath is asked, without a token, which run of Evergreen listens, and InstanceHeader
// of the answer says so: any program may listen there, and must not be sent a token.
const (
	InstancePath   = "/evergreen"
	InstanceHeader = "Evergreen-Instance"
)

// ServeHTTP serves bots: WebSockets on any path, and below /api Discord's REST API. It
// refuses browsers, which name the page they come from, and names that are not this
// machine's, which a page may have had changed to its address.
func (s *Sidecar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.conns.Requested(r)
	switch {
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		s.serveLine(w, r)
	case r.Header.Get("Origin") != "":
		refuse(w, http.StatusForbidden, "Evergreen serves bots, not web pages.")
	case !s.hostAllowed(r.Host):
		refuse(w, http.StatusForbidden, "Evergreen does not go by the name "+hostName(r.Host)+": set PROXY_URL to it, or connect to an address.")
	case gatewayRoute.MatchString(r.URL.Path):
		s.serveGateway(w, r)
	case r.URL.Path == InstancePath:
		w.Header().Set(InstanceHeader, s.opts.Instance)
		w.WriteHeader(http.StatusNoContent)
	case s.opts.NoREST:
		refuse(w, http.StatusNotFound, "PROXY_REST is off: send REST requests to Discord itself.")
	case strings.HasPrefix(r.URL.Path, "/api/"):
		s.serveREST(w, r)
	default:
		s.noAddress(w, r)
	}
}

// serveGateway tells a library to connect here. Sessions cost nothing here, so it may
// start as many as it likes.
func (s *Sidecar) serveGateway(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "405: Method Not Allowed")
		return
	}
	scheme := "ws://"
	if r.TLS != nil {
		scheme = "wss://"
	}
	answer := map[string]any{"url": s.gatewayURL(scheme + r.Host)}
	if strings.Contains(r.URL.Path, "/bot") {
		if s.authenticate(r.Context().Done(), r.Header.Get("Authorization"), r.RemoteAddr) != nil {
			refuse(w, http.StatusUnauthorized, "401: Unauthorized")
			return
		}
		answer["shards"] = s.opts.Shards
		answer["session_start_limit"] = map[string]int{"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 16}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// gatewayURL returns where bots connect that came to a local URL.
func (s *Sidecar) gatewayURL(local string) string {
	if s.opts.PublicURL != "" {
		return s.opts.PublicURL
	}
	return local
}

// newREST makes the part that passes REST requests on to Discord.
func (s *Sidecar) newREST() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = s.api.Scheme, s.api.Host, ""
			if s.opts.StandIn != "" && isToken(p.In.Header.Get("Authorization"), s.opts.StandIn) {
				p.Out.Header.Set("Authorization", "Bot "+s.opts.Token())
			}
			if _, ok := p.In.Header["User-Agent"]; !ok {
				p.Out.Header.Set("User-Agent", "") // else Go would name itself
			}
		},
		Transport:      s.opts.HTTPClient.Transport,
		ModifyResponse: s.onRESTAnswer,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the bot has hung up
			}
			answer := answerFor(err, time.Now())
			level := slog.LevelWarn
			if answer.after > 0 {
				level = slog.LevelDebug // why it waits was told before
			}
			s.log.Log(r.Context(), level, "A REST request of the bot was not answered by Discord", "method", r.Method, "status", answer.status, "error", rest.Plain(err))
			answer.send(w)
		},
	}
}

// serveREST passes a request on to Discord, within its limits. A wrong bot token is
// answered here: Discord counts refused requests against this address.
func (s *Sidecar) serveREST(w http.ResponseWriter, r *http.Request) {
	authorization := r.Header.Get("Authorization")
	switch {
	case strings.HasPrefix(authorization, "Bearer "):
	case authorization == "" && (ownTokenRoute.MatchString(r.URL.Path) || s.isLoopback()):
	case s.authenticate(r.Context().Done(), authorization, r.RemoteAddr) != nil:
		refuse(w, http.StatusUnauthorized, "401: Unauthorized")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, uploadLimit)
	s.rest.ServeHTTP(w, r.WithContext(rest.WithPatience(r.Context(), restPatience)))
}

// isLoopback reports whether only this machine can connect.
func (s *Sidecar) isLoopback() bool {
	addr, ok := s.Addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// hostAllowed reports whether a Host header names this machine: an address, localhost,
// its name, or that of PROXY_URL.
func (s *Sidecar) hostAllowed(host string) bool {
	name := hostName(host)
	if net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") {
		return true
	}
	if public, err := url.Parse(s.opts.PublicURL); err == nil && public.Hostname() != "" && strings.EqualFold(name, public.Hostname()) {
		return true
	}
	own, err := os.Hostname()
	return err == nil && own != "" && strings.EqualFold(name, own)
}

// hostName returns a host without its port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}
