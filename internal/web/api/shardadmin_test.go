package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
)

// crew stands in for the shards and writes down what is done with them.
type crew struct {
	mu   sync.Mutex
	done []string
	fail error
}

func (c *crew) note(format string, values ...any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail == nil {
		c.done = append(c.done, fmt.Sprintf(format, values...))
	}
	return c.fail
}

func (c *crew) Snapshot() fleet.Snapshot {
	return fleet.Snapshot{
		Assignment: fleet.All(4), Progress: fleet.Progress{Total: 3, Online: 3, Paused: 1},
		Reshard:       &fleet.ReshardProgress{From: 4, To: 8, Waits: "something", Progress: fleet.Progress{Total: 8, Queued: 8}},
		FailedReshard: &fleet.FailedReshard{To: 6, At: time.Unix(1_800_000_000, 0).UTC(), Err: errors.New("too slow")},
	}
}
func (c *crew) Pause(_ context.Context, id int) error  { return c.note("pause %d", id) }
func (c *crew) Resume(_ context.Context, id int) error { return c.note("resume %d", id) }
func (c *crew) Restart(_ context.Context, id int, m gateway.StopMode) error {
	return c.note("restart %d %d", id, m)
}
func (c *crew) Reshard(_ context.Context, n int) error { return c.note("reshard %d", n) }
func (c *crew) MoveOut(_ context.Context, id int) (fleet.Handover, error) {
	return fleet.Handover{
		Shard: gateway.ShardID{ID: id, Count: 4}, Session: gateway.Session{ID: "abc", ResumeURL: "wss://resume", Seq: 42}, Intents: 513,
	}, c.note("move-out %d", id)
}

// Given a server with a token, when a client that presents it operates shards,
// then it is done; move-out answers with the session as data.
func TestShardsAreOperated(t *testing.T) {
	c := &crew{}
	s := serve(t, Options{Token: "a-long-token", Operator: c})
	key := bearer("Bearer a-long-token")
	for _, test := range []struct {
		path   string
		status int
	}{
		{"/api/v1/shards/2/pause", 200}, {"/api/v1/shards/2/resume", 200}, {"/api/v1/shards/0/restart", 200},
		{"/api/v1/shards/0/restart-fresh", 200}, {"/api/v1/shards/3/move-out", 200}, {"/api/v1/fleet/reshard?count=8", 202},
		{"/api/v1/shards/2/explode", 404}, {"/api/v1/shards/x/pause", 404}, {"/api/v1/shards/2", 404}, {"/api/v1/shards/2/pause/x", 404},
		{"/api/v1/fleet/reshard", 400}, {"/api/v1/fleet/reshard?count=0", 400}, {"/api/v1/fleet/other", 404},
	} {
		a := ask(t, s, "POST", test.path, key)
		if a.Status != test.status {
			t.Errorf("%s: %d, want %d: %s", test.path, a.Status, test.status, a.Body)
		}
		if strings.HasSuffix(test.path, "move-out") && (a.fields["session_id"] != "abc" || a.fields["seq"] != 42.0 || a.fields["count"] != 4.0) {
			t.Errorf("the session came as %s", a.Body)
		}
	}
	if got := strings.Join(c.done, ", "); got != "pause 2, resume 2, restart 0 0, restart 0 1, move-out 3, reshard 8" {
		t.Errorf("done was: %s", got)
	}
	if a := ask(t, s, "GET", "/api/v1/fleet", key); a.Status != 200 || !strings.Contains(a.Body, `"says":"3 of 3 shards online, 1 paused"`) ||
		!strings.Contains(a.Body, `"failed_reshard":{"to":6,"at":"2027-01-15T08:00:00Z","error":"too slow"}`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := ask(t, s, "GET", "/api/v1/shards/2/pause", key); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.Status)
	}
	c.fail = fmt.Errorf("shard 9: %w", fleet.ErrNoShard)
	if a := ask(t, s, "POST", "/api/v1/shards/9/pause", key); a.Status != 404 {
		t.Errorf("a shard that is not there: %d", a.Status)
	}
	c.fail = errors.New("not now")
	if a := ask(t, s, "POST", "/api/v1/shards/1/pause", key); a.Status != 409 || a.fields["detail"] != "not now" {
		t.Errorf("a refusal: %d %s", a.Status, a.Body)
	}
}

// Given a client without the token, on this machine or in a browser's session,
// then nothing is done with any shard.
func TestOnlyTheTokenOperatesShards(t *testing.T) {
	c := &crew{}
	open := serve(t, Options{Operator: c})
	if a := ask(t, open, "POST", "/api/v1/shards/1/pause"); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "API_TOKEN") {
		t.Errorf("without any token: %d %s", a.Status, a.Body)
	}
	s := serve(t, Options{Operator: c, Token: "a-long-token"})
	cookie := session(post(t, s, "/login", "token=a-long-token"))
	for name, change := range map[string]func(*http.Request){
		"no token": func(*http.Request) {}, "a wrong one": bearer("Bearer other"), "a session": carrying(cookie),
	} {
		if a := ask(t, s, "POST", "/api/v1/shards/1/pause", change); a.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if len(c.done) > 0 {
		t.Errorf("done was: %v", c.done)
	}
	if a := ask(t, serve(t, Options{Token: "a-long-token"}), "POST", "/api/v1/shards/1/pause", bearer("Bearer a-long-token")); a.Status != 404 {
		t.Errorf("a server without shards to operate: %d", a.Status)
	}
}
