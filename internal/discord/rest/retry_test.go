package rest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func contains(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// failTwice answers the first two requests in one way and then with 200.
func failTwice(answer func() (*http.Response, error)) func(int, sentRequest) (*http.Response, error) {
	return func(n int, _ sentRequest) (*http.Response, error) {
		if n <= 2 {
			return answer()
		}
		return respond(200, "{}"), nil
	}
}

func page(status int) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return respond(status, "<html><body>"+http.StatusText(status)+"</body></html>", "Content-Type", "text/html"), nil
	}
}

// Given a page of HTML where Discord's answer should be, the request is sent
// again after a jittered pause that doubles.
// Statements: G-136.
func TestServerErrorsAreRetried(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504, 520, 521, 522, 523, 524} {
		run(t, Options{}, failTwice(page(status)), func(w *harness) {
			w.must(200, "GET", "/users/@me", "")
			w.at(0, 250*time.Millisecond, 750*time.Millisecond)
			told := w.events.of(ReasonServer)
			if s := w.transport.Stats(); len(told) != 2 || s.Retries != 2 || s.ServerErrors != 2 || s.Requests != 1 {
				t.Errorf("%d: told %v, stats %+v", status, told, s)
			}
		})
	}
}

// Given an outage that lasts, the last answer is handed back after a few tries,
// and at once when the deadline leaves no room for another.
func TestOutageIsHandedBack(t *testing.T) {
	run(t, Options{}, func(int, sentRequest) (*http.Response, error) { return page(502)() }, func(w *harness) {
		w.must(502, "GET", "/users/@me", "")
		if n := len(w.discord.seen()); n != DefaultTries {
			t.Errorf("%d tries", n)
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		if status, err := w.send(w.request(ctx, "GET", "/users/@me", "")); status != 502 || err != nil {
			t.Error(status, err)
		}
		if n := len(w.discord.seen()) - DefaultTries; n != 2 || time.Since(began) != 250*time.Millisecond {
			t.Errorf("%d tries in %v", n, time.Since(began))
		}
	})
}

// Given a 503 that names a time, the pause is at least that long.
func TestRetryAfterOfA503IsHonoured(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			return respond(503, "", "Retry-After", "7"), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		w.must(200, "GET", "/users/@me", "")
		w.at(0, 7*time.Second)
	})
}

var errCut = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// The table of what is sent again after an answer got lost. What Discord may
// have carried out is sent again only where a second time changes nothing;
// what never left, or was turned away at the door, always is.
// Statements: G-137.
func TestWhatIsSentAgain(t *testing.T) {
	lost := func() (*http.Response, error) { return nil, errCut }
	refused := func() (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	unresolved := func() (*http.Response, error) { return nil, &net.DNSError{Err: "no such host", Name: "discord.test"} }
	for _, c := range []struct {
		name, method, path, body string
		answer                   func() (*http.Response, error)
		again                    bool
	}{
		{"a read", "GET", "/users/@me", "", lost, true},
		{"an edit", "PATCH", "/channels/1/messages/2", "{}", lost, true},
		{"a replacement", "PUT", "/applications/1/commands", "[]", lost, true},
		{"a deletion", "DELETE", "/channels/1/messages/2", "", lost, true},
		{"typing", "POST", "/channels/1/typing", "", lost, true},
		{"a message with a nonce", "POST", "/channels/1/messages", nonced, lost, true},
		{"a message with a nonce, after a 502", "POST", "/channels/1/messages", nonced, page(502), true},
		{"a message without a nonce", "POST", "/channels/1/messages", `{"content":"hi"}`, lost, false},
		{"a nonce that is not enforced", "POST", "/channels/1/messages", `{"nonce":"7","enforce_nonce":false}`, lost, false},
		{"an enforced nonce that is empty", "POST", "/channels/1/messages", `{"nonce":"","enforce_nonce":true}`, lost, false},
		{"a nonce where Discord knows none", "POST", "/webhooks/1/abc", nonced, lost, false},
		{"a message that may stand, after a 502", "POST", "/channels/1/messages", "{}", page(502), false},
		{"a callback", "POST", "/interactions/1/abc/callback", `{"type":4}`, lost, false},
		{"a callback that never left", "POST", "/interactions/1/abc/callback", `{"type":4}`, refused, true},
		{"a callback that was turned away", "POST", "/interactions/1/abc/callback", `{"type":4}`, page(503), true},
		{"a message that never left", "POST", "/channels/1/messages", "{}", unresolved, true},
		{"a message with the origin down", "POST", "/channels/1/messages", "{}", page(521), true},
	} {
		run(t, Options{}, failTwice(c.answer), func(w *harness) {
			status, err := w.do(c.method, c.path, c.body)
			all := w.discord.seen()
			if c.again && (status != 200 || err != nil || len(all) != 3) {
				t.Errorf("%s: %d, %v after %d requests", c.name, status, err, len(all))
			}
			if !c.again && (status == 200 || len(all) != 1) {
				t.Errorf("%s: %d, %v after %d requests", c.name, status, err, len(all))
			}
			for _, s := range all {
				if s.body != c.body {
					t.Errorf("%s: the body is %q", c.name, s.body)
				}
			}
		})
	}
}

// Given a real connection that cannot be made, the error is known to come
// before the request left, whatever it is.
func TestDialThatFailsIsAlwaysSafe(t *testing.T) {
	dials := 0
	base := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, errors.New("the proxy is out of order")
	}}
	run(t, Options{Base: base}, nil, func(w *harness) {
		_, err := w.do("POST", "/channels/1/messages", "{}")
		if err == nil || dials != DefaultTries {
			t.Errorf("%v after %d dials", err, dials)
		}
	})
}

