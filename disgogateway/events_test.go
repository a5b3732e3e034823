package disgogateway_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
)

// Given a bot that changed two lines, when people talk, its listeners hear it in
// order, and its caches and its own identity are those of any disgo bot.
func TestADisgoBotHearsAndKnows(t *testing.T) {
	var heard list[string]
	var guilds list[string]
	run(t, config{bot: []bot.ConfigOpt{
		bot.WithEventListenerFunc(func(e *events.MessageCreate) { heard.add(e.Message.Content) }),
		bot.WithEventListenerFunc(func(e *events.GuildReady) { guilds.add(e.Guild.Name) }),
	}}, func(s *harness) {
		s.open()
		if got := s.client.Gateway.Status(); got != disgoway.StatusReady {
			t.Errorf("after Open the status is %s", got)
		}
		var said []string
		for i := range 20 {
			said = append(said, fmt.Sprint("message ", i))
			s.Post(said[i])
		}
		s.Until(time.Minute, "everything was heard", func() bool { return heard.len() == len(said) })
		if got := heard.all(); !slices.Equal(got, said) {
			t.Errorf("heard %q", got)
		}
		s.Until(time.Minute, "the guild is ready", func() bool { return slices.Equal(guilds.all(), []string{"reading room"}) })
		if got := s.client.ID().String(); got != s.App.Bot.ID.String() {
			t.Errorf("the bot takes itself for %s", got)
		}
		s.NoViolations()
	})
}

// Given a listener that never returns, then the connection lives on for half an
// hour without a reconnect, heartbeats are answered, and the events wait.
// Statements: G-029.
func TestAListenerThatBlocksStallsNoConnection(t *testing.T) {
	var free chan struct{}
	var heard list[string]
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) {
		if e.Message.Content == "block" {
			<-free
		}
		heard.add(e.Message.Content)
	})}}, func(s *harness) {
		free = make(chan struct{}) // a channel of this bubble
		s.open()
		s.Advance(time.Second) // the guild has come
		s.Post("block")
		s.Post("later")
		s.Advance(30 * time.Minute)
		stats := s.gateway().Stats()
		if stats.Connects != 1 || stats.ACKs < 40 {
			t.Errorf("%d connections, %d heartbeats answered", stats.Connects, stats.ACKs)
		}
		if heard.len() != 0 || stats.QueuedAge < 29*time.Minute {
			t.Errorf("heard %q, the oldest event is %s old", heard.all(), stats.QueuedAge)
		}
		before := *s.client.Gateway.LastSequenceReceived()
		close(free)
		s.Until(time.Minute, "both were heard", func() bool { return heard.len() == 2 })
		s.Until(time.Minute, "the sequence has moved on", func() bool { return *s.client.Gateway.LastSequenceReceived() == before+2 })
		s.NoViolations()
	})
}

// Given a listener that blocks and a small queue, when more comes than it holds,
// then the rest is left with Discord, and afterwards everything is heard once
// and in order.
func TestWhatTheQueueCannotHoldComesLater(t *testing.T) {
	var free chan struct{}
	var heard list[string]
	set := config{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) {
		if e.Message.Content == "block" {
			<-free
		}
		heard.add(e.Message.Content)
	})}}
	set.own.QueueBytes = 8 << 10
	run(t, set, func(s *harness) {
		free = make(chan struct{})
		s.open()
		s.Advance(time.Second)
		said := []string{"block"}
		s.Post("block")
		for i := range 60 {
			said = append(said, fmt.Sprint("message ", i))
			s.Post(said[i+1])
		}
		s.Advance(10 * time.Second)
		if countObserved[gateway.QueueFull](s) == 0 {
			t.Error("the queue never was full")
		}
		close(free)
		s.Until(5*time.Minute, "everything was heard", func() bool { return heard.len() >= len(said) })
		if got := heard.all(); !slices.Equal(got, said) {
			t.Errorf("heard %q", got)
		}
		s.NoViolations()
	})
}

