package rest

import "testing"

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
