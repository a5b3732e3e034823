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
	story(t, func(w *world) {
		w.start(doing(func(context.Context, *Request) (Answer, error) { panic("index out of range") }))
		event := w.say("!do")
		_, token := w.use(askerID, "do")
		w.say("!about")
		w.expect(sayPanicked, "ResearchBot")
		if !event.released() || w.discord.interaction(token).content != sayPanicked || w.bot.Counts().Panics != 2 {
			t.Errorf("counts %+v", w.bot.Counts())
		}
		w.logged(2, "ERROR a command panicked command=do panic=index out of range stack=")
	})
}

// TestPanicBeneath: even a panic outside of commands, in the HTTP transport,
// costs one event each.
func TestPanicBeneath(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		w.discord.fail(fault{on: "POST /channels", times: 1, panics: true})
		w.discord.fail(fault{on: "GET /applications/@me", times: 1, panics: true})
		event := w.say("!about")
		if !event.released() {
			t.Error("the event is held for ever")
		}
		w.logged(1, "ERROR answering panicked; the event is given up")
		_, token := w.use(ownerID, "shutdown")
		if got := w.discord.interaction(token).content; got != sayPanicked {
			t.Errorf("the slash command said %q", got)
		}
		w.logged(1, "ERROR preparing an answer panicked command=shutdown")
		w.say("!about")
		w.expect("ResearchBot")
	})
}

// TestErrorBecomesApology: what a command returns as an error is for the log;
// an answer without words becomes "Done.".
func TestErrorBecomesApology(t *testing.T) {
	story(t, func(w *world) {
		results := []error{errors.New("the library is closed"), nil}
		w.start(doing(func(context.Context, *Request) (Answer, error) {
			err := results[0]
			results = results[1:]
			return Answer{Text: " \n"}, err
		}))
		w.say("!do")
		w.say("!do")
		w.expect(sayPanicked, sayNothing)
		w.logged(1, "ERROR a command failed command=do error=the library is closed")
	})
}

// TestTimeLimit: a command that does not end, whether it honours its context or
// not, becomes an apology at its time limit and is named in the log, first as
// slow and then as cut off.
func TestTimeLimit(t *testing.T) {
	for _, honours := range []bool{true, false} {
		t.Run(fmt.Sprint(honours), func(t *testing.T) {
			story(t, func(w *world) {
				release := make(chan struct{})
				w.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
					if honours {
						return Answer{}, until(ctx, release)
					}
					<-release
					return Answer{Text: "too late"}, nil
				}))
				event := w.say("!do")
				w.wait(DefaultSlowAfter)
				w.logged(1, "WARN a command is slow command=do running=3s")
				w.wait(DefaultHandlerTimeout - DefaultSlowAfter - time.Millisecond)
				if !event.held() {
					t.Error("the event was let go while its command ran")
				}
				w.wait(time.Millisecond)
				w.expect(sayTimedOut)
				w.logged(1, "ERROR a command was cut off at its time limit command=do limit=30s")
				if c := w.bot.Counts(); c.Slow != 1 || c.Timeouts != 1 || !event.released() {
					t.Errorf("counts %+v", c)
				}
				close(release)
				w.wait(time.Minute)
				w.expect(sayTimedOut)
			})
		})
	}
}

// TestResultAtTheLimit: a command that ends at the very limit, with an answer,
// is not thrown away for being late.
func TestResultAtTheLimit(t *testing.T) {
	story(t, func(w *world) {
		w.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
			<-ctx.Done()
			return Answer{Text: "what I have so far"}, nil
		}))
		w.say("!do")
		w.wait(DefaultHandlerTimeout)
		said := w.discord.said()
		if len(said) != 1 || said[0] != "what I have so far" && said[0] != sayTimedOut {
			t.Errorf("the bot said %q", said)
		}
	})
}

// TestConcurrencyLimit: no more commands run at once than the limit allows; the
// rest wait their turn, and what finds no turn in its time is told so.
func TestConcurrencyLimit(t *testing.T) {
	story(t, func(w *world) {
		release := make(chan struct{})
		running, most := make(chan struct{}, 100), 0
		w.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
			running <- struct{}{}
			most = max(most, len(running))
			err := until(ctx, release)
			<-running
			return Answer{Text: "ran"}, err
		}, func(o *Options) { o.Concurrency = 2 }))
		for user := range uint64(5) {
			w.sayAs(100+user, "!do")
		}
		if len(running) != 2 {
			t.Errorf("%d run at once, want 2", len(running))
		}
		close(release)
		w.wait(0)
		w.expect("ran", "ran", "ran", "ran", "ran")
		if most > 2 {
			t.Errorf("%d ran at once", most)
		}
	})
	story(t, func(w *world) {
		release := make(chan struct{})
		w.start(doing(func(context.Context, *Request) (Answer, error) { <-release; return Answer{Text: "ran"}, nil },
			func(o *Options) { o.Concurrency = 1 }))
		w.sayAs(100, "!do")
		w.wait(time.Second)
		w.sayAs(101, "!do")
		w.wait(DefaultHandlerTimeout - time.Second)
		w.expect(sayTimedOut)
		w.wait(time.Second)
		w.expect(sayTimedOut, sayBusy)
		w.logged(1, "ERROR a command found no room to run within its time limit command=do")
		close(release)
		w.wait(0)
		w.sayAs(102, "!do")
		w.expect(sayTimedOut, sayBusy, "ran")
	})
}

