package rest

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// endless is a body without an end that counts what is read of it, and what of that has
// not been closed.
type endless struct {
	read, open *atomic.Int64
	mine       int64
	slow       time.Duration // per read
}

func (e *endless) Read(p []byte) (int, error) {
	if e.slow > 0 {
		time.Sleep(e.slow)
		p = p[:1]
	}
	clear(p)
	e.read.Add(int64(len(p)))
	e.open.Add(int64(len(p)))
	e.mine += int64(len(p))
	return len(p), nil
}

func (e *endless) Close() error {
	e.open.Add(-e.mine)
	e.mine = 0
	return nil
}

// Given an answer without an end, no more than 16 MiB of it are read, or 1 MiB of a
// refusal; the request counts as failed and is not sent again, neither here nor by the
// caller. Of one that says its length nothing is read.
func TestEndlessAnswerIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		length int64
		most   int64
		sent   int
	}{
		"answer":       {200, -1, maxAnswer + 1, 1},
		"bad request":  {400, -1, maxRefusal + 1, 1},
		"long answer":  {200, 4 << 30, 0, 1},
		"refusal":      {403, -1, maxRefusal + 1, 1},
		"server error": {502, -1, maxRefusal + 1, 1},
		"429":          {429, -1, (maxRefusal + 1), 1},
	} {
		var read, open atomic.Int64
		run(t, Options{}, func(int, sentRequest) (*http.Response, error) {
			resp := respond(c.status, "", "Content-Type", "application/json")
			resp.Body, resp.ContentLength = &endless{read: &read, open: &open}, c.length
			return resp, nil
		}, func(w *harness) {
			ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
			defer cancel()
			status, err := w.send(w.request(ctx, "GET", "/users/@me", ""))
			if said, ok := errors.AsType[*Error](err); c.status != 429 && c.status != 403 && (!errors.Is(err, ErrTooLarge) || !ok || said.Temporary()) {
				t.Errorf("%s: %d, %v", name, status, err)
			}
			if c.status == 429 && (status != 429 || err != nil) || c.status == 403 && !errors.Is(err, ErrForeign) {
				t.Errorf("%s: %d, %v", name, status, err)
			}
			if n := read.Load(); n > c.most || len(w.discord.seen()) != c.sent {
				t.Errorf("%s: %d bytes were read, %d requests sent", name, n, len(w.discord.seen()))
			}
		})
	}
}

// Given answers to people without an end, those count as not got out.
func TestEndlessAnswersAreUndelivered(t *testing.T) {
	var read, open atomic.Int64
	run(t, Options{}, func(int, sentRequest) (*http.Response, error) {
		resp := respond(200, "")
		resp.Body, resp.ContentLength = &endless{read: &read, open: &open}, 1<<40
		return resp, nil
	}, func(w *harness) {
		for range 2 {
			_, _ = w.do("POST", "/channels/1/messages", nonced)
			time.Sleep(5 * time.Second)
		}
		if u := w.transport.Undelivered(); u.Reason != ReasonTooLarge || u.Status != 200 {
			t.Errorf("%+v", u)
		}
		w.at(0, 5*time.Second)
	})
}

