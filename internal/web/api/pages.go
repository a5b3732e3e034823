package api

import (
	"mime"
	"net/http"

	"evergreen/fleet"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/health"
	"evergreen/internal/web/dashboard"
)

// pages are the paths that the dashboard serves.
var pages = []route{
	{path: "/", page: true, serve: (*Server).servePage},
	{path: "/runbook", page: true, serve: (*Server).servePage},
	{path: "/status", open: true, serve: (*Server).servePage, enabled: func(s *Server) bool { return s.opts.StatusPage }},
	{path: "/login", open: true, serve: (*Server).servePage, enabled: (*Server).tokenConfigured},
	{path: "/login", open: true, post: true, serve: (*Server).serveForm, enabled: (*Server).tokenConfigured},
	{path: "/logout", open: true, post: true, serve: (*Server).serveForm, enabled: (*Server).tokenConfigured},
}

// assetRoutes are the files that the pages load.
func assetRoutes() []route {
	var list []route
	for _, path := range dashboard.Assets() {
		list = append(list, route{path: path, open: true, serve: (*Server).servePage})
	}
	return list
}

func (s *Server) newDashboard() *dashboard.Dashboard {
	o := dashboard.Options{
		Source: source{s}, History: s.opts.History, Lines: s.opts.Lines, Session: s.opts.Limits.Session, Version: s.opts.Version, Simulator: s.opts.Simulator,
	}
	if s.tokenConfigured() {
		o.CheckToken = s.checkFormToken
	}
	if s.opts.Proxy != nil {
		o.Proxy = s.opts.Proxy
	}
	return dashboard.New(o)
}

// servePage serves a page.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) { s.dashboard.ServeHTTP(w, r) }

// serveForm reads a form and passes it to the dashboard.
func (s *Server) serveForm(w http.ResponseWriter, r *http.Request) {
	if readForm(w, r) {
		s.dashboard.ServeHTTP(w, r)
	}
}

// checkFormToken checks the token of a login form.
func (s *Server) checkFormToken(r *http.Request, token string) error {
	p, ok := s.checkToken(r, token)
	if ok {
		return nil
	}
	s.logRefusal(r, p)
	if p.Status == http.StatusTooManyRequests {
		return &dashboard.TooManyAttemptsError{Wait: p.Wait}
	}
	return dashboard.ErrWrongToken
}

// formBytes is the most bytes of a form that is posted.
const formBytes = 4 << 10

// readForm reads a small form from a page of this server, or answers why not.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case isFromOtherSite(r):
		refuseBody(w)
		formOfOtherSite.Write(w)
	case r.ContentLength != 0 && kind != "application/x-www-form-urlencoded":
		refuseBody(w)
		badForm.Write(w)
	case r.ContentLength < 0 || r.ContentLength > formBytes:
		refuseBody(w)
		bodyNotAllowed.Write(w)
	case r.ParseForm() != nil:
		refuseBody(w)
		badForm.Write(w)
	default:
		return true
	}
	return false
}

// source tells the dashboard what the server knows.
type source struct{ server *Server }

// Snapshot implements [dashboard.Source].
func (s source) Snapshot() health.Snapshot { return s.server.opts.Bot.Snapshot() }

// Budget implements [dashboard.Source].
func (s source) Budget() identify.Usage { return s.server.opts.Bot.Budget() }

// Handlers implements [dashboard.Source].
func (s source) Handlers() []bot.HandlerTime { return s.server.opts.Bot.Handlers() }

// Presence implements [dashboard.Source].
func (s source) Presence() dashboard.Presence { return s.server.presenceNow() }

// Fleet implements [dashboard.Source].
func (s source) Fleet() *fleet.Snapshot {
	if s.server.opts.Operator == nil {
		return nil
	}
	snap := s.server.opts.Operator.Snapshot()
	return &snap
}
