package discordsim

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rateHeaders reads the numbers of the bucket headers.
func (r apiResponse) rate(name string) float64 {
	r.t.Helper()
	v, err := strconv.ParseFloat(r.header.Get("X-RateLimit-"+name), 64)
	if err != nil {
		r.t.Fatalf("X-RateLimit-%s is %q", name, r.header.Get("X-RateLimit-"+name))
	}
	return v
}

// TestBucketHeaders uses up the quota of one route: every answer says how much
// is left and when it is back, and after exactly that time there is more.
//
// Statements: S-084.
func TestBucketHeaders(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for n := range 5 {
			got := w.say("hello").hasStatus(200, 0)
			if limit, left := got.rate("Limit"), got.rate("Remaining"); limit != 5 || left != float64(4-n) {
				t.Errorf("message %d: %v of %v left", n, left, limit)
			}
			want := 5 - float64(n)
			if after := got.rate("Reset-After"); math.Abs(after-want) > 0.0015 {
				t.Errorf("message %d: resets after %v instead of %v", n, after, want)
			}
			if reset := got.rate("Reset") - float64(time.Now().UnixMilli())/1000; math.Abs(reset-want) > 0.002 {
				t.Errorf("message %d: resets in %v instead of %v", n, reset, want)
			}
			if id := got.header.Get("X-RateLimit-Bucket"); len(id) != 32 {
				t.Errorf("the bucket id is %q", id)
			}
			for _, name := range []string{"X-RateLimit-Scope", "X-RateLimit-Global", "Retry-After"} {
				if v := got.header.Get(name); v != "" {
					t.Errorf("a 200 says %s: %s", name, v)
				}
			}
			time.Sleep(time.Second - 100*time.Microsecond)
		}
		got := w.say("too much").hasStatus(429, 0)
		time.Sleep(time.Duration(got.rate("Reset-After") * float64(time.Second)))
		if left := w.say("again").hasStatus(200, 0).rate("Remaining"); left != 4 {
			t.Errorf("%v are left after the reset", left)
		}
	})
}

// TestBucketGroups compares the buckets of routes: one id a group, one counter a
// channel and a bot, POST and PATCH of messages share both, and a route without
// a known quota says nothing.
//
// Statements: S-084.
func TestBucketGroups(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		second := w.AddGuild("second", "one", "two")
		rival := w.AddApp(AppConfig{Name: "rival", Guilds: []*Guild{second}})
		w.Join(w.app, second)
		post := func(ch ID) apiResponse {
			return w.request("POST", "/channels/"+ch.String()+"/messages", `{"content":"x"}`).hasStatus(200, 0)
		}
		first := post(w.channel)
		edit := w.request("PATCH", w.messagesPath()+"/"+first.id(), `{"content":"y"}`).hasStatus(200, 0)
		if edit.rate("Remaining") != 3 || edit.header.Get("X-RateLimit-Bucket") != first.header.Get("X-RateLimit-Bucket") {
			t.Errorf("PATCH does not share the bucket of POST: %v", edit.header)
		}
		other := post(second.Channels[0].ID)
		if other.rate("Remaining") != 4 || other.header.Get("X-RateLimit-Bucket") != first.header.Get("X-RateLimit-Bucket") {
			t.Errorf("another channel has no counter of its own under the same id: %v", other.header)
		}
		theirs := w.send(apiRequest{method: "POST", path: "/api/v10/channels/" + second.Channels[0].ID.String() + "/messages", body: `{"content":"x"}`, token: "Bot " + rival.Token})
		if theirs.hasStatus(200, 0).rate("Remaining") != 4 {
			t.Error("two bots share a counter")
		}
		ids := map[string]string{}
		for _, path := range []string{"/users/@me", "/users/@me/guilds", "/applications/@me", "/channels/" + w.channel.String(), w.messagesPath()} {
			id := w.request("GET", path, nil).hasStatus(200, 0).header.Get("X-RateLimit-Bucket")
			if id == "" || ids[id] != "" {
				t.Errorf("%s has the bucket id %q of %q", path, id, ids[id])
			}
			ids[id] = path
		}
		for name := range w.request("GET", "/gateway/bot", nil).hasStatus(200, 0).header {
			if strings.HasPrefix(name, "X-Ratelimit") {
				t.Errorf("GET /gateway/bot has no known bucket, but says %s", name)
			}
		}
	})
}

