package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

// doing makes one command, called do, of a function.
func doing(run func(ctx context.Context, r *Request) (Answer, error), change ...func(*Options)) func(*Options) {
	return func(o *Options) {
		o.Commands = append(Builtin(), Command{Name: "do", Summary: "Does it", Run: run})
		for _, c := range change {
			c(o)
		}
	}
}

// until waits for a channel or the end of ctx.
func until(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestPanicIsContained: a command panics; the user gets an apology, the log the
// command's name and a stack, and the next command is served.
func TestPanicIsContained(t *testing.T) {
	run(t, func(h *harness) {
		h.start(doing(func(context.Context, *Request) (Answer, error) { panic("index out of range") }))
		event := h.say("!do")
		_, token := h.use(askerID, "do")
		h.say("!about")
		h.expect(textFailed, "ResearchBot")
		if !event.released() || h.discord.interaction(token).content != textFailed || h.bot.Counts().Panics != 2 {
			t.Errorf("counts %+v", h.bot.Counts())
		}
		h.logged(2, "ERROR Command panicked command=do panic=index out of range stack=")
	})
}

// TestPanicBeneath: even a panic outside of commands, in the HTTP transport,
// costs one event each.
func TestPanicBeneath(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		h.discord.fail(fault{on: "POST /channels", times: 1, panics: true})
		h.discord.fail(fault{on: "GET /applications/@me", times: 1, panics: true})
		event := h.say("!about")
		if !event.released() {
			t.Error("the event is held for ever")
		}
		h.logged(1, "ERROR Answering panicked; the event is given up")
		_, token := h.use(ownerID, "shutdown")
		if got := h.discord.interaction(token).content; got != textFailed {
			t.Errorf("the slash command said %q", got)
		}
		h.logged(1, "ERROR Preparing an answer panicked command=shutdown")
		if n := h.bot.Counts().Panics; n != 2 {
			t.Errorf("%d panics are counted", n)
		}
		h.say("!about")
		h.expect("ResearchBot")
	})
}

// TestErrorBecomesApology: what a command returns as an error is for the log;
// an answer without words becomes "Done.".
func TestErrorBecomesApology(t *testing.T) {
	run(t, func(h *harness) {
		results := []error{errors.New("the library is closed"), nil}
		h.start(doing(func(context.Context, *Request) (Answer, error) {
			err := results[0]
			results = results[1:]
			return Answer{Text: " \n"}, err
		}))
		h.say("!do")
		h.say("!do")
		h.expect(textFailed, textDone)
		h.logged(1, "ERROR Command failed command=do error=the library is closed")
	})
}

// TestTimeLimit: a command that does not end, whether it honours its context or
// not, becomes an apology at its time limit and is named in the log, first as
// slow and then as cut off.
func TestTimeLimit(t *testing.T) {
	for _, honours := range []bool{true, false} {
		t.Run(fmt.Sprint(honours), func(t *testing.T) {
			run(t, func(h *harness) {
				release := make(chan struct{})
				h.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
					if honours {
						return Answer{}, until(ctx, release)
					}
					<-release
					return Answer{Text: "too late"}, nil
				}))
				event := h.say("!do")
				h.wait(DefaultSlowAfter)
				h.logged(1, "WARN Command is slow command=do running=3s")
				h.wait(DefaultHandlerTimeout - DefaultSlowAfter - time.Millisecond)
				if !event.held() {
					t.Error("the event was let go while its command ran")
				}
				h.wait(time.Millisecond)
				h.expect(textTimedOut)
				h.logged(1, "ERROR Command reached its time limit command=do limit=30s")
				if c := h.bot.Counts(); c.Slow != 1 || c.Timeouts != 1 || !event.released() {
					t.Errorf("counts %+v", c)
				}
				close(release)
				h.wait(time.Minute)
				h.expect(textTimedOut)
			})
		})
	}
}

