package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Problem is the answer to a request that failed, as RFC 9457 has it: a title for
// the kind, a detail that says what to do.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Bot is the bot's status where that is the problem.
	Bot string `json:"bot_status,omitempty"`
	// Remedy is what a person has to do about it.
	Remedy string `json:"remedy,omitempty"`
	// Wait is how long the client should wait, as the header Retry-After says it in
	// whole seconds. 0: that header is not sent.
	Wait time.Duration `json:"-"`
}

// The problems that do not depend on the bot.
var (
	notFound           = Problem{Title: "Not found", Status: http.StatusNotFound, Detail: "What there is stands in openapi.json."}
	methodNotAllowed   = Problem{Title: "Method not allowed", Status: http.StatusMethodNotAllowed, Detail: "The header Allow says what can be used."}
	bodyNotAllowed     = Problem{Title: "Body not allowed", Status: http.StatusRequestEntityTooLarge, Detail: "Send the request without a body; a form may have 4 KiB."}
	badToken           = Problem{Title: "Unauthorized", Status: http.StatusUnauthorized, Detail: "Send the value of API_TOKEN in the header Authorization, behind the word Bearer and a space."}
	tokenNotSet        = Problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "This address can be reached from other machines, so only the probes and badges are served. Set API_TOKEN to get more, or listen on a loopback address."}
	writeNeedsToken    = Problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "Shards are operated only by those who present API_TOKEN, on this machine too, and none is set. Set API_TOKEN and start the bot again."}
	wrongHost          = Problem{Title: "Misdirected request", Status: http.StatusMisdirectedRequest, Detail: "Without API_TOKEN only requests to localhost or a loopback address are served. Set API_TOKEN to use another name."}
	tooManyWrongTokens = Problem{Title: "Too many requests", Status: http.StatusTooManyRequests, Detail: "This token is wrong, and so were too many others that this address presented within a minute. The right one is let in at any time: it is the value of API_TOKEN in the bot's settings."}
	badForm            = Problem{Title: "Unsupported media type", Status: http.StatusUnsupportedMediaType, Detail: "Post a small form as application/x-www-form-urlencoded."}
	formOfOtherSite    = Problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "Only pages of this server may post this form, and this one was posted by another, as its header Origin says. Behind a proxy, have the proxy pass on the header Host as the browser sent it."}
	otherSite          = Problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "Pages of other sites may not ask."}
	busy               = Problem{Title: "Busy", Status: http.StatusServiceUnavailable, Wait: 5 * time.Second, Detail: "Too many others are being answered. Try again in a few seconds."}
	unavailable        = Problem{Title: "Not available", Status: http.StatusServiceUnavailable, Detail: "The record of the past cannot be read right now. The bot's log says more."}
	broken             = Problem{Title: "Internal error", Status: http.StatusInternalServerError, Detail: "The bot's log says more."}
)

// Write sends the answer.
func (p Problem) Write(w http.ResponseWriter) {
	if p.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.Wait.Seconds()))))
	}
	WriteJSON(w, p.Status, "application/problem+json", p)
}

// BadRequest is the problem with a parameter that cannot be understood.
func BadRequest(detail string) Problem {
	return Problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: detail}
}

// WriteJSON writes a whole answer. A client that has gone away is no error.
func WriteJSON(w http.ResponseWriter, status int, kind string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		// Only an unencodable type leads here, and none is given.
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	body = append(body, '\n')
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeTagged writes an answer with an ETag, for what seldom changes. A client
// that has it already gets 304 and no second copy.
func writeTagged(w http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		broken.Write(w) // only an unencodable type leads here, and none is given
		return
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	WriteKept(w, r, "application/json", append(body, '\n'))
}

// WriteKept writes a body with an ETag made from it. The caller sets the header
// Cache-Control.
func WriteKept(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	sum := sha256.Sum256(body)
	w.Header().Set("Etag", `"`+hex.EncodeToString(sum[:12])+`"`)
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// Error is the detail, so that a function can return a problem as its error.
func (p Problem) Error() string { return p.Detail }
