package gateway_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// savedSessions is a SessionStore that remembers all it was given.
type savedSessions struct {
	mu     sync.Mutex
	all    []gateway.Session
	onSave func(gateway.Session) // called in the middle of each Save
}

func (s *savedSessions) Save(session gateway.Session) {
	s.mu.Lock()
	s.all = append(s.all, session)
	onSave := s.onSave
	s.mu.Unlock()
	if onSave != nil {
		onSave(session)
	}
}

// list is all that was saved, the newest last.
func (s *savedSessions) list() []gateway.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// last is what the next start would resume.
func (s *savedSessions) last() gateway.Session {
	all := s.list()
	return all[len(all)-1]
}

// heldEvents is a handler that stays at work on the messages that say "held" until the
// test calls what Hold returned.
type heldEvents struct {
	mu   sync.Mutex
	done []func()
}

func (e *heldEvents) handle(_ context.Context, event gateway.Event) {
	if strings.Contains(string(event.Data), "held") {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.done = append(e.done, event.Hold())
	}
}

// finish has the handler finish the event with this index.
func (e *heldEvents) finish(i int) {
	e.mu.Lock()
	done := e.done[i]
	e.mu.Unlock()
	done()
}

// Given handlers that are at work on events of a session, when it ends, another takes
// its place, or the server counts its events anew, then no handler that finishes after
// that saves what was before: neither in the middle of the change nor long after.
// Statements: G-050, G-052.
func TestHandlerOfADeadSessionSavesNothing(t *testing.T) {
	replaced := func(h *harness) {
		h.Until(3*time.Minute, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
	}
	for name, end := range map[string]func(*harness){
		"op 9": func(h *harness) { h.Inject(discordsim.Fault{Name: "op9-false"}); replaced(h) },
		"4009": func(h *harness) { h.Inject(discordsim.Fault{Name: "close", Code: 4009}); replaced(h) },
		"a probe": func(h *harness) {
			h.Inject(discordsim.Fault{Name: "stuck-session"})
			h.Inject(discordsim.Fault{Name: "cut"})
			replaced(h)
		},
		"numbers anew": func(h *harness) {
			h.Inject(discordsim.Fault{Name: "resumed-seq"})
			h.Inject(discordsim.Fault{Name: "cut"})
			h.untilResumed(10 * time.Second)
		},
		"other credentials": func(h *harness) {
			h.Inject(discordsim.Fault{Name: "refuse", For: 20 * time.Second})
			h.Inject(discordsim.Fault{Name: "cut"})
			h.Advance(10 * time.Second)
			if err := h.shard.Reconfigure(gateway.Credentials{Token: h.App.Token, Intents: intents | gateway.IntentGuildMessageReactions}); err != nil {
				h.T.Fatal(err)
			}
			replaced(h)
		},
		"a stop": func(h *harness) { h.stop(gateway.EndSession) },
	} {
		t.Run(name, func(t *testing.T) {
			var store savedSessions
			var held heldEvents
			set := config{
				sim:     discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}},
				options: func(o *gateway.Options) { o.SessionStore = &store },
				handle:  held.handle,
			}
			run(t, set, func(h *harness) {
				h.startLive()
				for range 60 {
					h.Post("before")
				}
				h.Post("held, the first")
				h.Post("held, the second")
				h.Advance(time.Second)
				old, before := h.shard.Session(), len(store.list())
				var once sync.Once
				store.onSave = func(s gateway.Session) {
					if s.ID != old.ID || s.Seq < old.Seq {
						once.Do(func() { held.finish(0) })
					}
				}
				end(h)
				h.Post("after")
				h.Advance(10 * time.Second)
				held.finish(1)
				changed := false
				for _, s := range store.list()[before:] {
					isOld := s.ID == old.ID && s.Seq >= old.Seq
					if changed = changed || !isOld; changed && isOld {
						t.Errorf("%+v was saved after its end", s)
					}
				}
				if got, want := store.last(), h.shard.Session(); !changed || got != want {
					t.Errorf("%+v is saved, want %+v", got, want)
				}
				if newest := h.events[len(h.events)-1]; !h.stopped && store.last().Seq != newest.Seq {
					t.Errorf("%+v is saved, want number %d, which was handled last", store.last(), newest.Seq)
				}
			})
		})
	}
}