// Given two shards and a listener that blocks on an event of one, then neither
// connection suffers, and closing the bot does not hang.
func TestOneLockStallsNoShard(t *testing.T) {
	var free chan struct{}
	run(t, config{app: discordsim.AppConfig{Shards: 2}, guilds: 4, shards: none, bot: []bot.ConfigOpt{
		bot.WithEventListenerFunc(func(*events.MessageCreate) { <-free }),
	}}, func(s *harness) {
		free = make(chan struct{})
		s.open()
		for _, g := range s.Guilds {
			s.Sim.Say(g.Channels[0].ID, s.User.ID, "block")
		}
		s.Advance(20 * time.Minute)
		for _, c := range s.Sim.Connections(s.App) {
			if !c.Closed.IsZero() {
				t.Errorf("connection %d was closed with %d", c.ID, c.Code)
			}
		}
		began := time.Now()
		s.close()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("closing took %s", took)
		}
		close(free)
		s.Advance(time.Minute)
		s.NoViolations()
	})
}

// Given a listener that panics, then that event is lost to the listeners behind
// it, and nothing else.
func TestAPanicInAListenerCostsOneEvent(t *testing.T) {
	var heard list[string]
	run(t, config{bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) {
		if e.Message.Content == "bad" {
			panic("a listener's mistake")
		}
		heard.add(e.Message.Content)
	})}}, func(s *harness) {
		s.open()
		for _, text := range []string{"one", "bad", "two"} {
			s.Post(text)
		}
		s.Until(time.Minute, "the others were heard", func() bool { return heard.len() == 2 })
		if c := s.gateway().Stats().Connects; c != 1 {
			t.Errorf("%d connections", c)
		}
		s.NoViolations()
	})
}

// Given a bot whose handler panics over heartbeats, then each costs itself and is logged,
// and events are told all the same: those that disgo can decode, as what they are, and
// raw ones only to a bot that wants them.
func TestAPanicOverAHeartbeatCostsThatHeartbeat(t *testing.T) {
	var log simtest.Log
	run(t, config{}, func(s *harness) {
		var acks list[time.Time]
		var heard list[disgoway.EventType]
		var well atomic.Bool
		g := s.another(func(_ disgoway.Gateway, kind disgoway.EventType, _ int, data disgoway.EventData) {
			if data == nil {
				t.Errorf("%s has no data", kind)
			}
			if kind != disgoway.EventTypeHeartbeatAck {
				heard.add(kind)
			} else if acks.add(time.Now()); !well.Load() {
				panic("a listener's mistake")
			}
		}, disgoway.WithLogger(log.Logger()))
		if err := g.Open(s.T.Context()); err != nil {
			t.Fatal(err)
		}
		s.Until(5*time.Minute, "three heartbeats were told", func() bool { return acks.len() == 3 })
		well.Store(true)
		s.Advance(3 * time.Minute)
		if got := strings.Count(log.String(), "Listener for heartbeats panicked"); got != 3 || acks.len() == 3 {
			t.Errorf("%d of %d heartbeats panicked", got, acks.len())
		}
		s.Sim.Emit(s.App, s.Guilds[0], "FROM_THE_FUTURE", map[string]any{"new": true})
		s.Post("hello")
		s.Advance(time.Second)
		want := []disgoway.EventType{disgoway.EventTypeReady, disgoway.EventTypeGuildCreate, disgoway.EventTypeMessageCreate}
		if got := heard.all(); !slices.Equal(got, want) {
			t.Errorf("heard %q", got)
		}
		g.Close(s.T.Context())
	})
}