// TestLimited meets the three kinds of 429: each says whom it is meant for, in
// headers and body, and retry_after is a fraction.
//
// Statements: S-085.
func TestLimited(t *testing.T) {
	for name, scope := range map[string]string{"rest-429": "user", "rest-429-shared": "shared", "rest-429-global": "global"} {
		withREST(t, Config{}, func(t *testing.T, w *restHarness) {
			w.fault(Fault{Name: name, Count: 1, Delay: 1300 * time.Millisecond})
			got := w.say("hello").hasStatus(429, 0)
			if s := got.header.Get("X-RateLimit-Scope"); s != scope {
				t.Errorf("%s: the scope is %q", name, s)
			}
			if after := got.header.Get("Retry-After"); after != "2" {
				t.Errorf("%s: Retry-After is %q, not 1.3 s rounded up", name, after)
			}
			if body := got.object(); body["retry_after"] != 1.3 || body["global"] != (scope == "global") || body["message"] == "" {
				t.Errorf("%s: the body is %s", name, got.text)
			}
			if !strings.Contains(got.text, `"retry_after":1.300`) {
				t.Errorf("%s: retry_after is no decimal in %s", name, got.text)
			}
			if global := got.header.Get("X-RateLimit-Global"); (global == "true") != (scope == "global") {
				t.Errorf("%s: X-RateLimit-Global is %q", name, global)
			}
			if bucket := got.header.Get("X-RateLimit-Bucket"); (bucket == "") != (scope == "global") {
				t.Errorf("%s: the bucket is %q", name, bucket)
			}
			if shared := scope == "shared"; shared && got.rate("Remaining") == 0 {
				t.Errorf("%s: a shared limit has nothing to do with what is left", name)
			}
			other := w.request("GET", "/users/@me", nil)
			if (other.status == 429) != (scope == "global") {
				t.Errorf("%s: another route answers %d", name, other.status)
			}
			time.Sleep(1300*time.Millisecond - 1)
			w.say("hello").hasStatus(429, 0)
			time.Sleep(time.Nanosecond)
			w.say("hello").hasStatus(200, 0)
			if invalid := w.Verdict(w.app).InvalidRequests; (invalid == 0) != (scope == "shared") {
				t.Errorf("%s: %d invalid requests", name, invalid)
			}
		})
	}
}

// TestGlobalLimit sends 51 requests in one second over many routes: the last is
// refused, everything else pauses, and interaction callbacks go on.
//
// Statements: S-085.
func TestGlobalLimit(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for n := range 50 {
			w.request("GET", "/gateway/bot", nil).hasStatus(200, 0)
			time.Sleep(time.Duration(n%2) * time.Millisecond)
		}
		got := w.request("GET", "/gateway/bot", nil).hasStatus(429, 0)
		if got.object()["global"] != true || got.header.Get("X-RateLimit-Scope") != "global" {
			t.Errorf("the 429 is %s %v", got.text, got.header)
		}
		w.request("GET", "/users/@me", nil).hasStatus(429, 0)
		ask := w.Interact(w.app, w.channel, w.person.ID, "ping")
		w.callback(ask, `{"type":5}`).hasStatus(204, 0)
		w.request("PATCH", w.followPath(ask)+"/messages/@original", `{"content":"pong"}`).hasStatus(200, 0)
		retry, _ := got.object()["retry_after"].(float64)
		time.Sleep(time.Duration(retry * float64(time.Second)))
		w.request("GET", "/users/@me", nil).hasStatus(200, 0)
	})
}

// TestSeconds rounds up to whole milliseconds, so that who waits as long as told
// has waited long enough.
func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000", -time.Second: "0.000", 1: "0.001", time.Millisecond: "0.001", time.Millisecond + 1: "0.002",
		time.Second: "1.000", 1999999999: "2.000", 64570 * time.Millisecond: "64.570",
	} {
		if got := seconds(d); got != want {
			t.Errorf("%d ns are %s s instead of %s", d, got, want)
		}
	}
}

// Given a channel with slow mode, then bots write as they like, as documented; where it is
// for bots too, one without BYPASS_SLOWMODE is told how long to wait.
func TestSlowmode(t *testing.T) {
	for _, forBots := range []bool{false, true} {
		cfg := withoutLimits()
		cfg.REST.SlowmodeForBots = forBots
		withREST(t, cfg, func(t *testing.T, w *restHarness) {
			few := everyonePermissions
			weak := w.AddApp(AppConfig{Name: "weak", Permissions: &few, Guilds: []*Guild{w.guild}})
			w.request("PATCH", "/channels/"+w.channel.String(), map[string]any{"rate_limit_per_user": 30}).hasStatus(200, 0)
			send := func(app *App) apiResponse {
				return w.send(apiRequest{method: "POST", path: "/api/v10" + w.messagesPath(), token: "Bot " + app.Token, body: map[string]any{"content": "again"}})
			}
			for range 2 {
				send(w.app).hasStatus(200, 0)
			}
			send(weak).hasStatus(200, 0)
			wait(10 * time.Second)
			if !forBots {
				send(weak).hasStatus(200, 0)
				return
			}
			limited := send(weak).hasStatus(429, 20016)
			if limited.header.Get("Retry-After") != "20" || limited.object()["retry_after"] != 20.0 || limited.object()["global"] != false {
				t.Errorf("the answer is %s after %s", limited.text, limited.header.Get("Retry-After"))
			}
			wait(20 * time.Second)
			send(weak).hasStatus(200, 0)
		})
	}
}
