package line_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/sidecar/line"
)

// Given events over a while, then the first ping comes 250 ms after the first of them, one at
// a time is unanswered, and a pong confirms everything that was written before its ping.
func TestPingConfirmsWhatWasReadBefore(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		begun := time.Now()
		h.client.setSilent(true)
		h.dispatch(1, 1)
		h.wait(249 * time.Millisecond)
		h.dispatch(2, 2)
		if got := h.client.takePings(); len(got) != 0 {
			h.Errorf("pings at %v", got)
		}
		h.wait(time.Millisecond)
		h.dispatch(3, 3)
		h.wait(time.Second)
		if got := h.client.takePings(); len(got) != 1 || got[0].Sub(begun) != 250*time.Millisecond {
			h.Errorf("pings at %v", got)
		}
		p := h.line.Progress()
		if p.Written != 3 || p.Confirmed != 0 || p.UnconfirmedCount != 3 || p.UnconfirmedBytes < 3*40 || p.UnconfirmedBytes > 3*80 || !p.LastConfirmed.IsZero() {
			h.Errorf("progress %+v", p)
		}
		h.client.setSilent(false)
		synctest.Wait()
		// The third event has waited long enough, so the next ping follows at once.
		if p := h.line.Progress(); p.Confirmed != 3 || p.UnconfirmedCount != 0 || p.UnconfirmedBytes != 0 || p.LastConfirmed != time.Now() {
			h.Errorf("progress %+v", p)
		}
		h.wait(time.Hour)
		if got := h.client.takePings(); len(got) != 1 || got[0].Sub(begun) != 1250*time.Millisecond {
			h.Errorf("pings at %v", got)
		}
	})
}

// Given a client that pings, then it gets its payload back at once.
func TestClientIsAnsweredWithAPong(t *testing.T) {
	run(t, config{}, func(h *harness) {
		var pongs []string
		h.client.mu.Lock()
		h.client.onPong = func(payload []byte) { pongs = append(pongs, string(payload)) }
		h.client.mu.Unlock()
		h.client.write(frame(9, []byte("are you there")))
		synctest.Wait()
		h.client.write(frame(9, nil))
		synctest.Wait()
		h.client.mu.Lock()
		defer h.client.mu.Unlock()
		if !slices.Equal(pongs, []string{"are you there", ""}) {
			h.Errorf("pongs %q", pongs)
		}
	})
}

// Given other times in the options, then they hold.
func TestTimesOfTheOptions(t *testing.T) {
	options := line.Options{GreetTimeout: 5 * time.Second, PingDelay: time.Second, StallAfter: 7 * time.Second}
	run(t, config{options: options}, func(h *harness) {
		h.identify()
		h.client.setSilent(true)
		begun := time.Now()
		h.dispatch(1, 1)
		h.wait(8*time.Second - 1)
		if got := h.client.takePings(); len(got) != 1 || got[0].Sub(begun) != time.Second {
			h.Errorf("pings at %v", got)
		}
		if p := h.line.Progress(); !p.Stalled.IsZero() {
			h.Errorf("progress %+v", p)
		}
		h.wait(1)
		if p := h.line.Progress(); p.Stalled.IsZero() {
			h.Errorf("progress %+v", p)
		}
	})
	run(t, config{options: options}, func(h *harness) {
		h.wait(5*time.Second - 1)
		h.wantAlive()
		h.wantClosed(1, line.CloseUnknownError)
	})
}

// Given a ping on its way, when a pong comes that answers no ping, then it confirms nothing.
func TestOnlyTheRightPongConfirms(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.setSilent(true)
		h.client.write(frame(10, []byte("1")))
		h.dispatch(1, 1)
		h.client.write(frame(10, []byte("1"))) // nothing asks yet
		h.wait(250 * time.Millisecond)
		for _, payload := range []string{"", "0", "2", "01", "1 ", "-1"} {
			h.client.write(frame(10, []byte(payload)))
		}
		synctest.Wait()
		if p := h.line.Progress(); p.Confirmed != 0 {
			h.Errorf("progress %+v", p)
		}
		h.client.setSilent(false)
		h.client.write(frame(10, []byte("1"))) // once more
		synctest.Wait()
		if p := h.line.Progress(); p.Confirmed != 1 {
			h.Errorf("progress %+v", p)
		}
	})
}

