package dashboard

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// loginView is the page that asks for the token.
type loginView struct {
	frame
	Problem string // why the last attempt failed; empty at the first
	Next    string // where to go then
}

// ShowLogin asks for the token and then leads to the page next. Status 401 says
// that the last token was wrong, 429 that there were too many.
func (d *Dashboard) ShowLogin(w http.ResponseWriter, r *http.Request, status int, next string) {
	v := loginView{frame: newFrame(w, r, "login"), Next: next}
	v.Title = v.T("title", v.T("login"), v.T("brand"))
	switch status {
	case http.StatusUnauthorized:
		v.Problem = v.T("login.wrong")
	case http.StatusTooManyRequests:
		v.Problem = v.T("login.slow")
	}
	writePage(w, status, "login.html", v)
}

// SignedIn reports whether the request belongs to a session, and counts as a use
// of it.
func (d *Dashboard) SignedIn(r *http.Request) bool { return d.sessions.holds(r) }

// login takes the token from the form and begins a session.
func (d *Dashboard) login(w http.ResponseWriter, r *http.Request) {
	next := pageOr(r.PostForm.Get("next"), "/")
	err := d.opts.CheckToken(r, r.PostForm.Get("token"))
	if many, ok := errors.AsType[*TooManyAttemptsError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(many.Wait.Seconds()))))
		w.Header().Set("Connection", "close")
		d.ShowLogin(w, r, http.StatusTooManyRequests, next)
		return
	}
	if err != nil {
		d.ShowLogin(w, r, http.StatusUnauthorized, next)
		return
	}
	d.sessions.end(r) // a new login has a new name
	http.SetCookie(w, newSessionCookie(r, d.sessions.create(), int(d.opts.Session/time.Second)))
	redirect(w, next)
}

// logout ends the session.
func (d *Dashboard) logout(w http.ResponseWriter, r *http.Request) {
	d.sessions.end(r)
	http.SetCookie(w, newSessionCookie(r, "", -1))
	redirect(w, "/login")
}

// pageOr is path if it is a page that needs the token, else other. A login never
// leads to another site.
func pageOr(path, other string) string {
	if path == "/" || path == "/runbook" {
		return path
	}
	return other
}

// redirect leads from one page to another, by an address that is relative as all
// links are.
func redirect(w http.ResponseWriter, page string) {
	w.Header().Set("Location", "."+page)
	w.WriteHeader(http.StatusSeeOther)
}

// newSessionCookie makes the session's cookie, out of reach of scripts and other
// sites. Where the browser speaks TLS it is sent over TLS only.
func newSessionCookie(r *http.Request, name string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: name, MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: isOverTLS(r),
	}
}

// isOverTLS reports whether the browser speaks TLS, to this server or to the first
// of the proxies in front of it. A client that says so falsely harms its own cookie
// alone.
func isOverTLS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Scheme", "X-Url-Scheme"} {
		first, _, _ := strings.Cut(r.Header.Get(name), ",")
		if strings.EqualFold(strings.TrimSpace(first), "https") {
			return true
		}
	}
	// RFC 7239: Forwarded: for=192.0.2.1;proto=https, for=...
	first, _, _ := strings.Cut(r.Header.Get("Forwarded"), ",")
	for pair := range strings.SplitSeq(first, ";") {
		key, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(key), "proto") && strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "https") {
			return true
		}
	}
	return strings.EqualFold(r.Header.Get("X-Forwarded-Ssl"), "on") || strings.EqualFold(r.Header.Get("Front-End-Https"), "on")
}
