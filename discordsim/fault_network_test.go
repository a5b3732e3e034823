package discordsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// Given a fault that fails dials, when a client dials, then it gets the error a
// real dial would give, only at the hosts the fault is about, and gets through
// again when the fault is lifted.
func TestFailedDials(t *testing.T) {
	for _, story := range []struct {
		fault  Fault
		failed func(error) bool
		spares string
	}{
		{Fault{Name: "refuse"}, is(syscall.ECONNREFUSED), ""},
		{Fault{Name: "refuse", Host: "gateway"}, is(syscall.ECONNREFUSED), "discord.sim:80"},
		{Fault{Name: "refuse", Host: "gateway", Count: 1}, is(syscall.ECONNREFUSED), "gateway.discord.sim:80"},
		{Fault{Name: "unreachable"}, is(syscall.ENETUNREACH), ""},
		{Fault{Name: "dns"}, func(err error) bool {
			dns, ok := errors.AsType[*net.DNSError](err)
			return ok && dns.IsNotFound && !dns.IsTemporary
		}, ""},
		{Fault{Name: "dns", Text: "temporary"}, func(err error) bool {
			dns, ok := errors.AsType[*net.DNSError](err)
			return ok && dns.IsTemporary && !dns.IsNotFound
		}, ""},
		{Fault{Name: "tls"}, func(err error) bool {
			_, ok := errors.AsType[*tls.CertificateVerificationError](err)
			return ok && strings.Contains(err.Error(), "x509: certificate has expired")
		}, ""},
	} {
		t.Run(story.fault.Name, func(t *testing.T) {
			inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
				dial := func(addr string) error {
					c, err := s.DialContext(t.Context(), "tcp", addr)
					if err == nil {
						_ = c.Close()
					}
					return err
				}
				a := inject(t, s, story.fault)
				took(t, 0, func() {
					if err := dial("gateway.discord.sim:80"); !story.failed(err) {
						t.Errorf("got %v", err)
					}
				})
				if story.spares != "" {
					if err := dial(story.spares); err != nil {
						t.Errorf("it struck %s too: %v", story.spares, err)
					}
				}
				s.Lift(a)
				if err := dial("gateway.discord.sim:80"); err != nil {
					t.Errorf("after the fault: %v", err)
				}
			})
		})
	}
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

// Given a dead resume gateway, when a client dials it and the base gateway, then
// only the first is refused.
func TestDeadResumeGateway(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		inject(t, s, Fault{Name: "resume-dead"})
		if _, _, err := upgrade(s, s.Transport(), "ws://resume.discord.sim/?v=10&encoding=json"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v", err)
		}
		defer awaitHello(t, s, inMemory).CloseNow()
	})
}

// Given a client without a network, when it dials, then the dial hangs until
// the client loses patience or the network is back; a link from before says
// nothing and is dead when the network returns.
func TestOffline(t *testing.T) {
	inSimBubble(t, Config{Heartbeat: HeartbeatConfig{Interval: 24 * time.Hour}}, func(t *testing.T, s *Sim) {
		ws := awaitHello(t, s, inMemory)
		a := inject(t, s, Fault{Name: "offline"})
		sendHeartbeat(t, ws)
		took(t, 5*time.Second, func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if _, err := s.DialContext(ctx, "tcp", "discord.sim:80"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
		took(t, 127*time.Second, func() {
			if _, err := s.DialContext(t.Context(), "tcp", "discord.sim:80"); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("got %v", err)
			}
		})
		lifted := time.AfterFunc(10*time.Second, func() { s.Lift(a) })
		defer lifted.Stop()
		// Its SYNs go out after 1, 3, 7 and 15 seconds.
		took(t, 15*time.Second, func() {
			c, err := s.DialContext(t.Context(), "tcp", "discord.sim:80")
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		})
		if err := readError(ws); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the old link: %v", err)
		}
	})
}

// Given a lost route, when it comes back, then a link from before goes on with
// all that was held.
func TestUnreachableLinksRecover(t *testing.T) {
	inSimBubble(t, Config{Heartbeat: HeartbeatConfig{Interval: time.Hour}}, func(t *testing.T, s *Sim) {
		ws := awaitHello(t, s, inMemory)
		defer ws.CloseNow()
		inject(t, s, Fault{Name: "unreachable", For: time.Minute})
		awaitACK(t, ws, time.Minute)
	})
}