// TestResultAtTheLimit: a command that ends at the very limit, with an answer,
// is not thrown away for being late.
func TestResultAtTheLimit(t *testing.T) {
	run(t, func(h *harness) {
		h.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
			<-ctx.Done()
			return Answer{Text: "what I have so far"}, nil
		}))
		h.say("!do")
		h.wait(DefaultHandlerTimeout)
		said := h.discord.said()
		if len(said) != 1 || said[0] != "what I have so far" && said[0] != textTimedOut {
			t.Errorf("the bot said %q", said)
		}
	})
}

// TestErrorAtTheLimit: a command that fails at the very limit has reached it, whichever of
// the two is seen first; an answer that is seen first is used.
func TestErrorAtTheLimit(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		over, cancel := context.WithCancel(context.Background())
		cancel()
		for range 30 {
			results := make(chan commandResult, 1)
			results <- commandResult{err: over.Err()}
			answer, outcome := h.bot.awaitResult(context.Background(), over, &aboutCommand, results)
			if answer.Text != textTimedOut || outcome != outcomeAnswered {
				t.Fatalf("the answer is %q", answer.Text)
			}
		}
		used := 0
		for range 60 {
			results := make(chan commandResult, 1)
			results <- commandResult{answer: Answer{Text: "just in time"}}
			if answer, _ := h.bot.awaitResult(context.Background(), over, &aboutCommand, results); answer.Text == "just in time" {
				used++
			}
		}
		if used == 0 {
			t.Error("an answer at the limit is thrown away even if it is seen first")
		}
	})
}

// TestConcurrencyLimit: no more commands run at once than the limit allows; the
// rest wait their turn, and what finds no turn in its time is told so.
func TestConcurrencyLimit(t *testing.T) {
	run(t, func(h *harness) {
		release := make(chan struct{})
		running, most := make(chan struct{}, 100), 0
		h.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
			running <- struct{}{}
			most = max(most, len(running))
			err := until(ctx, release)
			<-running
			return Answer{Text: "ran"}, err
		}, func(o *Options) { o.Concurrency = 2 }))
		for user := range uint64(5) {
			h.sayAs(100+user, "!do")
		}
		if len(running) != 2 {
			t.Errorf("%d run at once, want 2", len(running))
		}
		close(release)
		h.wait(0)
		h.expect("ran", "ran", "ran", "ran", "ran")
		if most > 2 {
			t.Errorf("%d ran at once", most)
		}
	})
	run(t, func(h *harness) {
		release := make(chan struct{})
		h.start(doing(func(context.Context, *Request) (Answer, error) { <-release; return Answer{Text: "ran"}, nil },
			func(o *Options) { o.Concurrency = 1 }))
		h.sayAs(100, "!do")
		h.wait(time.Second)
		h.sayAs(101, "!do")
		h.wait(DefaultHandlerTimeout - time.Second)
		h.expect(textTimedOut)
		h.wait(time.Second)
		h.expect(textTimedOut, textBusy)
		h.logged(1, "ERROR Command found no free handler within its time limit command=do")
		if n := h.bot.Counts().Timeouts; n != 2 {
			t.Errorf("%d commands are counted that reached their time limit, want 2", n)
		}
		close(release)
		h.wait(0)
		h.sayAs(102, "!do")
		h.expect(textTimedOut, textBusy, "ran")
	})
}

// TestOutstandingLimit: beyond Outstanding, HandleEvent waits, so that events
// queue up in the gateway; it ends with its context, and the event stays held.
func TestOutstandingLimit(t *testing.T) {
	run(t, func(h *harness) {
		release := make(chan struct{})
		h.start(doing(func(context.Context, *Request) (Answer, error) { <-release; return Answer{Text: "ran"}, nil },
			func(o *Options) { o.Outstanding = 1 }))
		h.say("!do")
		ctx, cancel := context.WithCancel(context.Background())
		returned := false
		second := make(chan struct{})
		go func() {
			h.bot.handle(ctx, gateway.Event{Type: "MESSAGE_CREATE", Data: []byte(h.message("!do", nil))}, func() func() {
				return func() { t.Error("an event that found no room was let go") }
			})
			returned = true
			close(second)
		}()
		h.wait(10 * time.Second)
		if returned {
			t.Error("HandleEvent did not wait")
		}
		cancel()
		<-second
		var waited *heldEvent
		go func() { waited = h.push("MESSAGE_CREATE", h.message("!do", nil)) }()
		h.wait(time.Second)
		close(release)
		h.wait(time.Second)
		h.expect("ran", "ran")
		if !waited.released() {
			t.Error("the event that waited is still held")
		}
	})
}

