package disgogateway_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
)

// Given a live bot, when its connection is cut, asked away or declared invalid
// but resumable, then the session is resumed, what was said meanwhile is heard
// once, and disgo's listeners are told.
// Statements: G-059, G-067.
func TestReconnectsAreResumes(t *testing.T) {
	for _, fault := range []string{"cut", "op7", "op9-true"} {
		t.Run(fault, func(t *testing.T) {
			var heard list[string]
			var resumed list[bool]
			run(t, config{bot: []bot.ConfigOpt{
				bot.WithEventListenerFunc(func(e *events.MessageCreate) { heard.add(e.Message.Content) }),
				bot.WithEventListenerFunc(func(*events.Resumed) { resumed.add(true) }),
			}}, func(s *harness) {
				s.open()
				id := *s.client.Gateway.SessionID()
				s.Inject(discordsim.Fault{Name: fault})
				s.Post("in between")
				s.Until(time.Minute, "the session is resumed", func() bool { return resumed.len() == 1 && heard.len() == 1 })
				if got := *s.client.Gateway.SessionID(); got != id {
					t.Error("it is another session")
				}
				if n := s.Sim.Verdict(s.App).Identifies; n != 1 {
					t.Errorf("%d IDENTIFYs", n)
				}
				s.NoViolations()
			})
		})
	}
}

// Given a live bot, when it is closed, then the session is over and the dot grey
// at once; when it is closed with a code that keeps the session, then opening it
// again, or another process with what the gateway tells, resumes it.
// Statements: G-088, G-089, G-090.
func TestDisgosCloseCodesDecideAboutTheSession(t *testing.T) {
	for _, end := range []struct {
		code  int
		keeps bool
	}{
		{websocket.CloseNormalClosure, false},
		{websocket.CloseGoingAway, false},
		{websocket.CloseServiceRestart, true},
		{4000, true},
	} {
		run(t, config{}, func(s *harness) {
			s.open()
			s.Advance(time.Second)
			g := s.client.Gateway
			id, seq := *g.SessionID(), *g.LastSequenceReceived()
			ctx, cancel := context.WithTimeout(s.T.Context(), time.Minute)
			defer cancel()
			g.CloseWithCode(ctx, end.code, "the reason")
			if got := g.Status(); got != disgoway.StatusDisconnected {
				t.Errorf("after %d the status is %s", end.code, got)
			}
			if err := g.Send(ctx, disgoway.OpcodeVoiceStateUpdate, disgoway.MessageDataVoiceStateUpdate{}); !errors.Is(err, discord.ErrShardNotConnected) {
				t.Errorf("a closed gateway sent: %v", err)
			}
			if !end.keeps {
				if g.SessionID() != nil || g.LastSequenceReceived() != nil || g.ResumeURL() != nil {
					t.Errorf("after %d a session is left", end.code)
				}
			} else if *g.SessionID() != id || *g.LastSequenceReceived() != seq || g.ResumeURL() == nil {
				t.Errorf("after %d the session is not what it was", end.code)
			}
			s.open()
			want := map[bool]int{true: 1, false: 2}[end.keeps]
			if n := s.Sim.Verdict(s.App).Identifies; n != want {
				t.Errorf("after %d and a second Open there were %d IDENTIFYs, want %d", end.code, n, want)
			}
			if end.keeps {
				s.NoViolations() // to end a session and begin another costs an IDENTIFY, and the simulator says so
			}
		})
	}
}

// Given the session of another process in disgo's options, then the first
// connection resumes it.
// Statements: G-066.
func TestASessionInTheOptionsIsResumed(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		g := s.client.Gateway
		id, seq, url := *g.SessionID(), *g.LastSequenceReceived(), *g.ResumeURL()
		s.gateway().CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "")
		next := s.another(drop, disgoway.WithSessionID(id), disgoway.WithSequence(seq), disgoway.WithResumeURL(url))
		if err := next.Open(s.T.Context()); err != nil {
			t.Fatal(err)
		}
		next.Close(s.T.Context())
		if v := s.Sim.Verdict(s.App); v.Identifies != 1 || v.Resumed != 1 {
			t.Errorf("%d IDENTIFYs, %d resumed", v.Identifies, v.Resumed)
		}
		s.NoViolations()
	})
}

