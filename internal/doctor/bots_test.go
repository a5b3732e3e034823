package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/sidecar"
	"evergreen/internal/web/api"
)

// proxyOf starts evergreen proxy of a run in this process, and points the settings at it.
func (s *harness) proxyOf(instance string) {
	s.t.Helper()
	c := s.settings()
	proxy, err := sidecar.New(sidecar.Options{
		Token: func() string { return s.app.Token }, HTTPClient: http.DefaultClient, UserAgent: "DiscordBot (https://example.com, 1)", APIURL: s.url,
		Addr: "127.0.0.1:0", Instance: instance, StandIn: c.ProxyToken.Reveal(), PublicURL: c.ProxyURL, TLSCert: c.ProxyTLSCert, TLSKey: c.ProxyTLSKey,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := proxy.Listen(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- proxy.Run(context.Background()) }()
	s.t.Cleanup(func() {
		_ = proxy.Stop(context.Background())
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	c.ProxyAddr = proxy.Addr().String()
	s.opts.ForProxy = true
}

// proxied is the status of a running instance that is a proxy.
func proxied(bots string) string {
	return strings.TrimSuffix(online, "}") + `,"budget":{"total":1000,"remaining":1000,"from_discord":true},"proxy":{"known":true,"intents":513,"consumers":[` + bots + `]}}`
}

// Given evergreen proxy with a stand-in for the token and a certificate, then the doctor
// gets through as a bot would, and the bots are as the running instance says.
func TestDoctorGetsThroughAsABot(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		s := newHarness(t, discordsim.AppConfig{})
		c := s.settings()
		c.ProxyToken = config.NewSecret("a-stand-in-of-32-characters-or-more")
		if secure {
			s.useCertificate("bots.test")
			c.ProxyURL = "wss://bots.test:8001"
		}
		since := time.Now().Add(-3 * time.Minute).UTC().Format(time.RFC3339)
		s.proxyOf(s.runInstance(proxied(`{"consumer":"0/1","library":"disgo","version":"0.19.6","phase":"attached","attended":true,"since":"` + since + `"}`)))
		seen := s.examine()
		for _, id := range []string{"bots-address", "bots-line", "bots-attached", "bots-starts", "bots-beside", "commands", "content", "intents"} {
			if r := seen.results[id]; r.Level != Pass {
				t.Errorf("tls %t: %s is %q: %s %v", secure, id, r.Level, r.Says, r.Evidence)
			}
		}
		seen.results["bots-line"].says(t, "HELLO, and a heartbeat answered in", "with PROXY_TOKEN was answered", "the bot noticed nothing")
		if secure {
			seen.results["bots-line"].says(t, "bots are told to connect to wss://bots.test:8001")
		}
		seen.results["bots-attached"].says(t, "0/1 disgo 0.19.6 is attached for 3 min")
		seen.results["commands"].says(t, "which registers its own")
		if v := s.sim.Verdict(s.app); v.Identifies != 0 {
			t.Errorf("%d IDENTIFYs", v.Identifies)
		}
	}
}

// useCertificate writes a certificate for bots.
func (s *harness) useCertificate(name string) {
	s.t.Helper()
	cert, _ := newCertificate(s.t, name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	key, err := x509.MarshalECPrivateKey(cert.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		s.t.Fatal(err)
	}
	c := s.settings()
	c.ProxyTLSCert, c.ProxyTLSKey = filepath.Join(s.t.TempDir(), "cert.pem"), filepath.Join(s.t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{c.ProxyTLSCert: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, c.ProxyTLSKey: {Type: "EC PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// What is wrong at the address for bots is said in words, and what hangs on it is not asked.
func TestAddressForBots(t *testing.T) {
	t.Parallel()
	foreign := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(foreign.Close)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go greet(silent)
	t.Cleanup(func() { _ = silent.Close() })
	for name, c := range map[string]struct {
		prepare     func(*harness)
		level       Level
		says, steps string
	}{
		"not running": {func(s *harness) { s.settings().ProxyAddr = closedPort }, Warn, "evergreen proxy is not running: nothing listens at 127.0.0.1:1", "Start it: evergreen proxy"},
		"runs, and does not listen": {func(s *harness) {
			s.takeLock()
			s.settings().ProxyAddr = closedPort
		}, Fail, "nothing listens for bots at 127.0.0.1:1", "start evergreen proxy anew"},
		"a web server": {func(s *harness) {
			s.settings().ProxyAddr = foreign.Listener.Addr().String()
			s.listens(foreign.Listener.Addr())
		}, Fail, "another program has " + foreign.Listener.Addr().String() + ": process 77 (nginx)", "set PROXY_ADDR to a free address"},
		"no web server": {func(s *harness) { s.settings().ProxyAddr = silent.Addr().String() }, Fail, "is not Evergreen: its process cannot be looked at", "set PROXY_ADDR to a free address"},
		"another Evergreen": {func(s *harness) {
			s.takeLock()
			s.proxyOf("another run")
		}, Fail, "another Evergreen listens at", "give each its own PROXY_ADDR"},
		"evergreen run": {func(s *harness) { s.runInstance(online) }, Warn, "is evergreen run, a bot of its own", "start: evergreen proxy"},
		"another PROXY_TOKEN": {func(s *harness) {
			s.proxyOf(s.runInstance(proxied("")))
			s.settings().ProxyToken = config.NewSecret("a-stand-in-that-Evergreen-has-not-got")
		}, Pass, "Evergreen listens at", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newHarness(t, discordsim.AppConfig{})
			s.skipReady, s.opts.ForProxy = true, true
			c.prepare(s)
			seen := s.examine()
			r := seen.results["bots-address"]
			if r.Level != c.level || !strings.Contains(strings.Join(r.Next, " "), c.steps) {
				t.Errorf("%+v", r)
			}
			r.says(t, c.says)
			want := Skip
			if name == "another PROXY_TOKEN" {
				want = Fail
				seen.results["bots-line"].says(t, "Evergreen refuses PROXY_TOKEN: it was started with another one")
			}
			if line := seen.results["bots-line"]; line.Level != want {
				t.Errorf("the line: %+v", line)
			}
		})
	}
}

// greet serves a protocol that is not HTTP until its listener is closed.
func greet(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write([]byte("220 mail.example.com ESMTP\r\n"))
		_ = conn.Close()
	}
}

// listens stages the process that listens at an address.
func (s *harness) listens(addr net.Addr) {
	port := netip.MustParseAddrPort(addr.String()).Port()
	s.file("proc/self/net/tcp", "title\n"+fmt.Sprintf("   0: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1 0 100 0\n", port))
	s.file("proc/77/comm", "nginx\n")
	dir := filepath.Join(s.folder, "proc/77/fd")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink("socket:[4711]", filepath.Join(dir, "3")); err != nil {
		s.t.Fatal(err)
	}
}

// The checks of the proxy come where the settings, the state folder or a person says so.
func TestWhenTheProxyIsLookedAt(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*harness){
		"":         func(s *harness) { s.opts.Loaded.Origins["PROXY_ADDR"] = config.Origin{Source: config.SourceDefault} },
		"settings": func(s *harness) { s.opts.Loaded.Origins["PROXY_ADDR"] = config.Origin{} },
		"folder":   func(s *harness) { _ = os.Mkdir(filepath.Join(s.settings().StateDir, "proxy"), 0o700) },
		"person":   func(s *harness) { s.opts.ForProxy = true },
	} {
		s := newHarness(t, discordsim.AppConfig{})
		prepare(s)
		checks, end := Checks(s.opts)
		end()
		found := slices.ContainsFunc(checks, func(c Check) bool { return c.ID == "bots-address" })
		if found != (name != "") {
			t.Errorf("%q: %t", name, found)
		}
	}
}

// How each bot is, as the running instance says, decides about the check.
func TestBotsAreJudged(t *testing.T) {
	now := time.Date(2026, 11, 24, 21, 44, 17, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	for name, c := range map[string]struct {
		bots      []api.Consumer
		wrong     int64
		connected bool
		level     Level
		cause     health.CauseID
		says      string
	}{
		"never, connected":     {connected: true, level: Warn, cause: health.BotAway, says: "most likely its one setting is not made"},
		"never, not connected": {level: Warn, says: "Evergreen connects to Discord once a bot has said"},
		"another token":        {wrong: 3, level: Warn, says: "3 connection or requests presented another token"},
		"attached":             {bots: []api.Consumer{{Consumer: "0/1", Library: "x", Phase: "attached", Attended: true, Since: ago(time.Hour)}}, level: Pass, says: "0/1 x is attached for 1 h"},
		"restarting":           {bots: []api.Consumer{{Consumer: "0/1", Phase: "away", Since: ago(3 * time.Second)}}, level: Warn, cause: health.BotAway, says: "perhaps it is just restarting"},
		"away":                 {bots: []api.Consumer{{Consumer: "0/1", Phase: "away", Since: ago(2 * time.Minute)}}, level: Fail, cause: health.BotAway, says: "away for 2 min: the dot is green and nobody answers"},
		"hangs":                {bots: []api.Consumer{{Consumer: "0/1", Phase: "stalled", Since: ago(time.Minute)}}, level: Fail, cause: health.BotHangs, says: "has read nothing for 1 min: it hangs"},
		"busy for a moment":    {bots: []api.Consumer{{Consumer: "0/1", Phase: "stalled", Since: ago(3 * time.Second)}}, level: Pass, says: "stalled for 3 s"},
		"crash loop":           {bots: []api.Consumer{{Consumer: "0/1", Phase: "attached", Attended: true, Starts5m: 7}}, level: Warn, cause: health.BotCrashLoop, says: "has started 7 times"},
		"one of two": {
			bots:  []api.Consumer{{Consumer: "0/2", Phase: "attached", Attended: true}, {Consumer: "1/2", Phase: "away", Since: ago(time.Minute)}},
			level: Fail, cause: health.BotAway, says: "1/2 a bot has been away",
		},
	} {
		p := api.Bots{Consumers: c.bots}
		p.Counts.WrongTokens = c.wrong
		f := attachedFinding(p, c.connected, now)
		if f.Level != c.level || f.Cause != c.cause || !strings.Contains(f.Says+strings.Join(f.Evidence, "\n"), c.says) || f.Level != Pass && len(f.Next) == 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// More starts than Evergreen's account has are another program's; where the two cannot be
// compared nothing is claimed.
func TestStartsBesideEvergreen(t *testing.T) {
	for _, c := range []struct {
		own     *budget
		counted identify.SessionStartLimit
		want    int
	}{
		{&budget{Total: 1000, Remaining: 990, FromDiscord: true}, identify.SessionStartLimit{Total: 1000, Remaining: 987}, 3},
		{&budget{Total: 1000, Remaining: 990, FromDiscord: true}, identify.SessionStartLimit{Total: 1000, Remaining: 990}, 0},
		{&budget{Total: 1000, Remaining: 990, FromDiscord: true}, identify.SessionStartLimit{Total: 1000, Remaining: 1000}, 0},
		{&budget{Total: 1000, Remaining: 990}, identify.SessionStartLimit{Total: 1000, Remaining: 900}, 0},
		{&budget{Total: 2000, Remaining: 1990, FromDiscord: true}, identify.SessionStartLimit{Total: 1000, Remaining: 900}, 0},
		{nil, identify.SessionStartLimit{Total: 1000, Remaining: 900}, 0},
	} {
		if got := startsBeside(c.own, c.counted); got != c.want {
			t.Errorf("%+v of %+v: %d, want %d", c.own, c.counted, got, c.want)
		}
	}
}

// Who is connected to the gateway beside Evergreen is a hint, and never an all-clear where it
// cannot be known.
func TestProcessesBesideEvergreen(t *testing.T) {
	end, other := netip.MustParseAddrPort("162.159.130.234:443"), netip.MustParseAddrPort("192.0.2.1:443")
	evergreen := netip.MustParseAddrPort("127.0.0.1:8001")
	to := func(id uint64, remote netip.AddrPort) host.Socket {
		return host.Socket{Remote: remote, ID: id, User: 1000}
	}
	python, java := host.Process{PID: 41, Name: "python3"}, host.Process{PID: 42, Name: "java"}
	for name, c := range map[string]struct {
		sockets []host.Socket
		owners  map[uint64]host.Process
		shared  bool
		level   Level
		who     []string
		says    string
	}{
		"Evergreen alone": {[]host.Socket{to(1, end), to(2, other)}, map[uint64]host.Process{1: {PID: 7}, 2: python}, false, Pass, nil, "no process here but Evergreen"},
		"the attached bot": {
			[]host.Socket{to(1, end), to(2, end), to(3, evergreen), to(4, end)}, map[uint64]host.Process{1: {PID: 7}, 2: python, 3: python, 4: python}, false, Warn,
			[]string{"process 41 (python3) is connected to 162.159.130.234:443; it is attached to Evergreen too"}, "a hint, no proof",
		},
		"two, and REST at the same address": {
			[]host.Socket{to(1, end), to(2, end), to(3, end)}, map[uint64]host.Process{1: {PID: 7}, 2: python, 3: java}, true, Warn,
			[]string{"process 41 (python3) is connected to 162.159.130.234:443", "process 42 (java) is connected to 162.159.130.234:443"}, "2 processes here",
		},
		"one of another user": {
			[]host.Socket{to(1, end), to(2, end)}, map[uint64]host.Process{1: {PID: 7}}, false, Warn,
			[]string{"a process of the user 1000 that may not be looked at is connected to 162.159.130.234:443"}, "a hint, no proof",
		},
		"Evergreen of another user": {
			[]host.Socket{to(1, end), to(2, end)}, nil, false, Skip,
			[]string{"a process of the user 1000 that may not be looked at is connected to 162.159.130.234:443"}, "could not be looked at: Evergreen runs as another user",
		},
		"what listens": {[]host.Socket{{Remote: end, ID: 2, Listening: true}}, map[uint64]host.Process{2: python}, false, Pass, nil, "no process here but Evergreen"},
	} {
		l := lookAt{ends: map[netip.AddrPort]bool{end: true}, shared: c.shared, owners: c.owners, own: map[int]bool{7: true}, evergreen: 7, port: "8001"}
		var who []string
		for _, s := range l.strangers(c.sockets) {
			who = append(who, s.String())
		}
		f := l.finding(c.sockets, "gateway.discord.gg")
		if f.Level != c.level || !slices.Equal(who, c.who) || !strings.Contains(f.Says, c.says) || c.shared != strings.Contains(strings.Join(f.Evidence, ""), "serves REST") {
			t.Errorf("%s: %q, %+v", name, who, f)
		}
	}
}

// A connection that has ended while its process was looked for is not somebody else's.
func TestConnectionsThatEndAreNoStrangers(t *testing.T) {
	t.Parallel()
	first, ended, begun := host.Socket{ID: 1}, host.Socket{ID: 2}, host.Socket{ID: 3}
	if got := inBoth([]host.Socket{first, ended}, []host.Socket{begun, first}); !slices.Equal(got, []host.Socket{first}) {
		t.Errorf("looked at are %v", got)
	}
}

// Where nothing can be seen, that is said, and not that all is well.
func TestProcessesThatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady, s.opts.ForProxy = true, true
	s.opts.Machine.System = "darwin"
	r := s.examine().results["bots-beside"]
	if r.Level != Skip {
		t.Errorf("%+v", r)
	}
	r.says(t, "could not be looked at: only Linux tells")
}
