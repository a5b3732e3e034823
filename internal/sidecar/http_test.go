package sidecar

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

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
			status, answer, _ := h.request("GET", path, "", bearing(h.App.Token))
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
		if status, answer, _ := h.request("GET", "/api/v10/gateway/bot", "", bearing("wrong")); status != 401 {
			t.Errorf("with another token: %d %s", status, answer)
		}
		if status, _, _ := h.request("POST", "/api/v10/gateway", "", nil); status != 405 {
			t.Errorf("POST: %d", status)
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
