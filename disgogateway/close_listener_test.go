package disgogateway_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
)

// Given a listener of one shard that holds every listener up, when another shard is closed
// while one of its events waits for its turn, then that event does not count as handled:
// opened again, the shard resumes below it and its listeners are told of it, once.
// Statements: G-052, G-067.
func TestAnEventThatWaitsAtACloseComesAgain(t *testing.T) {
	for _, raw := range []bool{false, true} {
		var free chan struct{}
		var heard list[string]
		var log simtest.Log
		run(t, config{
			app: discordsim.AppConfig{Shards: 2, MaxConcurrency: 2}, guilds: 2, shards: none,
			gateway: []disgoway.ConfigOpt{disgoway.WithEnableRawEvents(raw), disgoway.WithLogger(log.Logger())},
			bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) {
				if e.Message.Content == "block" {
					<-free
				}
				heard.add(e.Message.Content)
			})},
		}, func(s *harness) {
			free = make(chan struct{})
			s.open()
			say := func(g *discordsim.Guild, text string) {
				s.Sim.Say(g.Channels[0].ID, s.User.ID, text)
				s.Advance(time.Second)
			}
			blocking, waiting := s.Guilds[0], s.Guilds[1]
			say(waiting, "before")
			_, g := s.twoShards()
			handled := *g.LastSequenceReceived()
			say(blocking, "block")
			say(waiting, "first")
			say(waiting, "second")

			began := time.Now()
			ctx, cancel := context.WithTimeout(s.T.Context(), 2*time.Second)
			defer cancel()
			g.CloseWithCode(ctx, websocket.CloseServiceRestart, "")
			if took := time.Since(began); took < 2*time.Second || took > 6*time.Second {
				t.Errorf("the close took %s", took)
			}
			if log.Has(stillRuns) {
				t.Error("the log says that a listener still runs; none of this shard does")
			}
			if got := *g.LastSequenceReceived(); got != handled {
				t.Errorf("events up to %d count as handled, want %d", got, handled)
			}
			close(free)
			s.Advance(time.Minute)
			if got := heard.all(); !slices.Equal(got, []string{"before", "block"}) {
				t.Errorf("heard after the close: %q", got)
			}
			if err := g.Open(s.T.Context()); err != nil {
				t.Fatal(err)
			}
			s.Until(time.Minute, "both are heard", func() bool { return heard.len() >= 4 })
			s.Advance(time.Minute)
			if got := heard.all(); !slices.Equal(got, []string{"before", "block", "first", "second"}) {
				t.Errorf("heard %q", got)
			}
			if got := *g.LastSequenceReceived(); got < handled+2 {
				t.Errorf("at the end events up to %d count as handled, want %d", got, handled+2)
			}
			s.WantIdentifies(2)
			s.NoViolations()
		})
	}
}

// Given a listener for heartbeats that does not return, or that closes its own bot, when
// the bot is closed, then that ends in seconds, and an event that waited behind the
// listener is told after the next Open.
func TestAListenerForHeartbeatsHoldsNoCloseUp(t *testing.T) {
	for _, itself := range []bool{false, true} {
		var free chan struct{}
		var heard list[string]
		var acks, closed list[time.Time]
		var log simtest.Log
		run(t, config{gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())}, bot: []bot.ConfigOpt{
			bot.WithEventListenerFunc(func(e *events.MessageCreate) { heard.add(e.Message.Content) }),
			bot.WithEventListenerFunc(func(e *events.HeartbeatAck) {
				if acks.add(time.Now()); acks.len() > 1 {
					return
				}
				if itself {
					e.Client().Gateway.CloseWithCode(context.Background(), websocket.CloseServiceRestart, "")
					closed.add(time.Now())
				}
				<-free
			}),
		}}, func(s *harness) {
			free = make(chan struct{})
			s.open()
			s.Until(2*time.Minute, "the listener has been called", func() bool { return acks.len() == 1 })
			s.Post("behind it")
			s.Advance(time.Second)
			began := time.Now()
			if !itself {
				ctx, cancel := context.WithTimeout(s.T.Context(), 2*time.Second)
				defer cancel()
				s.client.Gateway.CloseWithCode(ctx, websocket.CloseServiceRestart, "")
				closed.add(time.Now())
			}
			s.Until(time.Minute, "the bot is closed", func() bool { return closed.len() == 1 })
			if took := closed.all()[0].Sub(began); took > 10*time.Second {
				t.Errorf("the close took %s", took)
			}
			if got := s.client.Gateway.Status(); got != disgoway.StatusDisconnected {
				t.Errorf("the status is %s", got)
			}
			if !log.Has(stillRuns) || !log.Has(context.DeadlineExceeded.Error()) {
				t.Errorf("the log does not say that a listener still runs: %s", log.String())
			}
			close(free)
			s.open()
			s.Until(time.Minute, "the event is heard", func() bool { return heard.len() > 0 })
			s.Advance(time.Minute)
			if got := heard.all(); !slices.Equal(got, []string{"behind it"}) {
				t.Errorf("heard %q", got)
			}
			s.WantIdentifies(1)
			s.NoViolations()
		})
	}
}