// Given a user that asks for a ping, then it comes at once, or when the one before it is
// answered; and not at all when there is nothing to ask.
func TestPingAtOnce(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.line.Ping()
		h.wait(time.Second)
		h.client.setSilent(true)
		begun := time.Now()
		h.dispatch(1, 1)
		if got := h.client.takePings(); len(got) != 0 {
			h.Errorf("pings at %v", got)
		}
		h.line.Ping()
		h.line.Ping()
		synctest.Wait()
		h.dispatch(2, 2)
		h.line.Ping()
		synctest.Wait()
		if got := h.client.takePings(); len(got) != 1 || got[0] != begun {
			h.Errorf("pings at %v", got)
		}
		h.wait(10 * time.Millisecond)
		h.client.setSilent(false)
		synctest.Wait()
		if got := h.client.takePings(); len(got) != 1 || got[0].Sub(begun) != 10*time.Millisecond || h.line.Progress().Confirmed != 2 {
			h.Errorf("pings at %v, %+v", got, h.line.Progress())
		}
	})
}

// Given a client that answers no ping or reads nothing, then the line is stalled after 2 s,
// stays up for an hour, and is not stalled any more once the client goes on. Changed tells of
// both.
func TestStalledClientIsNeverClosed(t *testing.T) {
	for name, hinder := range map[string]func(*harness) (again func()){
		"no pong": func(h *harness) func() {
			h.client.setSilent(true)
			h.dispatch(1, 1)
			h.wait(250 * time.Millisecond)
			return func() { h.client.setSilent(false) }
		},
		"no reading": func(h *harness) func() {
			again := h.client.stopReading()
			h.dispatch(1, 1) // the client takes one more
			h.dispatch(2, 2)
			return again
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.identify()
				again := hinder(h)
				since := time.Now()
				h.wait(2*time.Second - 1)
				if p := h.line.Progress(); !p.Stalled.IsZero() {
					h.Errorf("progress %+v", p)
				}
				select {
				case <-h.line.Changed():
				default:
				}
				h.wait(1)
				select {
				case <-h.line.Changed():
				default:
					h.Error("Changed does not tell of the stall")
				}
				h.wait(time.Hour)
				if p := h.line.Progress(); p.Stalled != since {
					h.Errorf("progress %+v, want since %v", p, since)
				}
				h.wantAlive()
				again()
				select {
				case <-h.line.Changed():
				case <-time.After(time.Second):
					h.Error("Changed does not tell of the stall's end")
				}
				h.wait(time.Second)
				if p := h.line.Progress(); !p.Stalled.IsZero() || p.UnconfirmedCount != 0 {
					h.Errorf("progress %+v", p)
				}
			})
		})
	}
}

// Given a slow client that takes one large message bit by bit, then it is not stalled.
func TestSlowProgressIsNoStall(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		resume := h.client.stopReading()
		defer resume()
		h.dispatch(1, 1)
		large := fmt.Appendf(nil, `"%s"`, strings.Repeat("x", 1<<20))
		if err := h.line.Dispatch(h.Context(), "GUILD_CREATE", 2, large); err != nil {
			h.Fatal(err)
		}
		for range 16 { // in bites of 1.9 s
			h.wait(1900 * time.Millisecond)
			if p := h.line.Progress(); !p.Stalled.IsZero() || p.Written != 1 {
				h.Fatalf("progress %+v", p)
			}
			for taken := 0; taken < 64<<10; {
				n, err := h.client.in.Read(make([]byte, 64<<10-taken))
				if err != nil {
					h.Fatal(err)
				}
				taken += n
			}
			synctest.Wait()
		}
	})
}

// Given confirmations at known times, then what had been confirmed at a time is known for the
// last two seconds, and never too much of it.
func TestConfirmedBefore(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		var seq int64
		type confirmation struct {
			at  time.Time
			seq int64
		}
		var all []confirmation
		for range 300 {
			seq++
			h.dispatch(seq, seq)
			h.line.Ping()
			synctest.Wait()
			all = append(all, confirmation{time.Now(), seq})
			h.wait(10 * time.Millisecond)
		}
		last := all[len(all)-1].at
		for ago := time.Duration(0); ago <= 2*time.Second; ago += 7 * time.Millisecond {
			at := last.Add(-ago)
			got := h.line.ConfirmedBefore(at)
			var most, least int64
			for _, c := range all {
				if !c.at.After(at) {
					most = c.seq
				}
				if !c.at.After(at.Add(-60 * time.Millisecond)) {
					least = c.seq
				}
			}
			if got > most || got < least {
				h.Errorf("%v ago: %d, want %d to %d", ago, got, least, most)
			}
		}
		if got := h.line.ConfirmedBefore(last.Add(time.Hour)); got != seq {
			h.Errorf("now: %d", got)
		}
		if got := h.line.ConfirmedBefore(last.Add(-time.Hour)); got != 0 {
			h.Errorf("an hour ago: %d", got)
		}
		h.client.conn.Close()
		_ = h.wantEnd(0)
		if got := h.line.ConfirmedBefore(last); got != seq {
			h.Errorf("after the end: %d", got)
		}
	})
}

