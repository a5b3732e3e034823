package rest

import (
	"fmt"
	"testing"
	"time"
)

// What an operator reads: a sentence that never changes for a reason, and what
// varies beside it.
func TestEventsInWords(t *testing.T) {
	for _, c := range []struct {
		event       Event
		want, attrs string
	}{
		{Event{Reason: ReasonGlobal, Wait: 12 * time.Second}, "REST waits: global rate limit", "[wait=12 s]"},
		{Event{Reason: ReasonBanned, Wait: 10 * time.Minute, Code: 1015}, "REST is stopped: Discord (Cloudflare) blocks this address for a while; the gateway stays up", "[wait=10m0s cloudflare_error=1015]"},
		{
			Event{Reason: ReasonBucket, Request: "POST /channels/{channel}/messages", Resource: "channel 5", Wait: 750 * time.Millisecond},
			"Requests of a route wait: rate limit of the route", "[request=POST /channels/{channel}/messages resource=channel 5 wait=0.75 s]",
		},
		{
			Event{Reason: ReasonServer, Request: "GET /users/@me", Status: 502, Wait: time.Second, Try: 1},
			"A request is sent again: trouble at Discord", "[request=GET /users/@me wait=1 s status=502 try=1]",
		},
		{
			Event{Reason: ReasonConnection, Request: "GET /users/@me", Err: errCut, Try: 2},
			"A request is sent again: no answer", "[request=GET /users/@me try=2 error=read tcp: connection reset by peer]",
		},
		{Event{Reason: ReasonUnauthorized}, "REST is stopped: Discord refused the token; nothing is sent with it until it changes", "[]"},
		{
			Event{Reason: ReasonWebhookGone, Request: "POST /webhooks/{webhook}/{token}"},
			"Requests of a webhook are stopped: the webhook does not exist any more and is not called again", "[request=POST /webhooks/{webhook}/{token}]",
		},
		{Event{Reason: ReasonRecovered}, "REST works again: Discord takes requests again", "[]"},
	} {
		if got, attrs := c.event.String(), fmt.Sprint(c.event.Attrs()); got != c.want || attrs != c.attrs {
			t.Errorf("%q %s, want %q %s", got, attrs, c.want, c.attrs)
		}
	}
	for reason := range reasonWords {
		if eventPrefix[reason] == "" {
			t.Errorf("an event of %s has no sentence", reason)
		}
	}
}