// TestStopLetsCommandsFinish: Stop takes nothing new, waits for what runs, and
// the answer stands.
func TestStopLetsCommandsFinish(t *testing.T) {
	run(t, func(h *harness) {
		h.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
			time.Sleep(5 * time.Second)
			return Answer{Text: "finished"}, nil
		}))
		running := h.say("!do")
		stopped := make(chan error)
		go func() { stopped <- h.bot.Stop(context.Background()) }()
		h.wait(time.Second)
		late := h.say("!about")
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		h.expect("finished")
		if !running.released() || !late.held() {
			t.Error("the finished event must be let go and the late one kept for the next run")
		}
		// What comes after the stop is left alone, and keeps nothing from being over.
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		for range 50 {
			if event := h.say("!about"); !event.held() {
				t.Fatal("an event was taken after the stop")
			}
			if err := h.bot.Stop(ended); err != nil {
				t.Fatal(err)
			}
		}
		h.expect("finished")
	})
}

// TestStopCutsOff: when the time to stop is over, commands and answers are cut
// off, Stop says so, and their events stay held for the next run.
func TestStopCutsOff(t *testing.T) {
	run(t, func(h *harness) {
		h.start(doing(func(ctx context.Context, _ *Request) (Answer, error) { return Answer{}, until(ctx, nil) },
			func(o *Options) { o.Concurrency = 2 }))
		h.discord.fail(fault{on: "POST /", times: -1, cut: true})
		h.discord.fail(fault{on: "GET /", times: -1, hang: true})
		runs := h.sayAs(1, "!do")
		data, _ := h.slash(2, "do")
		asSlash := h.deliver("INTERACTION_CREATE", data)
		waits := h.sayAs(3, "!do")
		unanswered := h.sayAs(4, "!nonsense")
		queued := h.sayAs(5, "!nonsense")
		owner := h.sayAs(6, "!shutdown")
		h.wait(2500 * time.Millisecond)

		limited, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		started := time.Now()
		err := h.bot.Stop(limited)
		if err == nil || time.Since(started) != 2*time.Second {
			t.Errorf("Stop returned %v after %v", err, time.Since(started))
		}
		for name, event := range map[string]*heldEvent{
			"a running command": runs, "a running slash command": asSlash, "a waiting command": waits,
			"an answer on its way": unanswered, "an answer that waits for the channel": queued, "an owner being looked up": owner,
		} {
			if !event.held() {
				t.Errorf("%s was let go", name)
			}
		}
		if c := h.bot.Counts(); c.Failed != 0 || c.Answered != 0 || c.Timeouts != 0 {
			t.Errorf("counts %+v", c)
		}
		h.logged(0, "could not be sent")
		h.logged(0, "Owner of the bot could not be fetched")
	})
}

// TestStopEndsInTime: whatever is at work, Stop is over when its time is, and not before
// the answers that it cuts off have ended.
func TestStopEndsInTime(t *testing.T) {
	const late = 100 * time.Millisecond // until a request sees that it is cut off
	for name, c := range map[string]struct {
		asks  []string
		fault fault
		after time.Duration
	}{
		"a command":                          {[]string{"!do"}, fault{}, 0},
		"a command that is deaf":             {[]string{"!deaf"}, fault{}, 0},
		"two commands":                       {[]string{"!do", "!deaf"}, fault{}, 0},
		"an answer":                          {[]string{"!about"}, fault{on: "POST", times: -1, hang: true, after: late}, late},
		"an answer and one behind it":        {[]string{"!about", "!about"}, fault{on: "POST", times: -1, hang: true, after: late}, late},
		"a command and an answer":            {[]string{"!do", "!about"}, fault{on: "POST", times: -1, hang: true, after: late}, late},
		"an answer in the pause of a repeat": {[]string{"!about"}, fault{on: "POST", times: -1, cut: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(h *harness) {
				deaf := make(chan struct{})
				h.start(doing(func(ctx context.Context, _ *Request) (Answer, error) { return Answer{}, until(ctx, nil) }, func(o *Options) {
					o.Commands = append(o.Commands, Command{Name: "deaf", Summary: "Hears nothing", Run: func(context.Context, *Request) (Answer, error) {
						<-deaf
						return Answer{}, nil
					}})
				}))
				h.discord.fail(c.fault)
				var events []*heldEvent
				for _, ask := range c.asks {
					events = append(events, h.say(ask))
				}
				limited, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				began := time.Now()
				err := h.bot.Stop(limited)
				if took := time.Since(began); err == nil || took != 2*time.Second+c.after {
					t.Errorf("Stop returned %v after %v", err, took)
				}
				if n := len(h.bot.outstanding); n != 0 {
					t.Errorf("%d answers are still at work after the stop", n)
				}
				for i, event := range events {
					if !event.held() {
						t.Errorf("event %d was let go", i+1)
					}
				}
				close(deaf)
			})
		})
	}
}

