package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// countedBody is a request body that counts its closes.
type countedBody struct {
	io.Reader
	closes int
	err    error // of Close
}

func (b *countedBody) Close() error {
	b.closes++
	return b.err
}

// Given request bodies of every kind, each attempt sends the whole body with its length; it
// is repeated as long as the body can be read again, and closed whatever happens.
func TestRequestBodies(t *testing.T) {
	errBroken := errors.New("the file is gone")
	const limit = 100
	text := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		body  io.ReadCloser // nil: countedBody of size
		size  int
		fails error // of reading, after size bytes
		close error
		again func() (io.ReadCloser, error) // GetBody
		dead  bool                          // the request is not sent
		sent  int
		none  bool // no body is sent
		want  error
	}{
		"none":               {body: http.NoBody, sent: 3, none: true},
		"empty":              {size: 0, sent: 3},
		"small":              {size: 10, sent: 3},
		"as large as kept":   {size: limit, sent: 3},
		"larger":             {size: limit + 1, sent: 1},
		"larger, again":      {size: limit + 1, sent: 3, again: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text(limit + 1))), nil }},
		"larger, not again":  {size: limit + 1, again: func() (io.ReadCloser, error) { return nil, errBroken }, want: errBroken},
		"broken":             {size: 10, fails: errBroken, want: errBroken},
		"cannot be closed":   {size: 10, close: errBroken, want: errBroken},
		"small, not sent":    {size: 10, dead: true, want: ErrUnauthorized},
		"larger, not sent":   {size: limit + 1, dead: true, want: ErrUnauthorized},
		"again, not sent":    {size: limit + 1, dead: true, again: func() (io.ReadCloser, error) { return nil, errBroken }, want: ErrUnauthorized},
		"broken at its edge": {size: limit + 1, fails: errBroken, sent: 1},
	} {
		run(t, Options{ReplayLimit: limit}, func(n int, _ sentRequest) (*http.Response, error) {
			if n <= 2 {
				return respond(500, "{}"), nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			if c.dead {
				w.transport.refusedTokens.put(digest("Bot "+token), w.discord.began)
			}
			req := w.request(w.t.Context(), "PUT", "/channels/1", "")
			var counted *countedBody
			if req.Body = c.body; c.body == nil {
				var reader io.Reader = strings.NewReader(text(c.size))
				if c.fails != nil {
					reader = io.MultiReader(reader, failing{c.fails})
				}
				counted = &countedBody{Reader: reader, err: c.close}
				req.Body, req.ContentLength = counted, int64(c.size)
			}
			req.GetBody = c.again
			resp, err := w.transport.RoundTrip(req)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			} else if _, ok := errors.AsType[*Error](err); err != nil && !ok {
				t.Errorf("%s: %v is no *Error", name, err)
			}
			if err == nil && resp.Request != req {
				t.Errorf("%s: the answer is not to the caller's request", name)
			}
			all := w.discord.seen()
			if len(all) != c.sent {
				t.Errorf("%s: sent %d times, want %d", name, len(all), c.sent)
			}
			for _, s := range all {
				if s.body != text(c.size) || s.none != c.none {
					t.Errorf("%s: %d bytes were sent, no body %v", name, len(s.body), s.none)
				}
				if s.again != (c.sent == 3 && !c.none) {
					t.Errorf("%s: the base may send it again: %v", name, s.again)
				}
			}
			if counted != nil && counted.closes == 0 {
				t.Errorf("%s: the body was not closed", name)
			}
			if s := w.transport.Stats(); s.InFlight != 0 || s.Waiting != 0 {
				t.Errorf("%s: left behind: %+v", name, s)
			}
		})
	}
}

// Only a nonce that is enforced, in a body that is a JSON object, makes a message repeatable.
func TestNonces(t *testing.T) {
	for body, want := range map[string]bool{
		nonced: true, `{"nonce":7,"enforce_nonce":true}`: true, " \n" + nonced: true,
		``: false, `null`: false, `[]`: false, `{"nonce":"7"}`: false, `{"nonce":"7","enforce_nonce":false}`: false,
		`{"enforce_nonce":true}`: false, `{"nonce":null,"enforce_nonce":true}`: false, `{"nonce":"","enforce_nonce":true}`: false,
		`{"nonce":"7","enforce_nonce":true`: false, `{"nonce":"7","enforce_nonce":"true"}`: false, `[` + nonced + `]`: false,
	} {
		if got := (requestBody{kept: []byte(body)}).nonce(); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

// Given a long answer that is being read, a short one does not wait for it, nor one that
// breaks off; another long one does, as long as its request has time.
func TestShortAnswersDoNotWaitForLongOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := make(chan struct{}, 1)
		large <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, c := range []struct {
			size      int
			end, want error
		}{{10, io.EOF, nil}, {10, errCut, errCut}, {largeAnswer - 1, io.EOF, nil}, {largeAnswer + 1, io.EOF, context.DeadlineExceeded}} {
			began := time.Now()
			got, err := readAtMost(ctx, io.MultiReader(strings.NewReader(strings.Repeat("x", c.size)), failing{c.end}), -1, maxAnswer, large)
			if err != c.want || len(got) != min(c.size, largeAnswer) {
				t.Errorf("%d bytes: %d, %v after %s", c.size, len(got), err, time.Since(began))
			}
		}
	})
}

// Given answers of every length that come whole, break off or are too long, what is read is
// what came, and the next one can be read.
func TestAnswersOfEveryLength(t *testing.T) {
	const limit = 3*largeAnswer + 7
	for _, size := range []int{0, 1, largeAnswer - 1, largeAnswer, largeAnswer + 1, 2 * largeAnswer, 2*largeAnswer + 5, limit, limit + 1, limit + largeAnswer} {
		for _, end := range []error{io.EOF, io.ErrUnexpectedEOF} {
			for _, told := range []bool{false, true} {
				large := make(chan struct{}, 1)
				body := bytes.Repeat([]byte("x"), size)
				length := int64(-1)
				if told {
					length = int64(size)
				}
				got, err := readAtMost(t.Context(), io.MultiReader(bytes.NewReader(body), failing{end}), length, limit, large)
				switch {
				case size > limit:
					if err != ErrTooLarge || got != nil {
						t.Errorf("%d bytes: %d, %v", size, len(got), err)
					}
				case !bytes.Equal(got, body) || end == io.EOF && err != nil || end != io.EOF && err != end:
					t.Errorf("%d bytes, then %v: %d, %v", size, end, len(got), err)
				}
				if len(large) != 0 {
					t.Fatalf("%d bytes: the next one cannot be read", size)
				}
			}
		}
	}
}
