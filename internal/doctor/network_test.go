package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
)

// Given names that do not resolve, then DNS is the failure, apart from all that
// follows, with both kinds of address and the resolver named.
func TestNameThatDoesNotResolve(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.settings().APIURL, s.settings().DiscordStatusURL = "https://discord.com/api/v10", "https://discordstatus.com/api/v2/summary.json"
	s.opts.Resolver = fakeResolver{}
	s.opts.Dial = func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
	}
	seen := s.examine()
	r := seen.expectOnly(Fail, "dns", "192.0.2.53 from /etc/resolv.conf", append([]string{"status"}, afterDNS...)...)
	r.says(t, "discord.com has no address", "A: no such name", "AAAA: no such name")
	if r.Cause != health.DNSFailure {
		t.Errorf("the cause is %q", r.Cause)
	}
}

// silentResolver is a resolver that never answers.
type silentResolver struct{}

func (silentResolver) LookupNetIP(ctx context.Context, _, name string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, &net.DNSError{Err: "i/o timeout", Name: name, IsTimeout: true}
}

// Given a machine without a network, on which nothing answers and nothing fails
// either, then the doctor is done in seconds and says what did not answer.
func TestNothingAnswers(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.settings().APIURL = "https://discord.com/api/v10"
	s.opts.Resolver = silentResolver{}
	s.opts.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	seen := s.examine()
	seen.expectOnly(Fail, "dns", "getent hosts", afterDNS...).says(t, "no answer from the resolver in time")
	finishedWithin(t, MaxDuration+time.Second, seen.report)
}

// Given a port on which nobody listens, then TCP is the failure, and for a
// simulator the next step is to start it.
func TestClosedPort(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.settings().APIURL = "http://simulator.test:9/api/v10"
	s.opts.Resolver, s.opts.Dial = fakeResolver{"simulator.test": {"127.0.0.1"}}, dialTo(closedPort)
	s.examine().expectOnly(Fail, "tcp", "start what should listen there", afterTCP...).says(t, "connection refused")
}

// Given IPv6 addresses without a way to them, then IPv4 takes over and no alarm
// is raised; the evidence says so.
func TestIPv6WithoutARoute(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	addr := hostPort(t, s.url)
	_, port, _ := net.SplitHostPort(addr)
	s.settings().APIURL = "http://discord.test:" + port + "/api/v10"
	s.opts.Resolver = fakeResolver{"discord.test": {"127.0.0.1", "2001:db8::1"}}
	s.opts.Dial = func(ctx context.Context, network, dialled string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(dialled); host == "2001:db8::1" {
			return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
		}
		return dialTo(addr)(ctx, network, dialled)
	}
	s.examine().expectOnly(Pass, "tcp", "").says(t, "IPv4: 127.0.0.1:"+port, "IPv6: [2001:db8::1]:"+port+": network is unreachable", "IPv4 takes over")
}

