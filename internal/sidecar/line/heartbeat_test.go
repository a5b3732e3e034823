package line_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/sidecar/line"
)

// Given a heartbeat, then its ACK comes after the delay that the options say, which is never
// less than 60 ms and never more than a second.
func TestACKComesAfterADelay(t *testing.T) {
	for _, row := range []struct{ asked, want time.Duration }{
		{0, 60 * time.Millisecond},
		{-time.Hour, 60 * time.Millisecond},
		{60 * time.Millisecond, 60 * time.Millisecond},
		{137 * time.Millisecond, 137 * time.Millisecond},
		{time.Second, time.Second},
		{time.Hour, time.Second},
	} {
		delay := func() time.Duration { return row.asked }
		run(t, config{options: line.Options{ACKDelay: delay}}, func(h *harness) {
			h.client.take()
			sent := time.Now()
			h.client.send(`{"op":1,"d":null}`)
			h.wait(2 * time.Second)
			got := h.client.take()
			if len(got) != 1 || got[0].Op != 11 || got[0].at.Sub(sent) != row.want {
				h.Errorf("asked for %v: %v", row.asked, got)
			}
		})
	}
	run(t, config{}, func(h *harness) {
		h.client.take()
		sent := time.Now()
		h.client.send(`{"op":1}`)
		h.wait(2 * time.Second)
		if got := h.client.take(); len(got) != 1 || got[0].at.Sub(sent) != 60*time.Millisecond {
			h.Errorf("by default: %v", got)
		}
		if p := h.line.Progress(); p != (line.Progress{Pongs: true}) {
			h.Errorf("progress %+v", p)
		}
		select {
		case <-h.line.Changed():
			h.Error("Changed tells of a heartbeat that changes nothing")
		default:
		}
	})
}

// Given heartbeats at different times, then each is answered after its own delay.
func TestEachHeartbeatHasItsACK(t *testing.T) {
	run(t, config{options: line.Options{ACKDelay: func() time.Duration { return time.Second }}}, func(h *harness) {
		h.client.take()
		begun := time.Now()
		for range 3 {
			h.client.send(`{"op":1,"d":null}`)
			h.wait(300 * time.Millisecond)
		}
		h.wait(2 * time.Second)
		got := h.client.take()
		if len(got) != 3 {
			h.Fatalf("received %v", got)
		}
		for n, m := range got {
			if want := time.Second + time.Duration(n)*300*time.Millisecond; m.at.Sub(begun) != want {
				h.Errorf("ACK %d came after %v, want %v", n, m.at.Sub(begun), want)
			}
		}
	})
}

// Given a delay that gets shorter, then no ACK overtakes an earlier one.
func TestACKsKeepTheirOrder(t *testing.T) {
	next := time.Second
	delay := func() time.Duration {
		d := next
		next = 60 * time.Millisecond
		return d
	}
	run(t, config{options: line.Options{ACKDelay: delay}}, func(h *harness) {
		h.client.take()
		sent := time.Now()
		h.client.send(`{"op":1,"d":null}`)
		h.client.send(`{"op":1,"d":null}`)
		h.wait(2 * time.Second)
		got := h.client.take()
		if len(got) != 2 || got[0].at.Sub(sent) != time.Second || got[1].at.Sub(sent) != time.Second {
			h.Errorf("ACKs %v", got)
		}
	})
}

// Given heartbeats with all kinds of d, then those confirm that name a number which was
// written; the others are answered all the same.
func TestHeartbeatConfirms(t *testing.T) {
	for d, want := range map[string]int64{
		"0": 10, "null": 10, "11": 11, "12": 12, "13": 13, "14": 10, "9007199254740993": 10,
		"-1": 10, "9": 10, `"12"`: 10, "12.0": 10, "1e1": 10, "[12]": 10, "99999999999999999999": 10,
	} {
		t.Run(d, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.identify()
				h.dispatch(8, 10)
				h.wait(time.Second)
				h.client.setSilent(true)
				h.dispatch(11, 13)
				h.client.take()
				h.client.send(`{"op":1,"d":` + d + `}`)
				synctest.Wait()
				p := h.line.Progress()
				if p.Confirmed != want || p.Written != 13 || p.UnconfirmedCount != int(13-want) {
					h.Errorf("progress %+v", p)
				}
				h.wait(60 * time.Millisecond)
				if got := h.client.take(); len(got) != 1 || got[0].Op != 11 {
					h.Errorf("received %v", got)
				}
			})
		})
	}
}

// Given a client that reads nothing, when it claims to have read what waits yet, then only
// what was handed to the socket can be confirmed.
func TestHeartbeatConfirmsNothingThatWaits(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		resume := h.client.stopReading()
		h.dispatch(1, 1) // the client takes one more
		h.dispatch(2, 2) // the writer has this one
		h.dispatch(3, 9)
		h.client.send(`{"op":1,"d":9}`)
		h.line.Ping()
		synctest.Wait()
		h.client.write(frame(10, []byte("1"))) // the ping waits, too
		synctest.Wait()
		if p := h.line.Progress(); p.Confirmed != 0 || p.UnconfirmedCount != 9 {
			h.Errorf("progress %+v", p)
		}
		resume()
	})
}

