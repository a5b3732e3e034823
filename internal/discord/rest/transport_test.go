package rest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Given a request without headers, or a User-Agent that is not of the documented form, then
// what is sent has one that is.
func TestUserAgentIsAlwaysProper(t *testing.T) {
	for told, want := range map[string]string{
		"": DefaultUserAgent, "curl/8": DefaultUserAgent, "DiscordBot (https://me.org, 1)": "DiscordBot (https://me.org, 1)",
	} {
		run(t, Options{UserAgent: told}, always(200, "{}"), func(w *harness) {
			resp, err := w.transport.RoundTrip((&http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "discord.test", Path: "/api/v10/gateway"}}).WithContext(w.t.Context()))
			if err != nil || resp.StatusCode != 200 {
				t.Fatal(err)
			}
			if got := w.discord.seen()[0].header.Get("User-Agent"); got != want {
				t.Errorf("%q: sent %q", told, got)
			}
		})
	}
}

// The zero Options send over the network, and idle connections can be closed.
func TestDefaultBase(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	defer server.Close()
	transport := New(Options{})
	client := http.Client{Transport: transport}
	for range 2 {
		resp, err := client.Get(server.URL + "/api/v10/gateway")
		if err != nil || resp.StatusCode != 204 {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	client.CloseIdleConnections() // or goleak finds them
}

// closable is a base whose idle connections can be closed.
type closable struct {
	noBase
	closed int
}

func (c *closable) CloseIdleConnections() { c.closed++ }

// Idle connections are those of the base, where it has any.
func TestIdleConnectionsAreTheBases(t *testing.T) {
	base := &closable{}
	New(Options{Base: base}).CloseIdleConnections()
	New(Options{Base: noBase{}}).CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("closed %d times", base.closed)
	}
}

// Given requests as callers make them, each leaves with a User-Agent of the
// documented form, a Content-Type if it has a body, and Authorization only where
// it is needed. The caller's own request stays as it was.
// Statements: G-125.
func TestRequestsAreDressed(t *testing.T) {
	run(t, Options{UserAgent: "DiscordBot (https://example.org, 2.0) evergreen"}, always(200, "{}"), func(w *harness) {
		for _, c := range []struct {
			method, path, body, agent, kind string
			agentOut, kindOut               string
			authorized                      bool
		}{
			{"GET", "/users/@me", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
			{"GET", "/users/@me", "", "DiscordBot (https://me.org, 1)", "", "DiscordBot (https://me.org, 1)", "", true},
			{"GET", "/users/@me", "", "DiscordBot (https://me.org, )", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
			{"POST", "/channels/1/messages", `{"a":1}`, "curl/8", "", "DiscordBot (https://example.org, 2.0) evergreen", "application/json", true},
			{"POST", "/channels/1/messages", `--x`, "", "multipart/form-data; boundary=x", "DiscordBot (https://example.org, 2.0) evergreen", "multipart/form-data; boundary=x", true},
			{"POST", "/webhooks/1/abc", `{}`, "", "", "DiscordBot (https://example.org, 2.0) evergreen", "application/json", false},
			{"POST", "/applications/1/commands", ` [1]`, "", "", "DiscordBot (https://example.org, 2.0) evergreen", "application/json", true},
			{"POST", "/channels/1/messages", `{"a":1}`, "", "application/vnd.json", "DiscordBot (https://example.org, 2.0) evergreen", "application/vnd.json", true},
			{"POST", "/channels/1/messages", `a=1`, "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
			{"DELETE", "/webhooks/1", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
			{"POST", "/interactions/1/abc/callback", `{}`, "", "", "DiscordBot (https://example.org, 2.0) evergreen", "application/json", false},
			{"GET", "/gateway", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", false},
			{"GET", "/gateway/bot", "", "", "", "DiscordBot (https://example.org, 2.0) evergreen", "", true},
		} {
			req := w.request(w.t.Context(), c.method, c.path, c.body)
			req.Header.Set("User-Agent", c.agent)
			if c.kind != "" {
				req.Header.Set("Content-Type", c.kind)
			}
			if _, err := w.send(req); err != nil {
				t.Fatal(err)
			}
			all := w.discord.seen()
			got := all[len(all)-1].header
			if got.Get("User-Agent") != c.agentOut || got.Get("Content-Type") != c.kindOut || (got.Get("Authorization") != "") != c.authorized {
				t.Errorf("%s %s left with %v", c.method, c.path, got)
			}
			if req.Header.Get("User-Agent") != c.agent || req.Header.Get("Authorization") == "" {
				t.Errorf("%s %s was changed for its caller", c.method, c.path)
			}
		}
	})
}