// newCertificate makes one for discord.test, and the pool that trusts it.
func newCertificate(t *testing.T, name string, from, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Example Proxies"}, CommonName: "Example Proxies CA"},
		DNSNames: []string{name}, NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// useTLS puts TLS before the simulator; without trust the doctor's machine does
// not know the authority.
func (s *harness) useTLS(name string, from, until time.Time, trust bool) {
	s.t.Helper()
	cert, roots := newCertificate(s.t, name, from, until)
	inner, err := url.Parse("http://" + hostPort(s.t, s.url))
	if err != nil {
		s.t.Fatal(err)
	}
	front := httputil.NewSingleHostReverseProxy(inner)
	front.ModifyResponse = func(r *http.Response) error { // what is behind TLS names wss
		if r.StatusCode != http.StatusOK {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		body = bytes.ReplaceAll(body, []byte(`"ws://`), []byte(`"wss://`))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Del("Content-Length")
		return err
	}
	server := httptest.NewUnstartedServer(front)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	s.t.Cleanup(server.Close)
	s.settings().APIURL = "https://discord.test/api/v10"
	s.opts.Resolver = fakeResolver{"discord.test": {"127.0.0.1"}}
	plainly, secured := hostPort(s.t, s.url), server.Listener.Addr().String()
	s.opts.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if _, port, _ := net.SplitHostPort(addr); port != "443" {
			return dialTo(plainly)(ctx, network, addr)
		}
		return dialTo(secured)(ctx, network, addr)
	}
	s.opts.Roots = x509.NewCertPool()
	if trust {
		s.opts.Roots = roots
	}
}

// Given a certificate that is not to be trusted, then TLS is the failure, with
// the issuer and the dates, and what to do depends on what is wrong with it.
func TestCertificateThatIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		what        string
		name        string
		from, until time.Time
		trust       bool
		clock       time.Duration
		says, next  string
	}{
		{"unknown authority", "discord.test", now.Add(-year), now.Add(year), false, 0, "Example Proxies", "install its CA certificate"},
		{"another name", "portal.test", now.Add(-year), now.Add(year), true, 0, "for another name (portal.test)", "captive portal"},
		{"ended", "discord.test", now.Add(-year), now.Add(-time.Hour), true, 0, "the certificate ended on", "The clock is right"},
		{"of the future", "discord.test", now.Add(time.Hour), now.Add(year), true, 0, "is not good before", "The clock is right"},
		{"clock ahead", "discord.test", now.Add(-year), now.Add(year), true, 2 * year, "the other side's clock says", "ahead"},
		{"clock behind", "discord.test", now.Add(-time.Hour), now.Add(year), true, -2 * year, "is not good before", "behind"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s := newHarness(t, discordsim.AppConfig{})
			s.useTLS(c.name, c.from, c.until, c.trust)
			s.opts.Now = func() time.Time { return time.Now().Add(c.clock) }
			s.examine().expectOnly(Fail, "tls", c.next, afterTLS...).says(t, c.says, "valid from "+c.from.UTC().Format(time.DateTime))
		})
	}
}

// Given TLS that is well, then its issuer and end are told, and the rest works
// over it.
func TestCertificateThatIsAccepted(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	s.useTLS("discord.test", time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour), true)
	s.examine().expectOnly(Pass, "tls", "").says(t, "TLS 1.3", "issued by Example Proxies")
}

// Given a clock that is wrong by more than certificates notice, then the clock is
// the failure.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		off  time.Duration
		want Level
		says string
	}{{-10 * time.Minute, Fail, "10 min behind"}, {30 * time.Second, Warn, "ahead"}} {
		s := newHarness(t, discordsim.AppConfig{})
		s.skipReady = true
		// Half a second keeps it clear of the whole seconds of the header.
		s.opts.Now = func() time.Time { return time.Now().Add(c.off + 500*time.Millisecond) }
		seen := s.examine()
		if r := seen.results["clock"]; r.Level != c.want || len(r.Next) == 0 {
			t.Errorf("the clock is %q: %+v", r.Level, r)
		}
		if c.want == Warn {
			seen.results["clock"].says(t, c.says)
		}
	}
}

// Given something that answers and is not Discord's REST, or Discord in trouble,
// then REST is the failure and each kind is told apart.
func TestRESTThatIsNotWell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		answer func(http.ResponseWriter)
		says   string
		next   string
		cause  health.CauseID
	}{
		{"banned", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
			fmt.Fprint(w, "error code: 1015")
		}, "error code: 1015", "shared hosting", health.IPBanned},
		{"page of Cloudflare's", func(w http.ResponseWriter) {
			w.WriteHeader(403)
			fmt.Fprint(w, "<html><title>Access denied</title><h1>Error <span>1006</span></h1> cloudflare</html>")
		}, "Cloudflare's error 1006", "shared hosting", health.IPBanned},
		{"firewall", func(w http.ResponseWriter) {
			w.WriteHeader(403)
			fmt.Fprint(w, "<html>Blocked by policy</html>")
		}, "Blocked by policy", "a firewall", health.NetworkDown},
		{"odd 429", func(w http.ResponseWriter) { w.WriteHeader(429) }, "HTTP 429", "a load balancer", health.NetworkDown},
		{"endless", func(w http.ResponseWriter) {
			for range 1 << 20 {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		}, "not Discord's API", "Look at what stands between", ""},
		{"trouble", func(w http.ResponseWriter) { w.WriteHeader(503) }, "HTTP 503", "Discord, not you", health.DiscordOutage},
		{"portal", func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://login.hotel.test/")
			w.WriteHeader(302)
		}, "login.hotel.test", "log in", ""},
		{"something else", func(w http.ResponseWriter) { fmt.Fprint(w, "<html><b>It works!</b></html>") }, "It works!", "Look at what stands between", ""},
		{"wrong path", func(w http.ResponseWriter) { w.WriteHeader(404) }, "HTTP 404", "Correct DISCORD_API_URL", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s := newHarness(t, discordsim.AppConfig{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
			defer server.Close()
			s.settings().APIURL = server.URL + "/api/v10"
			r := s.examine().expectOnly(Fail, "rest", c.next, afterREST...)
			r.says(t, c.says)
			if r.Cause != c.cause {
				t.Errorf("the cause is %q, want %q", r.Cause, c.cause)
			}
		})
	}
}