// Given a handler that is at work on an event, when the session is resumed meanwhile,
// then the saved number stays below that event until it is handled, and what was handled
// later is counted with it.
// Statements: G-052.
func TestHandlerAtWorkHoldsTheNumberAcrossAResume(t *testing.T) {
	for _, fault := range []string{"cut", "op7"} {
		t.Run(fault, func(t *testing.T) {
			var store savedSessions
			var held heldEvents
			set := config{options: func(o *gateway.Options) { o.SessionStore = &store }, handle: held.handle}
			run(t, set, func(h *harness) {
				h.startLive()
				h.Post("held")
				h.Post("handled before the end of the connection")
				h.Advance(time.Second)
				below := h.eventsOf("MESSAGE_CREATE")[0].Seq - 1
				h.Inject(discordsim.Fault{Name: fault})
				h.Post("handled in the replay")
				h.untilResumed(10 * time.Second)
				h.Post("handled after it")
				h.Advance(time.Second)
				events := h.eventsOf("MESSAGE_CREATE")
				if len(events) != 4 || store.last().Seq != below || h.shard.Session().Seq != below {
					t.Fatalf("after %d events %+v is saved, want number %d", len(events), store.last(), below)
				}
				held.finish(0)
				if newest := events[3].Seq; store.last().Seq != newest || h.shard.Session().Seq != newest {
					t.Errorf("when all is handled, %+v is saved, want number %d", store.last(), newest)
				}
				h.WantIdentifies(1)
			})
		})
	}
}

// Given a handler at work and events that wait behind it, when the shard has to stop
// without waiting for handlers, then none of them is handed over or counts as handled,
// the saved number is that of the last event that is, and the next start gets the rest.
// Statements: G-052, G-053, G-092.
func TestHurriedStopLeavesTheQueueToTheNextStart(t *testing.T) {
	stop := func(h *harness, patience time.Duration) {
		h.stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.shard.Stop(ctx, gateway.KeepSession); err != nil {
			h.T.Error(err)
		}
	}
	hurries := map[string]func(*harness){
		"the context of Run ends":       func(h *harness) { h.stopped = true; h.cancel() },
		"Stop has no time":              func(h *harness) { stop(h, 0) },
		"Stop's deadline passes":        func(h *harness) { stop(h, 3*time.Second) },
		"Run's context ends in a drain": func(h *harness) { time.AfterFunc(2*time.Second, h.cancel); stop(h, time.Minute) },
	}
	handlers := map[string]struct {
		work    func(ctx context.Context, e gateway.Event)
		handled int // of the six messages
	}{
		"it returns":      {func(ctx context.Context, _ gateway.Event) { <-ctx.Done() }, 1},
		"it takes longer": {func(ctx context.Context, _ gateway.Event) { <-ctx.Done(); time.Sleep(500 * time.Millisecond) }, 1},
		"it panics":       {func(ctx context.Context, _ gateway.Event) { <-ctx.Done(); panic("the context has ended") }, 1},
		"it gives up":     {func(ctx context.Context, e gateway.Event) { e.Hold(); <-ctx.Done() }, 0},
	}
	for name, hurry := range hurries {
		for how, handler := range handlers {
			t.Run(name+", "+how, func(t *testing.T) {
				var store savedSessions
				set := config{
					options: func(o *gateway.Options) { o.SessionStore = &store },
					handle: func(ctx context.Context, e gateway.Event) {
						if strings.Contains(string(e.Data), "the first") {
							handler.work(ctx, e)
						}
					},
				}
				run(t, set, func(h *harness) {
					h.startLive()
					h.Advance(time.Second)
					before, saved := h.shard.Stats().Handled, h.shard.Session().Seq
					h.Post("the first")
					for range 5 {
						h.Post("one that waits")
					}
					h.Advance(time.Second)
					hurry(h)
					<-h.ran
					if got := len(h.eventsOf("MESSAGE_CREATE")); got != 1 {
						t.Errorf("%d messages were handed over, want 1", got)
					}
					if got := h.shard.Stats().Handled - before; got != 1 {
						t.Errorf("%d events count as handled, want 1", got)
					}
					saved += int64(handler.handled)
					if store.last().Seq != saved || h.shard.Session() != store.last() {
						t.Errorf("%+v is saved, want number %d", store.last(), saved)
					}
					h.events, h.handle = nil, nil
					h.restart(store.last())
					h.Advance(time.Second)
					var got []int64
					for _, e := range h.eventsOf("MESSAGE_CREATE") {
						got = append(got, e.Seq-saved)
					}
					if want := []int64{1, 2, 3, 4, 5, 6}[:6-handler.handled]; !slices.Equal(got, want) {
						t.Errorf("the next start got the events %v behind the saved number, want %v", got, want)
					}
					h.WantIdentifies(1)
					h.NoViolations()
				})
			})
		}
	}
}