// Given a client that never answers a ping, when it beats 15 s after one, then it is marked,
// and its heartbeats confirm from then on, also in a new session. A late pong takes the mark
// away. A client that has answered once is not marked: it may hang while its heartbeats come
// from another thread.
func TestClientWithoutPongsIsMarked(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.setSilent(true)
		h.dispatch(1, 3)
		h.wait(15 * time.Second)
		h.client.send(`{"op":1,"d":2}`)
		synctest.Wait()
		if p := h.line.Progress(); !p.Pongs || p.Confirmed != 2 || p.Stalled.IsZero() {
			h.Errorf("before: %+v", p)
		}
		h.wait(250 * time.Millisecond)
		h.client.send(`{"op":1,"d":2}`)
		synctest.Wait()
		if p := h.line.Progress(); p.Pongs || p.Confirmed != 2 || !p.Stalled.IsZero() {
			h.Errorf("marked: %+v", p)
		}
		if err := h.line.InvalidateSession(h.Context(), false); err != nil {
			h.Fatal(err)
		}
		h.client.send(`{"op":2,"d":{}}`)
		h.dispatch(1, 5)
		h.client.send(`{"op":1,"d":5}`)
		synctest.Wait()
		if p := h.line.Progress(); p.Pongs || p.Confirmed != 5 {
			h.Errorf("in the next session: %+v", p)
		}
		if got := len(h.client.takePings()); got != 1 {
			h.Errorf("%d pings", got)
		}
		h.client.setSilent(false)
		h.dispatch(6, 6)
		h.wait(250 * time.Millisecond)
		if p := h.line.Progress(); !p.Pongs || p.Confirmed != 6 {
			h.Errorf("after a pong: %+v", p)
		}
	})
	run(t, config{}, func(h *harness) {
		h.identify()
		h.dispatch(1, 1)
		h.wait(time.Second)
		h.client.setSilent(true)
		h.dispatch(2, 2)
		h.wait(time.Minute)
		h.client.send(`{"op":1,"d":1}`)
		synctest.Wait()
		if p := h.line.Progress(); !p.Pongs || p.Stalled.IsZero() {
			h.Errorf("a hung client: %+v", p)
		}
	})
}

// Given a client that no ping was sent to, then it is not marked however long it beats, and a
// pong that nothing has asked for changes nothing.
func TestClientThatWasNotPingedIsNotMarked(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.write(frame(10, []byte("0")))
		for range 3 {
			h.wait(41 * time.Second)
			h.client.send(`{"op":1,"d":null}`)
			synctest.Wait()
		}
		if p := h.line.Progress(); !p.Pongs || !p.Stalled.IsZero() {
			h.Errorf("before the first event: %+v", p)
		}
		h.client.setSilent(true)
		h.dispatch(1, 1)
		h.wait(16 * time.Second)
		h.client.send(`{"op":1,"d":null}`)
		synctest.Wait()
		if p := h.line.Progress(); p.Pongs {
			h.Errorf("after a ping without an answer: %+v", p)
		}
	})
}

// Given a client that beats for a minute and reads nothing, then ACKs do not heap up.
func TestHeartbeatFloodHasFewACKs(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		resume := h.client.stopReading()
		h.dispatch(1, 1) // the client takes one more
		large := fmt.Appendf(nil, "%q", strings.Repeat("x", 40<<10))
		for seq := range int64(2) { // the writer and the queue hold one each
			if err := h.line.Dispatch(h.Context(), "X", seq+2, large); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
		}
		for range 600 {
			h.client.send(`{"op":1,"d":0}`)
			h.wait(100 * time.Millisecond)
		}
		resume()
		h.wait(2 * time.Second)
		acks := 0
		for _, m := range h.client.take() {
			if m.Op == 11 {
				acks++
			}
		}
		if acks < 1 || acks > 8 {
			h.Errorf("%d ACKs", acks)
		}
	})
}

// Given a client whose heartbeat confirms everything while its pong is missing, then the line
// is not stalled.
func TestNothingUnconfirmedIsNoStall(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.setSilent(true)
		h.dispatch(1, 3)
		h.wait(5 * time.Second)
		if p := h.line.Progress(); p.Stalled.IsZero() {
			h.Errorf("progress %+v", p)
		}
		h.client.send(`{"op":1,"d":3}`)
		synctest.Wait()
		if p := h.line.Progress(); !p.Stalled.IsZero() || p.UnconfirmedCount != 0 {
			h.Errorf("progress %+v", p)
		}
	})
}
