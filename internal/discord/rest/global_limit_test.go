package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given a global 429 without any bucket header, everything of that token
// pauses; another token and the answers to interactions do not.
// Statements: G-130.
func TestGlobalRateLimitPausesTheToken(t *testing.T) {
	for name, answer := range map[string]*http.Response{
		"by header": respond(429, `{"message":"slow","retry_after":1.5,"global":false}`, "X-RateLimit-Global", "true"),
		"by scope":  respond(429, `{"message":"slow","retry_after":1.5}`, "X-RateLimit-Scope", "global", "Retry-After", "1"),
		"by body":   respond(429, `{"message":"slow","retry_after":1.5,"global":true}`),
	} {
		run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
			if n == 1 {
				return answer, nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			var group sync.WaitGroup
			group.Go(func() { w.must(200, "GET", "/users/@me", "") })
			synctest.Wait()
			for n := range 3 {
				group.Go(func() { w.must(200, "GET", fmt.Sprintf("/channels/%d", n+1), "") })
			}
			synctest.Wait()
			req := w.request(w.t.Context(), "GET", "/users/@me", "")
			req.Header.Set("Authorization", "Bot "+other)
			if status, err := w.send(req); status != 200 {
				t.Error(status, err)
			}
			w.must(200, "POST", "/interactions/5/abc/callback", `{"type":5}`)
			group.Wait()
			w.at(0, 0, 0, 1500*time.Millisecond, 1500*time.Millisecond, 1500*time.Millisecond, 1500*time.Millisecond)
			told := w.events.of(ReasonGlobal)
			if len(told) != 1 || told[0].String() != "REST waits: global rate limit" || told[0].Wait != 1500*time.Millisecond {
				t.Errorf("%s: told %v", name, told)
			}
		})
	}
}

// Given more tokens than are counted at once, those are forgotten that nothing waits for and
// nothing limits; what others have sent, or wait for, is not.
func TestUnusedTokensAreForgotten(t *testing.T) {
	run(t, Options{GlobalLimit: 1}, func(_ int, s sentRequest) (*http.Response, error) {
		if s.header.Get("Authorization") == "Bot limited" {
			return respond(429, `{"retry_after":600,"global":true}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		send := func(owner string, within time.Duration) error {
			ctx, cancel := context.WithTimeout(w.t.Context(), within)
			defer cancel()
			req := w.request(ctx, "GET", "/users/@me", "")
			req.Header.Set("Authorization", "Bot "+owner)
			_, err := w.send(req)
			return err
		}
		known := func() int {
			w.transport.mu.Lock()
			defer w.transport.mu.Unlock()
			return len(w.transport.globalLimits)
		}
		_ = send("limited", time.Second)
		for n := range maxGlobalLimits - 1 {
			_ = send(strconv.Itoa(n), time.Second)
		}
		if n := known(); n != maxGlobalLimits {
			t.Fatalf("%d tokens are counted", n)
		}
		_ = send("one more", time.Second) // all the others have just sent
		if n := known(); n != maxGlobalLimits+1 {
			t.Errorf("%d tokens are counted", n)
		}
		if err := send("3", 500*time.Millisecond); !errors.Is(err, ErrRateLimited) {
			t.Errorf("what a token has sent was forgotten: %v", err)
		}
		time.Sleep(2 * globalWindow)
		_ = send("and one more", time.Second)
		if n := known(); n != 2 {
			t.Errorf("%d tokens are counted, want the new one and the one that is limited", n)
		}
		if err := send("limited", 500*time.Millisecond); !errors.Is(err, ErrRateLimited) {
			t.Errorf("the limit of a token was forgotten: %v", err)
		}
	})
}

// Given 300 requests at once, at most 50 leave in any second, in the order they
// came, while answers to interactions pass by: the callback, and what goes to
// the webhook of an interaction that was called back.
// Statements: G-131.
func TestFiftyRequestsASecond(t *testing.T) {
	run(t, Options{}, always(200, "{}"), func(w *harness) {
		var group sync.WaitGroup
		for n := range 300 {
			group.Go(func() { w.must(200, "GET", fmt.Sprintf("/channels/%d", n+1000), "") })
			synctest.Wait()
		}
		for n := range 100 {
			w.must(200, "POST", fmt.Sprintf("/interactions/%d/t%d/callback", n+1, n), `{"type":4}`)
			w.must(200, "PATCH", fmt.Sprintf("/webhooks/77/t%d/messages/@original", n), "{}")
			w.must(200, "POST", fmt.Sprintf("/webhooks/77/t%d", n), "{}")
		}
		if took := time.Since(w.discord.began); took != 0 {
			t.Errorf("interactions were answered after %v", took)
		}
		group.Wait()
		var counted []sentRequest
		for _, s := range w.discord.seen() {
			if s.header.Get("Authorization") != "" {
				counted = append(counted, s)
			}
		}
		if len(counted) != 300 {
			t.Fatalf("%d requests", len(counted))
		}
		inOrder(t, counted, func(s sentRequest) int { n, _ := strconv.Atoi(strings.TrimPrefix(s.path, "/channels/")); return n })
		for i, s := range counted {
			if i >= 50 && s.at-counted[i-50].at < time.Second {
				t.Fatalf("51 requests within %v", s.at-counted[i-50].at)
			}
		}
		if took := counted[299].at; took > 6*time.Second {
			t.Errorf("300 requests took %v", took)
		}
	})
}