// Given a real connection that ends after the request was written, a message
// without a nonce is not sent again.
func TestCutConnectionIsNotSafe(t *testing.T) {
	dials := 0
	base := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials++
		here, there := net.Pipe()
		go func() {
			_, _ = there.Read(make([]byte, 4096))
			_ = there.Close()
		}()
		return here, nil
	}}
	run(t, Options{Base: base}, nil, func(w *harness) {
		w.transport.opts.Base = base
		req := w.request(w.t.Context(), "POST", "/channels/1/messages", "{}")
		req.URL.Scheme = "http"
		if _, err := w.send(req); err == nil || dials != 1 {
			t.Errorf("%v after %d dials", err, dials)
		}
	})
}

// Given answers that do not come, each attempt ends after its time, and the
// caller is told so.
func TestAttemptThatHangsIsCut(t *testing.T) {
	run(t, Options{}, always(200, "{}"), func(w *harness) {
		w.discord.delay = func(sentRequest) time.Duration { return time.Hour }
		_, err := w.do("GET", "/users/@me", "")
		if !errors.Is(err, context.DeadlineExceeded) || !contains(err.Error(), "GET /users/@me got no answer", "10 s") {
			t.Errorf("error is %v", err)
		}
		w.at(0, 10250*time.Millisecond, 20750*time.Millisecond, 31750*time.Millisecond)
	})
}

// Given an answer that breaks off, a read is repeated until it is whole, and
// what may not be repeated is handed on as far as it came.
func TestHalfAnswers(t *testing.T) {
	cut := func(n int, _ sentRequest) (*http.Response, error) {
		resp := respond(200, "{}")
		if n == 1 {
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), failing{io.ErrUnexpectedEOF}))
		}
		return resp, nil
	}
	run(t, Options{}, cut, func(w *harness) {
		w.must(200, "GET", "/users/@me", "")
		w.at(0, 250*time.Millisecond)
	})
	run(t, Options{}, cut, func(w *harness) {
		status, err := w.do("POST", "/webhooks/1/abc", "{}")
		if status != 200 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(status, err)
		}
		w.at(0)
	})
}

// Given an answer whose JSON is cut although the connection was not, it is a
// half answer all the same.
func TestGarbledAnswerIsHalfAnAnswer(t *testing.T) {
	run(t, Options{}, failTwice(func() (*http.Response, error) { return respond(200, `{"id":"12`), nil }), func(w *harness) {
		w.must(200, "POST", "/channels/1/messages", nonced)
		w.at(0, 250*time.Millisecond, 750*time.Millisecond)
	})
}

// Given an answer as large as one may be, all of it reaches the caller.
func TestLargeAnswerIsPassedThrough(t *testing.T) {
	const size = maxAnswer
	run(t, Options{}, always(200, strings.Repeat("x", size)), func(w *harness) {
		client := http.Client{Transport: w.transport}
		resp, err := client.Do(w.request(w.t.Context(), "GET", "/users/@me", ""))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if n != size || err != nil || resp.Body.Close() != nil {
			t.Error(n, err)
		}
	})
}