// TestStopWaitsForWhatWasGivenUp: a command that does not end at its time limit is waited
// for by a stop that has the time.
func TestStopWaitsForWhatWasGivenUp(t *testing.T) {
	run(t, func(h *harness) {
		const takes = 2 * DefaultHandlerTimeout
		h.start(doing(func(context.Context, *Request) (Answer, error) {
			time.Sleep(takes)
			return Answer{}, nil
		}))
		asked := time.Now()
		event := h.say("!do")
		h.wait(DefaultHandlerTimeout)
		h.expect(textTimedOut)
		if err := h.bot.Stop(context.Background()); err != nil || time.Since(asked) != takes || !event.released() {
			t.Errorf("Stop returned %v, %v after the command was asked", err, time.Since(asked))
		}
	})
}

// TestStopDuringWaitForRoom: an event that waits for room when the bot stops
// stays held.
func TestStopDuringWaitForRoom(t *testing.T) {
	run(t, func(h *harness) {
		release := make(chan struct{})
		h.start(doing(func(context.Context, *Request) (Answer, error) { <-release; return Answer{Text: "ran"}, nil },
			func(o *Options) { o.Outstanding = 1 }))
		h.say("!do")
		var waiting *heldEvent
		go func() { waiting = h.push("MESSAGE_CREATE", h.message("!do", nil)) }()
		h.wait(time.Second)
		stopped := make(chan error)
		go func() { stopped <- h.bot.Stop(context.Background()) }()
		h.wait(time.Second)
		close(release)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		h.expect("ran")
		if !waiting.held() {
			t.Error("the waiting event was let go")
		}
	})
}

// TestMentionCutOffByStop: a mention that waits for the bot's id when the time
// to stop is over belongs to the next run.
func TestMentionCutOffByStop(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		event := h.say("<@5> about")
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		began := time.Now()
		if err := h.bot.Stop(ended); err == nil || !strings.Contains(err.Error(), "comes again at the next start") || time.Since(began) != 0 {
			t.Errorf("Stop returned %v after %v", err, time.Since(began))
		}
		if !event.held() || h.bot.Counts() != (Counts{Messages: 1}) {
			t.Errorf("held: %t, counts %+v", event.held(), h.bot.Counts())
		}
	})
}

// TestStopWithNothingAtWork: a bot that has nothing to finish has stopped cleanly,
// also when the time to stop is over by then.
func TestStopWithNothingAtWork(t *testing.T) {
	run(t, func(h *harness) {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		for range 100 {
			h.make()
			if err := h.bot.Stop(ended); err != nil {
				t.Error(err)
				return
			}
		}
	})
}

// TestThenIsContained: what a command asks for after its answer may panic too.
func TestThenIsContained(t *testing.T) {
	run(t, func(h *harness) {
		h.start(doing(func(context.Context, *Request) (Answer, error) {
			return Answer{Text: "ran", Then: func() { panic("then") }}, nil
		}))
		if event := h.say("!do"); !event.released() {
			t.Error("the event is held for ever")
		}
		h.say("!about")
		h.expect("ran", "ResearchBot")
	})
}
