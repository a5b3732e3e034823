package rest

import (
	"log/slog"
	"strconv"
	"time"
)

// Reason is why a request waits, is retried or is not sent.
type Reason string

// The reasons.
const (
	ReasonBucket       Reason = "bucket"       // the route's rate limit is used up, or a 429 said so
	ReasonShared       Reason = "shared"       // others have used up the resource (429 shared)
	ReasonGlobal       Reason = "global"       // the token's rate limit (429 global)
	ReasonPace         Reason = "pace"         // 50 requests a second
	ReasonServer       Reason = "server"       // 5xx
	ReasonConnection   Reason = "connection"   // no answer, or half of one
	ReasonBanned       Reason = "banned"       // the address is blocked
	ReasonForeign      Reason = "foreign"      // something else than Discord answers
	ReasonTooLarge     Reason = "too-large"    // an answer without an end
	ReasonInvalid      Reason = "invalid"      // too many refused requests
	ReasonUnauthorized Reason = "unauthorized" // 401
	ReasonWebhookGone  Reason = "webhook-gone" // 404 from a webhook
	ReasonRecovered    Reason = "recovered"    // a block or a 401 is over
)

var reasonWords = map[Reason]string{
	ReasonBucket:       "rate limit of the route",
	ReasonShared:       "rate limit of the resource, shared with others",
	ReasonGlobal:       "global rate limit",
	ReasonPace:         "limit of requests a second",
	ReasonServer:       "trouble at Discord",
	ReasonConnection:   "no answer",
	ReasonBanned:       "Discord (Cloudflare) blocks this address for a while; the gateway stays up",
	ReasonForeign:      "something between this host and Discord answers in its place",
	ReasonTooLarge:     "the answer is larger than any of Discord's",
	ReasonInvalid:      "too many refused requests in ten minutes; going on would get this address blocked",
	ReasonUnauthorized: "Discord refused the token; nothing is sent with it until it changes",
	ReasonWebhookGone:  "the webhook does not exist any more and is not called again",
	ReasonRecovered:    "Discord takes requests again",
}

// describe returns the reason in words.
func (r Reason) describe() string {
	if text := reasonWords[r]; text != "" {
		return text
	}
	return string(r)
}

// Event is a wait, a retry or a refusal. It holds no secrets.
type Event struct {
	Reason Reason
	At     time.Time
	// Request is the route, and Resource the channel, guild or webhook, that
	// the event came from.
	Request, Resource string
	// Wait is how long requests wait; zero where there is none.
	Wait time.Duration
	// Status is the HTTP status that caused it; 0 without one.
	Status int
	// Code is the number on Cloudflare's page, such as 1015; 0 without one.
	Code int
	// Try is how many attempts of a request that is retried have failed.
	Try int
	// Err is what the connection said.
	Err error
}

// eventPrefix begins the log line of an event.
var eventPrefix = map[Reason]string{
	ReasonBucket:       "Requests of a route wait",
	ReasonShared:       "Requests of a route wait",
	ReasonGlobal:       "REST waits",
	ReasonPace:         "REST waits",
	ReasonServer:       "A request is sent again",
	ReasonConnection:   "A request is sent again",
	ReasonBanned:       "REST is stopped",
	ReasonForeign:      "Requests of a route wait",
	ReasonTooLarge:     "An answer is given up",
	ReasonInvalid:      "REST is stopped",
	ReasonUnauthorized: "REST is stopped",
	ReasonWebhookGone:  "Requests of a webhook are stopped",
	ReasonRecovered:    "REST works again",
}

// String returns a sentence for the log, which depends on the Reason alone.
func (e Event) String() string { return eventPrefix[e.Reason] + ": " + e.Reason.describe() }

// Attrs returns what varies, for the log.
func (e Event) Attrs() []slog.Attr {
	var attrs []slog.Attr
	if e.Request != "" {
		attrs = append(attrs, slog.String("request", e.Request))
	}
	if e.Resource != "" {
		attrs = append(attrs, slog.String("resource", e.Resource))
	}
	if e.Wait > 0 {
		attrs = append(attrs, slog.String("wait", span(e.Wait)))
	}
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	if e.Code != 0 {
		attrs = append(attrs, slog.Int("cloudflare_error", e.Code))
	}
	if e.Try != 0 {
		attrs = append(attrs, slog.Int("try", e.Try))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	return attrs
}

// span writes a duration for people.
func span(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return strconv.FormatFloat(d.Round(10*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
}
