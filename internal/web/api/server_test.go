package api

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"evergreen/internal/health"
)

// Whatever state the bot is in, the process is alive; it is ready only while the
// bot is online, and says why when it is not.
//
// Statements: G-159.
func TestProbes(t *testing.T) {
	b := online()
	s := serve(t, Options{Bot: b})
	for _, status := range []health.Status{
		health.Online, health.Degraded, health.Stopping, health.Starting, health.Reconnecting, health.Offline, health.NeedsYou,
	} {
		b.set(func(b *fakeBot) {
			b.snap.Status, b.snap.Reason, b.snap.Remedy = status, health.Text("why "+status.ID()), health.Text("mend it")
			b.snap.Connected = status == health.Online
		})
		if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK || a.Body != `{"status":"alive"}`+"\n" {
			t.Errorf("%s: /livez says %d %s", status, a.Status, a.Body)
		}
		a := ask(t, s, "GET", "/readyz")
		if status == health.Online {
			if a.Status != http.StatusOK || a.fields["status"] != "online" {
				t.Errorf("/readyz says %d %s", a.Status, a.Body)
			}
			continue
		}
		if a.Status != http.StatusServiceUnavailable || a.fields["detail"] != "why "+status.ID() ||
			a.fields["bot_status"] != status.ID() || a.fields["remedy"] != "mend it" ||
			a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: /readyz says %d %s", status, a.Status, a.Body)
		}
	}
	// What is wrong around a bot that is connected and works does not take it away.
	b.set(func(b *fakeBot) { b.snap.Status, b.snap.Connected = health.Degraded, true })
	if a := ask(t, s, "GET", "/readyz"); a.Status != http.StatusOK || a.fields["status"] != "degraded" {
		t.Errorf("degraded, but at work: /readyz says %d %s", a.Status, a.Body)
	}
	// A bot behind the proxy that is away does: who asks for the bot is told.
	for cause, want := range map[health.CauseID]int{health.DiskTrouble: http.StatusOK, health.BotAway: http.StatusServiceUnavailable, health.BotHangs: http.StatusServiceUnavailable} {
		b.set(func(b *fakeBot) { b.snap.Conditions = []health.Condition{{Cause: cause, Trouble: "3"}} })
		if a := ask(t, s, "GET", "/readyz"); a.Status != http.StatusOK {
			t.Errorf("%s: /readyz says %d %s", cause, a.Status, a.Body)
		}
		if a := ask(t, s, "GET", "/readyz/bot"); a.Status != want {
			t.Errorf("%s: /readyz/bot says %d %s", cause, a.Status, a.Body)
		}
	}
}

// A liveness probe does not even ask how the bot is: it is answered while that
// question blocks.
func TestLivenessReadsNothing(t *testing.T) {
	block := make(chan struct{})
	s := serve(t, Options{Bot: reading(func() health.Snapshot { <-block; return health.Snapshot{} })})
	stuck := make(chan reply, 1)
	go func() { stuck <- ask(t, s, "GET", "/readyz") }()
	if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
		t.Errorf("/livez says %d", a.Status)
	}
	close(block)
	<-stuck
}

// The program has started when a shard is at work, and stays started, whether
// Discord is there or not.
func TestStartup(t *testing.T) {
	b := online()
	b.snap.Shards, b.snap.Status, b.snap.Reason = nil, health.Starting, health.Text("no shard has reported yet")
	s := serve(t, Options{Bot: b})
	if a := ask(t, s, "GET", "/startupz"); a.Status != http.StatusServiceUnavailable || a.fields["detail"] != "no shard has reported yet" {
		t.Errorf("before: %d %s", a.Status, a.Body)
	}
	b.set(func(b *fakeBot) { b.snap.Shards, b.snap.Status = make([]health.ShardSnapshot, 1), health.Offline })
	if a := ask(t, s, "GET", "/startupz"); a.Status != http.StatusOK {
		t.Errorf("at work: %d", a.Status)
	}
	b.set(func(b *fakeBot) { b.snap.Shards = nil })
	if a := ask(t, s, "GET", "/startupz"); a.Status != http.StatusOK {
		t.Errorf("later: %d", a.Status)
	}
}

