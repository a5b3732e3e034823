package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How much of an answer is read, in bytes. Nothing that Discord sends comes near it.
const (
	maxAnswer  = 16 << 20
	maxRefusal = 1 << 20 // of 4xx and 5xx
	// largeAnswer is from where on answers are read one at a time, so that many of
	// them together take no more memory than one.
	largeAnswer = 256 << 10
)

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
}

// tooLarge reports whether the answer was larger than anything that Discord sends.
func (a *answer) tooLarge() bool { return errors.Is(a.err, ErrTooLarge) }

// read reads the body, and puts into the response what is handed on. large has one slot,
// for the answer that is longer than largeAnswer.
func (a *answer) read(ctx context.Context, large chan struct{}) {
	body := a.response.Body
	a.response.Body = http.NoBody
	if body == nil {
		return
	}
	limit := int64(maxAnswer)
	if a.response.StatusCode >= http.StatusBadRequest {
		limit = maxRefusal
	}
	a.body, a.err = readAtMost(ctx, body, a.response.ContentLength, limit, large)
	_ = body.Close()
	if a.tooLarge() {
		return
	}
	whole := []io.Reader{bytes.NewReader(a.body)}
	switch {
	case a.err != nil:
		whole = append(whole, failing{a.err})
	case strings.HasPrefix(a.response.Header.Get("Content-Type"), "application/json") && len(a.body) > 0 && !json.Valid(a.body):
		a.err = errGarbled // the body is handed on as it is
	}
	a.response.Body = io.NopCloser(io.MultiReader(whole...))
}

// readAtMost reads a body of the length that its header tells, -1 if it tells none. The
// error is ErrTooLarge, without what was read, if it is longer than limit.
func readAtMost(ctx context.Context, body io.Reader, length, limit int64, large chan struct{}) ([]byte, error) {
	if length > limit {
		return nil, ErrTooLarge
	}
	first, err := io.ReadAll(io.LimitReader(body, largeAnswer))
	if err != nil || len(first) < largeAnswer {
		return first, err
	}
	select {
	case large <- struct{}{}:
		defer func() { <-large }()
	case <-ctx.Done():
		return first, ctx.Err()
	}
	pieces, size := [][]byte{first}, int64(len(first))
	for {
		piece, err := io.ReadAll(io.LimitReader(body, min(largeAnswer, limit+1-size)))
		pieces, size = append(pieces, piece), size+int64(len(piece))
		switch {
		case size > limit:
			return nil, ErrTooLarge
		case err != nil || len(piece) < largeAnswer:
			return bytes.Join(pieces, nil), err
		}
	}
}

var errGarbled = errors.New("the answer calls itself JSON and is none")

// failing is the reader at the end of a body that was cut.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (a *answer) status() int {
	if a.response == nil {
		return 0
	}
	return a.response.StatusCode
}

// code returns Discord's error code; known is false if the body is not Discord's.
func (a *answer) code() (code int, known bool) {
	fields, known := readObject(a.body)
	if !known {
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
// two clocks that agree (G-128). A bucket is believed to be empty for lookInterval at
// most.
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
	after, told := readSeconds(h.Get("X-RateLimit-Reset-After"))
	if !told && remaining <= 0 {
		after = time.Second
	}
	q.resetAfter = min(after, lookInterval)
	return q, true
}
