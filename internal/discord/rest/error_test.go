package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Given every way to fail, neither error, event, statistics nor a key of the
// Transport's memory shows a token.
// Statements: G-157.
func TestSecretsAreNeverPrinted(t *testing.T) {
	const hook = "Hook-Token_1aB"
	secrets := []string{token, hook, "discord.test/api"}
	talkative := fmt.Errorf("dial %s with %s at %s/webhooks/1/%s", token, hook, "https://discord.test/api", hook)
	calls := map[string]func(int, sentRequest) (*http.Response, error){
		"lost":    func(_ int, s sentRequest) (*http.Response, error) { return nil, fmt.Errorf("%s and %s", token, s.path) },
		"limited": always(429, `{"retry_after":3}`),
		"banned":  always(429, "1015"),
		"refused": always(401, `{"code":50027}`),
		"broken":  always(502, "<html>"),
	}
	for name, answer := range calls {
		run(t, Options{Timeout: 20 * time.Second}, answer, func(w *harness) {
			var printed strings.Builder
			for _, path := range []string{"/webhooks/1/" + hook, "/interactions/1/" + hook + "/callback", "/users/@me", "/channels/1/" + hook} {
				for _, method := range []string{"POST", "GET"} {
					for range 2 {
						_, err := w.do(method, path, "{}")
						fmt.Fprintln(&printed, err)
						fmt.Fprintf(&printed, "%+v\n", err)
					}
				}
			}
			for _, e := range w.events.all {
				fmt.Fprintln(&printed, e, e.Attrs(), e.Request, e.Resource, e.Err)
			}
			w.transport.mu.Lock()
			for key := range w.transport.buckets {
				fmt.Fprintln(&printed, key)
			}
			fmt.Fprintln(&printed, w.transport.routes, w.transport.goneWebhooks, w.transport.refusedTokens, w.transport.interactions)
			w.transport.mu.Unlock()
			fmt.Fprintf(&printed, "%+v", w.transport.Stats())
			for _, secret := range secrets {
				if strings.Contains(printed.String(), secret) {
					t.Errorf("%s: %q is printed in\n%s", name, secret, printed.String())
				}
			}
		})
	}
	if err := scrub(talkative, []string{token, hook, ""}); strings.Contains(err.Error(), hook) || !errors.Is(err, talkative) {
		t.Errorf("scrubbed to %v", err)
	}
}

// What an error says: whether the request was sent, why it got no answer, and for how long.
func TestErrorsInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := time.Now().Add(90 * time.Second)
		for _, c := range []struct {
			err  Error
			want string
		}{
			{Error{Request: "GET /a", Reason: ReasonConnection, Err: errCut}, "GET /a got no answer: read tcp: connection reset by peer"},
			{Error{Request: "GET /a", Reason: ReasonForeign, Status: 407, Err: errCut}, "GET /a was answered with HTTP 407: read tcp: connection reset by peer"},
			{Error{Request: "GET /a", Reason: ReasonPace, Err: context.Canceled}, "GET /a was given up while it waited (limit of requests a second): context canceled"},
			{Error{Request: "GET /a", Reason: ReasonGlobal, Until: later, Err: context.DeadlineExceeded}, "GET /a was given up while it waited (global rate limit): context deadline exceeded (for another 1m30s)"},
			{Error{Request: "GET /a", Reason: "new", Err: context.Canceled}, "GET /a was given up while it waited (new): context canceled"},
			{Error{Request: "GET /a", Reason: ReasonBucket, Until: later.Add(-80 * time.Second), Err: ErrRateLimited}, "GET /a was not sent: the rate limit leaves no room for it in time (for another 10 s)"},
			{Error{Request: "GET /a", Reason: ReasonBucket, Until: time.Now(), Err: errCut}, "GET /a was not sent: read tcp: connection reset by peer"},
		} {
			if got := c.err.Error(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		}
		if err := Plain(errCut); err != errCut {
			t.Errorf("%v became %v", errCut, err)
		}
		if err := Plain(fmt.Errorf("wrapped: %w", &url.Error{Op: "Get", URL: "https://secret", Err: errCut})); err != errCut {
			t.Errorf("became %v", err)
		}
		for secret, want := range map[string]string{"": "read tcp: connection reset by peer", "tcp": "read ***: connection reset by peer"} {
			err := scrub(errCut, []string{secret})
			if err.Error() != want || !errors.Is(err, syscall.ECONNRESET) || (secret == "") != (err == error(errCut)) {
				t.Errorf("without %q: %v", secret, err)
			}
		}
	})
}

// The kinds of errors, for callers that decide by them.
func TestErrorsTellWhetherToTryAgain(t *testing.T) {
	for reason, temporary := range map[Reason]bool{
		ReasonUnauthorized: false, ReasonWebhookGone: false,
		ReasonBanned: true, ReasonBucket: true, ReasonConnection: true, ReasonInvalid: true,
	} {
		wrapped := &url.Error{Op: "Get", URL: "https://secret", Err: &Error{Reason: reason, Err: context.DeadlineExceeded}}
		if wrapped.Temporary() != temporary || !wrapped.Timeout() {
			t.Errorf("%s: temporary %v, timeout %v", reason, wrapped.Temporary(), wrapped.Timeout())
		}
	}
}