// Given a body too large to keep, it is sent whole, and again only when the
// caller can make it anew.
func TestLargeBodyIsSentOnce(t *testing.T) {
	const size = 5000
	for again, tries := range map[bool]int{false: 1, true: 3} {
		run(t, Options{ReplayLimit: 1000}, failTwice(page(502)), func(w *harness) {
			req := w.request(w.t.Context(), "PUT", "/channels/1/messages/2", strings.Repeat("x", size))
			if !again {
				req.GetBody = nil
			}
			_, _ = w.send(req)
			all := w.discord.seen()
			if len(all) != tries {
				t.Errorf("sent %d times, want %d", len(all), tries)
			}
			for _, s := range all {
				if len(s.body) != size {
					t.Errorf("%d bytes were sent", len(s.body))
				}
			}
		})
	}
}

// Given a caller that gives up during a pause, nothing more is sent.
func TestGivingUpEndsRetries(t *testing.T) {
	run(t, Options{}, func(int, sentRequest) (*http.Response, error) { return nil, errCut }, func(w *harness) {
		ctx, cancel := context.WithCancel(w.t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := w.send(w.request(ctx, "GET", "/users/@me", "")); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		w.at(0)
	})
}

// Given a caller that gives up while an attempt is under way or a limit is waited out, it is
// told so and by whom, nothing is said to be sent again, and nothing is.
func TestCallerThatGivesUpIsToldSo(t *testing.T) {
	for name, c := range map[string]struct {
		first func() (*http.Response, error)
		takes time.Duration
		told  int
	}{
		"under way":      {page(200), time.Minute, 0},
		"after a 429":    {func() (*http.Response, error) { return respond(429, `{"retry_after":30}`), nil }, 0, 1},
		"after a 502":    {page(502), 0, 1},
		"after a 503":    {func() (*http.Response, error) { return respond(503, "", "Retry-After", "30"), nil }, 0, 1},
		"after no reply": {func() (*http.Response, error) { return nil, errCut }, 0, 1},
	} {
		run(t, Options{}, func(int, sentRequest) (*http.Response, error) { return c.first() }, func(w *harness) {
			w.discord.delay = func(sentRequest) time.Duration { return c.takes }
			ctx, cancel := context.WithCancel(w.t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			resp, err := w.transport.RoundTrip(w.request(ctx, "GET", "/users/@me", ""))
			if said, ok := errors.AsType[*Error](err); resp != nil || !errors.Is(err, context.Canceled) || !ok || said.Timeout() {
				t.Errorf("%s: %v, %v", name, resp, err)
			}
			if len(w.events.all) != c.told || time.Since(w.discord.began) != 100*time.Millisecond {
				t.Errorf("%s: told %v after %s", name, w.events.all, time.Since(w.discord.began))
			}
			w.at(0)
		})
	}
}

// What a connection says is handed on, and counts as a timeout only if time has run out.
func TestErrorsOfTheConnection(t *testing.T) {
	for _, c := range []struct {
		err     error
		takes   time.Duration
		want    string
		timeout bool
	}{
		{errCut, 0, "POST /channels/{channel}/messages got no answer: read tcp: connection reset by peer", false},
		{context.DeadlineExceeded, 0, "POST /channels/{channel}/messages got no answer: context deadline exceeded", true},
		{errCut, time.Minute, "POST /channels/{channel}/messages got no answer: none came within 10 s: context deadline exceeded", true},
	} {
		run(t, Options{}, func(int, sentRequest) (*http.Response, error) { return nil, c.err }, func(w *harness) {
			w.discord.delay = func(sentRequest) time.Duration { return c.takes }
			_, err := w.do("POST", "/channels/1/messages", "{}")
			if said, ok := errors.AsType[*Error](err); !ok || err.Error() != c.want || said.Timeout() != c.timeout {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// Given a base that panics, the place in the bucket is given back.
func TestPanicOfTheBaseLeavesNoTrace(t *testing.T) {
	run(t, Options{}, func(n int, _ sentRequest) (*http.Response, error) {
		if n == 1 {
			panic("the base is broken")
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		func() {
			defer func() { _ = recover() }()
			_, _ = w.transport.RoundTrip(w.request(w.t.Context(), "GET", "/users/@me", ""))
		}()
		w.must(200, "GET", "/users/@me", "")
	})
}
