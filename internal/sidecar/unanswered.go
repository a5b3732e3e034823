package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"evergreen/internal/discord/rest"
)

// restPatience is how long a request waits here for a rate limit. Then the bot's library
// waits by itself: those of discord.js, discordgo and disgo give up after 15 to 20 s.
const restPatience = 10 * time.Second

// ownAnswer is what a bot is answered when there is no answer of Discord's to its request:
// what Discord would say for the same reason.
type ownAnswer struct {
	status int
	said   string
	code   int
	// after is when to try again; 0: that is not said. global: it is so for all routes.
	after  time.Duration
	global bool
}

// answerFor returns what to answer for an error of the way to Discord.
func answerFor(err error, now time.Time) ownAnswer {
	said, ok := errors.AsType[*rest.Error](err)
	if !ok {
		said = &rest.Error{}
	}
	global := said.Reason == rest.ReasonGlobal || said.Reason == rest.ReasonPace
	limit := global || said.Reason == rest.ReasonBucket || said.Reason == rest.ReasonShared
	wait := func(global bool) ownAnswer {
		after := max(said.Until.Sub(now), time.Second)
		return ownAnswer{status: http.StatusTooManyRequests, said: "You are being rate limited.", after: after, global: global}
	}
	switch {
	case errors.Is(err, rest.ErrBanned), errors.Is(err, rest.ErrInvalid):
		return wait(true)
	case errors.Is(err, rest.ErrRateLimited), limit && errors.Is(err, context.DeadlineExceeded):
		return wait(global)
	case errors.Is(err, rest.ErrUnauthorized):
		return ownAnswer{status: http.StatusUnauthorized, said: "401: Unauthorized"}
	case errors.Is(err, rest.ErrWebhookGone):
		return ownAnswer{status: http.StatusNotFound, said: "Unknown Webhook", code: 10015}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return ownAnswer{status: http.StatusRequestEntityTooLarge, said: "Request entity too large", code: 40005}
	}
	return ownAnswer{status: http.StatusBadGateway, said: "Evergreen got no answer from Discord."}
}

// send answers like Discord: with a JSON object.
func (a ownAnswer) send(w http.ResponseWriter) {
	body := map[string]any{"message": a.said, "code": a.code}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if a.after > 0 {
		body["retry_after"], body["global"] = a.after.Seconds(), a.global
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.after.Seconds()))))
		h.Set("X-RateLimit-Scope", "user")
		if a.global {
			h.Set("X-RateLimit-Scope", "global")
			h.Set("X-RateLimit-Global", "true")
		}
		h.Set("Via", "1.1 evergreen") // discord.py takes a 429 without it for a ban, and does not wait
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers with a status and a message.
func refuse(w http.ResponseWriter, status int, message string) {
	ownAnswer{status: status, said: message}.send(w)
}
