package dashboard

import (
	"errors"
	"net/http"
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
	switch err := d.opts.CheckToken(r, r.PostForm.Get("token")); {
	case errors.Is(err, ErrTooManyAttempts):
		w.Header().Set("Retry-After", "60")
		d.ShowLogin(w, r, http.StatusTooManyRequests, next)
	case err != nil:
		d.ShowLogin(w, r, http.StatusUnauthorized, next)
	default:
		d.sessions.end(r) // a new login has a new name
		http.SetCookie(w, newSessionCookie(r, d.sessions.create(), int(d.opts.Session/time.Second)))
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// logout ends the session.
func (d *Dashboard) logout(w http.ResponseWriter, r *http.Request) {
	d.sessions.end(r)
	http.SetCookie(w, newSessionCookie(r, "", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// pageOr is path if it is a page that needs the token, else other. A login never
// leads to another site.
func pageOr(path, other string) string {
	if path == "/" || path == "/runbook" {
		return path
	}
	return other
}

// newSessionCookie makes the session's cookie, out of reach of scripts and other
// sites. Behind a proxy that speaks TLS it is sent over TLS only.
func newSessionCookie(r *http.Request, name string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: name, Path: "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}
