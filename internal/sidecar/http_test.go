package sidecar

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"

	"github.com/coder/websocket"
)

// request sends a request to the Sidecar and returns the answer.
func (h *harness) request(method, path, body string, header http.Header) (status int, answer string, got http.Header) {
	h.T.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: h.pipe.Dial, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(h.T.Context(), method, "http://127.0.0.1:8001"+path, strings.NewReader(body))
	if err != nil {
		h.T.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	response, err := client.Do(r)
	if err != nil {
		h.T.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		h.T.Fatal(err)
	}
	return response.StatusCode, string(content), response.Header
}

// bearing is the header of a bot that presents a token.
func bearing(token string) http.Header {
	return http.Header{"Authorization": {"Bot " + token}, "User-Agent": {"DiscordBot (https://example.com, 1)"}}
}

// Libraries that ask for the gateway's address are told to connect here, in any version.
func TestGatewayRoutesLeadHere(t *testing.T) {
	run(t, Options{Shards: 4}, func(h *harness) {
		for _, path := range []string{"/api/gateway", "/api/v9/gateway", "/api/v10/gateway/", "/api/v10/gateway/bot"} {
			status, answer, header := h.request("GET", path, "", bearing(h.App.Token))
			if kind := header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("%s is %s", path, kind)
			}
			if head, body, _ := h.request("HEAD", path, "", bearing(h.App.Token)); head != 200 || body != "" {
				t.Errorf("HEAD %s: %d %q", path, head, body)
			}
			var got struct {
				URL    string `json:"url"`
				Shards int    `json:"shards"`
				Limit  struct {
					Total, Remaining int
					Concurrency      int `json:"max_concurrency"`
				} `json:"session_start_limit"`
			}
			if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 || got.URL != "ws://127.0.0.1:8001" {
				t.Errorf("%s: %d %s", path, status, answer)
			}
			if isBot := strings.HasSuffix(path, "bot"); isBot != (got.Shards == 4 && got.Limit.Remaining == 1000 && got.Limit.Concurrency == 16) {
				t.Errorf("%s: %s", path, answer)
			}
		}
		status, answer, header := h.request("GET", "/api/v10/gateway/bot", "", bearing("wrong"))
		if status != 401 || !json.Valid([]byte(answer)) || header.Get("Content-Type") != "application/json" {
			t.Errorf("with another token: %d %s", status, answer)
		}
		if status, answer, _ := h.request("POST", "/api/v10/gateway", "", nil); status != 405 || !json.Valid([]byte(answer)) {
			t.Errorf("POST: %d %s", status, answer)
		}
	})
	run(t, Options{}, func(h *harness) {
		if _, answer, _ := h.request("GET", "/api/gateway/bot", "", bearing(h.App.Token)); !strings.Contains(answer, `"shards":1`) {
			t.Errorf("without a setting: %s", answer)
		}
	})
}

// REST requests go to Discord as they came and so do the answers; the stand-in becomes the
// token on the way.
func TestRESTRequestsPass(t *testing.T) {
	run(t, Options{StandIn: "a-stand-in-of-32-characters-or-more"}, func(h *harness) {
		channel := h.Guilds[0].Channels[0].ID.String()
		for _, token := range []string{h.App.Token, h.opts.StandIn} {
			header := bearing(token)
			header.Set("Content-Type", "application/json")
			status, answer, got := h.request("POST", "/api/v10/channels/"+channel+"/messages", `{"content":"hello"}`, header)
			if status != 200 || !strings.Contains(answer, `"hello"`) || got.Get("X-RateLimit-Bucket") == "" {
				t.Errorf("%d %s %v", status, answer, got)
			}
		}
		if status, answer, _ := h.request("GET", "/api/v9/users/@me", "", bearing(h.App.Token)); status != 200 || !strings.Contains(answer, h.App.Bot.ID.String()) {
			t.Errorf("in version 9: %d %s", status, answer)
		}
		before := len(h.Sim.Requests(h.App))
		if status, answer, _ := h.request("GET", "/api/v10/users/@me", "", bearing("another")); status != 401 || !strings.Contains(answer, "401") {
			t.Errorf("with another token: %d %s", status, answer)
		}
		if after := len(h.Sim.Requests(h.App)); after != before {
			t.Error("a wrong token was sent to Discord, which counts it against this address")
		}
		h.NoViolations()
	})
}