// Given a bot that Discord refuses for good, then Open fails with disgo's close
// error and says what to do; later the same error goes to the close handler, and
// the bot comes back by itself when Discord accepts it again.
// Statements: G-094, G-098.
func TestARefusedBotIsToldWhy(t *testing.T) {
	var told list[error]
	run(t, config{gateway: []disgoway.ConfigOpt{
		disgoway.WithCloseHandler(func(_ disgoway.Gateway, err error, reconnect bool) {
			if reconnect {
				t.Error("the close handler is told to reconnect")
			}
			told.add(err)
		}),
	}}, func(s *harness) {
		flags := s.App.Flags
		s.Sim.SetFlags(s.App, 0)
		err := s.client.OpenGateway(s.T.Context())
		wantRefused(t, err, 4014)
		if got := s.client.Gateway.Status(); got != disgoway.StatusDisconnected {
			t.Errorf("the status is %s", got)
		}
		s.Sim.SetFlags(s.App, flags)
		s.open()
		s.Advance(time.Minute)
		s.Inject(discordsim.Fault{Name: "intents-off"})
		s.Until(5*time.Minute, "the close handler is told", func() bool { return told.len() == 1 })
		wantRefused(t, told.all()[0], 0)
		wantParked := func() {
			t.Helper()
			if _, parked := s.gateway().State().(gateway.Parked); !parked || s.client.Gateway.Status() != disgoway.StatusDisconnected {
				t.Errorf("the state is %s, the status %s", s.gateway().State(), s.client.Gateway.Status())
			}
		}
		wantParked()
		began := time.Now()
		if err := s.client.UpdateVoiceState(s.T.Context(), snowflake.ID(s.Guilds[0].ID), nil, false, false); !errors.Is(err, discord.ErrShardNotReady) || time.Since(began) > 0 {
			t.Errorf("a refused bot sent: %v after %s", err, time.Since(began))
		}
		s.Sim.SetFlags(s.App, flags)
		s.open() // asks at once
		s.Inject(discordsim.Fault{Name: "intents-off"})
		s.Until(5*time.Minute, "the close handler is told again", func() bool { return told.len() == 2 })
		wantParked()
		s.Sim.SetFlags(s.App, flags)
		s.Until(20*time.Minute, "the bot is back", func() bool { return s.client.Gateway.Status() == disgoway.StatusReady })
	})
}

// markUnauthorized fails the test unless the error holds disgo's close error.
func wantRefused(t *testing.T, err error, code int) {
	t.Helper()
	if closed, ok := errors.AsType[*websocket.CloseError](err); !ok || (code != 0 && closed.Code != code) || disgoway.CloseEventCodeByCode(closed.Code).Code == 0 {
		t.Errorf("got %v", err)
	}
}

// Given a wrong token, then Open fails as after close code 4004, and no IDENTIFY
// is spent on it.
// Statements: G-004.
func TestAWrongTokenSpendsNothing(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.Sim.ResetToken(s.App)
		wantRefused(t, s.client.OpenGateway(s.T.Context()), 4004)
		if v := s.Sim.Verdict(s.App); v.Identifies != 0 {
			t.Errorf("%d IDENTIFYs", v.Identifies)
		}
	})
}