// Given one confirmation, then it counts from its moment on.
func TestConfirmedBeforeWithOneConfirmation(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.dispatch(1, 1)
		h.line.Ping()
		synctest.Wait()
		now := time.Now()
		if got, before := h.line.ConfirmedBefore(now), h.line.ConfirmedBefore(now.Add(-1)); got != 1 || before != 0 {
			h.Errorf("confirmed are %d, and %d before", got, before)
		}
	})
}

// Given a client that reads nothing, then Dispatch waits, and ends with its context or with
// the line, having queued nothing; when the client reads again, all arrives in order.
func TestDispatchWaitsForTheClient(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		resume := h.client.stopReading()
		d := fmt.Appendf(nil, `"%s"`, strings.Repeat("x", 1000))
		var last int64
		for {
			ctx, cancel := context.WithTimeout(h.Context(), time.Second)
			err := h.line.Dispatch(ctx, "X", last+1, d)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil {
				h.Fatal(err)
			}
			last++
		}
		if last < 30 || last > 80 {
			h.Errorf("%d payloads of 1 KB were queued", last)
		}
		if p := h.line.Progress(); p.UnconfirmedCount != int(last) {
			h.Errorf("progress %+v", p)
		}
		done := make(chan error, 1)
		go func() { done <- h.line.Dispatch(h.Context(), "X", last+1, d) }()
		h.wait(time.Minute)
		resume()
		if err := <-done; err != nil {
			h.Fatal(err)
		}
		synctest.Wait()
		for n, m := range h.client.take() {
			if m.S != int64(n)+1 {
				h.Fatalf("message %d has number %d", n, m.S)
			}
		}
		if p := h.line.Progress(); p.Written != last+1 {
			h.Errorf("progress %+v", p)
		}
	})
	run(t, config{}, func(h *harness) {
		h.identify()
		h.Cleanup(h.client.stopReading())
		large := bytes.Repeat([]byte("1"), 100<<10)
		for seq := range int64(3) { // the client, the writer and the queue hold one each
			if err := h.line.Dispatch(h.Context(), "X", seq+1, large); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
		}
		go func() { time.Sleep(time.Second); h.line.Close(4000, "") }()
		if err := h.line.Dispatch(h.Context(), "X", 4, large); !errors.Is(err, line.ErrEnded) {
			h.Errorf("Dispatch: %v", err)
		}
	})
}

// Given a number that does not rise, then Dispatch refuses it.
func TestSequenceNumbersMustRise(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.dispatch(5, 6)
		for _, seq := range []int64{6, 5, 0, -1} {
			if err := h.line.Dispatch(h.Context(), "X", seq, nil); err == nil {
				h.Errorf("%d after 6 is taken", seq)
			}
		}
		if got := h.client.take(); len(got) != 2 {
			h.Errorf("received %v", got)
		}
	})
}

// Given heartbeats, pings of the client and events at the same time, then frames do not mix
// and events keep their order.
func TestFramesDoNotMix(t *testing.T) {
	for _, query := range []string{"", "compress=zlib-stream", "compress=zstd-stream"} {
		run(t, config{query: query}, func(h *harness) {
			h.identify()
			var group sync.WaitGroup
			group.Go(func() {
				for range 50 {
					h.client.write(slices.Concat(frame(1, []byte(`{"op":1,"d":null}`)), frame(9, []byte("are you there"))))
					time.Sleep(10 * time.Millisecond)
				}
			})
			for seq := range int64(500) {
				if err := h.line.Dispatch(h.Context(), "MESSAGE_CREATE", seq+1, []byte(`{"content":"hello"}`)); err != nil {
					h.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
			group.Wait()
			h.wait(2 * time.Second)
			var seq, acks int64
			for _, m := range h.client.take() {
				switch {
				case m.Op == 11:
					acks++
				case m.S != seq+1 || m.T != "MESSAGE_CREATE" || string(m.D) != `{"content":"hello"}`:
					h.Fatalf("after %d: %+v", seq, m)
				default:
					seq++
				}
			}
			if seq != 500 || acks != 50 {
				h.Errorf("%d events, %d ACKs", seq, acks)
			}
		})
	}
}
