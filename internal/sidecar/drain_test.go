package sidecar

import (
	"context"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/sidecar/line"
)

// drain has the Sidecar drain. The function it returns waits for that and tells how long
// it took.
func (h *harness) drain() (took func() time.Duration) {
	began, done := time.Now(), make(chan time.Duration, 1)
	go func() {
		h.sidecar.Drain(context.Background())
		done <- time.Since(began)
	}()
	synctest.Wait()
	return func() time.Duration { return <-done }
}

// Given bots and connections that were accepted, when the Sidecar drains, then a bot whose
// upgrade comes only now gets its line, lines get events as before, and no further
// connection is accepted. Only the stop closes the lines, with 1001.
func TestDrainServesWhatWasAccepted(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		conn, err := h.pipe.Dial(h.T.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		took := h.drain()
		if _, err := h.pipe.Dial(h.T.Context(), "", ""); err == nil {
			t.Error("a connection is accepted that should be left to the next process")
		}
		h.dialConn = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
		late := h.connect()
		h.dialConn = nil
		synctest.Wait()
		if d := took(); d > 100*time.Millisecond {
			t.Errorf("it took %v", d)
		}
		late.identify(nil)
		h.Until(10*time.Second, "READY", func() bool { return len(late.events("READY")) == 1 })
		h.Advance(time.Second)
		want := h.say(0, 3)
		h.Until(time.Second, "the messages", func() bool { return slices.Equal(late.messages(), want) })
		if b.code() != -1 || late.code() != -1 {
			t.Errorf("lines were closed with %d and %d", b.code(), late.code())
		}
		h.restart()
		if b.code() != line.CloseGoingAway || late.code() != line.CloseGoingAway {
			t.Errorf("lines were closed with %d and %d", b.code(), late.code())
		}
		resumed := h.resumes(late)
		want = h.say(3, 2)
		h.Until(10*time.Second, "the messages", func() bool { return slices.Equal(resumed.messages(), want) })
	})
}