// Given a gateway that cannot be reached, when the time to open is over, then
// Open fails and leaves nothing running; a second Open of an open one is refused.
func TestOpenEndsWithItsContext(t *testing.T) {
	run(t, config{}, func(s *harness) {
		lift, err := s.Sim.Inject(discordsim.Fault{Name: "no-hello"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(s.T.Context(), 20*time.Second)
		defer cancel()
		if err := s.client.OpenGateway(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if got := s.client.Gateway.Status(); got != disgoway.StatusDisconnected {
			t.Errorf("the status is %s", got)
		}
		s.Sim.Lift(lift)
		s.open()
		if err := s.client.OpenGateway(s.T.Context()); !errors.Is(err, discord.ErrGatewayAlreadyConnected) {
			t.Errorf("got %v", err)
		}
	})
}

// Given a listener that ends the context of Open because it has heard READY, as a signal at
// that moment does, then the bot is open, and its close ends the session.
func TestOpenSucceedsOnceAListenerHasHeardOfIt(t *testing.T) {
	for range 20 { // what Open hears of first differs
		var cancel context.CancelFunc
		run(t, config{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(*events.Ready) { cancel() })}}, func(s *harness) {
			var ctx context.Context
			ctx, cancel = context.WithCancel(s.T.Context())
			if err := s.client.OpenGateway(ctx); err != nil {
				t.Errorf("Open returned %v", err)
			}
			s.close()
			s.Advance(time.Second) // the simulator counts the close frame once it has answered it
			if got := keys(s.Sim.Verdict(s.App).CloseCodes); !slices.Equal(got, []int{1000}) {
				t.Errorf("the bot closed with %v", got)
			}
		})
	}
}

// Given a listener that closes its own bot, as a shutdown command does, then
// that ends in seconds.
func TestAListenerMayCloseItsBot(t *testing.T) {
	var took list[time.Duration]
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) {
		began := time.Now()
		e.Client().Close(context.Background())
		took.add(time.Since(began))
	})}}, func(s *harness) {
		s.open()
		s.Post("shut down")
		s.Until(time.Minute, "the bot is closed", func() bool { return took.len() == 1 })
		if got := took.all()[0]; got > 10*time.Second {
			t.Errorf("it took %s", got)
		}
		s.Advance(time.Second)
		if codes := s.Sim.Verdict(s.App).CloseCodes; !slices.Equal(keys(codes), []int{1000}) {
			t.Errorf("the bot closed with %v", codes)
		}
	})
}

func keys(m map[int]int) (all []int) {
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// Given a bot without a close handler that Discord refuses in mid-life, then the log says
// why, and the bot comes back.
func TestARefusalIsLogged(t *testing.T) {
	var log simtest.Log
	run(t, config{gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())}}, func(s *harness) {
		s.open()
		flags := s.App.Flags
		s.Inject(discordsim.Fault{Name: "intents-off"})
		s.Until(5*time.Minute, "the log says so", func() bool {
			return log.Has("Discord refuses the bot") && log.Has("a privileged intent was switched off")
		})
		s.Sim.SetFlags(s.App, flags)
		s.Until(20*time.Minute, "the bot is back", func() bool { return s.client.Gateway.Status() == disgoway.StatusReady })
	})
}

// Given a gateway that is being opened, when it is closed, then Open fails at once.
func TestACloseEndsAnOpen(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.Inject(discordsim.Fault{Name: "no-hello"})
		var opened list[error]
		go func() { opened.add(s.client.OpenGateway(s.T.Context())) }()
		s.Advance(3 * time.Second)
		s.client.Gateway.Close(s.T.Context())
		s.Advance(time.Millisecond)
		if got := opened.all(); len(got) != 1 || !errors.Is(got[0], discord.ErrShardNotConnected) {
			t.Errorf("Open returned %v", got)
		}
	})
}