// Browsers, names that are not this machine's and other paths are refused, with what to do.
func TestWhoIsNoBotIsRefused(t *testing.T) {
	run(t, Options{PublicURL: "ws://evergreen.internal:8001"}, func(h *harness) {
		for name, c := range map[string]struct {
			path   string
			header http.Header
			status int
			says   string
		}{
			"a page":         {"/api/v10/users/@me", http.Header{"Origin": {"https://example.com"}}, 403, "web pages"},
			"another name":   {"/api/v10/gateway", http.Header{"Host": {"rebound.example.com"}}, 403, "PROXY_URL"},
			"the public URL": {"/api/v10/gateway", http.Header{"Host": {"evergreen.internal:8001"}}, 200, "ws://evergreen.internal:8001"},
			"localhost":      {"/api/v10/gateway", http.Header{"Host": {"localhost"}}, 200, "evergreen.internal"},
			"no API":         {"/", nil, 404, "evergreen proxy setup"},
		} {
			if status, answer, _ := h.request("GET", c.path, "", c.header); status != c.status || !strings.Contains(answer, c.says) {
				t.Errorf("%s: %d %s", name, status, answer)
			}
		}
	})
	run(t, Options{NoREST: true}, func(h *harness) {
		if status, answer, _ := h.request("GET", "/api/v10/users/@me", "", bearing(h.App.Token)); status != 404 || !strings.Contains(answer, "PROXY_REST") {
			t.Errorf("without REST: %d %s", status, answer)
		}
	})
}

// Discord that does not answer costs that request, and neither its path nor its token is
// logged.
func TestDiscordThatDoesNotAnswerIsTold(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.Sim.Close()
		status, answer, _ := h.request("POST", "/api/v10/webhooks/1/secret-of-the-webhook", "{}", nil)
		if status != 502 || !strings.Contains(answer, "no answer from Discord") || strings.Contains(answer, "secret") {
			t.Errorf("%d %s", status, answer)
		}
	})
}

// There are at most 256 lines, and further ones are told why.
func TestTooManyLinesAreRefused(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		var bots []*bot
		for range maxLines {
			bots = append(bots, h.connect())
		}
		client := &http.Client{Transport: &http.Transport{DialContext: h.pipe.Dial, DisableKeepAlives: true}}
		_, response, err := websocket.Dial(h.T.Context(), "ws://127.0.0.1/", &websocket.DialOptions{HTTPClient: client})
		if err == nil || response == nil || response.StatusCode != 503 {
			t.Errorf("one more: %v", err)
		}
		bots[0].kill()
		bots[0] = h.started()
		h.Advance(time.Second)
		for _, b := range bots {
			b.kill()
		}
	})
}

// The token is lent to who presents its stand-in, and to nobody else: other authorizations
// pass as they are, and a request without one has none at Discord.
func TestTokenIsLentToTheStandInOnly(t *testing.T) {
	for name, c := range map[string]struct {
		standIn, authorization string
		status                 int
		passes                 string // what Discord is shown; "-": the request does not come there
	}{
		"the stand-in":            {"a-stand-in-of-32-characters-or-more", "Bot a-stand-in-of-32-characters-or-more", 200, "Bot TOKEN"},
		"the token":               {"a-stand-in-of-32-characters-or-more", "Bot TOKEN", 200, "Bot TOKEN"},
		"a user's token":          {"a-stand-in-of-32-characters-or-more", "Bearer of-a-user", 200, "Bearer of-a-user"},
		"none":                    {"a-stand-in-of-32-characters-or-more", "", 200, ""},
		"none, without stand-in":  {"", "", 200, ""},
		"empty, without stand-in": {"", "Bot ", 401, "-"},
		"another":                 {"", "Bot another", 401, "-"},
	} {
		var shown []string
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			shown = append(shown, r.Header.Get("Authorization"))
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
		})}
		runAlone(t, Options{StandIn: c.standIn, HTTPClient: client}, 1, func(h *harness) {
			header := http.Header{}
			if c.authorization != "" {
				header.Set("Authorization", strings.Replace(c.authorization, "TOKEN", h.App.Token, 1))
			}
			want := []string{strings.Replace(c.passes, "TOKEN", h.App.Token, 1)}
			if c.passes == "-" {
				want = nil
			}
			status, answer, _ := h.request("GET", "/api/v10/users/@me", "", header)
			if status != c.status || !slices.Equal(shown, want) || answer != "" && !json.Valid([]byte(answer)) {
				t.Errorf("%s: %d %s; Discord is shown %q, want %q", name, status, answer, shown, want)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Where others than this machine can connect, a request must present a token, unless its route
// carries one of its own.
func TestOtherMachinesPresentAToken(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.sidecar.mu.Lock()
		h.sidecar.address = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8001}
		h.sidecar.mu.Unlock()
		for path, want := range map[string]int{
			"/api/v10/users/@me": 401, "/api/v10/channels/1/messages": 401, "/api/v10/webhooks/1": 401, "/api/v10/webhooks/1/": 401,
			"/api/webhooks/1/secret": 404, "/api/v10/webhooks/1/secret": 404, "/api/v10/interactions/1/secret/callback": 404,
		} {
			if status, answer, _ := h.request("GET", path, "", bearing("")); status != 401 {
				t.Errorf("%s with an empty token: %d %s", path, status, answer)
			}
			status, _, _ := h.request("GET", path, "", http.Header{"User-Agent": {"DiscordBot (https://example.com, 1)"}})
			if (status == 401) != (want == 401) {
				t.Errorf("%s: %d, want %d", path, status, want)
			}
		}
	})
}

