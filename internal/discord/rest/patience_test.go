package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Given a caller with 10 s of patience, then a 429 that fits is waited out, and one that does
// not is handed on at once as it came; so is what would follow a closed bucket, and a 500
// that stays.
func TestPatienceBoundsTheWait(t *testing.T) {
	limited := func(after string) *http.Response {
		return respond(429, `{"message":"slow","retry_after":`+after+`}`, append(bucketHeaders("b", "5", "0", after), "Retry-After", after, "X-RateLimit-Scope", "user")...)
	}
	for name, c := range map[string]struct {
		after         string // Retry-After of the first answer; empty: it is 500, always
		status        int
		least, most   time.Duration
		next          error // of another request on the route
		withoutStatus int   // what a caller without patience gets
	}{
		"it fits":         {after: "5", status: 200, least: 5 * time.Second, most: 6 * time.Second, withoutStatus: 200},
		"it does not fit": {after: "30", status: 429, most: time.Millisecond, next: ErrRateLimited, withoutStatus: 200},
		"the server":      {status: 500, least: 8 * time.Second, most: 14 * time.Second, withoutStatus: 500},
	} {
		answer := func(n int, s sentRequest) (*http.Response, error) {
			switch {
			case c.after == "":
				time.Sleep(4 * time.Second)
				return respond(500, "{}"), nil
			case n == 1:
				return limited(c.after), nil
			}
			return respond(200, "{}", bucketHeaders("b", "5", "4", "1")...), nil
		}
		run(t, Options{}, answer, func(w *harness) {
			began := time.Now()
			r := w.request(WithPatience(w.t.Context(), 10*time.Second), "GET", "/channels/1", "")
			resp, err := w.transport.RoundTrip(r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			body, _ := io.ReadAll(resp.Body)
			took := time.Since(began)
			if resp.StatusCode != c.status || took < c.least || took > c.most {
				t.Errorf("%s: %s after %s", name, resp.Status, took)
			}
			if c.status == 429 && (resp.Header.Get("Retry-After") != c.after || resp.Header.Get("X-RateLimit-Bucket") != "b" || !strings.Contains(string(body), "retry_after")) {
				t.Errorf("%s: it is %v %s", name, resp.Header, body)
			}
			if c.next != nil {
				_, err := w.transport.RoundTrip(w.request(WithPatience(w.t.Context(), 10*time.Second), "GET", "/channels/1", ""))
				said, ok := errors.AsType[*Error](err)
				if !ok || !errors.Is(err, c.next) || time.Since(began) > time.Second || time.Until(said.Until) < 28*time.Second {
					t.Errorf("%s: the next one gets %v after %s", name, err, time.Since(began))
				}
			}
		})
		run(t, Options{}, answer, func(w *harness) {
			if status, err := w.do("GET", "/channels/1", ""); status != c.withoutStatus || err != nil {
				t.Errorf("%s: without patience it is %d, %v", name, status, err)
			}
		})
	}
}

// slowBody is a body of so many MiB that comes with a pause before each.
type slowBody struct {
	left  int
	pause time.Duration
	then  time.Duration // the pause before the last
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	b.left--
	if b.left == 0 && b.then > 0 {
		time.Sleep(b.then)
	} else {
		time.Sleep(b.pause)
	}
	return min(len(p), 1<<20), nil
}

func (b *slowBody) Close() error { return nil }

// Given an upload that takes minutes, then it goes on for as long as it gets on, and ends
// when nothing comes for 10 s.
func TestUploadMayTakeMinutes(t *testing.T) {
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		part := make([]byte, 1<<20)
		for {
			_, err := r.Body.Read(part)
			switch {
			case r.Context().Err() != nil:
				return nil, context.Cause(r.Context())
			case errors.Is(err, io.EOF):
				return respond(200, "{}"), nil
			case err != nil:
				return nil, err
			}
		}
	})
	for name, c := range map[string]struct {
		pause, then time.Duration
		status      int
	}{
		"slow":        {pause: 5 * time.Second, status: 200},
		"almost none": {pause: time.Second, then: 9 * time.Second, status: 200},
		"stalled":     {pause: time.Second, then: 11 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := New(Options{Base: base})
			r, err := http.NewRequestWithContext(WithPatience(t.Context(), 10*time.Second), "POST", "https://discord.test/api/v10/channels/1/messages", &slowBody{left: 25, pause: c.pause, then: c.then})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(r)
			if c.status == 0 {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", name, err)
				}
				return
			}
			if err != nil || resp.StatusCode != c.status {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// roundTripper is a base as a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
