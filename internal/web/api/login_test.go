package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// post sends a form.
func post(t *testing.T, s *Server, path, form string, change ...func(*http.Request)) reply {
	t.Helper()
	return ask(t, s, "POST", path, append([]func(*http.Request){func(r *http.Request) {
		if form != "" {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}}, change...)...)
}

// session is the cookie an answer gives, if any.
func session(a reply) *http.Cookie {
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.Name == "evergreen_session" {
			return c
		}
	}
	return nil
}

func carrying(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

// Given a person with a browser, when she opens a page, then she is asked for
// the token; when she gives it, the page is hers by a cookie that no script and
// no other site can use; when she leaves, the cookie is worth nothing.
func TestLogin(t *testing.T) {
	const token = "correct horse+battery"
	s := serve(t, Options{Token: token})
	if a := ask(t, s, "GET", "/"); a.Status != http.StatusForbidden || !strings.Contains(a.Body, `action="login"`) ||
		!strings.Contains(a.Header.Get("Content-Type"), "text/html") || a.Header.Get("Location") != "" {
		t.Errorf("without a token the page is %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := ask(t, s, "GET", "/login"); a.Status != http.StatusOK || !strings.Contains(a.Body, "<form") {
		t.Errorf("the form is %d %s", a.Status, a.Body)
	}
	a := post(t, s, "/login", "token=correct%20horse%2Bbattery&next=/runbook")
	cookie := session(a)
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "./runbook" || cookie == nil {
		t.Fatalf("login: %d %v", a.Status, a.Header)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "" || cookie.MaxAge != 86400 || cookie.Secure || len(cookie.Value) < 40 {
		t.Errorf("the cookie is %+v", cookie)
	}
	for _, path := range []string{"/", "/health", "/api/v1/status", "/metrics"} {
		if a := ask(t, s, "GET", path, carrying(cookie)); a.Status != http.StatusOK || strings.Contains(a.Body, token) || strings.Contains(a.Body, cookie.Value) {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	again := session(post(t, s, "/login", "token=correct%20horse%2Bbattery", carrying(cookie), func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }))
	if again == nil || again.Value == cookie.Value || !again.Secure {
		t.Fatalf("the second cookie is %+v", again)
	}
	if a := ask(t, s, "GET", "/health", carrying(cookie)); a.Status != http.StatusUnauthorized {
		t.Errorf("the first cookie still opens: %d", a.Status)
	}
	a = post(t, s, "/logout", "", carrying(again))
	if gone := session(a); a.Status != http.StatusSeeOther || gone == nil || gone.MaxAge >= 0 {
		t.Errorf("logout: %d %v", a.Status, a.Header)
	}
	if a := ask(t, s, "GET", "/health", carrying(again)); a.Status != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", a.Status)
	}
}

// A form of another site is refused, and a login never leads to another site.
func TestLoginByOthers(t *testing.T) {
	s := serve(t, Options{Token: "a-long-token"})
	const right = "token=a-long-token"
	for _, next := range []string{"//evil.example", "https://evil.example/", "/\\evil.example", "/nothing", "/logout", ""} {
		if a := post(t, s, "/login", right+"&next="+next); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "./" {
			t.Errorf("next %s leads to %s", next, a.Header.Get("Location"))
		}
	}
	kind := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Content-Type", value) }
	}
	for name, test := range map[string]struct {
		form   string
		change func(*http.Request)
		want   int
	}{
		"wrong":           {"token=wrong", kind("application/x-www-form-urlencoded"), http.StatusUnauthorized},
		"nothing":         {"", kind(""), http.StatusUnauthorized},
		"other site":      {right, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"other origin":    {right, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		"JSON":            {`{"token":"a-long-token"}`, kind("application/json"), http.StatusUnsupportedMediaType},
		"plain":           {right, kind("text/plain"), http.StatusUnsupportedMediaType},
		"bad escapes":     {"token=%zz", kind("application/x-www-form-urlencoded"), http.StatusUnsupportedMediaType},
		"much":            {right + "&x=" + strings.Repeat("x", 5000), kind("application/x-www-form-urlencoded"), http.StatusRequestEntityTooLarge},
		"of unknown size": {right, func(r *http.Request) { r.ContentLength = -1 }, http.StatusRequestEntityTooLarge},
	} {
		if a := post(t, s, "/login", test.form, test.change); a.Status != test.want || session(a) != nil {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if a := ask(t, s, "GET", "/login?token=a-long-token"); a.Status != http.StatusOK || session(a) != nil {
		t.Errorf("a token in the address: %d", a.Status)
	}
	if a := ask(t, s, "GET", "/logout"); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
		t.Errorf("GET /logout: %d", a.Status)
	}
	if a := ask(t, s, "PUT", "/login"); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT /login: %d %v", a.Status, a.Header)
	}
	open := serve(t, Options{})
	for _, a := range []reply{ask(t, open, "GET", "/login"), post(t, open, "/login", right), post(t, open, "/logout", "")} {
		if a.Status != http.StatusNotFound {
			t.Errorf("without a token there is a login: %d", a.Status)
		}
	}
}

// An address with too many wrong tokens is told to slow down, by the form and by the
// header, in words of their own; the right token is let in all the same, and a
// session and the probes are not disturbed.
func TestWrongTokensAreLimited(t *testing.T) {
	var log strings.Builder
	s := serve(t, Options{Token: "a-long-token", Limits: Limits{WrongTokens: 5}, Log: logTo(&log)})
	cookie := session(post(t, s, "/login", "token=a-long-token"))
	for n := range 5 {
		wrong := ask(t, s, "GET", "/health", bearer("Bearer guess"))
		if n%2 == 0 {
			wrong = post(t, s, "/login", "token=guess")
		}
		if wrong.Status != http.StatusUnauthorized {
			break // the form and the header count together
		}
	}
	waits := func(a reply) bool {
		seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
		return err == nil && seconds > 0 && seconds <= 60
	}
	if a := post(t, s, "/login", "token=guess"); a.Status != http.StatusTooManyRequests || !waits(a) || session(a) != nil ||
		!strings.Contains(a.Body, "too many wrong ones have come from this address") {
		t.Errorf("the form says %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := ask(t, s, "GET", "/health", bearer("Bearer guess")); a.Status != http.StatusTooManyRequests || !waits(a) ||
		!strings.Contains(a.Body, "The right one is let in at any time") {
		t.Errorf("the header gets %d %v %s", a.Status, a.Header, a.Body)
	}
	_, _, err := Client{Addr: s.Addr().String(), Token: "guess"}.Status(t.Context())
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Code != http.StatusTooManyRequests || refused.Wait <= 0 || refused.Wait > time.Minute {
		t.Errorf("the client reads %+v", err)
	}
	if a := post(t, s, "/login", "token=a-long-token"); a.Status != http.StatusSeeOther || session(a) == nil {
		t.Errorf("the form answers the right token with %d", a.Status)
	}
	if a := ask(t, s, "GET", "/health", bearer("Bearer a-long-token")); a.Status != http.StatusOK {
		t.Errorf("the right token gets %d", a.Status)
	}
	if a := ask(t, s, "GET", "/health", carrying(cookie)); a.Status != http.StatusOK {
		t.Errorf("the session gets %d", a.Status)
	}
	if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
		t.Errorf("the probe gets %d", a.Status)
	}
	if a := ask(t, s, "GET", "/health"); a.Status != http.StatusUnauthorized {
		t.Errorf("no token gets %d", a.Status)
	}
	if strings.Contains(log.String(), "guess ") || strings.Contains(log.String(), "a-long-token") {
		t.Errorf("the log says %s", log.String())
	}
}

// The minute of an address ends, others are not counted with it, and however
// many addresses there are, few are remembered.
func TestWrongTokensAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoginLimit(3)
		from := func(remote string) netip.Prefix { return origin(&http.Request{RemoteAddr: remote}) }
		for n := range 3 {
			if l.countWrong(from("192.0.2.1:1")) != 0 || l.countWrong(from("[2001:db8::1]:1")) != 0 {
				t.Errorf("number %d is too many", n+1)
			}
		}
		time.Sleep(20 * time.Second)
		for remote, want := range map[string]time.Duration{
			"192.0.2.1:9": 40 * time.Second, "[::ffff:192.0.2.1]:9": 40 * time.Second, "192.0.2.2:1": 0,
			"[2001:db8::ffff:ffff]:1": 40 * time.Second, "[2001:db8:0:1::1]:1": 0, "nonsense": 0,
		} {
			if got := l.countWrong(from(remote)); got != want {
				t.Errorf("%s waits %s, want %s", remote, got, want)
			}
		}
		time.Sleep(40 * time.Second)
		if wait := l.countWrong(from("192.0.2.1:1")); wait != 0 {
			t.Errorf("the minute does not end: %s", wait)
		}
		for n := range 2 * mostOrigins {
			l.countWrong(from(fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255)))
		}
		if len(l.from) > mostOrigins {
			t.Errorf("%d addresses are remembered", len(l.from))
		}
	})
}

// A page of another site makes a browser ask in vain; a link on it leads to the
// page.
func TestOtherSites(t *testing.T) {
	s := serve(t, Options{})
	site := func(site, mode string) func(*http.Request) {
		return func(r *http.Request) {
			if site == "" { // a browser that does not tell
				r.Header.Set("Origin", mode)
				return
			}
			r.Header.Set("Sec-Fetch-Site", site)
			r.Header.Set("Sec-Fetch-Mode", mode)
		}
	}
	for _, test := range []struct {
		path, site, mode string
		want             int
	}{
		{"/api/v1/status", "cross-site", "no-cors", 403}, {"/api/v1/events", "same-site", "cors", 403}, {"/", "cross-site", "navigate", 200},
		{"/api/v1/status", "same-origin", "cors", 200}, {"/health", "none", "navigate", 200}, {"/badge/state.svg", "cross-site", "no-cors", 200},
		{"/", "", "http://evil.example", 403}, {"/api/v1/events", "", "http://localhost:3000", 403}, {"/api/v1/status", "", "null", 403},
	} {
		if a := ask(t, s, "GET", test.path, site(test.site, test.mode)); a.Status != test.want {
			t.Errorf("%+v: %d", test, a.Status)
		}
	}
}
