package discordsim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestInvalidRequestsBan lets one address collect answers of 401, 403 and 429:
// one more than allowed, and every route answers it with the ban, whatever the
// token, while another address is served.
//
// Statements: S-086.
func TestInvalidRequestsBan(t *testing.T) {
	withREST(t, Config{REST: RESTConfig{InvalidLimit: 30}}, func(t *testing.T, w *restHarness) {
		elsewhere := w.AddGuild("elsewhere")
		forbidden := "/guilds/" + elsewhere.ID.String()
		at := func(from, path, token string) apiResponse {
			return w.send(apiRequest{method: "GET", path: "/api/v10" + path, token: token, from: from})
		}
		good := "Bot " + w.app.Token
		for range 10 {
			at("10.0.0.1", "/users/@me", "Bot wrong").hasStatus(401, 0)
			at("10.0.0.1", forbidden, good).hasStatus(403, 50001)
			at("10.0.0.1", "/channels/999999", good).hasStatus(404, 10003)
		}
		w.fault(Fault{Name: "rest-429", Count: 10, Delay: time.Millisecond})
		w.fault(Fault{Name: "rest-429-shared", Count: 20, Delay: time.Millisecond})
		for range 30 {
			at("10.0.0.1", "/users/@me", good).hasStatus(429, 0)
			time.Sleep(time.Second)
		}
		if got := w.Verdict(w.app).InvalidRequests; got != 20 {
			t.Errorf("%d invalid requests of the bot instead of 10 of 403 and 10 of 429", got)
		}
		at("10.0.0.1", "/users/@me", good).hasStatus(200, 0)
		at("10.0.0.1", forbidden, good).hasStatus(403, 50001)

		for _, path := range []string{"/users/@me", "/gateway", "/nothing", forbidden} {
			got := at("10.0.0.1", path, good)
			if got.status != 429 || got.text != "error code: 1015" || got.header.Get("Via") != "" {
				t.Errorf("%s: a banned address is answered %d %q %v", path, got.status, got.text, got.header)
			}
		}
		at("10.0.0.2", "/users/@me", good).hasStatus(200, 0)
		if got := w.violations(); !slices.Contains(got, "G-134") {
			t.Errorf("the ban is no violation: %v", got)
		}
		time.Sleep(time.Hour)
		at("10.0.0.1", "/users/@me", good).hasStatus(200, 0)
	})
}

// TestInvalidRequestsAge spreads the same number over more than the window: no
// ban.
//
// Statements: S-086.
func TestInvalidRequestsAge(t *testing.T) {
	withREST(t, Config{REST: RESTConfig{InvalidLimit: 10}}, func(t *testing.T, w *restHarness) {
		for range 50 {
			w.request("GET", "/users/999999", nil).hasStatus(404, 10013)
			w.send(apiRequest{method: "GET", path: "/api/v10/users/@me", token: "Bot wrong"}).hasStatus(401, 0)
			time.Sleep(time.Minute + time.Second)
		}
	})
}

// TestBanForms meets a ban in each of its forms: none looks like Discord's own
// answer.
//
// Statements: S-087.
func TestBanForms(t *testing.T) {
	check := func(t *testing.T, form string, got apiResponse) {
		t.Helper()
		if got.status != 429 || got.header.Get("Via") != "" {
			t.Errorf("%s: status %d, headers %v", form, got.status, got.header)
		}
		for name := range got.header {
			if strings.HasPrefix(name, "X-Ratelimit") {
				t.Errorf("%s: a ban says %s", form, name)
			}
		}
		kind, retry := got.header.Get("Content-Type"), got.header.Get("Retry-After")
		switch form {
		case banJSON:
			body := got.object()
			if _, has := body["retry_after"]; has || retry != "" || kind != "application/json" || !strings.HasPrefix(body["message"].(string), "You are being blocked") {
				t.Errorf("the JSON form is %q, %v", got.text, got.header)
			}
		case banHTML:
			if !strings.HasPrefix(got.text, "<!DOCTYPE html>") || !strings.HasPrefix(kind, "text/html") || retry != "3600" {
				t.Errorf("the HTML form is %q, %v", got.text, got.header)
			}
		default:
			if got.text != "error code: 1015" || !strings.HasPrefix(kind, "text/plain") || retry != "3600" {
				t.Errorf("the text form is %q, %v", got.text, got.header)
			}
		}
		if form != banJSON && json.Valid([]byte(got.text)) {
			t.Errorf("%s is JSON", form)
		}
	}
	for _, form := range []string{banPlain, banHTML, banJSON} {
		withREST(t, Config{REST: RESTConfig{InvalidLimit: 1, BanForm: form}}, func(t *testing.T, w *restHarness) {
			for range 2 {
				w.send(apiRequest{method: "GET", path: "/api/v10/users/@me", token: "Bot wrong"}).hasStatus(401, 0)
			}
			check(t, form, w.request("GET", "/users/@me", nil))
		})
		withREST(t, Config{}, func(t *testing.T, w *restHarness) {
			ban := w.fault(Fault{Name: "rest-ban", Text: string(form), For: time.Hour})
			check(t, form, w.request("GET", "/users/@me", nil))
			if got := w.violations(); got != nil {
				t.Errorf("the first request of a banned address has violations: %v", got)
			}
			time.Sleep(time.Minute)
			w.request("GET", "/users/@me", nil)
			if got := w.violations(); !slices.Equal(got, []string{"G-135"}) {
				t.Errorf("a second request has violations: %v", got)
			}
			w.Lift(ban)
			w.request("GET", "/users/@me", nil).hasStatus(200, 0)
		})
	}
}
