package drain

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/simtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is a server in virtual time whose handler takes as long as a test says.
type harness struct {
	t        *testing.T
	conns    *Conns
	server   *http.Server
	listener *simtest.Listener
	ended    chan struct{}
}

// run runs a story with a server.
func run(t *testing.T, takes time.Duration, story func(*harness)) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t, conns: New(), listener: simtest.NewListener(), ended: make(chan struct{})}
		h.server = &http.Server{ConnContext: h.conns.Accepted, ConnState: h.conns.Changed, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			h.conns.Requested(r)
			select {
			case <-time.After(takes):
			case <-r.Context().Done():
			}
		})}
		go func() {
			defer close(h.ended)
			_ = h.server.Serve(h.listener)
		}()
		story(h)
		synctest.Wait()
	})
}

// dial opens a connection that is accepted.
func (h *harness) dial() net.Conn {
	h.t.Helper()
	conn, err := h.listener.Dial(h.t.Context(), "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	synctest.Wait()
	return conn
}

// ask sends a request and returns the status of the answer, or the error.
func ask(conn net.Conn) (int, error) {
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// shutdown begins a shutdown that has so long. The function it returns waits for its end.
func (h *harness) shutdown(limit time.Duration) (ended func() (took time.Duration, err error)) {
	began, done := time.Now(), make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	go func() { done <- h.conns.Shutdown(ctx, h.server, h.listener, h.ended) }()
	synctest.Wait()
	return func() (time.Duration, error) {
		defer cancel()
		err := <-done
		return time.Since(began), err
	}
}

// Given a connection that was accepted, when its request comes while the server shuts down,
// then it is answered. The server alone would close the connection.
func TestRequestOfAnAcceptedConnectionIsAnswered(t *testing.T) {
	run(t, 0, func(h *harness) {
		conn := h.dial()
		ended := h.shutdown(10 * time.Second)
		if _, err := h.listener.Dial(h.t.Context(), "", ""); err == nil {
			t.Error("another connection is accepted")
		}
		time.Sleep(requestTimeout / 2)
		if status, err := ask(conn); status != http.StatusOK {
			t.Errorf("status %d, %v", status, err)
		}
		if took, err := ended(); err != nil || took > requestTimeout {
			t.Errorf("it took %v, %v", took, err)
		}
	})
}

// Given a connection on which nothing comes, and one that is idle, then neither holds up the
// end for more than a second.
func TestSilentConnectionIsClosed(t *testing.T) {
	run(t, 0, func(h *harness) {
		silent, idle := h.dial(), h.dial()
		if status, err := ask(idle); status != http.StatusOK {
			t.Fatalf("status %d, %v", status, err)
		}
		if took, err := h.shutdown(10 * time.Second)(); err != nil || took < requestTimeout || took > 2*requestTimeout {
			t.Errorf("it took %v, %v", took, err)
		}
		for _, conn := range []net.Conn{silent, idle} {
			if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
				t.Errorf("the connection has %q, %v", rest, err)
			}
		}
	})
}

// Given a request that takes long, then it is waited for until the context ends.
func TestRequestIsWaitedFor(t *testing.T) {
	for limit, cut := range map[time.Duration]bool{2 * time.Second: true, 10 * time.Second: false} {
		run(t, 5*time.Second, func(h *harness) {
			conn := h.dial()
			answered := make(chan int, 1)
			go func() {
				status, _ := ask(conn)
				answered <- status
			}()
			synctest.Wait()
			took, err := h.shutdown(limit)()
			if errors.Is(err, context.DeadlineExceeded) != cut || took > 6*time.Second {
				t.Errorf("within %v: %v, it took %v", limit, err, took)
			}
			if status := <-answered; (status == http.StatusOK) == cut {
				t.Errorf("within %v: status %d", limit, status)
			}
		})
	}
}
