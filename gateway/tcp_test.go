package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Given the simulator on a loopback port and a real clock, when connections are
// cut, moved and half-open, then the same shard stays online there too.
// Statements: G-007, G-013, G-059, G-077, S-001.
func TestOnRealTCP(t *testing.T) {
	sim := discordsim.New(discordsim.Config{HeartbeatInterval: 400 * time.Millisecond, ReconnectWait: time.Second})
	defer sim.Close()
	guild := sim.AddGuild("reading room")
	user := sim.AddUser("ada")
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(strings.Replace(listener.APIURL(), "http://", "ws://", 1), "/api/v10")

	notes := make(chan gateway.Observation, 4096)
	var mu sync.Mutex
	seen := map[string]int{}
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: app.Token, Intents: intents},
		Locator:     gateway.FixedURL(base),
		Dialer:      gateway.WebSocketDialer{Transport: http.DefaultTransport},
		Timing: gateway.Timing{
			SilenceProbe: 200 * time.Millisecond, SuspectAfter: 150 * time.Millisecond, DeadAfter: 300 * time.Millisecond,
			BackoffLocal: 100 * time.Millisecond, BackoffRemote: 100 * time.Millisecond,
		},
		Observer: gateway.ObserverFunc(func(n gateway.Note) {
			select {
			case notes <- n.What:
			default:
			}
		}),
		Events: []string{"MESSAGE_CREATE"},
		Handler: gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			mu.Lock()
			defer mu.Unlock()
			seen[fmt.Sprint(e.SessionID, "/", e.Seq)]++
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = shard.Run(context.Background()) }()
	await := func(what string, is func(gateway.Observation) bool) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for {
			select {
			case o := <-notes:
				if is(o) {
					return
				}
			case <-limit:
				t.Fatal("never came: " + what)
			}
		}
	}
	await("READY", func(o gateway.Observation) bool { _, is := o.(gateway.Ready); return is })
	said := 0
	for _, f := range []discordsim.Fault{{Name: "cut"}, {Name: "drop"}, {Name: "op7"}, {Name: "half-open"}, {Name: "close", Code: 4000}, {Name: "corrupt"}, {Name: "black-hole"}, {Name: "op9-true"}} {
		a, err := sim.Inject(f)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			sim.Say(guild.Channels[0].ID, user.ID, "through thick and thin")
			said++
		}
		await("RESUMED after "+f.Name, func(o gateway.Observation) bool { _, is := o.(gateway.Resumed); return is })
		sim.Lift(a)
		await("a heartbeat answered", func(o gateway.Observation) bool { _, is := o.(gateway.HeartbeatACK); return is })
	}
	if err := shard.Stop(context.Background(), gateway.Pause); err != nil {
		t.Error(err)
	}
	<-done
	mu.Lock()
	defer mu.Unlock()
	for event, n := range seen {
		if n != 1 {
			t.Errorf("event %s came %d times", event, n)
		}
	}
	v := sim.Verdict(app)
	if len(seen) != said || v.Identifies != 1 || len(v.Violations) != 0 {
		t.Errorf("%d of %d events, %d IDENTIFYs, violations %v", len(seen), said, v.Identifies, v.Violations)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