// Given a proxy that lets requests through and no WebSockets, then REST is well,
// the WebSocket is the failure, and the hop is named.
func TestProxyThatBlocksWebSockets(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	pass := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			http.Error(w, "WebSockets are not allowed here", http.StatusForbidden)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	through, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	through.User = url.UserPassword("me", "secret")
	s.settings().HTTPProxy = config.NewProxy(through.String())
	s.opts.Proxy = func(*http.Request) (*url.URL, error) { return through, nil }
	seen := s.examine()
	r := seen.expectOnly(Fail, "wss", "Allow WebSockets", "ready")
	r.says(t, "the WebSocket is refused", "403", "through the proxy "+through.Host)
	seen.results["proxy"].says(t, "requests go through http://[redacted]@"+through.Host)
	if r.Cause != health.ProxyBlocks {
		t.Errorf("the cause is %q", r.Cause)
	}
	// The simulator's gateway is at an address of its own.
	if next := fmt.Sprint(r.Next); !regexp.MustCompile(`Upgrade\) to 127\.0\.0\.1:\d+, on the proxy `+through.Host).MatchString(next) ||
		regexp.MustCompile(`discord\.gg|port 443`).MatchString(next) {
		t.Errorf("the advice is %q", next)
	}
}

// Given a proxy that is not there, or one that refuses tunnels, then that is the
// failure, not Discord.
func TestProxyThatIsNotWell(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.opts.Proxy = func(*http.Request) (*url.URL, error) {
		return &url.URL{Scheme: "http", Host: closedPort}, nil
	}
	s.examine().expectOnly(Fail, "proxy", "HTTPS_PROXY", afterProxy...).says(t, "connection refused")

	s = newHarness(t, discordsim.AppConfig{})
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refuses.Close()
	s.settings().APIURL = "https://discord.com/api/v10"
	s.opts.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(refuses.URL) }
	s.examine().expectOnly(Fail, "tls", "Allow discord.com:443 and gateway.discord.gg:443", afterTLS...).says(t, "Forbidden")
}

// Given Discord's status page with trouble, then it is said and nothing is asked
// of the operator.
func TestStatusPageWithTrouble(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":{"indicator":"major","description":"Partial System Outage"},"components":[{"name":"Gateway","status":"partial_outage"}],`+
			`"incidents":[{"name":"Elevated errors","status":"investigating","impact":"major","shortlink":"https://stspg.io/x"}]}`)
	}))
	defer page.Close()
	s.settings().DiscordStatusURL = page.URL
	s.examine().expectOnly(Warn, "status", "Nothing to do here").says(t, "Discord, not you", "Elevated errors")
}

// Given a gateway that opens WebSockets and says nothing, then that is told apart
// from one that refuses them.
func TestGatewayWithoutHello(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.shortTimeouts = true
	if _, err := s.sim.Inject(discordsim.Fault{Name: "no-hello"}); err != nil {
		t.Fatal(err)
	}
	s.examine().expectOnly(Fail, "wss", "status page", "ready").says(t, "no HELLO comes")
}
