package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
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
