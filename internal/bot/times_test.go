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
	story(t, func(w *world) {
		turn := 0
		w.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
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
		if list := w.bot.Handlers(); len(list) != 0 {
			t.Errorf("before the first command: %+v", list)
		}
		w.say("!do")
		w.wait(time.Second)
		w.say("!do")
		w.use(askerID, "do")
		w.wait(time.Second)
		w.say("!do")
		w.wait(DefaultHandlerTimeout)
		w.say("!about")
		list := w.bot.Handlers()
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
	b.times.note("do", time.Hour, true)
	for n := range 3 * mostTimes {
		b.times.note("do", time.Duration(n%100+1)*time.Millisecond, false)
	}
	got := b.Handlers()[0]
	if kept := len(b.times.taken["do"].last); kept != mostTimes {
		t.Errorf("%d times are kept", kept)
	}
	if got.Runs != 3*mostTimes+1 || got.Failed != 1 || got.Max != time.Hour || got.P95 > 100*time.Millisecond || got.P50 < 40*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}