// /health tells everything at once, and null for what is not known.
func TestHealth(t *testing.T) {
	b := online()
	b.seen = health.Check{At: b.snap.At.Add(-time.Minute), OK: true}
	s := serve(t, Options{Bot: b})
	a := ask(t, s, "GET", "/health")
	want := `{"status":"online","reason":"connected, and Discord answers","since":"2026-11-24T03:43:17Z",` +
		`"bot":{"name":"ResearchBot","ready":true,"connected":true,"working":true},"guilds":3,"latency_ms":45.2,` +
		`"last_activity":"2026-11-24T03:42:17Z","offline_since":null,"failures_in_a_row":0,"last_check":"2026-11-24T03:43:17Z",` +
		`"started":"2026-11-24T02:44:17Z","uptime_s":3600}` + "\n"
	if a.Status != http.StatusOK || a.Body != want || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got  %d %s\nwant %s", a.Status, a.Body, want)
	}

	b.set(func(b *fakeBot) {
		b.snap.Status, b.snap.Ready, b.snap.Connected, b.snap.Remedy = health.Offline, false, false, health.Text("look here")
		b.snap.OfflineSince, b.snap.Latency, b.snap.Work.Activity = b.snap.At.Add(-time.Hour), health.Latency{}, health.Activity{}
		b.seen = health.Check{At: b.snap.At, Failures: 6}
	})
	a = ask(t, s, "GET", "/health")
	for name, want := range map[string]any{
		"status": "offline", "remedy": "look here", "latency_ms": nil, "last_activity": nil, "failures_in_a_row": 6.0, "offline_since": "2026-11-24T02:44:17Z",
	} {
		if got := a.fields[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if a.Status != http.StatusOK {
		t.Errorf("the status code is %d", a.Status)
	}
}

// With a token, /health wants exactly that token in exactly one header; the
// probes stay open. The token itself is in no answer.
func TestToken(t *testing.T) {
	const token = "correct-horse"
	var log strings.Builder
	s := serve(t, Options{Token: token, Log: logTo(&log)})
	for _, path := range []string{"/livez", "/readyz", "/startupz"} {
		if a := ask(t, s, "GET", path); a.Status != http.StatusOK {
			t.Errorf("%s says %d", path, a.Status)
		}
	}
	for given, want := range map[string]int{
		"Bearer " + token: 200, "bearer " + token: 200,
		"": 401, token: 401, "Bearer": 401, "Bearer ": 401, "Bearer " + token + "x": 401, "Bearer " + token[:5]: 401,
		"Basic " + token: 401, "Bearer " + strings.ToUpper(token): 401,
	} {
		a := ask(t, s, "GET", "/health", bearer(given))
		if a.Status != want {
			t.Errorf("%q: %d %s", given, a.Status, a.Body)
		}
		if want == 401 && !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(a.Body, token) {
			t.Errorf("%q: %v %s", given, a.Header, a.Body)
		}
	}
	if a := ask(t, s, "GET", "/health"); a.Status != 401 {
		t.Errorf("without a header: %d", a.Status)
	}
	if a := ask(t, s, "GET", "/health", bearer("Bearer "+token), bearer("Bearer wrong")); a.Status != 401 {
		t.Errorf("with two headers: %d", a.Status)
	}
	if n := strings.Count(log.String(), "was refused"); n != 1 || strings.Contains(log.String(), token) {
		t.Errorf("the log says %s", log.String())
	}
}

// An address other machines can reach serves the probes only, until there is a
// token.
func TestBeyondLoopback(t *testing.T) {
	var log strings.Builder
	s := serve(t, Options{Addr: "0.0.0.0:0", Log: logTo(&log)})
	if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
		t.Errorf("/livez says %d", a.Status)
	}
	for _, change := range []func(*http.Request){bearer("Bearer "), bearer("Bearer x"), func(r *http.Request) { r.Host = "localhost" }} {
		if a := ask(t, s, "GET", "/health", change); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "API_TOKEN") {
			t.Errorf("/health says %d %s", a.Status, a.Body)
		}
	}
	s = serve(t, Options{Addr: "0.0.0.0:0", Token: "a-long-token"})
	if a := ask(t, s, "GET", "/health", bearer("Bearer a-long-token")); a.Status != http.StatusOK {
		t.Errorf("with the token: %d", a.Status)
	}
}