// An answer without a body, or an empty one of JSON, is whole. One of a base that gives an
// error too is none.
func TestAnswersWithoutABody(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		switch n {
		case 1:
			return &http.Response{StatusCode: 204}, nil
		case 2:
			return respond(204, "", "Content-Type", "application/json"), nil
		}
		return respond(200, "{}"), errCut
	}, func(w *harness) {
		for range 2 {
			w.must(204, "GET", "/users/@me", "")
		}
		if _, err := w.do("POST", "/channels/1/messages", "{}"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v", err)
		}
		if s := w.transport.Stats(); s.Sent != 3 || s.NoAnswers != 1 || s.RoundTrip.Samples != 2 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// Discord's error code is read from a JSON object only.
func TestErrorCodes(t *testing.T) {
	for body, want := range map[string]struct {
		code  int
		known bool
	}{
		`{"code":50001}`: {50001, true}, ` {"code":0}`: {0, true}, `{}`: {0, true}, `{"code":"x"}`: {0, true},
		``: {}, ` `: {}, `null`: {}, `[]`: {}, `7`: {}, `{"code":`: {}, `<html>`: {},
	} {
		a := answer{body: []byte(body)}
		if code, known := a.code(); code != want.code || known != want.known {
			t.Errorf("%s: %d, %v", body, code, known)
		}
	}
}

// Given many answers without an end at once, they are read one at a time beyond 256 KiB,
// so that together they take hardly more memory than one.
func TestEndlessAnswersTakeTheMemoryOfOne(t *testing.T) {
	var read, open, peak atomic.Int64
	run(t, Options{}, func(int, sentRequest) (*http.Response, error) {
		resp := respond(200, "")
		resp.Body, resp.ContentLength = &endless{read: &read, open: &open}, -1
		return resp, nil
	}, func(w *harness) {
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := w.do("POST", "/interactions/1/abc/callback", "{}"); !errors.Is(err, ErrTooLarge) {
					t.Error(err)
				}
				peak.Store(max(peak.Load(), open.Load()))
			})
		}
		group.Wait()
		if n := peak.Load(); n > maxAnswer+20*largeAnswer {
			t.Errorf("%d bytes were held at once", n)
		}
	})
}

// Given an answer that drips without an end, the attempt ends in time, and at once when
// its caller stops.
func TestDrippingAnswerEndsInTime(t *testing.T) {
	var read, open atomic.Int64
	run(t, Options{Tries: 1}, func(int, sentRequest) (*http.Response, error) {
		resp := respond(200, "")
		resp.Body, resp.ContentLength = &endless{read: &read, open: &open, slow: time.Second}, -1
		return resp, nil
	}, func(w *harness) {
		w.transport.opts.Base = dripping{w.discord}
		began := time.Now()
		if _, err := w.do("GET", "/users/@me", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(began); took > DefaultAttemptTimeout+time.Second {
			t.Errorf("it took %s", took)
		}
		ctx, cancel := context.WithCancel(w.t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		began = time.Now()
		if _, err := w.send(w.request(ctx, "GET", "/users/@me", "")); err == nil || time.Since(began) > 4*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// dripping makes bodies fail when the request's context has ended, as http.Transport does.
type dripping struct{ next http.RoundTripper }

func (d dripping) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.next.RoundTrip(req)
	if err == nil {
		body := resp.Body
		resp.Body = struct {
			io.Reader
			io.Closer
		}{readerFunc(func(p []byte) (int, error) {
			if err := req.Context().Err(); err != nil {
				return 0, err
			}
			return body.Read(p)
		}), body}
	}
	return resp, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Given a library that reads by itself, an answer without an end fails for it as well.
func TestEndlessAnswerOfAReservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := New(Options{})
		reservation, err := ask(t, transport, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var read, open atomic.Int64
		answer := said(200, "")
		answer.Body = &endless{read: &read, open: &open}
		reservation.Release(answer)
		if n, err := io.Copy(io.Discard, answer.Body); !errors.Is(err, ErrTooLarge) || n != maxAnswer {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// Given a caller that takes compressed answers, as every HTTP library does, then it gets
// what Discord has compressed, and what it says is understood here.
func TestCompressedAnswersAreRead(t *testing.T) {
	t.Parallel()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Header().Set("Content-Type", "application/json")
		body := io.Writer(w)
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			body = z
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(body, `{"message":"Missing Access","code":50001}`)
	}))
	defer server.Close()
	transport := New(Options{})
	defer transport.CloseIdleConnections()
	for n, encoding := range []string{"gzip, deflate", "br, gzip, deflate", "zstd", ""} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v10/users/@me", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if encoding != "" {
			r.Header.Set("Accept-Encoding", encoding)
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatalf("with %q: %v", encoding, err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "50001") || requests != n+1 || answer.Header.Get("Content-Encoding") != "" {
			t.Errorf("with %q after %d requests: %s %v %q, %v", encoding, requests, answer.Status, answer.Header, body, err)
		}
	}
}
