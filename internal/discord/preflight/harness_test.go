package preflight

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"evergreen/gateway"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token    = "MTIz.secret.token-of-the-bot"
	newToken = "MTIz.another.token-of-the-bot"
	wanted   = gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentGuildMembers | gateway.IntentMessageContent

	me       = `{"id":"123","username":"ResearchBot","bot":true}`
	appOn    = `{"id":"456","name":"Research","flags":565248,"flags_new":"565248","approximate_guild_count":3,"interactions_endpoint_url":null}`
	appOff   = `{"id":"456","name":"Research","flags":0,"flags_new":"0"}`
	bot      = `{"url":"wss://gateway.discord.gg","shards":1,"session_start_limit":{"total":1000,"remaining":990,"reset_after":3600000,"max_concurrency":1}}`
	bot401   = `{"message":"401: Unauthorized","code":0}`
	outage   = "<html>502</html>"
	theUser  = "/users/@me"
	theApp   = "/applications/@me"
	theRoute = "/gateway/bot"
)

// reply is how Discord answers one path.
type reply struct {
	status int
	body   string
	err    error
	delay  time.Duration
	torn   bool // the body ends before its end
}

// fakeDiscord is Discord's REST API as a table.
type fakeDiscord struct {
	mu      sync.Mutex
	answers map[string]reply
	tokens  map[string]bool // the good ones
	asked   []string
	agents  []string
	bases   []string // scheme, host and the way to the API
}

func (d *fakeDiscord) RoundTrip(req *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(req.URL.Path, "/api/v10")
	d.mu.Lock()
	d.asked = append(d.asked, req.Method+" "+path)
	d.agents = append(d.agents, req.UserAgent())
	d.bases = append(d.bases, strings.TrimSuffix(req.URL.String(), path))
	r, known := d.answers[path]
	good := d.tokens[strings.TrimPrefix(req.Header.Get("Authorization"), "Bot ")] && strings.HasPrefix(req.Header.Get("Authorization"), "Bot ")
	d.mu.Unlock()
	switch {
	case !known:
		r = reply{status: 404, body: `{"message":"404: Not Found","code":0}`}
	case !good && r.err == nil && r.status < 500:
		r = reply{status: 401, body: bot401, delay: r.delay}
	}
	if r.delay > 0 {
		timer := time.NewTimer(r.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	body := io.Reader(strings.NewReader(r.body))
	if r.torn {
		body = io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	return &http.Response{StatusCode: r.status, Header: http.Header{}, Body: io.NopCloser(body)}, nil
}

// set replaces the answer of a path.
func (d *fakeDiscord) set(path string, r reply) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[path] = r
}

func (d *fakeDiscord) says(path, body string) { d.set(path, reply{status: 200, body: body}) }

func (d *fakeDiscord) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

// harness is one test's Discord and Client.
type harness struct {
	t       *testing.T
	discord *fakeDiscord
	client  *Client
	token   string // as configured now
	log     bytes.Buffer
}

// run runs a test in virtual time against a Discord where all is well.
func run(t *testing.T, o Options, tell func(w *harness)) {
	synctest.Test(t, func(t *testing.T) {
		w := &harness{t: t, token: token, discord: &fakeDiscord{
			answers: map[string]reply{theUser: {status: 200, body: me}, theApp: {status: 200, body: appOn}, theRoute: {status: 200, body: bot}},
			tokens:  map[string]bool{token: true},
		}}
		if o.HTTPClient == nil {
			o.HTTPClient = &http.Client{Transport: w.discord}
		}
		o.Token = func() string { return w.token }
		if o.Intents == nil {
			o.Intents = wants(wanted)
		}
		o.Logger = slog.New(slog.NewTextHandler(&w.log, nil))
		client, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w.client = client
		tell(w)
		for _, secret := range []string{token, newToken} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds a token: %s", w.log.String())
			}
		}
	})
}

// asked expects how many requests have been made so far.
func (w *harness) asked(want int) {
	w.t.Helper()
	if got := w.discord.count(); got != want {
		w.t.Fatalf("%d requests were made, want %d: %v", got, want, w.discord.asked)
	}
}

func (w *harness) credentials() gateway.Credentials {
	return gateway.Credentials{Token: token, Intents: wanted}
}

// wantIn expects all parts in a text and no token.
func wantIn(t *testing.T, text any, parts ...string) {
	t.Helper()
	said := fmt.Sprint(text)
	for _, part := range parts {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in %q", part, said)
		}
	}
	if strings.Contains(said, token) {
		t.Errorf("the token is in %q", said)
	}
}

var errNetwork = errors.New("connect: network is unreachable")

// wants is Options.Intents of a bot that always wants the same.
func wants(intents gateway.Intents) func() gateway.Intents {
	return func() gateway.Intents { return intents }
}