// Given a gateway that is opened and closed more than once, then its counts go on, what
// waited does not count after the close, and two closes at once are one.
func TestCountsGoOnFromOpenToOpen(t *testing.T) {
	var free chan struct{}
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(*events.MessageCreate) { <-free })}}, func(s *harness) {
		free = make(chan struct{})
		g := s.gateway()
		want := func(when string, connects int64) {
			t.Helper()
			stats := g.Stats()
			if _, idle := g.State().(gateway.Idle); !idle || g.Latency() != 0 || g.Status() != disgoway.StatusDisconnected {
				t.Errorf("%s: the state is %s, the latency %s, the status %s", when, g.State(), g.Latency(), g.Status())
			}
			if stats.Connects != connects || stats.QueuedBytes != 0 || stats.QueuedAge != 0 {
				t.Errorf("%s: %+v", when, stats)
			}
		}
		want("before Open", 0)
		s.open()
		s.Advance(time.Second)
		for range 3 {
			s.Post("wait")
		}
		s.Advance(time.Minute)
		if stats := g.Stats(); stats.Connects != 1 || stats.QueuedBytes == 0 {
			t.Errorf("open: %+v", stats)
		}
		var closing sync.WaitGroup
		for range 2 {
			closing.Go(func() { g.CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "") })
		}
		closing.Wait()
		want("closed", 1)
		close(free)
		s.open()
		if stats := g.Stats(); stats.Connects != 2 {
			t.Errorf("open again: %+v", stats)
		}
		g.Close(s.T.Context())
		want("closed again", 2)
	})
}

// Given a gateway that was never opened, then it tells what its options say, and after a
// Close that ends the session it has none.
func TestBeforeOpenTheOptionsAreTold(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		id, seq, url := *s.gateway().SessionID(), *s.gateway().LastSequenceReceived(), *s.gateway().ResumeURL()
		s.gateway().CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "")
		opts := []disgoway.ConfigOpt{
			disgoway.WithSessionID(id), disgoway.WithSequence(seq), disgoway.WithResumeURL(url),
			disgoway.WithPresenceOpts(disgoway.WithWatchingActivity("the door")),
		}
		g := s.another(drop, opts...)
		if got := g.Presence(); got == nil || got.Activities[0].Name != "the door" {
			t.Errorf("the presence is %v", got)
		}
		if got := s.another(drop, opts...).SessionID(); got == nil || *got != id {
			t.Errorf("the session is %v", got)
		}
		ended := s.another(drop, opts...)
		ended.Close(s.T.Context())
		if ended.SessionID() != nil || ended.LastSequenceReceived() != nil {
			t.Error("a session is left after the close")
		}
		s.Advance(5 * time.Second) // between two IDENTIFYs
		if err := ended.Open(s.T.Context()); err != nil {
			t.Fatal(err)
		}
		s.WantIdentifies(2)
		ended.CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "")
		ended.Close(s.T.Context())
		if ended.SessionID() != nil {
			t.Error("a session is left after the second close")
		}
	})
}

// Given what happens to a bot, then its log has a line for each.
func TestTheLogTellsWhatHappens(t *testing.T) {
	var log simtest.Log
	run(t, config{gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())}}, func(s *harness) {
		var seen int
		wants := func(lines ...string) {
			t.Helper()
			s.Advance(time.Second)
			text := log.String()[seen:]
			for _, line := range lines {
				if _, rest, found := strings.Cut(text, line); found {
					text = rest
				} else {
					t.Errorf("after %q the log does not say %q", log.String()[seen:], line)
				}
			}
			seen = len(log.String())
		}
		s.open()
		wants("Connected with a new session")
		s.Inject(cut)
		s.Advance(10 * time.Second)
		wants("level=WARN msg=Disconnected", "msg=Resumed")
		s.Inject(discordsim.Fault{Name: "session-loss"})
		s.Advance(time.Minute)
		wants("msg=Disconnected", `level=WARN msg="Session lost"`, "Connected with a new session")
		s.Inject(discordsim.Fault{Name: "offline", For: 2 * time.Minute})
		s.Advance(3 * time.Minute)
		wants("msg=Disconnected", `msg="Connection failed"`, "msg=Resumed")
		s.Inject(discordsim.Fault{Name: "malformed"})
		wants(`msg="Payload skipped"`)
		s.gateway().Close(s.T.Context())
		before := seen
		wants("level=INFO msg=Closed")
		for _, odd := range []string{"Disconnected", "Session lost", stillRuns} {
			if text := log.String()[before:]; strings.Contains(text, odd) {
				t.Errorf("of a close the log says %q", text)
			}
		}
	})
}