// Given something that answers upgrades in place of Discord, when a client
// connects, then it gets that answer, and REST goes on unless the fault is a
// captive portal.
func TestInterferedUpgrades(t *testing.T) {
	for _, story := range []struct {
		fault         Fault
		upgrade, rest int
	}{
		{Fault{Name: "upgrade-status"}, 503, 200},
		{Fault{Name: "upgrade-status", Code: 429}, 429, 200},
		{Fault{Name: "upgrade-status", Host: "resume"}, 101, 200},
		{Fault{Name: "no-wss"}, 403, 200},
		{Fault{Name: "upgrade-html"}, 200, 200},
		{Fault{Name: "upgrade-html", Host: "gateway"}, 200, 200},
		{Fault{Name: "outage"}, 503, 503},
	} {
		t.Run(fmt.Sprintf("%s-%s", story.fault.Name, story.fault.Host), func(t *testing.T) {
			inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
				a := inject(t, s, story.fault)
				ws, response, err := upgrade(s, s.Transport(), inMemory)
				if response == nil || response.StatusCode != story.upgrade {
					t.Fatalf("the upgrade: %v, %v; want %d", response, err, story.upgrade)
				}
				if ws != nil {
					defer ws.CloseNow()
				}
				status, body, err := get(s.Transport(), s.APIURL()+"/gateway")
				portal := story.fault.Name == "upgrade-html" && story.fault.Host == ""
				if status != story.rest || err != nil || strings.Contains(body, "guest network") != portal {
					t.Fatalf("REST: %d %q %v", status, body, err)
				}
				s.Lift(a)
				defer awaitHello(t, s, inMemory).CloseNow()
			})
		})
	}
}

// Given upgrades that are never answered, when a client connects, then it waits
// until it loses patience.
func TestUpgradeNeverAnswered(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		inject(t, s, Fault{Name: "upgrade-stall"})
		took(t, 30*time.Second, func() {
			if _, _, err := upgrade(s, s.Transport(), inMemory); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
		})
	})
}

// Given gateway links, when they are cut or dropped, then the client gets a
// reset or an end of stream and never a close frame, and REST is not disturbed.
func TestCutAndDrop(t *testing.T) {
	for fault, failed := range map[string]func(error) bool{
		"cut":  is(syscall.ECONNRESET),
		"drop": is(io.EOF),
	} {
		t.Run(fault, func(t *testing.T) {
			inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
				api := s.Transport()
				if _, _, err := get(api, s.APIURL()+"/gateway"); err != nil {
					t.Fatal(err)
				}
				ws := awaitHello(t, s, inMemory)
				a := inject(t, s, Fault{Name: fault})
				if err := readError(ws); !failed(err) || websocket.CloseStatus(err) != -1 {
					t.Errorf("got %v", err)
				}
				if a.Struck != 1 {
					t.Errorf("struck %d links", a.Struck)
				}
				synctest.Wait()
				if n := len(s.net.all()); n != 1 {
					t.Errorf("%d links are left, want the one to REST", n)
				}
			})
		})
	}
}

// Given a half-open link, when the client sends heartbeats, then it hears
// nothing and is told nothing while a new link works; afterwards the old one is
// reset.
//
// Statements: S-039.
func TestHalfOpen(t *testing.T) {
	inSimBubble(t, Config{Heartbeat: HeartbeatConfig{Interval: time.Hour}}, func(t *testing.T, s *Sim) {
		ws := awaitHello(t, s, inMemory)
		a := inject(t, s, Fault{Name: "half-open"})
		spare := awaitHello(t, s, inMemory)
		defer spare.CloseNow()
		failed := make(chan error, 1)
		go func() { failed <- readError(ws) }()
		for range 3 {
			sendHeartbeat(t, ws)
			awaitACK(t, spare, 0)
			time.Sleep(time.Minute)
		}
		select {
		case err := <-failed:
			t.Fatalf("the client was told: %v", err)
		default:
		}
		s.Lift(a)
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("got %v", err)
		}
		awaitACK(t, spare, 0)
	})
}

// Given a black hole, when the client sends heartbeats, then Discord gets them
// and its answers are lost; what lost something cannot go on afterwards, what
// lost nothing does.
//
// Statements: S-039.
func TestBlackHole(t *testing.T) {
	inSimBubble(t, Config{Heartbeat: HeartbeatConfig{Interval: time.Hour}}, func(t *testing.T, s *Sim) {
		loud, quiet := awaitHello(t, s, inMemory), awaitHello(t, s, inMemory)
		defer quiet.CloseNow()
		a := inject(t, s, Fault{Name: "black-hole"})
		failed := make(chan error, 1)
		go func() { failed <- readError(loud) }()
		sendHeartbeat(t, loud)
		time.Sleep(10 * time.Minute)
		if n := len(s.Connections(nil)[0].Frames); n != 3 {
			t.Errorf("Discord saw %d frames, want HELLO, heartbeat and ACK", n)
		}
		select {
		case err := <-failed:
			t.Fatalf("the client was told: %v", err)
		default:
		}
		s.Lift(a)
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("got %v", err)
		}
		awaitACK(t, quiet, 0)
	})
}

// Given a stall of five seconds, when a heartbeat is sent in it, then its ACK
// comes at the end and nothing is lost.
func TestStall(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		ws := awaitHello(t, s, inMemory)
		defer ws.CloseNow()
		inject(t, s, Fault{Name: "stall"})
		awaitACK(t, ws, 5*time.Second)
		awaitACK(t, ws, 0)
		inject(t, s, Fault{Name: "stall", Delay: time.Second, Host: "api"})
		awaitACK(t, ws, 0)
	})
}