// TestOutstandingLimit: beyond Outstanding, HandleEvent waits, so that events
// queue up in the gateway; it ends with its context, and the event stays held.
func TestOutstandingLimit(t *testing.T) {
	story(t, func(w *world) {
		release := make(chan struct{})
		w.start(doing(func(context.Context, *Request) (Answer, error) { <-release; return Answer{Text: "ran"}, nil },
			func(o *Options) { o.Outstanding = 1 }))
		w.say("!do")
		ctx, cancel := context.WithCancel(context.Background())
		returned := false
		second := make(chan struct{})
		go func() {
			w.bot.take(ctx, gateway.Event{Type: "MESSAGE_CREATE", Data: []byte(w.message("!do", nil))}, func() func() {
				return func() { t.Error("an event that found no room was let go") }
			})
			returned = true
			close(second)
		}()
		w.wait(10 * time.Second)
		if returned {
			t.Error("HandleEvent did not wait")
		}
		cancel()
		<-second
		var waited *delivery
		go func() { waited = w.push("MESSAGE_CREATE", w.message("!do", nil)) }()
		w.wait(time.Second)
		close(release)
		w.wait(time.Second)
		w.expect("ran", "ran")
		if !waited.released() {
			t.Error("the event that waited is still held")
		}
	})
}

// TestStopLetsCommandsFinish: Stop takes nothing new, waits for what runs, and
// the answer stands.
func TestStopLetsCommandsFinish(t *testing.T) {
	story(t, func(w *world) {
		w.start(doing(func(ctx context.Context, _ *Request) (Answer, error) {
			time.Sleep(5 * time.Second)
			return Answer{Text: "finished"}, nil
		}))
		running := w.say("!do")
		stopped := make(chan error)
		go func() { stopped <- w.bot.Stop(context.Background()) }()
		w.wait(time.Second)
		late := w.say("!about")
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		w.expect("finished")
		if !running.released() || !late.held() {
			t.Error("the finished event must be let go and the late one kept for the next run")
		}
		if err := w.bot.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// TestStopCutsOff: when the time to stop is over, commands and answers are cut
// off, Stop says so, and their events stay held for the next run.
func TestStopCutsOff(t *testing.T) {
	story(t, func(w *world) {
		w.start(doing(func(ctx context.Context, _ *Request) (Answer, error) { return Answer{}, until(ctx, nil) },
			func(o *Options) { o.Concurrency = 2 }))
		w.discord.fail(fault{on: "POST /", times: -1, cut: true})
		w.discord.fail(fault{on: "GET /", times: -1, hang: true})
		runs := w.sayAs(1, "!do")
		data, _ := w.slash(2, "do")
		asSlash := w.deliver("INTERACTION_CREATE", data)
		waits := w.sayAs(3, "!do")
		unanswered := w.sayAs(4, "!nonsense")
		queued := w.sayAs(5, "!nonsense")
		owner := w.sayAs(6, "!shutdown")
		w.wait(2500 * time.Millisecond)

		limited, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		started := time.Now()
		err := w.bot.Stop(limited)
		if err == nil || time.Since(started) != 2*time.Second {
			t.Errorf("Stop returned %v after %v", err, time.Since(started))
		}
		for name, event := range map[string]*delivery{
			"a running command": runs, "a running slash command": asSlash, "a waiting command": waits,
			"an answer on its way": unanswered, "an answer that waits for the channel": queued, "an owner being looked up": owner,
		} {
			if !event.held() {
				t.Errorf("%s was let go", name)
			}
		}
		if c := w.bot.Counts(); c.Failed != 0 || c.Answered != 0 || c.Timeouts != 0 {
			t.Errorf("counts %+v", c)
		}
		w.logged(0, "could not be given")
	})
}

// TestStopDuringWaitForRoom: an event that waits for room when the bot stops
// stays held.
func TestStopDuringWaitForRoom(t *testing.T) {
	story(t, func(w *world) {
		release := make(chan struct{})
		w.start(doing(func(context.Context, *Request) (Answer, error) { <-release; return Answer{Text: "ran"}, nil },
			func(o *Options) { o.Outstanding = 1 }))
		w.say("!do")
		var waiting *delivery
		go func() { waiting = w.push("MESSAGE_CREATE", w.message("!do", nil)) }()
		w.wait(time.Second)
		stopped := make(chan error)
		go func() { stopped <- w.bot.Stop(context.Background()) }()
		w.wait(time.Second)
		close(release)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		w.expect("ran")
		if !waiting.held() {
			t.Error("the waiting event was let go")
		}
	})
}

// TestMentionCutOffByStop: a mention that waits for the bot's id when the time
// to stop is over belongs to the next run.
func TestMentionCutOffByStop(t *testing.T) {
	story(t, func(w *world) {
		w.make()
		event := w.say("<@5> about")
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.bot.Stop(ended); err == nil || !strings.Contains(err.Error(), "comes again at the next start") {
			t.Errorf("Stop returned %v", err)
		}
		if !event.held() {
			t.Error("the event was let go")
		}
	})
}

// TestThenIsContained: what a command asks for after its answer may panic too.
func TestThenIsContained(t *testing.T) {
	story(t, func(w *world) {
		w.start(doing(func(context.Context, *Request) (Answer, error) {
			return Answer{Text: "ran", Then: func() { panic("then") }}, nil
		}))
		if event := w.say("!do"); !event.released() {
			t.Error("the event is held for ever")
		}
		w.say("!about")
		w.expect("ran", "ResearchBot")
	})
}
