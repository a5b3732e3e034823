package gateway_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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
	testStaysOnline(t, &http.Transport{})
}

// Given the same behind TLS, then it is no different there.
// Statements: G-007, G-013, G-059, G-077.
func TestOnRealTLS(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	config, trusted := server.TLS.Clone(), server.Client().Transport.(*http.Transport).TLSClientConfig
	server.Close()
	config.NextProtos = []string{"http/1.1"}
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: trusted.RootCAs, ServerName: "example.com"}}
	var mu sync.Mutex
	var work sync.WaitGroup
	doors := map[string]net.Listener{} // one before each address
	t.Cleanup(func() {
		mu.Lock()
		for _, door := range doors {
			_ = door.Close()
		}
		mu.Unlock()
		work.Wait()
	})
	testStaysOnline(t, &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		door := doors[addr]
		if door == nil {
			var err error
			if door, err = tls.Listen("tcp", "127.0.0.1:0", config); err != nil {
				mu.Unlock()
				return nil, err
			}
			doors[addr] = door
			work.Go(func() {
				for {
					c, err := door.Accept()
					if err != nil {
						return
					}
					work.Go(func() { forward(c, addr) })
				}
			})
		}
		mu.Unlock()
		return dialer.DialContext(ctx, network, door.Addr().String())
	}})
}

// forward carries a connection to an address until either side ends it.
func forward(c net.Conn, addr string) {
	defer c.Close()
	far, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(c, far)
		_ = c.(*tls.Conn).NetConn().Close()
	}()
	_, _ = io.Copy(far, c)
	_ = far.Close()
	<-back
}

func testStaysOnline(t *testing.T, transport *http.Transport) {
	t.Helper()
	t.Parallel()
	defer transport.CloseIdleConnections()
	sim := discordsim.New(discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Interval: 500 * time.Millisecond}, Session: discordsim.SessionConfig{ReconnectWait: time.Second}})
	defer sim.Close()
	guild := sim.AddGuild("reading room")
	user := sim.AddUser("ada")
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(strings.Replace(listener.APIURL(), "http://", "ws://", 1), "/api/v10")

	notes := make(chan gateway.ShardEvent, 4096)
	var mu sync.Mutex
	seen := map[string]int{}
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: app.Token, Intents: intents},
		URLSource:   gateway.FixedURL(base),
		Dialer:      gateway.WebSocketDialer{Transport: transport},
		Timing: gateway.Timing{
			SilenceProbe: 200 * time.Millisecond, SuspectAfter: 150 * time.Millisecond, DeadAfter: 300 * time.Millisecond,
			BackoffLocal: 100 * time.Millisecond, BackoffRemote: 100 * time.Millisecond,
		},
		Observer: gateway.ObserverFunc(func(n gateway.Observation) {
			select {
			case notes <- n.Event:
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
	await := func(what string, is func(gateway.ShardEvent) bool) {
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
	await("READY", func(o gateway.ShardEvent) bool { _, is := o.(gateway.Ready); return is })
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
		await("RESUMED after "+f.Name, func(o gateway.ShardEvent) bool { _, is := o.(gateway.Resumed); return is })
		sim.Lift(a)
		await("a heartbeat answered", func(o gateway.ShardEvent) bool { _, is := o.(gateway.HeartbeatACK); return is })
	}
	if err := shard.Stop(context.Background(), gateway.KeepSession); err != nil {
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
}
