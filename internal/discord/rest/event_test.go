package rest

import (
	"testing"
	"time"
)

// The words an operator reads.
func TestEventsInWords(t *testing.T) {
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{Reason: ReasonGlobal, Wait: 12 * time.Second}, "REST is paused for 12 s: global rate limit"},
		{Event{Reason: ReasonBanned, Wait: 15 * time.Minute}, "REST is stopped for 15m0s: Discord blocks this address; the gateway stays up"},
		{Event{Reason: ReasonBucket, Request: "POST /channels/{channel}/messages", Resource: "channel 5", Wait: 750 * time.Millisecond}, "POST /channels/{channel}/messages (channel 5) is paused for 0.75 s: rate limit of the route"},
		{Event{Reason: ReasonServer, Request: "GET /users/@me", Status: 502, Wait: time.Second, Try: 1}, "GET /users/@me is sent again in 1 s: trouble at Discord (HTTP 502), try 1"},
		{Event{Reason: ReasonConnection, Request: "GET /users/@me", Err: errCut, Try: 2}, "GET /users/@me is sent again in 0 s: no answer (read tcp: connection reset by peer), try 2"},
		{Event{Reason: ReasonUnauthorized}, "REST is stopped: Discord refused the token; nothing is sent with it until it changes"},
		{Event{Reason: ReasonWebhookGone, Request: "POST /webhooks/{webhook}/{token}"}, "POST /webhooks/{webhook}/{token}: the webhook does not exist any more and is not called again"},
		{Event{Reason: ReasonRecovered}, "REST works again: Discord takes requests again"},
	} {
		if got := c.event.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
