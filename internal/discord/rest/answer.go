package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBuffered is how much of an answer is read before it is handed on, so that
// a half answer can be told from a whole one. Larger ones are passed through.
const maxBuffered = 4 << 20

// answer is what came of one attempt.
type answer struct {
	response *http.Response
	body     []byte
	// err is why there is no answer, or only half of one.
	err error
	// reached is whether the request may have reached Discord.
	reached bool
	sent    time.Time
	took    time.Duration // to the header
	// rest is what is still to be read of a very large answer.
	rest *remainder
}

// read takes the body in. stop ends the attempt once nothing more is read.
func (a *answer) read(stop func()) {
	body := a.response.Body
	if body == nil {
		a.response.Body = http.NoBody
		stop()
		return
	}
	a.body, a.err = io.ReadAll(io.LimitReader(body, maxBuffered))
	whole := []io.Reader{bytes.NewReader(a.body)}
	if a.err == nil && len(a.body) == maxBuffered {
		a.rest = &remainder{Reader: io.MultiReader(whole[0], body), body: body, stop: stop}
		a.response.Body = a.rest
		return
	}
	_ = body.Close()
	stop()
	switch {
	case a.err != nil:
		whole = append(whole, failing{a.err})
	case strings.HasPrefix(a.response.Header.Get("Content-Type"), "application/json") && len(a.body) > 0 && !json.Valid(a.body):
		a.err = errGarbled // the body is handed on as it is
	}
	a.response.Body = io.NopCloser(io.MultiReader(whole...))
}

var errGarbled = errors.New("the answer calls itself JSON and is none")

// remainder is a body that the caller reads from the connection.
type remainder struct {
	io.Reader
	body io.Closer
	stop func()
}

// Close ends the attempt.
func (r *remainder) Close() error {
	defer r.stop()
	return r.body.Close()
}

// failing is the end of a body that was cut.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (a *answer) status() int {
	if a.response == nil {
		return 0
	}
	return a.response.StatusCode
}

// json reads the body into fields; false when it is no JSON object.
func (a *answer) json(fields any) bool {
	return len(bytes.TrimLeft(a.body, " \t\r\n")) > 0 && json.Unmarshal(a.body, fields) == nil
}

// code is Discord's error code; known is false when the body is not Discord's.
func (a *answer) code() (code int, known bool) {
	var fields map[string]json.RawMessage
	if !a.json(&fields) || fields == nil {
		return 0, false
	}
	_ = json.Unmarshal(fields["code"], &code)
	return code, true
}

// quota is what the headers tell about a bucket.
type quota struct {
	bucket           string
	limit, remaining int
	resetAfter       time.Duration
}

// quota reads the headers. X-RateLimit-Reset is never looked at: it needs two
// clocks that agree (G-128).
func (a *answer) quota() (quota, bool) {
	if a.response == nil {
		return quota{}, false
	}
	h := a.response.Header
	q := quota{bucket: h.Get("X-RateLimit-Bucket")}
	remaining, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if q.bucket == "" || len(q.bucket) > 200 || err != nil {
		return quota{}, false
	}
	q.remaining = remaining
	q.limit, _ = strconv.Atoi(h.Get("X-RateLimit-Limit"))
	after, told := seconds(h.Get("X-RateLimit-Reset-After"))
	if !told && remaining <= 0 {
		after = time.Second
	}
	q.resetAfter = after
	return q, true
}

// rateLimit is what a 429 asks for.
type rateLimit struct {
	reason Reason // ReasonBucket, ReasonShared, ReasonGlobal or ReasonBanned
	wait   time.Duration
}

// rateLimit reads a 429 (G-129, G-130, G-135). A ban speaks in Discord's name but
// not in its form: no retry_after, no X-RateLimit headers.
func (a *answer) rateLimit() rateLimit {
	h := a.response.Header
	header, headerTold := seconds(h.Get("Retry-After"))
	var fields struct {
		RetryAfter *float64 `json:"retry_after"`
		Global     bool     `json:"global"`
	}
	formed := a.json(&fields) && fields.RetryAfter != nil
	scope := strings.ToLower(h.Get("X-RateLimit-Scope"))
	marked := scope != "" || h.Get("X-RateLimit-Bucket") != "" || h.Get("X-RateLimit-Global") != ""
	if !formed && !(marked && headerTold) {
		return rateLimit{ReasonBanned, header}
	}
	wait := header
	if formed {
		wait = max(wait, asSpan(*fields.RetryAfter))
	}
	switch {
	case scope == "global", strings.EqualFold(h.Get("X-RateLimit-Global"), "true"), fields.Global:
		return rateLimit{ReasonGlobal, wait}
	case scope == "shared":
		return rateLimit{ReasonShared, wait}
	}
	return rateLimit{ReasonBucket, wait}
}

// seconds reads a header of seconds with or without a fraction.
func seconds(text string) (time.Duration, bool) {
	s, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(s) || s < 0 {
		return 0, false
	}
	return asSpan(s), true
}

// maxWait is the longest wait Discord is believed to ask for.
const maxWait = 24 * time.Hour

// asSpan keeps fractions: 0.75 s are 750 ms.
func asSpan(s float64) time.Duration {
	switch {
	case math.IsNaN(s) || s <= 0:
		return 0
	case s >= maxWait.Seconds():
		return maxWait
	}
	return time.Duration(math.Ceil(s*1e6)) * time.Microsecond
}
