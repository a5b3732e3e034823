package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// Reservations keep what requests keep: the token that was refused, the order, what passes by
// the global limit, what the operator is told and what is counted.
func TestReservationsAreRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told events
		transport := New(Options{Base: noBase{}, Observe: told.observe})
		reserve := func(owner, method, path string) (*Reservation, error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, method, base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			return transport.Reserve(req, owner)
		}
		answer := func(owner, method, path string, response *http.Response) {
			t.Helper()
			reservation, err := reserve(owner, method, path)
			if err != nil {
				t.Fatal(err)
			}
			if s := transport.Stats(); s.InFlight != 1 {
				t.Errorf("stats are %+v", s)
			}
			reservation.Release(response)
			reservation.Release(nil)
			if s := transport.Stats(); s.InFlight != 0 {
				t.Errorf("stats are %+v", s)
			}
		}
		answer("bad", "GET", "/users/@me", said(401, `{"code":0}`))
		if _, err := reserve("bad", "GET", "/gateway/bot"); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("got %v", err)
		}
		empty := &http.Response{StatusCode: 204}
		if answer("good", "GET", "/users/@me", empty); empty.Body != nil {
			t.Error("an answer without a body has one")
		}
		answer("bad", "POST", "/webhooks/1/abc", said(401, `{"code":50027}`))
		if _, err := reserve("good", "POST", "/webhooks/1/abc"); !errors.Is(err, ErrWebhookGone) || strings.Contains(err.Error(), "abc") {
			t.Errorf("got %v", err)
		}
		answer("good", "GET", "/guilds/1", said(429, `{"retry_after":30,"global":true}`))
		if _, err := reserve("good", "GET", "/guilds/2"); !errors.Is(err, ErrRateLimited) {
			t.Errorf("got %v", err)
		}
		answer("good", "POST", "/interactions/1/abc/callback", said(200, "{}"))
		answer("other", "GET", "/channels/1", nil)
		var reasons []Reason
		for _, e := range told.all {
			reasons = append(reasons, e.Reason)
		}
		if !slices.Equal(reasons, []Reason{ReasonUnauthorized, ReasonWebhookGone, ReasonGlobal}) {
			t.Errorf("told %v", reasons)
		}
		if s := transport.Stats(); s.Requests != 9 || s.Sent != 6 || s.Refused != 3 || s.NoAnswers != 1 || s.Global != 1 || s.Invalid != 3 {
			t.Errorf("stats are %+v", s)
		}
		answer("banned", "GET", "/users/@me", said(403, "error code: 1006"))
		if _, err := reserve("other", "GET", "/channels/1"); !errors.Is(err, ErrBanned) {
			t.Errorf("got %v", err)
		}
	})
}

// Given reservations in line for a bucket, they are had in the order in which they came.
func TestReservationsAreHadInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := New(Options{Base: noBase{}})
		first, err := ask(t, transport, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var had []int
		var group sync.WaitGroup
		for n := range 5 {
			group.Go(func() {
				reservation, err := ask(t, transport, t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				had = append(had, n)
				reservation.Release(said(400, ""))
			})
			synctest.Wait()
		}
		first.Release(said(400, ""))
		group.Wait()
		if !slices.Equal(had, []int{0, 1, 2, 3, 4}) {
			t.Errorf("had in the order %v", had)
		}
	})
}

// An answer that is no refusal is left unread for the library, and one that is not too long
// ends as it would without us.
func TestReservationLeavesAnswersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := New(Options{Base: noBase{}})
		var read, open atomic.Int64
		answer := said(200, "")
		answer.Body = &endless{read: &read, open: &open}
		reservation, err := ask(t, transport, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if reservation.Release(answer); read.Load() != 0 {
			t.Errorf("%d bytes were read", read.Load())
		}
		for length, c := range map[int]struct {
			end, want error
		}{9: {io.EOF, nil}, 10: {io.EOF, nil}, 11: {io.EOF, ErrTooLarge}, 8: {errCut, errCut}, 12: {errCut, ErrTooLarge}} {
			body := &boundedBody{Reader: io.MultiReader(strings.NewReader(strings.Repeat("x", length)), failing{c.end}), left: 10}
			if got, err := io.ReadAll(body); err != c.want || len(got) != min(length, 10) {
				t.Errorf("%d bytes: %d, %v", length, len(got), err)
			}
		}
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
