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

// ask admits a GET of a channel.
func ask(t *testing.T, transport *Transport, ctx context.Context) (*Reservation, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://discord.com/api/v10/channels/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return transport.Reserve(req, "bot")
}

// said is an answer to release a Reservation with.
func said(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// Given a library that makes its own round trips, when it settles what it was
// let out for with a 429, then the next request waits for exactly what that
// asked for, and the library can still read the answer.
// Statements: G-129.
func TestAPassKeepsTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := New(Options{})
		reservation, err := ask(t, transport, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const body = `{"message":"You are being rate limited.","retry_after":0.75,"global":false}`
		answer := said(429, body, "Retry-After", "1", "X-RateLimit-Bucket", "b", "X-RateLimit-Remaining", "0", "X-RateLimit-Scope", "user")
		reservation.Release(answer)
		reservation.Release(said(200, "{}")) // only the first counts
		if left, err := io.ReadAll(answer.Body); string(left) != body || err != nil {
			t.Errorf("of the body %q is left, %v", left, err)
		}
		began := time.Now()
		if reservation, err = ask(t, transport, t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("the next request waited %s", waited)
		}
		reservation.Release(nil)
	})
}

// Given a request that is under way to an unknown limit, when another one's time
// runs out behind it, then that one leaves the line without a trace, and a third
// goes as soon as the first is settled.
func TestAPassThatIsGivenUpHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := New(Options{})
		first, err := ask(t, transport, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ask(t, transport, ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		first.Release(said(200, "{}"))
		began := time.Now()
		third, err := ask(t, transport, t.Context())
		if err != nil || time.Since(began) > 0 {
			t.Errorf("the third waited %s: %v", time.Since(began), err)
		}
		third.Release(said(200, "{}"))
	})
}
