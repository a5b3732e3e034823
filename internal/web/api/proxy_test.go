package api

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Given a server on loopback without a token, when a proxy on the same machine
// brings a request of somebody else, then it is refused, whatever shows the proxy;
// probes and badges are answered, and so is what comes straight.
func TestProxiedRequestsNeedTheToken(t *testing.T) {
	s := serve(t, Options{})
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, name := range []string{
		"Forwarded", "forwarded", "Via", "X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Anything",
		"X-Real-IP", "X-Client-IP", "CF-Connecting-IP", "CF-Ray", "True-Client-IP", "Fastly-Client-IP", "X-Cluster-Client-IP", "X-Original-URL",
		"X-Envoy-External-Address", "Fly-Client-IP", "Tailscale-User-Login", "X-ProxyUser-Ip", "X-Amzn-Trace-Id", "CDN-Loop",
	} {
		for _, path := range []string{"/", "/runbook", "/health", "/metrics", "/api/v1/status", "/api/v1/logs", "/api/v1/events", "/openapi.json"} {
			if a := ask(t, s, "GET", path, header(name, "")); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "API_TOKEN") ||
				!strings.Contains(a.Body, http.CanonicalHeaderKey(name)) {
				t.Errorf("%s with %s: %d %s", path, name, a.Status, a.Body)
			}
		}
		for _, path := range []string{"/livez", "/readyz", "/startupz", "/badge/state.svg", "/assets/evergreen.css"} {
			if a := ask(t, s, "GET", path, header(name, "x")); a.Status != http.StatusOK {
				t.Errorf("%s with %s: %d %s", path, name, a.Status, a.Body)
			}
		}
	}
	for _, name := range []string{"User-Agent", "Accept-Language", "X-Requested-With", "X-Request-Id", "Cache-Control", "Cookie", "Traceparent", "Dnt"} {
		if a := ask(t, s, "GET", "/health", header(name, "x")); a.Status != http.StatusOK {
			t.Errorf("a client with %s: %d %s", name, a.Status, a.Body)
		}
	}
	// With a token there is nothing to fear: it opens, and nothing else does.
	s = serve(t, Options{Token: "a-long-token"})
	through := header("X-Forwarded-For", "192.0.2.1")
	if a := ask(t, s, "GET", "/health", through, bearer("Bearer a-long-token")); a.Status != http.StatusOK {
		t.Errorf("with the token: %d %s", a.Status, a.Body)
	}
	if a := ask(t, s, "GET", "/health", through); a.Status != http.StatusUnauthorized {
		t.Errorf("without the token: %d %s", a.Status, a.Body)
	}
}

// Some proxies add no header, and show otherwise: by HTTP/1.0, as nginx does, by an
// absolute address, or by the name that the client asked for.
func TestProxiesWithoutAHeader(t *testing.T) {
	s := serve(t, Options{})
	for request, want := range map[string]int{
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":                               200,
		"GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n":          403,
		"GET /livez HTTP/1.0\r\n\r\n":                                                   200,
		"GET http://127.0.0.1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":               403,
		"GET http://evil.example/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":            403,
		"GET /health HTTP/1.1\r\nHost: bot.example.com\r\n\r\n":                         421,
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n":         400,
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-forwarded-FOR: 127.0.0.1\r\n\r\n": 403,
		"GET /health HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n":                  421,
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1.evil.example:8000\r\n\r\n":             421,
		"GET /api/v1/events HTTP/1.1\r\nHost: 0.0.0.0:8000\r\nOrigin: http://x\r\n\r\n": 403,
	} {
		c := dial(t, s)
		send(t, c, request)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%q: %v", request, err)
			continue
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %d, want %d: %s", request, resp.StatusCode, want, body)
		}
	}
}

// The cookie of a login is for TLS alone where the browser speaks TLS to the proxy,
// in whatever words the proxy says so.
func TestLoginCookieIsSecureBehindTLS(t *testing.T) {
	s := serve(t, Options{Token: "a-long-token"})
	for _, c := range []struct {
		name, value string
		secure      bool
	}{
		{"X-Forwarded-Proto", "https", true}, {"X-Forwarded-Proto", "HTTPS", true}, {"X-Forwarded-Proto", "https, http", true},
		{"X-Forwarded-Proto", "http", false}, {"X-Forwarded-Proto", "http, https", false}, {"X-Forwarded-Proto", "", false},
		{"X-Forwarded-Scheme", "https", true}, {"X-Forwarded-Ssl", "on", true}, {"X-Forwarded-Ssl", "off", false}, {"Front-End-Https", "on", true},
		{"Forwarded", "for=192.0.2.1;proto=https;by=x", true}, {"Forwarded", `For=192.0.2.1; Proto="https", for=10.0.0.1;proto=http`, true},
		{"Forwarded", "for=192.0.2.1;proto=http, for=10.0.0.1;proto=https", false},
	} {
		cookie := session(post(t, s, "/login", "token=a-long-token", func(r *http.Request) { r.Header.Set(c.name, c.value) }))
		if cookie == nil || cookie.Secure != c.secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
			t.Errorf("%s: %s: the cookie is %+v", c.name, c.value, cookie)
		}
	}
}

// Given a proxy that puts another name into Host, then the login form works by the
// name that the browser used, and a form of another site does not.
func TestLoginFormBehindAProxy(t *testing.T) {
	s := serve(t, Options{Token: "a-long-token"})
	for _, c := range []struct {
		headers map[string]string
		want    int
	}{
		{map[string]string{"Origin": "http://bot.lan:8080", "Host": "bot.lan:8080"}, 303},
		{map[string]string{"Origin": "http://bot.lan:8080", "X-Forwarded-Host": "bot.lan:8080"}, 303},
		{map[string]string{"Origin": "http://bot.lan", "X-Forwarded-Host": "bot.lan, inner:80"}, 303},
		{map[string]string{"Origin": "https://bot.lan", "Sec-Fetch-Site": "same-origin"}, 303},
		{map[string]string{"Origin": "http://evil.example", "X-Forwarded-Host": "bot.lan"}, 403},
		{map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "X-Forwarded-Host": "evil.example"}, 403},
		{map[string]string{"Origin": "null", "X-Forwarded-Host": "bot.lan"}, 403},
		{map[string]string{"Origin": "http://bot.lan"}, 403},
	} {
		a := post(t, s, "/login", "token=a-long-token", func(r *http.Request) {
			for name, value := range c.headers {
				if name == "Host" {
					r.Host = value
				}
				r.Header.Set(name, value)
			}
		})
		if a.Status != c.want || a.Status == 403 && !strings.Contains(a.Body, "Host") {
			t.Errorf("%s: %d %s", fmt.Sprint(c.headers), a.Status, a.Body)
		}
	}
}
