package sidecar

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/discord/rest"
)

func TestAnswerFor(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	failed := func(reason rest.Reason, err error, wait time.Duration) error {
		said := &rest.Error{Request: "GET /users/@me", Reason: reason, Err: err}
		if wait > 0 {
			said.Until = now.Add(wait)
		}
		return fmt.Errorf("wrapped: %w", said)
	}
	for name, c := range map[string]struct {
		err    error
		status int
		code   int
		after  time.Duration
		global bool
	}{
		"a limit":             {failed(rest.ReasonBucket, rest.ErrRateLimited, 30*time.Second), 429, 0, 30 * time.Second, false},
		"of others":           {failed(rest.ReasonShared, rest.ErrRateLimited, 30*time.Second), 429, 0, 30 * time.Second, false},
		"of the token":        {failed(rest.ReasonGlobal, rest.ErrRateLimited, 30*time.Second), 429, 0, 30 * time.Second, true},
		"the queue":           {failed(rest.ReasonBucket, context.DeadlineExceeded, 0), 429, 0, time.Second, false},
		"the pace":            {failed(rest.ReasonPace, context.DeadlineExceeded, 0), 429, 0, time.Second, true},
		"a limit about over":  {failed(rest.ReasonBucket, rest.ErrRateLimited, time.Millisecond), 429, 0, time.Second, false},
		"something foreign":   {failed(rest.ReasonForeign, rest.ErrRateLimited, 60*time.Second), 429, 0, 60 * time.Second, false},
		"a ban":               {failed(rest.ReasonBanned, rest.ErrBanned, time.Hour), 429, 0, time.Hour, true},
		"too many refused":    {failed(rest.ReasonInvalid, rest.ErrInvalid, time.Minute), 429, 0, time.Minute, true},
		"the token":           {failed(rest.ReasonUnauthorized, rest.ErrUnauthorized, 0), 401, 0, 0, false},
		"a webhook":           {failed(rest.ReasonWebhookGone, rest.ErrWebhookGone, 0), 404, 10015, 0, false},
		"too much":            {failed(rest.ReasonConnection, &http.MaxBytesError{Limit: 5}, 0), 413, 40005, 0, false},
		"no answer in time":   {failed(rest.ReasonConnection, context.DeadlineExceeded, 0), 502, 0, 0, false},
		"no connection":       {failed(rest.ReasonConnection, errors.New("refused"), 0), 502, 0, 0, false},
		"an answer too large": {failed(rest.ReasonTooLarge, rest.ErrTooLarge, 0), 502, 0, 0, false},
		"something else":      {errors.New("something else"), 502, 0, 0, false},
	} {
		got := answerFor(c.err, now)
		if got.status != c.status || got.code != c.code || got.after != c.after || got.global != c.global || got.said == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// limited returns a client that keeps Discord's limits, above a Discord as a function.
func limited(discord roundTripper) *http.Client {
	return &http.Client{Transport: rest.New(rest.Options{Base: discord, Rand: func() float64 { return 0 }})}
}

// A rate limit that fits into ten seconds is waited out; of a longer one the bot is told how
// long, and so is every request that would run into it.
func TestLongRateLimitsAreHandedOn(t *testing.T) {
	for after, want := range map[string]int{"8": 200, "30": 429} {
		asked := 0
		client := limited(func(r *http.Request) (*http.Response, error) {
			if asked++; asked > 1 {
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
			}
			h := http.Header{"Content-Type": {"application/json"}, "Retry-After": {after}, "X-Ratelimit-Scope": {"user"}, "X-Ratelimit-Bucket": {"b"}, "Via": {"1.1 google"}}
			return &http.Response{StatusCode: 429, Header: h, Body: io.NopCloser(strings.NewReader(`{"message":"slow","retry_after":` + after + `}`)), Request: r}, nil
		})
		runAlone(t, Options{HTTPClient: client}, 1, func(h *harness) {
			began := time.Now()
			status, answer, header := h.request("GET", "/api/v10/channels/1", "", bearing(h.App.Token))
			if took := time.Since(began); status != want || took > restPatience || want == 200 && took < 8*time.Second {
				t.Errorf("after %s: %d %s", took, status, answer)
			}
			if want == 200 {
				return
			}
			if header.Get("Retry-After") != "30" || header.Get("X-RateLimit-Bucket") != "b" || header.Get("Via") != "1.1 google" || !strings.Contains(answer, "slow") {
				t.Errorf("it is handed on as %v %s", header, answer)
			}
			h.Advance(5 * time.Second)
			status, answer, header = h.request("GET", "/api/v10/channels/1", "", bearing(h.App.Token))
			var said struct {
				After  float64 `json:"retry_after"`
				Global *bool   `json:"global"`
			}
			if err := json.Unmarshal([]byte(answer), &said); err != nil || status != 429 || said.After != 25 || said.Global == nil || *said.Global ||
				header.Get("Retry-After") != "25" || header.Get("X-RateLimit-Scope") != "user" || header.Get("Via") == "" {
				t.Errorf("the next one gets %d %v %s, %v", status, header, answer, err)
			}
			if asked != 1 || h.log.Has("level=WARN") {
				t.Errorf("Discord was asked %d times; the log says:\n%s", asked, h.log.String())
			}
			h.Advance(25 * time.Second)
			if status, answer, _ := h.request("GET", "/api/v10/channels/1", "", bearing(h.App.Token)); status != 200 {
				t.Errorf("when it is over: %d %s", status, answer)
			}
		})
	}
}

// A token that Discord has refused on a route of a webhook says nothing about the bot's; one
// that it has refused elsewhere is refused without asking again.
func TestRefusalOfAWebhookIsNotThatOfTheBot(t *testing.T) {
	asked := 0
	client := limited(func(r *http.Request) (*http.Response, error) {
		asked++
		return &http.Response{
			StatusCode: 401, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"message":"401: Unauthorized","code":0}`)), Request: r,
		}, nil
	})
	runAlone(t, Options{HTTPClient: client}, 1, func(h *harness) {
		for i, path := range []string{"/webhooks/1/secret", "/webhooks/1/another/messages/@original", "/interactions/1/secret/callback", "/users/@me", "/channels/1"} {
			status, answer, _ := h.request("POST", "/api/v10"+path, "{}", bearing(h.App.Token))
			if want := min(i+1, 4); status != 401 || asked != want || strings.Contains(answer, "secret") {
				t.Errorf("%s: %d %s, and Discord was asked %d times, want %d", path, status, answer, asked, want)
			}
		}
		if h.log.Has("secret") || h.log.Has(h.App.Token) {
			t.Errorf("the log says:\n%s", h.log.String())
		}
	})
}

// A large upload comes to Discord as it was sent, for as long as that takes, and no more than
// a part of it is here at any time.
func TestUploadPassesAsItIs(t *testing.T) {
	const size = 25 << 20
	for name, expect := range map[string]string{"plain": "", "with Expect": "100-continue"} {
		var read atomic.Int64 // of what the bot sends
		var ahead int64
		sum := sha256.New()
		var got *http.Request
		client := limited(func(r *http.Request) (*http.Response, error) {
			got = r
			part := make([]byte, 1<<20)
			for total := int64(0); ; {
				n, err := r.Body.Read(part)
				_, _ = sum.Write(part[:n])
				total += int64(n)
				if total%(1<<20) < int64(n) {
					time.Sleep(2 * time.Second)
				}
				ahead = max(ahead, read.Load()-total)
				if errors.Is(err, io.EOF) {
					return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"id":"1"}`)), Request: r}, nil
				}
				if err != nil {
					return nil, err
				}
			}
		})
		runAlone(t, Options{HTTPClient: client}, 1, func(h *harness) {
			var form bytes.Buffer
			parts := multipart.NewWriter(&form)
			file, err := parts.CreateFormFile("files[0]", "image.png")
			if err == nil {
				_, err = file.Write(bytes.Repeat([]byte("0123456789abcdef"), size/16))
			}
			if err = errors.Join(err, parts.Close()); err != nil {
				t.Fatal(err)
			}
			want := sha256.Sum256(form.Bytes())
			length := int64(form.Len())
			body := &countingReader{&form, &read}
			r, err := http.NewRequestWithContext(h.T.Context(), "POST", "http://127.0.0.1:8001/api/v10/channels/1/messages", body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength, r.Header = length, bearing(h.App.Token)
			r.Header.Set("Content-Type", parts.FormDataContentType())
			if expect != "" {
				r.Header.Set("Expect", expect)
			}
			began := time.Now()
			transport := &http.Transport{DialContext: h.pipe.Dial, DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}
			response, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_ = response.Body.Close()
			if response.StatusCode != 200 || [32]byte(sum.Sum(nil)) != want || got.ContentLength != length || got.Header.Get("Content-Type") != parts.FormDataContentType() {
				t.Errorf("%s: %s; Discord gets %d of %d bytes, %v", name, response.Status, got.ContentLength, length, got.Header)
			}
			if took := time.Since(began); took < 45*time.Second || ahead > 2<<20 {
				t.Errorf("%s: after %s; up to %d bytes were here", name, took, ahead)
			}
			synctest.Wait()
		})
	}
}

// countingReader counts what is read.
type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}
