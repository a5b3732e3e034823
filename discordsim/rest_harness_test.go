package discordsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

const goodAgent = "DiscordBot (https://example.org/bot, 1.0)"

// restHarness is a small world for the tests of the REST side: one bot in one guild
// with one channel, and a person.
type restHarness struct {
	*Sim
	t       *testing.T
	app     *App
	guild   *Guild
	channel ID
	person  User
}

func newRESTHarness(t *testing.T, cfg Config) *restHarness {
	t.Helper()
	s := New(cfg)
	t.Cleanup(s.Close)
	g := s.AddGuild("guild")
	w := &restHarness{Sim: s, t: t, guild: g, channel: g.Channels[0].ID, app: s.AddApp(AppConfig{Name: "crier", Guilds: []*Guild{g}}), person: s.AddUser("ann")}
	s.AddMembers(g, w.person)
	return w
}

// withREST runs a test with a harness in virtual time.
func withREST(t *testing.T, cfg Config, test func(*testing.T, *restHarness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRESTHarness(t, cfg)) })
}

// apiRequest is one request to the REST side, made without a network between.
type apiRequest struct {
	method, path string
	body         any // a string goes as it is, nil is no body
	token        string
	header       map[string]string
	from         string
}

// apiResponse is what came back. Broken tells that the connection broke before the
// answer was complete.
type apiResponse struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	broken bool
}

// request sends a request with the bot's token.
func (w *restHarness) request(method, path string, body any) apiResponse {
	w.t.Helper()
	return w.send(apiRequest{method: method, path: "/api/v10" + path, body: body, token: "Bot " + w.app.Token})
}

func (w *restHarness) send(p apiRequest) apiResponse {
	w.t.Helper()
	var body []byte
	switch b := p.body.(type) {
	case nil:
	case string:
		body = []byte(b)
	default:
		body = marshal(b)
	}
	req := httptest.NewRequestWithContext(w.t.Context(), p.method, "http://discord.sim"+p.path, bytes.NewReader(body))
	req.RemoteAddr = "10.0.0.1:5000"
	if p.from != "" {
		req.RemoteAddr = p.from + ":5000"
	}
	req.Header.Set("User-Agent", goodAgent)
	if p.token != "" {
		req.Header.Set("Authorization", p.token)
	}
	if p.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range p.header {
		if req.Header.Del(name); value != "" {
			req.Header.Set(name, value)
		}
	}
	rec := httptest.NewRecorder()
	out := apiResponse{t: w.t}
	func() {
		defer func() {
			if gone := recover(); gone != nil {
				if gone != http.ErrAbortHandler {
					panic(gone)
				}
				out.broken = true
			}
		}()
		w.rest.ServeHTTP(rec, req)
	}()
	got := rec.Result()
	out.status, out.header, out.text = got.StatusCode, got.Header, rec.Body.String()
	w.checkAnswer(p, out)
	return out
}

// checkAnswer fails the test where the object that answers is not as documented, unless a
// fault may have spoilt it.
func (w *restHarness) checkAnswer(p apiRequest, got apiResponse) {
	w.t.Helper()
	path, _, _ := strings.Cut(p.path, "?")
	_, rest, _ := split(path)
	found, _, _ := w.rest.find(p.method, rest)
	if found == nil || got.broken || got.status/100 != 2 || got.text == "" || len(w.Injected()) > 0 {
		return
	}
	if kind := objects.answers[found.label()]; kind != "" {
		checkObject(w.t, found.label(), kind, []byte(got.text))
	}
}

// object is the body as a JSON object.
func (r apiResponse) object() map[string]any {
	r.t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(r.text), &out); err != nil {
		r.t.Fatalf("status %d, body %q: %v", r.status, r.text, err)
	}
	return out
}

// list is the body as a JSON list.
func (r apiResponse) list() []any {
	r.t.Helper()
	var out []any
	if err := json.Unmarshal([]byte(r.text), &out); err != nil {
		r.t.Fatalf("status %d, body %q: %v", r.status, r.text, err)
	}
	return out
}

// id is the id of the object in the body.
func (r apiResponse) id() string {
	r.t.Helper()
	id, _ := r.object()["id"].(string)
	return id
}

// hasStatus fails the test unless status and code are those.
func (r apiResponse) hasStatus(status, code int) apiResponse {
	r.t.Helper()
	if r.status != status || r.broken {
		r.t.Fatalf("status %d (broken: %v) instead of %d: %s", r.status, r.broken, status, r.text)
	}
	if status >= 400 {
		if got, _ := r.object()["code"].(float64); int(got) != code {
			r.t.Fatalf("code %v instead of %d: %s", got, code, r.text)
		}
	}
	return r
}

// hasFormError fails the test unless the answer is 50035 with a complaint of that
// code under that path.
func (r apiResponse) hasFormError(path, code string) {
	r.t.Helper()
	r.hasStatus(http.StatusBadRequest, 50035)
	at := r.object()["errors"]
	for step := range strings.SplitSeq(path, ".") {
		if step != "" {
			inner, _ := at.(map[string]any)
			at = inner[step]
		}
	}
	inner, _ := at.(map[string]any)
	for _, leaf := range asList(inner["_errors"]) {
		if asObject(leaf)["code"] == code {
			return
		}
	}
	r.t.Errorf("no complaint %s under %q in %s", code, path, r.text)
}

func asList(v any) []any                    { l, _ := v.([]any); return l }
func asObject(v any) map[string]any         { m, _ := v.(map[string]any); return m }
func (w *restHarness) messagesPath() string { return "/channels/" + w.channel.String() + "/messages" }

// say posts a message as the bot.
func (w *restHarness) say(content string) apiResponse {
	w.t.Helper()
	return w.request("POST", w.messagesPath(), map[string]any{"content": content})
}

// violations lists the statements the bot broke so far.
func (w *restHarness) violations() []string {
	var out []string
	for _, v := range w.Verdict(w.app).Violations {
		out = append(out, v.Statement)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// marshalled is a value as it comes back from JSON.
func marshalled(v any) (out any) {
	_ = json.Unmarshal(marshal(v), &out)
	return out
}
