package line_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/internal/sidecar/line"
)

// Given a client that closes, then Run tells its code, the client gets the close frame back,
// and what it had said before is handled.
func TestClientCloses(t *testing.T) {
	for name, row := range map[string]struct {
		payload []byte
		code    int
		reason  string
	}{
		"normally":       {[]byte{0x03, 0xe8, 'b', 'y', 'e'}, 1000, "bye"},
		"to resume":      {[]byte{0x13, 0x24}, 4900, ""},
		"without a code": {nil, 1005, ""},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.client.write(slices.Concat(frame(1, []byte(`{"op":2}`)), frame(1, []byte(`{"op":3}`)), frame(8, row.payload)))
				closed, ok := errors.AsType[*line.ClientCloseError](h.wantEnd(0))
				if !ok || closed.Code != row.code || closed.Reason != row.reason {
					h.Errorf("Run: %v", closed)
				}
				if got := h.client.closeCode(); got != row.code {
					h.Errorf("the client was answered with %d", got)
				}
				if got := h.handled(); len(got) != 2 {
					h.Errorf("handled %q", got)
				}
			})
		})
	}
}

// Given a connection that ends without a close frame, then Run says that the line was lost.
func TestLostConnection(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.conn.Close()
		lost, ok := errors.AsType[*line.LostError](h.wantEnd(0))
		if !ok || !errors.Is(lost, io.EOF) {
			h.Errorf("Run: %v", lost)
		}
	})
}

// halfOpen is a connection that can be read, and not be written to once it is broken.
type halfOpen struct {
	net.Conn
	broken atomic.Bool
}

var errBroken = errors.New("broken pipe")

func (c *halfOpen) Write(b []byte) (int, error) {
	if c.broken.Load() {
		time.Sleep(100 * time.Millisecond)
		return 0, errBroken
	}
	return c.Conn.Write(b)
}

// Given a connection that takes nothing more and brings nothing either, then the line is lost
// a second after the write that failed, for that write's reason.
func TestConnectionThatTakesNothingIsLost(t *testing.T) {
	var conn *halfOpen
	wrap := func(c net.Conn) net.Conn {
		conn = &halfOpen{Conn: c}
		return conn
	}
	run(t, config{wrap: wrap}, func(h *harness) {
		h.identify()
		h.wait(time.Minute)
		conn.broken.Store(true)
		h.dispatch(1, 1)
		h.wait(time.Second)
		h.wantAlive()
		lost, ok := errors.AsType[*line.LostError](h.wantEnd(100 * time.Millisecond))
		if !ok || !errors.Is(lost, errBroken) {
			h.Errorf("Run: %v", lost)
		}
	})
}

// Given a client that has sent a close frame and gone before all was written, then it counts
// as one that has closed, not as lost.
func TestClientThatClosedIsNotLost(t *testing.T) {
	slow := func(op int, _ json.RawMessage) error {
		if op == 3 {
			time.Sleep(100 * time.Millisecond)
		}
		return nil
	}
	run(t, config{handle: slow}, func(h *harness) {
		h.identify()
		resume := h.client.stopReading()
		defer resume()
		h.dispatch(1, 1) // the client takes one more
		h.dispatch(2, 3)
		go func() {
			_, _ = h.client.conn.Write(frame(8, []byte{0x03, 0xe8}))
			_ = h.client.conn.Close()
		}()
		if closed, ok := errors.AsType[*line.ClientCloseError](h.wantEnd(time.Second)); !ok || closed.Code != 1000 {
			h.Errorf("Run: %v", closed)
		}
	})
}

// Given a client that is gone while a handler keeps the line from reading, then the line ends
// within a second of the first write that fails, so that the handler learns of it.
func TestLossIsNoticedWhileAHandlerIsBusy(t *testing.T) {
	var handling *line.Line
	untilTheEnd := func(int, json.RawMessage) error { <-handling.Done(); return nil }
	run(t, config{handle: untilTheEnd, beforeRun: func(l *line.Line) { handling = l }}, func(h *harness) {
		h.client.send(`{"op":2}`)
		for range 9 { // one more than waits for the handler
			h.client.send(`{"op":3}`)
		}
		h.wait(time.Minute)
		h.client.conn.Close()
		h.wait(time.Minute)
		h.wantAlive()
		h.dispatch(1, 1)
		if lost, ok := errors.AsType[*line.LostError](h.wantEnd(time.Second)); !ok || !errors.Is(lost, io.ErrClosedPipe) {
			h.Errorf("Run: %v", lost)
		}
	})
}

// Given a handler that takes long to return, then Run waits for it.
func TestRunWaitsForTheHandler(t *testing.T) {
	slow := func(int, json.RawMessage) error { time.Sleep(10 * time.Second); return nil }
	run(t, config{handle: slow}, func(h *harness) {
		h.identify()
		h.cancel()
		h.wait(9 * time.Second)
		<-h.line.Done()
		h.wantAlive()
		if err := h.wantEnd(time.Second); !errors.Is(err, context.Canceled) {
			h.Errorf("Run: %v", err)
		}
	})
}

