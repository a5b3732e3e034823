package bot

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestHandlerTimes: of each command that has run it is known how often, how
// often it failed, and how long it took, however it was asked for; of what only
// waited for room or was never asked, nothing is.
func TestHandlerTimes(t *testing.T) {
	run(t, func(h *harness) {
		turn := 0
		h.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
			turn++
			switch turn {
			case 1:
				time.Sleep(10 * time.Millisecond)
				return Answer{Text: "done"}, nil
			case 2:
				return Answer{}, errors.New("the library is closed")
			case 3:
				panic("index out of range")
			}
			return Answer{}, until(ctx, nil)
		}))
		if list := h.bot.Handlers(); len(list) != 0 {
			t.Errorf("before the first command: %+v", list)
		}
		h.say("!do")
		h.wait(time.Second)
		h.say("!do")
		h.use(askerID, "do")
		h.wait(time.Second)
		h.say("!do")
		h.wait(DefaultHandlerTimeout)
		h.say("!about")
		list := h.bot.Handlers()
		if len(list) != 2 || list[0].Name != "about" || list[0].Runs != 1 || list[0].Failed != 0 {
			t.Fatalf("got %+v", list)
		}
		want := HandlerTime{Name: "do", Runs: 4, Failed: 3, P50: 0, P95: DefaultHandlerTimeout, Max: DefaultHandlerTimeout}
		if list[1] != want {
			t.Errorf("got %+v, want %+v", list[1], want)
		}
	})
}

// TestHandlerTimesAreBounded: however often a command runs, no more than its
// last 256 times are kept; the numbers of all runs stay true.
func TestHandlerTimesAreBounded(t *testing.T) {
	b := &Bot{commands: []Command{{Name: "do"}}}
	b.latencies.record("do", time.Hour, true)
	for n := range 3 * maxSamples {
		b.latencies.record("do", time.Duration(n%100+1)*time.Millisecond, false)
	}
	got := b.Handlers()[0]
	if kept := len(b.latencies.byName["do"].last); kept != maxSamples {
		t.Errorf("%d times are kept", kept)
	}
	for range maxSamples {
		b.latencies.record("do", time.Second, false)
	}
	if last := b.Handlers()[0]; last.P50 != time.Second || last.P95 != time.Second {
		t.Errorf("of %d runs of a second each, the last %d, got %+v", maxSamples, maxSamples, last)
	}
	if got.Runs != 3*maxSamples+1 || got.Failed != 1 || got.Max != time.Hour || got.P95 > 100*time.Millisecond || got.P50 < 40*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}