// Given events that disgo cannot decode or does not know, then each costs itself
// and is counted.
// Statements: G-109, G-110.
func TestAnUndecodableEventCostsOneEvent(t *testing.T) {
	var heard list[string]
	run(t, config{
		gateway: []disgoway.ConfigOpt{disgoway.WithIntents(disgoway.IntentGuildMessagePolls)},
		bot:     []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.MessageCreate) { heard.add(e.Message.Content) })},
	}, func(s *harness) {
		s.open()
		s.Post("one")
		s.Sim.Emit(s.App, s.Guilds[0], "MESSAGE_CREATE", map[string]any{"id": []int{1}, "author": "nobody"})
		s.Sim.Emit(s.App, s.Guilds[0], "MESSAGE_CREATE", "text")
		for range 2 {
			s.Sim.Emit(s.App, s.Guilds[0], "FROM_THE_FUTURE", map[string]any{"new": true})
		}
		s.Sim.Emit(s.App, s.Guilds[0], "MESSAGE_POLL_VOTE_ADD", "text")
		s.Post("two")
		s.Until(time.Minute, "the others were heard", func() bool { return heard.len() == 2 })
		stats := s.gateway().Stats()
		if stats.Undecodable != 3 || stats.Unknown != 2 || stats.Connects != 1 {
			t.Errorf("undecodable %d, unknown %d, connections %d", stats.Undecodable, stats.Unknown, stats.Connects)
		}
		s.NoViolations()
	})
}

// Given a bot that wants raw events, then it also gets those that disgo does not
// know, byte for byte.
func TestRawEventsCome(t *testing.T) {
	var heard list[string]
	run(t, config{
		gateway: []disgoway.ConfigOpt{disgoway.WithEnableRawEvents(true)},
		bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.Raw) {
			if e.EventType == "FROM_THE_FUTURE" {
				buf := make([]byte, 100)
				n, _ := e.Payload.Read(buf)
				heard.add(string(buf[:n]))
			}
		})},
	}, func(s *harness) {
		s.open()
		s.Sim.Emit(s.App, s.Guilds[0], "FROM_THE_FUTURE", map[string]any{"new": true})
		s.Until(time.Minute, "the event has come", func() bool { return heard.len() == 1 })
		if got := heard.all()[0]; got != `{"new":true}` {
			t.Errorf("got %s", got)
		}
	})
}

// Given a vote in a poll, which disgo has a listener for but does not decode,
// then the listener hears it.
func TestPollVotesAreHeard(t *testing.T) {
	var heard list[int]
	run(t, config{
		gateway: []disgoway.ConfigOpt{disgoway.WithIntents(disgoway.IntentGuildMessagePolls)},
		bot:     []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.GuildMessagePollVoteAdd) { heard.add(e.AnswerID) })},
	}, func(s *harness) {
		s.open()
		g := s.Guilds[0]
		s.Sim.Emit(s.App, g, "MESSAGE_POLL_VOTE_ADD", map[string]any{
			"user_id": s.User.ID, "channel_id": g.Channels[0].ID, "message_id": g.ID, "guild_id": g.ID, "answer_id": 2,
		})
		s.Until(time.Minute, "the vote has come", func() bool { return slices.Equal(heard.all(), []int{2}) })
	})
}

// Given a live bot, then disgo's listeners for heartbeats are told of each.
// Statements: G-031.
func TestHeartbeatsAreTold(t *testing.T) {
	var heard list[time.Time]
	var last list[time.Time]
	run(t, config{
		sim: discordsim.Config{Latency: 30 * time.Millisecond},
		bot: []bot.ConfigOpt{bot.WithEventListenerFunc(func(e *events.HeartbeatAck) {
			heard.add(e.NewHeartbeat)
			last.add(e.LastHeartbeat)
		})},
	}, func(s *harness) {
		if l := s.client.Gateway.Latency(); l != 0 {
			t.Errorf("before Open the latency is %s", l)
		}
		s.open()
		s.Advance(5 * time.Minute)
		if acks := s.gateway().Stats().ACKs; int64(heard.len()) != acks || acks < 5 {
			t.Errorf("%d answered heartbeats, %d told", acks, heard.len())
		}
		for n, at := range last.all() {
			if want := heard.all()[max(0, n-1)]; !at.Equal(want) {
				t.Errorf("heartbeat %d follows one of %s, want %s", n, at, want)
			}
		}
		if l := s.client.Gateway.Latency(); l < 60*time.Millisecond || l > 200*time.Millisecond {
			t.Errorf("the latency is %s", l)
		}
	})
}
