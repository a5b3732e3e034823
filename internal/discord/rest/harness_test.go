package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	base   = "https://discord.test/api/v10"
	token  = "MTIz.secret.token-of-the-bot"
	other  = "NDU2.another.token-of-a-bot"
	nonced = `{"content":"hi","nonce":"7-1","enforce_nonce":true}`
)

// sentRequest is one request as Discord received it.
type sentRequest struct {
	at     time.Duration // since the test began
	method string
	path   string
	body   string
	header http.Header
	none   bool // it had no body
	again  bool // it had a GetBody
}

// fakeDiscord is Discord as a function: it sees the request and its number,
// counted from 1, and answers.
type fakeDiscord struct {
	began  time.Time
	answer func(n int, s sentRequest) (*http.Response, error)
	// delay passes before an answer is made, lag after it.
	delay, lag func(s sentRequest) time.Duration

	mu  sync.Mutex
	all []sentRequest
}

func (d *fakeDiscord) RoundTrip(req *http.Request) (*http.Response, error) {
	s := sentRequest{
		method: req.Method, path: strings.TrimPrefix(req.URL.Path, "/api/v10"), header: req.Header.Clone(),
		none: req.Body == nil, again: req.GetBody != nil,
	}
	if req.Body != nil {
		body, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		s.body = string(body)
		if req.ContentLength > 0 && req.ContentLength != int64(len(body)) {
			return nil, fmt.Errorf("ContentLength=%d with Body length %d", req.ContentLength, len(body))
		}
	}
	d.mu.Lock()
	s.at = time.Since(d.began)
	d.all = append(d.all, s)
	n := len(d.all)
	d.mu.Unlock()
	if d.delay != nil && !sleep(req.Context(), d.delay(s)) {
		return nil, req.Context().Err()
	}
	resp, err := d.answer(n, s)
	if d.lag != nil && !sleep(req.Context(), d.lag(s)) {
		return nil, req.Context().Err()
	}
	return resp, err
}

func (d *fakeDiscord) seen() []sentRequest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]sentRequest(nil), d.all...)
}

// respond makes an answer; headers are given as name, value.
func respond(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	if strings.HasPrefix(body, "{") {
		h.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func bucketHeaders(id, limit, remaining, after string) []string {
	return []string{
		"X-RateLimit-Bucket", id, "X-RateLimit-Limit", limit, "X-RateLimit-Remaining", remaining, "X-RateLimit-Reset-After", after,
		"X-RateLimit-Reset", "4102444800.000", // a clock gone wrong: nobody may trust it
	}
}

// events collects what the operator hears.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) observe(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

func (e *events) of(r Reason) (found []Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.all {
		if event.Reason == r {
			found = append(found, event)
		}
	}
	return found
}

// harness is one test's Discord, Transport and operator.
type harness struct {
	t         *testing.T
	discord   *fakeDiscord
	transport *Transport
	events    events
}

// run runs a test in virtual time.
func run(t *testing.T, o Options, answer func(n int, s sentRequest) (*http.Response, error), tell func(w *harness)) {
	synctest.Test(t, func(t *testing.T) {
		w := &harness{t: t, discord: &fakeDiscord{began: time.Now(), answer: answer}}
		o.Observe = w.events.observe
		if o.Base == nil {
			o.Base = w.discord
		}
		if o.Rand == nil {
			o.Rand = func() float64 { return 0.5 }
		}
		w.transport = New(o)
		tell(w)
		w.transport.CloseIdleConnections()
	})
}

// request makes a request with the bot's token.
func (w *harness) request(ctx context.Context, method, path, body string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bot "+token)
	return req
}

// do makes a request and reads the answer.
func (w *harness) do(method, path, body string) (int, error) {
	return w.send(w.request(w.t.Context(), method, path, body))
}

func (w *harness) send(req *http.Request) (int, error) {
	client := http.Client{Transport: w.transport}
	resp, err := client.Do(req)
	if err != nil {
		return 0, Plain(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return resp.StatusCode, err
	}
	return resp.StatusCode, nil
}

// must expects a status.
func (w *harness) must(want int, method, path, body string) {
	w.t.Helper()
	if got, err := w.do(method, path, body); got != want || err != nil {
		w.t.Fatalf("%s %s: %d, %v; want %d", method, path, got, err, want)
	}
}

// refused expects an error and that nothing was sent.
func (w *harness) refused(want error, method, path string) {
	w.t.Helper()
	before := len(w.discord.seen())
	if _, err := w.do(method, path, ""); !errors.Is(err, want) {
		w.t.Fatalf("%s %s: %v; want %v", method, path, err, want)
	}
	if after := len(w.discord.seen()); after != before {
		w.t.Fatalf("%s %s was sent", method, path)
	}
}

// at checks when the requests were sent.
func (w *harness) at(want ...time.Duration) {
	w.t.Helper()
	all := w.discord.seen()
	if len(all) != len(want) {
		w.t.Fatalf("%d requests were sent, want %d: %v", len(all), len(want), all)
	}
	for i, s := range all {
		if s.at != want[i] {
			w.t.Errorf("request %d was sent at %v, want %v", i+1, s.at, want[i])
		}
	}
}

func always(status int, body string, headers ...string) func(int, sentRequest) (*http.Response, error) {
	return func(int, sentRequest) (*http.Response, error) { return respond(status, body, headers...), nil }
}
