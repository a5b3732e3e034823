package simapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Given a web page that makes a browser ask the control port, by its own name for
// 127.0.0.1 or from its own origin, or a proxy that asks for others, then nothing is done
// and nothing is told; a program of this machine is served.
//
// Statements: S-099.
func TestControlIsNotForWebPages(t *testing.T) {
	h := newHarness(t)
	const here = "127.0.0.1:8510"
	for _, test := range []struct {
		host    string
		headers map[string]string
		refused bool
	}{
		{here, nil, false},
		{"localhost:8510", nil, false},
		{"[::1]:8510", map[string]string{"User-Agent": "curl/8"}, false},
		{here, map[string]string{"Origin": "http://" + here, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, false},
		{"rebound.example:8510", nil, true},
		{"127.0.0.1.evil.example", nil, true},
		{"0.0.0.0:8510", nil, true},
		{"", nil, true},
		{here, map[string]string{"Origin": "https://evil.example"}, true},
		{here, map[string]string{"Origin": "http://localhost:3000"}, true},
		{here, map[string]string{"Origin": "null"}, true},
		{here, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, true},
		{here, map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, true},
		{here, map[string]string{"X-Forwarded-For": "192.0.2.1"}, true},
	} {
		for _, ask := range []struct {
			method, path, body string
			done               int
		}{
			{http.MethodGet, "/sim/verdict", "", http.StatusOK},
			{http.MethodGet, "/sim/world", "", http.StatusOK},
			{http.MethodHead, "/sim/events", "", http.StatusOK},
			{http.MethodPost, "/sim/say", `{"channel":"papers","as":"ann","content":"hello"}`, http.StatusOK},
			{http.MethodPost, "/sim/faults", `{"fault":"close","code":4000}`, http.StatusCreated},
			{http.MethodDelete, "/sim/faults", "", http.StatusNoContent},
		} {
			r := httptest.NewRequest(ask.method, ask.path, strings.NewReader(ask.body))
			r.Host = test.host
			for name, value := range test.headers {
				r.Header.Set(name, value)
			}
			faults, messages := len(h.sim.Injected()), len(h.sim.Messages(h.app.Guilds[0].Channels[1].ID))
			w := httptest.NewRecorder()
			h.handler.ServeHTTP(w, r)
			if refused := w.Code == http.StatusForbidden || w.Code == http.StatusMisdirectedRequest; refused != test.refused || !refused && w.Code != ask.done {
				t.Errorf("%s %s at %q with %v: %d", ask.method, ask.path, test.host, test.headers, w.Code)
			}
			if test.refused && (len(h.sim.Injected()) != faults || len(h.sim.Messages(h.app.Guilds[0].Channels[1].ID)) != messages) {
				t.Errorf("%s %s at %q with %v was done", ask.method, ask.path, test.host, test.headers)
			}
		}
	}
}
