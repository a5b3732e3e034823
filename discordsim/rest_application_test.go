package discordsim

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestApplicationFlags reads both flag fields, and writes them: only the three
// LIMITED bits change, whatever else is sent.
//
// Statements: S-088.
func TestApplicationFlags(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		reviewed := uint64(1<<40 | 1<<18 | 1<<13 | 1<<6)
		w.SetFlags(w.app, reviewed)
		flags := func(app map[string]any) (float64, string) { return app["flags"].(float64), app["flags_new"].(string) }
		old, fresh := flags(w.request("GET", "/applications/@me", nil).hasStatus(200, 0).object())
		if old != float64(1<<18|1<<13|1<<6) || fresh != decimal(reviewed) {
			t.Errorf("the flags are %v and %s", old, fresh)
		}
		for _, c := range []struct{ sent, want uint64 }{
			{limitedFlags, 1<<40 | 1<<18 | 1<<6 | limitedFlags},
			{1<<15 | 1<<14 | 1<<12 | 1<<30, 1<<40 | 1<<18 | 1<<6 | 1<<15},
			{0, 1<<40 | 1<<18 | 1<<6},
		} {
			_, got := flags(w.request("PATCH", "/applications/@me", map[string]any{"flags": c.sent}).hasStatus(200, 0).object())
			if got != decimal(c.want) {
				t.Errorf("after %d the flags are %s instead of %d", c.sent, got, c.want)
			}
		}
		w.request("PATCH", "/applications/@me", `{"flags":-1}`).hasFormError("flags", "NUMBER_TYPE_MIN")
		w.request("PATCH", "/applications/@me", `{"flags":"all"}`).hasFormError("flags", "NUMBER_TYPE_COERCE")
		_, got := flags(w.request("PATCH", "/applications/@me", `{}`).hasStatus(200, 0).object())
		if got != decimal(1<<40|1<<18|1<<6) {
			t.Errorf("a PATCH of nothing makes the flags %s", got)
		}
	})
}

// TestInteractionsURL sets the endpoint for interactions: they no longer come
// over the gateway, until it is taken away.
//
// Statements: S-088.
func TestInteractionsURL(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds)
		for n, c := range []struct {
			body string
			want int
		}{{`{"interactions_endpoint_url":"https://example.org/i"}`, 0}, {`{"interactions_endpoint_url":null}`, 1}} {
			got := w.request("PATCH", "/applications/@me", c.body).hasStatus(200, 0).object()
			if set := got["interactions_endpoint_url"]; (set == nil) != (c.want == 1) {
				t.Errorf("step %d: the url is %v", n, set)
			}
			w.Interact(w.app, w.channel, w.person.ID, "ping")
			time.Sleep(time.Second)
			synctest.Wait()
			if heard := len(events.named("INTERACTION_CREATE")); heard != c.want {
				t.Errorf("step %d: %d interactions came over the gateway", n, heard)
			}
		}
	})
}

// TestCommandBadge shows the badge of an app with global commands.
func TestCommandBadge(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		w.request("POST", "/applications/"+w.app.ID.String()+"/commands", `{"name":"ping","description":"pongs"}`).hasStatus(201, 0)
		app := w.request("GET", "/applications/@me", nil).hasStatus(200, 0).object()
		if flags := uint64(app["flags"].(float64)); flags&commandBadge == 0 {
			t.Errorf("the flags are %d", flags)
		}
		for _, field := range []string{"id", "name", "bot_public", "bot", "owner", "approximate_guild_count", "approximate_user_install_count", "verify_key", "interactions_endpoint_url"} {
			if _, has := app[field]; !has {
				t.Errorf("the application lacks %s", field)
			}
		}
	})
}
