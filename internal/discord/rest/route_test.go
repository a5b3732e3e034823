package rest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The routes that paths are read as, their resources, and what of them is
// secret.
// Statements: G-127.
func TestRoutes(t *testing.T) {
	for _, c := range []struct{ path, template, resource string }{
		{"/api/v10/channels/12/messages/34", "/channels/{channel}/messages/{message}", "channel 12"},
		{"/api/v10/channels/12/messages/34/reactions/%F0%9F%91%8D/@me", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", "channel 12"},
		{"/api/channels/12/typing", "/channels/{channel}/typing", "channel 12"},
		{"/proxy/api/v9/guilds/5/members/6", "/guilds/{guild}/members/{id}", "guild 5"},
		{"/api/v10/guilds/5/bans/6/", "/guilds/{guild}/bans/{id}", "guild 5"},
		{"/api/v10/applications/1/guilds/5/commands/6", "/applications/{application}/guilds/{guild}/commands/{command}", "guild 5"},
		{"/api/v10/users/@me/guilds", "/users/@me/guilds", ""},
		{"/api/v10/guilds/templates/x9Y", "/guilds/templates/{code}", ""},
		{"/api/v10/invites/x9Y", "/invites/{code}", ""},
		{"/api/v10/webhooks/7", "/webhooks/{webhook}", "webhook 7"},
		{"/api/v10/webhooks/7/S3cret", "/webhooks/{webhook}/{token}", "webhook 7 " + digest("S3cret")},
		{"/api/v10/webhooks/7/S3cret/messages/@original", "/webhooks/{webhook}/{token}/messages/@original", "webhook 7 " + digest("S3cret")},
		{"/api/v10/webhooks/7/plainword/github", "/webhooks/{webhook}/{token}/github", "webhook 7 " + digest("plainword")},
		{"/api/v10/interactions/8/S3cret/callback", "/interactions/{interaction}/{token}/callback", "interaction 8"},
		{"/api/v10/some/S3cretThing", "/some/{}", ""},
		{"/api/v10/guilds/5/channels/7", "/guilds/{guild}/channels/{channel}", "guild 5"},
		{"/api/v10/channels/12-3", "/channels/{}", ""},
		{"/api/v10/channels/12:3", "/channels/{}", ""},
		{"/api/v10/some/" + strings.Repeat("a", 40), "/some/" + strings.Repeat("a", 40), ""},
		{"/api/v10/some/" + strings.Repeat("a", 41), "/some/{}", ""},
		{"/gateway", "/gateway", ""},
		{"/", "/{}", ""},
	} {
		r := routeOf(&http.Request{URL: &url.URL{Path: mustUnescape(t, c.path), RawPath: c.path}})
		if r.template != c.template || r.resource != c.resource || r.method != "GET" {
			t.Errorf("%s is %q of %q", c.path, r.template, r.resource)
		}
	}
}

// Requests that belong to an interaction pass by the global limit: its callback, what goes to
// its webhook after that, the original response, and a webhook whose token is one of an
// interaction's.
// Statements: G-130.
func TestWhatPassesByTheGlobalLimit(t *testing.T) {
	for _, c := range []struct {
		request string
		passes  bool
	}{
		{"POST /interactions/1/abc/callback", true},
		{"POST /webhooks/7/called", true},
		{"PATCH /webhooks/7/called/messages/@original", true},
		{"PATCH /webhooks/7/other/messages/@original", true},
		{"POST /webhooks/7/" + interactionToken + "xyz", true},
		{"POST /webhooks/7/other", false},
		{"PATCH /webhooks/7/other/messages/1", false},
		{"GET /gateway", false},
	} {
		run(t, Options{}, func(_ int, s sentRequest) (*http.Response, error) {
			if s.path == "/webhooks/1/limited" {
				return respond(429, `{"retry_after":30,"global":true}`), nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			w.must(200, "POST", "/interactions/1/called/callback", "{}")
			for _, request := range []string{"POST /webhooks/1/limited", c.request} {
				method, path, _ := strings.Cut(request, " ")
				ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
				defer cancel()
				status, err := w.send(w.request(ctx, method, path, "{}"))
				if request == c.request && (status == 200) != c.passes {
					t.Errorf("%s: %d, %v", request, status, err)
				}
			}
		})
	}
}

func mustUnescape(t *testing.T, path string) string {
	t.Helper()
	plain, err := url.PathUnescape(path)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