// Given a line that is closed, then what was dispatched before goes out, the client gets the
// code, and Run returns once the client has answered.
func TestCloseSendsWhatWasDispatched(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		for seq := range int64(5) {
			if err := h.line.Dispatch(h.Context(), "X", seq+1, nil); err != nil {
				h.Fatal(err)
			}
		}
		h.line.Close(line.CloseGoingAway, "Restarting.")
		h.line.Close(line.CloseUnknownError, "The first one counts.")
		h.wantClosed(0, line.CloseGoingAway)
		if got := h.client.take(); len(got) != 5 {
			h.Errorf("received %v", got)
		}
		<-h.line.Done()
		if err := h.line.Dispatch(h.Context(), "X", 6, nil); !errors.Is(err, line.ErrEnded) {
			h.Errorf("Dispatch: %v", err)
		}
		if err := h.line.InvalidateSession(h.Context(), false); !errors.Is(err, line.ErrEnded) {
			h.Errorf("InvalidateSession: %v", err)
		}
	})
}

// Given a reason that does not fit into a close frame, then it is cut between two characters.
func TestLongReasonIsCut(t *testing.T) {
	run(t, config{}, func(h *harness) {
		reason := make([]byte, 0, 400)
		for range 100 {
			reason = append(reason, "€"...)
		}
		h.line.Close(4000, string(reason)+"\xff")
		h.wantClosed(0, 4000)
	})
}

// Given a client that has read a close frame and does not answer it, as discord.py never does,
// then Run returns after a quarter of a second: while Evergreen is replaced, every bot waits.
func TestAnswerToACloseIsNotWaitedForLong(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.mu.Lock()
		h.client.rude = true
		h.client.mu.Unlock()
		h.line.Close(line.CloseGoingAway, "Evergreen stops.")
		h.wantClosed(250*time.Millisecond, line.CloseGoingAway)
	})
}

// Given a client that does not read, or one that does not answer a close frame, when the line
// is closed, then Run returns within a second; when its context ends, at once.
func TestNoClientHoldsTheEndUp(t *testing.T) {
	for name, hinder := range map[string]func(*harness){
		"a client that reads nothing": func(h *harness) {
			resume := h.client.stopReading()
			h.Cleanup(resume)
			h.dispatch(1, 1) // the client takes one more
			h.dispatch(2, 20)
		},
		"a client that answers no close frame": func(h *harness) {
			h.client.mu.Lock()
			h.client.rude = true
			h.client.mu.Unlock()
		},
		"a client that sends half a message": func(h *harness) {
			h.client.write(frame(1, []byte(`{"op":3,"d":"abc"}`))[:10])
		},
		"a client that sends without end": func(h *harness) {
			h.client.group.Go(func() {
				for {
					if _, err := h.client.conn.Write(frame(1, []byte(`{"op":3}`))); err != nil {
						return
					}
					time.Sleep(time.Millisecond)
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.identify()
				hinder(h)
				h.line.Close(line.CloseGoingAway, "")
				_ = h.wantEnd(time.Second)
			})
			run(t, config{}, func(h *harness) {
				h.identify()
				hinder(h)
				h.cancel()
				if err := h.wantEnd(0); !errors.Is(err, context.Canceled) {
					h.Errorf("Run: %v", err)
				}
			})
			run(t, config{}, func(h *harness) {
				h.identify()
				hinder(h)
				h.line.Close(line.CloseGoingAway, "")
				h.cancel()
				_ = h.wantEnd(0)
			})
		})
	}
}

// Given bytes that are no WebSocket, then the line ends with 1002 within a second.
func TestProtocolErrorIsClosedWith1002(t *testing.T) {
	unmasked := []byte{0x81, 0x02, '{', '}'}
	longPing := frame(9, make([]byte, 126))
	halfPing := frame(9, nil)
	halfPing[0] &^= 1 << 7
	reserved := frame(1, nil)
	reserved[0] |= 1 << 6
	compressed := frame(1, nil)
	compressed[0] |= 1 << 6
	for name, raw := range map[string][]byte{
		"an unmasked frame":        unmasked,
		"a long ping":              longPing,
		"a ping in parts":          halfPing,
		"a reserved bit":           reserved,
		"deflate that is not on":   compressed,
		"an unknown frame":         frame(3, nil),
		"a part of nothing":        frame(0, []byte("x")),
		"a close code of no one":   frame(8, []byte{0x03, 0xed}),
		"a close code of one byte": frame(8, []byte{0x03}),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.client.write(raw)
				h.wantClosed(time.Second, 1002)
			})
		})
	}
}

// Given a line that is closed before it runs, then Run sends HELLO and the close frame. Run can
// be called only once.
func TestCloseBeforeRun(t *testing.T) {
	run(t, config{beforeRun: func(l *line.Line) { l.Close(line.CloseGoingAway, "") }}, func(h *harness) {
		h.wantClosed(0, line.CloseGoingAway)
		if got := h.client.take(); len(got) != 1 || got[0].Op != 10 {
			h.Errorf("received %v, want HELLO alone", got)
		}
		if err := h.line.Run(h.Context(), nil); err == nil {
			h.Error("Run may be called twice")
		}
	})
}
