package api

import (
	"encoding/json"
	"testing"
	"time"
)

// Of bots behind the proxy the status tells how far each is, what waits for it and what was
// counted; without a proxy it tells nothing of them.
func TestStatusTellsOfBotsBehindTheProxy(t *testing.T) {
	o, _ := everything(t)
	status := func() (b statusBody) {
		t.Helper()
		if err := json.Unmarshal([]byte(ask(t, serve(t, o), "GET", "/api/v1/status").Body), &b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	without := status()
	if without.Proxy != nil {
		t.Errorf("without a proxy: %+v", without.Proxy)
	}
	now := time.Now()
	o.Proxy = twoBots(now)
	with := status()
	p := with.Proxy
	if p == nil || p.Attended || p.Gateway != "ws://127.0.0.1:8001" || p.Backlog != (backlogBody{4096, 65536, 3600}) || len(p.Consumers) != 2 {
		t.Fatalf("%+v", p)
	}
	one, other := p.Consumers[0], p.Consumers[1]
	if one.Consumer != "0/2" || one.Phase != "attached" || one.Library != "discord.py" || one.Version != "2.2.2" || one.LagMS != 250 || one.Counts.Again != 3 || one.LastStart != nil {
		t.Errorf("%+v", one)
	}
	if other.Phase != "away" || other.Waiting.Events != 214 || other.Waiting.Oldest == nil || other.Starts1h != 2 || other.Starts5m != 1 || other.LastStart == nil || other.Counts.Told != 2 {
		t.Errorf("%+v", other)
	}
	if with.key() == without.key() {
		t.Error("another phase is no news")
	}
}