// A client that says nothing of itself is not made out to be another one.
func TestClientWithoutANameHasNone(t *testing.T) {
	var shown []string
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		shown = append(shown, r.UserAgent())
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	})}
	runAlone(t, Options{HTTPClient: client}, 1, func(h *harness) {
		h.request("GET", "/api/v10/users/@me", "", http.Header{"User-Agent": {""}})
		h.request("GET", "/api/v10/users/@me", "", http.Header{"User-Agent": {"of the bot"}})
		if !slices.Equal(shown, []string{"", "of the bot"}) {
			t.Errorf("Discord is shown %q", shown)
		}
	})
}

// A bot that hangs up before Discord has answered is no trouble.
func TestBotThatHangsUpIsNoTrouble(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "rest-slow", Delay: time.Minute})
		ctx, hangUp := context.WithTimeout(h.T.Context(), time.Second)
		defer hangUp()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:8001/api/v10/users/@me", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = bearing(h.App.Token)
		client := &http.Client{Transport: &http.Transport{DialContext: h.pipe.Dial, DisableKeepAlives: true}}
		if response, err := client.Do(r); err == nil {
			t.Errorf("it was answered: %s", response.Status)
		}
		h.Advance(time.Second)
		if h.log.Has("was not answered") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
	})
}

// Bots reach this machine by its addresses and names, and by no other.
func TestNamesOfThisMachine(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	for _, public := range []string{"", "://nonsense", "wss://bots.example.org"} {
		s := &Sidecar{opts: Options{PublicURL: public}}
		for host, want := range map[string]bool{
			"127.0.0.1": true, "127.0.0.1:8001": true, "[::1]:8001": true, "[::1]": true, "LOCALHOST": true, own: true, strings.ToUpper(own) + ":8001": true,
			"bots.example.org:443": strings.HasPrefix(public, "wss"), "BOTS.example.org": strings.HasPrefix(public, "wss"),
			"": false, ":8001": false, "example.org": false, "x.bots.example.org": false,
		} {
			if got := s.hostAllowed(host); got != want {
				t.Errorf("with the URL %q the host %q is allowed: %t", public, host, got)
			}
		}
	}
}

// With a certificate bots connect over TLS, and are told wss.
func TestBotsMayConnectOverTLS(t *testing.T) {
	certificate, key, trusted := selfSigned(t)
	run(t, Options{TLSCert: certificate, TLSKey: key}, func(h *harness) {
		client := &http.Client{Transport: &http.Transport{DialContext: h.pipe.Dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "127.0.0.1"}}}
		conn, _, err := websocket.Dial(h.T.Context(), "wss://127.0.0.1/", &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		if _, hello, err := conn.Read(h.T.Context()); err != nil || !strings.Contains(string(hello), "heartbeat_interval") {
			t.Errorf("%s, %v", hello, err)
		}
		_ = conn.CloseNow()
		r, err := http.NewRequestWithContext(h.T.Context(), "GET", "https://127.0.0.1/api/gateway", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if !strings.Contains(string(answer), `"wss://127.0.0.1"`) || response.ProtoMajor != 1 {
			t.Errorf("%s in %s", answer, response.Proto)
		}
		h.Advance(10 * time.Second) // both ends of TLS say goodbye, for 5 s at most
	})
}

// selfSigned makes a certificate for 127.0.0.1 that is always valid.
func selfSigned(t *testing.T) (certificate, key string, trusted *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: raw}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	trusted = x509.NewCertPool()
	trusted.AddCert(parsed)
	return certificate, key, trusted
}

// The run of Evergreen that listens is told to a client that asks, without a token, and also
// where REST is off.
func TestWhichRunListensIsTold(t *testing.T) {
	run(t, Options{Instance: "this run", NoREST: true}, func(h *harness) {
		client := &http.Client{Transport: &http.Transport{DialContext: h.pipe.Dial, DisableKeepAlives: true}}
		answer, err := client.Get("http://127.0.0.1" + InstancePath)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNoContent || answer.Header.Get(InstanceHeader) != "this run" {
			t.Errorf("%s %v", answer.Status, answer.Header)
		}
	})
}
