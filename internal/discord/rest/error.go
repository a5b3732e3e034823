package rest

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Errors that say why a request was not sent, for errors.Is.
var (
	// ErrUnauthorized: Discord answered 401 to this token. Nothing is sent with it
	// any more.
	ErrUnauthorized = errors.New("the token was refused with 401 by Discord, so nothing is sent with it any more; put one that is good into DISCORD_TOKEN")
	// ErrBanned: Discord has banned this host's IP address.
	ErrBanned = errors.New("this address is blocked by Discord (Cloudflare) for a while, so no requests are sent; the gateway connection is not affected and stays up. On shared hosting somebody else may have caused it")
	// ErrForeign: something else than Discord has answered.
	ErrForeign = errors.New("what answered is not Discord, whose answers look different; look at what stands between this host and Discord: a proxy, a firewall, a load balancer or a captive portal")
	// ErrTooLarge: the answer is larger than any of Discord's.
	ErrTooLarge = errors.New("the answer is larger than any of Discord's, so no more of it is read and the request is not sent again; look at what stands between this host and Discord")
	// ErrInvalid: too many requests were refused, and more would lead to an IP
	// ban.
	ErrInvalid = errors.New("too many requests were refused (401, 403 or 429) within ten minutes, so none are sent before Discord blocks this address; find out what sends them")
	// ErrRateLimited: the wait for a rate limit is longer than the time left.
	ErrRateLimited = errors.New("the rate limit leaves no room for it in time")
	// ErrWebhookGone: the webhook answered 404 before.
	ErrWebhookGone = errors.New("the webhook does not exist any more; make a new one")
)

// Error means that a request got no answer. It holds no token: the request is named
// by its route.
type Error struct {
	Request string // such as "POST /channels/{channel}/messages"
	Reason  Reason
	// Status is that of the answer that could not be used; 0 if there was none.
	Status int
	// Until is when the reason is over, as far as that is known.
	Until time.Time
	// Err is one of the errors above, the end of the context, or what the
	// connection said.
	Err error
}

// Error says what happened to the request and why.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Request)
	switch {
	case e.Reason == ReasonConnection:
		text.WriteString(" got no answer: ")
	case e.Status != 0:
		text.WriteString(" was answered with HTTP " + strconv.Itoa(e.Status) + ": ")
	case errors.Is(e.Err, context.Canceled), errors.Is(e.Err, context.DeadlineExceeded):
		text.WriteString(" was given up while it waited (" + e.Reason.describe() + "): ")
	default:
		text.WriteString(" was not sent: ")
	}
	text.WriteString(e.Err.Error())
	if left := time.Until(e.Until); left > 0 {
		text.WriteString(" (for another " + span(left) + ")")
	}
	return text.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later by itself.
func (e *Error) Temporary() bool {
	return e.Reason != ReasonUnauthorized && e.Reason != ReasonWebhookGone && e.Reason != ReasonTooLarge
}

// Timeout reports whether the time for the request ran out.
func (e *Error) Timeout() bool { return errors.Is(e.Err, context.DeadlineExceeded) }

// Plain unwraps the [url.Error] of an http.Client, which prints the whole URL and
// with it the token of an interaction or a webhook.
func Plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// scrubbed is an error whose text has the secrets of the request replaced.
type scrubbed struct {
	text string
	err  error
}

func (s scrubbed) Error() string { return s.text }
func (s scrubbed) Unwrap() error { return s.err }

// scrub replaces the secrets in the text of an error. It returns nil for nil.
func scrub(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	if text == err.Error() {
		return err
	}
	return scrubbed{text, err}
}