// stillRuns is logged when a close has not waited for a listener any longer.
const stillRuns = "Gateway closed while a listener still runs"

// twoShards returns the shards of the first two guilds, which are not the same.
func (s *harness) twoShards() (first, second disgoway.Gateway) {
	s.T.Helper()
	of := func(g *discordsim.Guild) disgoway.Gateway {
		return s.client.ShardManager.ShardByGuildID(snowflake.ID(g.ID))
	}
	if first, second = of(s.Guilds[0]), of(s.Guilds[1]); first == second {
		s.T.Fatal("both guilds are on one shard")
	}
	return first, second
}

// Given a listener that takes three seconds, then a close waits until it has finished, and
// no longer; also for one that is told of heartbeats.
func TestACloseWaitsForItsListeners(t *testing.T) {
	for _, heartbeat := range []bool{false, true} {
		var told, finished list[time.Time]
		var log simtest.Log
		slowly := func() {
			told.add(time.Now())
			time.Sleep(3 * time.Second)
			finished.add(time.Now())
		}
		run(t, config{gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())}, bot: []bot.ConfigOpt{
			bot.WithEventListenerFunc(func(*events.MessageCreate) {
				if !heartbeat {
					slowly()
				}
			}),
			bot.WithEventListenerFunc(func(*events.HeartbeatAck) {
				if heartbeat {
					slowly()
				}
			}),
		}}, func(s *harness) {
			s.open()
			s.Advance(time.Second)
			s.Post("slowly")
			s.Until(2*time.Minute, "the listener has been called", func() bool { return told.len() == 1 })
			s.client.Gateway.Close(context.Background())
			if finished.len() != 1 || time.Since(told.all()[0]) != 3*time.Second {
				t.Errorf("the close ended after %s", time.Since(told.all()[0]))
			}
			if log.Has(stillRuns) {
				t.Error("the log says that a listener still runs")
			}
		})
	}
}

// Given a close that has given a listener up, then the log says so, and what waited behind
// that listener, events and heartbeats, is not told afterwards, but after the next Open.
func TestAfterACloseNothingIsTold(t *testing.T) {
	for range 10 { // what waits and the close may be ready at once
		var free chan struct{}
		var heard list[string]
		var acks list[time.Time]
		var log simtest.Log
		run(t, config{gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())}, bot: []bot.ConfigOpt{
			bot.WithEventListenerFunc(func(e *events.MessageCreate) { heard.add(e.Message.Content); <-free }),
			bot.WithEventListenerFunc(func(e *events.HeartbeatAck) { acks.add(e.NewHeartbeat) }),
		}}, func(s *harness) {
			free = make(chan struct{})
			s.open()
			s.Advance(time.Second)
			s.Post("block")
			s.Post("behind it")
			s.Advance(2 * time.Minute)
			before, began := acks.len(), time.Now()
			s.client.Gateway.CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "")
			if took := time.Since(began); took != 8*time.Second {
				t.Errorf("the close took %s", took)
			}
			if !log.Has(stillRuns) {
				t.Error("the log does not say that a listener still runs")
			}
			close(free)
			s.Advance(time.Minute)
			if got := heard.all(); !slices.Equal(got, []string{"block"}) || acks.len() != before {
				t.Errorf("heard %q, %d heartbeats after the close", got, acks.len()-before)
			}
			s.open()
			s.Until(time.Minute, "the event is told", func() bool { return slices.Contains(heard.all(), "behind it") })
		})
	}
}

// Given a listener of one shard that holds every listener up, then another shard, of which
// only a heartbeat waits to be told, closes at once.
func TestAShardWithNothingToTellClosesAtOnce(t *testing.T) {
	var free chan struct{}
	var log simtest.Log
	run(t, config{
		app: discordsim.AppConfig{Shards: 2, MaxConcurrency: 2}, guilds: 2, shards: none,
		gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())},
		bot:     []bot.ConfigOpt{bot.WithEventListenerFunc(func(*events.MessageCreate) { <-free })},
	}, func(s *harness) {
		free = make(chan struct{})
		defer close(free)
		s.open()
		s.Advance(time.Second)
		s.Post("block")
		s.Advance(2 * time.Minute)
		_, g := s.twoShards()
		began := time.Now()
		g.Close(context.Background())
		if took := time.Since(began); took > time.Second || log.Has(stillRuns) {
			t.Errorf("the close took %s", took)
		}
	})
}
