package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBuffered is how much of an answer is read before it is returned, in bytes, so
// that a cut answer is retried. Of a larger one the rest is read by the caller.
const maxBuffered = 4 << 20

// answer is the result of one attempt.
type answer struct {
	response *http.Response
	body     []byte
	// err is why there is no answer, or only a part of one.
	err error
	// reached: the request may have reached Discord.
	reached bool
	sent    time.Time
	took    time.Duration // to the header
	// unread is the part of a very large answer that has not been read.
	unread *remainder
}

// read reads the body. stop is called when the attempt is over.
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
		a.unread = &remainder{Reader: io.MultiReader(whole[0], body), body: body, stop: stop}
		a.response.Body = a.unread
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

// failing is the reader at the end of a body that was cut.
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

// code returns Discord's error code; known is false if the body is not Discord's.
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

// quota reads the X-RateLimit headers, but not X-RateLimit-Reset, which would need
// two clocks that agree (G-128).
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