// Given no token, when a page in a browser calls the loopback address by a name
// of its own, then it learns nothing.
func TestRebinding(t *testing.T) {
	s := serve(t, Options{})
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:8000": 200, "127.0.0.1:1": 200, "[::1]:8000": 200, "127.0.0.9": 200,
		"evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example:80": 421, "10.0.0.1": 421,
	} {
		if a := ask(t, s, "GET", "/health", func(r *http.Request) { r.Host = host }); a.Status != want {
			t.Errorf("%s: %d", host, a.Status)
		}
	}
	if a := ask(t, s, "GET", "/livez", func(r *http.Request) { r.Host = "bot.example" }); a.Status != 200 {
		t.Errorf("a probe by name: %d", a.Status)
	}
}

// Given a port that is in use, or a host that is none of this machine, then the server
// listens on another address of the same host or of this machine alone, and says which
// and why; where the address is required it fails, in words.
func TestAddressesThatCannotBeUsed(t *testing.T) {
	first := serve(t, Options{})
	taken := first.Addr().String()
	for _, addr := range []string{taken, "192.0.2.1:8000", "no-such-host.invalid:8000"} {
		var said strings.Builder
		s, err := New(Options{Addr: addr, Bot: online(), Log: slog.New(slog.NewTextHandler(&said, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(t.Context()); err != nil {
			t.Fatalf("%s: %v", addr, err)
		}
		if got := s.Addr().String(); got == addr || !strings.HasPrefix(got, "127.0.0.1:") || !s.loopback ||
			!strings.Contains(said.String(), "wanted="+addr) || !strings.Contains(said.String(), "address="+got) || !strings.Contains(said.String(), "API_ADDR to a") {
			t.Errorf("%s: it listens on %s and says %s", addr, got, &said)
		}
		_ = s.Close()
	}
	s, err := New(Options{Addr: taken, AddrRequired: true, Bot: online()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("port in use: %v", err)
	}
	if s.Addr() != nil || s.Close() != nil {
		t.Error("it thinks that it listens")
	}
	if do := listenRemedy(&net.OpError{Err: &os.SyscallError{Syscall: "bind", Err: os.ErrPermission}}); !strings.Contains(do, "below 1024") {
		t.Error(do)
	}
	if _, err := New(Options{Addr: "8000", Bot: online()}); err == nil || !strings.Contains(err.Error(), "API_ADDR") {
		t.Errorf("no port: %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a server without a snapshot was made")
	}
}

// A server that is not run after all gives its address back.
func TestCloseWithoutRun(t *testing.T) {
	s, err := New(Options{Addr: "127.0.0.1:0", Bot: online()})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	addr := s.Addr().String()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// A panic inside costs the request, and the log knows more than the client.
func TestPanic(t *testing.T) {
	var log strings.Builder
	s := serve(t, Options{Log: logTo(&log), Bot: reading(func() health.Snapshot { panic("inside information") })})
	a := ask(t, s, "GET", "/health")
	if a.Status != http.StatusInternalServerError || strings.Contains(a.Body, "inside") {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	if !strings.Contains(log.String(), "inside information") {
		t.Errorf("the log says %s", log.String())
	}
	if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
		t.Errorf("/livez says %d", a.Status)
	}
}
