package api

import (
	"mime"
	"net/http"
	"time"
)

// formBytes bounds a form that is posted.
const formBytes = 4 << 10

// sameSite refuses forms that another site made a browser post.
var sameSite = http.NewCrossOriginProtection()

// showLogin asks for the token.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	writeLogin(w, r, http.StatusOK, "/")
}

// login takes the token from the form and begins a session.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	next, from := s.next(r.PostForm.Get("next")), origin(r)
	switch {
	case !s.guesses.may(from):
		s.refused(r, tooManyGuesses)
		w.Header().Set("Retry-After", "60")
		writeLogin(w, r, http.StatusTooManyRequests, next)
	case !s.isToken(r.PostForm.Get("token")):
		s.guesses.wrong(from)
		s.refused(r, badToken)
		writeLogin(w, r, http.StatusUnauthorized, next)
	default:
		s.sessions.end(r) // a new login has a new name
		http.SetCookie(w, s.cookie(r, s.sessions.begin(), int(s.opts.Limits.Session/time.Second)))
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// logout ends the session.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	s.sessions.end(r)
	http.SetCookie(w, s.cookie(r, "", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// cookie is the session's, out of reach for scripts and other sites. Behind a
// proxy that speaks TLS it is sent over TLS only.
func (s *Server) cookie(r *http.Request, name string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: name, Path: "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// next is where to go after a login: a page of this server, never elsewhere.
func (s *Server) next(path string) string {
	for _, to := range s.routes {
		if to.page && to.path == path {
			return path
		}
	}
	return "/"
}

// readForm reads a small form from a page of this server, or answers why not.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case sameSite.Check(r) != nil:
		leaveBody(w)
		otherSite.write(w)
	case r.ContentLength != 0 && kind != "application/x-www-form-urlencoded":
		leaveBody(w)
		badForm.write(w)
	case r.ContentLength < 0 || r.ContentLength > formBytes:
		leaveBody(w)
		bodyNotAllowed.write(w)
	case r.ParseForm() != nil:
		leaveBody(w)
		badForm.write(w)
	default:
		return true
	}
	return false
}