// Given a latency fault, when it begins, ends and meets others, then links that
// exist and new ones take that much longer, give or take what it says.
func TestLatencyFault(t *testing.T) {
	inSimBubble(t, Config{Seed: 3, Latency: 10 * time.Millisecond}, func(t *testing.T, s *Sim) {
		ws := awaitHello(t, s, inMemory)
		defer ws.CloseNow()
		awaitACK(t, ws, 20*time.Millisecond)
		a := inject(t, s, Fault{Name: "latency", Delay: 300 * time.Millisecond, Text: "200ms"})
		s.mu.Lock()
		if d := s.net.delay(); d != 510*time.Millisecond {
			t.Errorf("the most a message takes is %s", d)
		}
		s.mu.Unlock()
		for range 50 {
			start := time.Now()
			sendHeartbeat(t, ws)
			opcode(t, ws)
			if d := time.Since(start); d < 220*time.Millisecond || d > 1020*time.Millisecond {
				t.Errorf("a round trip took %s", d)
			}
		}
		s.Lift(a)
		awaitACK(t, ws, 20*time.Millisecond)
		inject(t, s, Fault{Name: "latency", Delay: time.Second, Host: "resume"})
		awaitACK(t, ws, 20*time.Millisecond)
		took(t, 4040*time.Millisecond, func() {
			defer awaitHello(t, s, "ws://resume.discord.sim/?v=10&encoding=json").CloseNow()
		})
	})
}

// Given a bandwidth fault, when it begins, ends and meets others, then links that exist
// and new ones carry no more than the narrowest of them.
func TestBandwidthFault(t *testing.T) {
	inSimBubble(t, Config{Seed: 3}, func(t *testing.T, s *Sim) {
		big := strings.Repeat("x", 20_000)
		ws := awaitHello(t, s, inMemory)
		defer ws.CloseNow()
		awaitBig := func(of *websocket.Conn, least, most time.Duration) {
			t.Helper()
			of.SetReadLimit(-1)
			start := time.Now()
			inject(t, s, Fault{Name: "malformed", Text: big})
			if _, raw, err := of.Read(t.Context()); err != nil || string(raw) != big {
				t.Fatal(len(raw), err)
			}
			if d := time.Since(start); d < least || d > most {
				t.Errorf("%d bytes took %s", len(big), d)
			}
		}
		awaitBig(ws, 0, 0)
		wide := inject(t, s, Fault{Name: "bandwidth"})
		awaitBig(ws, 2*time.Second, 2010*time.Millisecond)
		awaitACK(t, ws, 6100*time.Microsecond)
		s.Lift(wide)
		wide = inject(t, s, Fault{Name: "bandwidth", Text: "down"})
		awaitACK(t, ws, 3800*time.Microsecond)
		narrow := inject(t, s, Fault{Name: "bandwidth", Code: 1000, Host: "gateway"})
		awaitBig(ws, 20*time.Second, 20100*time.Millisecond)
		fresh := awaitHello(t, s, inMemory)
		defer fresh.CloseNow()
		awaitBig(fresh, 20*time.Second, 20100*time.Millisecond)
		s.Lift(narrow)
		s.Lift(wide)
		awaitBig(fresh, 0, 0)
	})
}

// Given two bots, when a fault is aimed at one of them, then it strikes all
// links of that bot, also one that identifies later, and no other.
func TestFaultsAimedAtOneBot(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		apps := []*App{s.AddApp(AppConfig{Name: "one"}), s.AddApp(AppConfig{Name: "two"})}
		first, second := identified(t, s, apps[0], 0), identified(t, s, apps[1], 0)
		defer second.CloseNow()
		other := 1
		inject(t, s, Fault{Name: "cut", App: apps[0].ID, Shard: &other})
		awaitACK(t, first, 0)

		time.Sleep(s.cfg.Identify.Window)
		inject(t, s, Fault{Name: "latency", App: apps[0].ID, Delay: time.Second, For: time.Minute})
		late := identified(t, s, apps[0], time.Second)
		awaitACK(t, first, 2*time.Second)
		awaitACK(t, late, 2*time.Second)
		awaitACK(t, second, 0)

		inject(t, s, Fault{Name: "cut", App: apps[0].ID})
		for _, ws := range []*websocket.Conn{first, late} {
			if err := readError(ws); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %v", err)
			}
		}
		awaitACK(t, second, 0)
	})
}

// identified opens a gateway connection in memory and identifies as shard 0;
// READY shall come after the given time.
func identified(t *testing.T, s *Sim, app *App, want time.Duration) *websocket.Conn {
	t.Helper()
	ws := awaitHello(t, s, inMemory)
	identify := `{"op":2,"d":{"token":"` + app.Token + `","intents":1,"properties":{"os":"linux","browser":"b","device":"d"}}}`
	took(t, want, func() {
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(identify)); err != nil {
			t.Fatal(err)
		}
		if op := opcode(t, ws); op != 0 {
			t.Fatalf("op %d instead of READY", op)
		}
	})
	return ws
}
