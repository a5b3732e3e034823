package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// messageID and guildOf read an event as a handler would.
func messageID(e gateway.Event) string { return field(e, "id") }

func guildOf(e gateway.Event) uint64 {
	n, _ := strconv.ParseUint(field(e, "guild_id"), 10, 64)
	return n
}

func field(e gateway.Event, name string) string {
	var d map[string]any
	_ = json.Unmarshal(e.Data, &d)
	text, _ := d[name].(string)
	return text
}

// guildOn finds a guild whose events come over the shard.
func (s *harness) guildOn(shard, count int) *discordsim.Guild {
	s.T.Helper()
	for _, g := range s.App.Guilds {
		if fleet.ShardOf(uint64(g.ID), count) == shard {
			return g
		}
	}
	s.T.Fatalf("no guild is on shard %d", shard)
	return nil
}

// Given four shards, when one is paused and resumed, then what happened in
// between is replayed, no IDENTIFY is spent, and the others never notice.
// Statements: G-090, G-122.
func TestPauseAndResumeOneShard(t *testing.T) {
	run(t, config{shards: "4", guilds: 24}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(3 * time.Second)
		resumes := s.Sim.Verdict(s.App).Resumes
		if err := s.fleet.Pause(s.T.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if err := s.fleet.Pause(s.T.Context(), 2); err != nil {
			t.Errorf("a second pause: %v", err)
		}
		if err := s.fleet.Reconfigure(gateway.Credentials{Token: s.App.Token, Intents: intents}); err != nil {
			t.Errorf("new credentials while one is paused: %v", err)
		}
		if p := s.fleet.Progress(); p.Total != 3 || p.Paused != 1 || !p.Done() || !gateway.Online(s.fleet.State()) {
			t.Errorf("while one is paused: %s, state %s", p, s.fleet.State())
		}
		s.postIn(s.guildOn(2, 4), "while you were away")
		s.postIn(s.guildOn(1, 4), "hello")
		s.Advance(20 * time.Second)
		if got := len(s.eventsOf("MESSAGE_CREATE")); got != 1 {
			t.Errorf("%d messages were delivered in the meantime, want the one of another shard", got)
		}
		if err := s.fleet.Resume(s.T.Context(), 2); err != nil {
			t.Fatal(err)
		}
		s.Until(3*time.Second, "the shard is back", func() bool { return s.fleet.Progress().Online == 4 })
		if got := len(s.eventsOf("MESSAGE_CREATE")); got != 2 {
			t.Errorf("%d messages were delivered, want 2", got)
		}
		v := s.Sim.Verdict(s.App)
		if v.Identifies != 4 || v.Resumes != resumes+1 {
			t.Errorf("%d IDENTIFYs and %d RESUMEs, want 4 and one", v.Identifies, v.Resumes-resumes)
		}
		if stats := s.fleet.Stats(); stats.Identifies != 4 || stats.Resumed != 1 {
			t.Errorf("the sum of the counts lost the shard that was replaced: %+v", stats)
		}
		s.NoViolations()
	})
}

// Given two shards, when one is restarted, then it resumes; when it is restarted
// with a goodbye, then it begins a new session.
func TestRestartOneShard(t *testing.T) {
	run(t, config{shards: "2", guilds: 4}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(time.Minute)
		for _, mode := range []gateway.StopMode{gateway.KeepSession, gateway.EndSession} {
			if err := s.fleet.Restart(s.T.Context(), 1, mode); err != nil {
				t.Fatal(err)
			}
			s.Until(20*time.Second, "the shard is back", func() bool { return s.fleet.Progress().Done() })
			s.WantIdentifies(2 + int(mode))
		}
		if err := s.fleet.Restart(s.T.Context(), 7, gateway.KeepSession); !errors.Is(err, fleet.ErrNoShard) {
			t.Errorf("restarting a shard that is not there: %v", err)
		}
	})
}

// Given a shard that moves out, when its session is moved into another fleet,
// then that one resumes it, and the first forgets it.
// Statements: G-050, G-051.
func TestMoveAShardToAnotherProcess(t *testing.T) {
	run(t, config{shards: "4", guilds: 24}, func(s *harness) {
		s.startLive(time.Minute)
		s.Advance(3 * time.Second)
		first := s.fleet
		out, err := first.MoveOut(s.T.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		if !out.Session.Resumable() || out.Shard != (gateway.ShardID{ID: 3, Count: 4}) {
			t.Fatalf("the shard left as %+v", out)
		}
		if kept := s.sessions.Session(out.Shard); kept != (gateway.Session{}) {
			t.Error("the session that moved out is still kept here")
		}
		if err := first.Resume(s.T.Context(), 3); err == nil {
			t.Error("a shard that moved out was resumed")
		}
		s.postIn(s.guildOn(3, 4), "on the way")
		// Moving it in again stands for the other process.
		if err := first.MoveIn(s.T.Context(), out); err != nil {
			t.Fatal(err)
		}
		s.Until(3*time.Second, "the shard is back", func() bool { return first.Progress().Online == 4 })
		if got := len(s.eventsOf("MESSAGE_CREATE")); got != 1 {
			t.Errorf("%d messages were delivered, want 1", got)
		}
		if err := first.MoveIn(s.T.Context(), out); err == nil {
			t.Error("the shard was moved in twice")
		}
		out.Intents = 0
		if err := first.MoveIn(s.T.Context(), out); err == nil {
			t.Error("a session of other intents was moved in")
		}
		s.WantIdentifies(4)
		s.NoViolations()
	})
}

// Given a fleet that runs a part of the bot's shards, when a shard of another
// process moves in, then it takes its place in the order.
func TestMoveInFromElsewhere(t *testing.T) {
	run(t, config{shards: "0,2/4", guilds: 24}, func(s *harness) {
		s.startLive(time.Minute)
		if s.fleet.Shard(1) != nil || s.fleet.ShardFor(uint64(s.guildOn(1, 4).ID)) != nil {
			t.Error("the fleet has a shard that it does not run")
		}
		h := fleet.Handover{Shard: gateway.ShardID{ID: 1, Count: 4}, Intents: intents}
		if err := s.fleet.MoveIn(s.T.Context(), h); err != nil {
			t.Fatal(err)
		}
		s.Until(time.Minute, "it is online", func() bool { return s.fleet.Progress().Online == 3 })
		if a := s.fleet.Assignment(); a.String() != "0-2/4" {
			t.Errorf("the fleet runs %s", a)
		}
	})
}

// hookedSessions calls a function whenever a shard is made.
type hookedSessions struct {
	*simtest.Sessions
	onMake func(gateway.ShardID)
}

// SessionStore implements [fleet.Sessions].
func (h hookedSessions) SessionStore(shard gateway.ShardID) gateway.SessionStore {
	h.onMake(shard)
	return h.Sessions.SessionStore(shard)
}

// presences remembers the last presence that each connection was given.
type presences struct {
	gateway.Dialer
	mu   sync.Mutex
	last map[gateway.Socket]string
}

// Dial implements [gateway.Dialer].
func (p *presences) Dial(ctx context.Context, url string) (gateway.Socket, error) {
	socket, err := p.Dialer.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	return presenceSocket{socket, p}, nil
}

type presenceSocket struct {
	gateway.Socket
	of *presences
}

// Write implements [gateway.Socket].
func (s presenceSocket) Write(ctx context.Context, message []byte) error {
	var payload struct {
		Op int
		D  json.RawMessage
	}
	var d struct {
		Status   string
		Presence struct{ Status string }
	}
	_ = json.Unmarshal(message, &payload)
	if payload.Op == 2 || payload.Op == 3 {
		_ = json.Unmarshal(payload.D, &d)
		s.of.mu.Lock()
		s.of.last[s.Socket] = d.Status + d.Presence.Status
		s.of.mu.Unlock()
	}
	return s.Socket.Write(ctx, message)
}

// Drop implements [gateway.Socket].
func (s presenceSocket) Drop() { s.forget(); s.Socket.Drop() }

// Close implements [gateway.Socket].
func (s presenceSocket) Close(ctx context.Context, code gateway.CloseCode, reason string) {
	s.forget()
	s.Socket.Close(ctx, code, reason)
}

func (s presenceSocket) forget() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.last, s.Socket)
}

// Given a presence and intents that are set while shards are being made, at the start, in
// a change of their number or when one is restarted, then every shard has them.
func TestWhatIsSetWhileShardsAreMadeIsForAll(t *testing.T) {
	for _, c := range []struct {
		name string
		last gateway.ShardID // while it is made, something is set
		do   func(*harness)
		want int // shards
	}{
		{"start", gateway.ShardID{ID: 1, Count: 2}, (*harness).startQuietly, 2},
		{"another number", gateway.ShardID{ID: 3, Count: 4}, func(s *harness) {
			s.startQuietly()
			if err := s.fleet.Reshard(s.T.Context(), 4); err != nil {
				s.T.Fatal(err)
			}
		}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &presences{last: map[gateway.Socket]string{}}
			const fewer = gateway.IntentGuilds | gateway.IntentGuildMessages
			var s *harness
			options := func(o *fleet.Options) {
				p.Dialer, o.Shard.Dialer = o.Shard.Dialer, p
				o.Sessions = hookedSessions{&simtest.Sessions{}, func(shard gateway.ShardID) {
					if shard != c.last {
						return
					}
					if err := s.fleet.SetPresence(gateway.Presence{Status: gateway.StatusIdle}); err != nil {
						t.Error(err)
					}
					if err := s.fleet.Reconfigure(gateway.Credentials{Token: s.App.Token, Intents: fewer}); err != nil {
						t.Error(err)
					}
				}}
			}
			run(t, config{shards: "2", guilds: 4, options: options}, func(story *harness) {
				s = story
				c.do(s)
				s.Advance(10 * time.Second)
				p.mu.Lock()
				defer p.mu.Unlock()
				if len(p.last) != c.want {
					t.Errorf("%d shards have a presence, want %d", len(p.last), c.want)
				}
				for _, status := range p.last {
					if status != string(gateway.StatusIdle) {
						t.Errorf("a shard has the presence %s", status)
					}
				}
				for _, n := range observed[gateway.IdentifySent](s) {
					if got := n.Event.(gateway.IdentifySent).Intents; n.Shard.Count == c.last.Count && got != fewer {
						t.Errorf("shard %s identified with the intents %s", n.Shard, got)
					}
				}
			})
		})
	}
}

// startQuietly runs the fleet until every shard is online.
func (s *harness) startQuietly() { s.startLive(time.Minute) }

// Given a shard that is paused with events that no handler has had, when it is resumed and
// they are handled, then nothing counts as waiting any more.
func TestNothingWaitsAtAShardThatWasReplaced(t *testing.T) {
	handle := func(ctx context.Context, e gateway.Event) {
		if field(e, "content") == "long" {
			<-ctx.Done()
		}
	}
	run(t, config{shards: "2", guilds: 4, handle: handle}, func(s *harness) {
		s.startLive(time.Minute)
		s.postIn(s.guildOn(1, 2), "long")
		s.postIn(s.guildOn(1, 2), "behind it")
		s.Advance(time.Second)
		if stats := s.fleet.Stats(); stats.QueuedBytes == 0 || stats.QueuedAge != time.Second {
			t.Errorf("%d bytes wait, since %s", stats.QueuedBytes, stats.QueuedAge)
		}
		ctx, cancel := context.WithTimeout(s.T.Context(), time.Second)
		defer cancel()
		if err := s.fleet.Pause(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if err := s.fleet.Resume(s.T.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.Advance(5 * time.Second)
		s.wantEveryMessageOnce(2)
		if stats := s.fleet.Stats(); stats.QueuedBytes != 0 || stats.QueuedAge != 0 {
			t.Errorf("afterwards %d bytes wait, since %s", stats.QueuedBytes, stats.QueuedAge)
		}
	})
}

// Given a handler that still holds an event when its shard moves out, when it lets go of
// the event later, then the session does not come back: another process has it.
func TestSessionThatMovedOutStaysAway(t *testing.T) {
	var release func()
	handle := func(_ context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			release = e.Hold()
		}
	}
	run(t, config{shards: "2", guilds: 4, handle: handle}, func(s *harness) {
		s.startLive(time.Minute)
		s.postIn(s.guildOn(1, 2), "hello")
		s.Advance(time.Second)
		ctx, cancel := context.WithTimeout(s.T.Context(), time.Second)
		defer cancel()
		out, err := s.fleet.MoveOut(ctx, 1)
		if err != nil || !out.Session.Resumable() {
			t.Fatalf("the shard moved out with %+v: %v", out, err)
		}
		release()
		s.Advance(time.Second)
		if kept := s.sessions.Session(out.Shard); kept.Resumable() {
			t.Error("the session that moved out is kept here again")
		}
		if err := s.fleet.MoveIn(s.T.Context(), out); err != nil {
			t.Fatal(err)
		}
		s.Advance(5 * time.Second)
		if got := len(s.eventsOf("MESSAGE_CREATE")); got != 2 {
			t.Errorf("the message was delivered %d times; it was not handled when the shard moved out, want 2", got)
		}
		if kept := s.sessions.Session(out.Shard); !kept.Resumable() {
			t.Error("the session that moved in again is not kept")
		}
	})
}

// Given a handler that ignores the end of its context, when its shard is paused, restarted or
// moved out, then that fails, the shard is paused, and it cannot be resumed before the handler
// has returned: two shards would work on one guild.
func TestShardWaitsForItsHandlerBeforeItIsResumed(t *testing.T) {
	for name, stop := range map[string]func(*harness, context.Context) error{
		"pause":   func(s *harness, ctx context.Context) error { return s.fleet.Pause(ctx, 1) },
		"restart": func(s *harness, ctx context.Context) error { return s.fleet.Restart(ctx, 1, gateway.KeepSession) },
		"move out": func(s *harness, ctx context.Context) error {
			out, err := s.fleet.MoveOut(ctx, 1)
			if out != (fleet.Handover{}) {
				s.T.Errorf("it moved out as %+v", out)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			runWithBusyHandler(t, func(s *harness, ctx context.Context, returns func()) {
				if err := stop(s, ctx); err == nil || !strings.Contains(err.Error(), "shard 1/2") {
					t.Errorf("got %v", err)
				}
				if p := s.fleet.Progress(); p.Paused != 1 || p.MovedOut != 0 {
					t.Errorf("afterwards: %s", p)
				}
				if err := s.fleet.Resume(s.T.Context(), 1); err == nil || !strings.Contains(err.Error(), "has not returned") {
					t.Errorf("it was resumed: %v", err)
				}
				returns()
				s.Advance(time.Second)
				if err := s.fleet.Resume(s.T.Context(), 1); err != nil {
					t.Error(err)
				}
				s.Until(10*time.Second, "the shard is back", func() bool { return s.fleet.Progress().Online == 2 })
				s.WantIdentifies(2)
			})
		})
	}
}

// Given a handler that ignores the end of its context, when the fleet is stopped, then the error
// names its shard.
func TestStopNamesTheShardThatDoesNotEnd(t *testing.T) {
	runWithBusyHandler(t, func(s *harness, ctx context.Context, returns func()) {
		if err := s.fleet.Stop(ctx, gateway.KeepSession); err == nil || !strings.Contains(err.Error(), "shard 1/2") {
			t.Errorf("got %v", err)
		}
		returns()
	})
}

// runWithBusyHandler lets a story pass in which a handler of the shard 1/2 does not return
// until returns is called. ctx ends after a second.
func runWithBusyHandler(t *testing.T, story func(s *harness, ctx context.Context, returns func())) {
	t.Helper()
	var busy chan struct{}
	handle := func(_ context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			<-busy
		}
	}
	run(t, config{shards: "2", guilds: 4, handle: handle}, func(s *harness) {
		busy = make(chan struct{})
		s.startLive(time.Minute)
		s.postIn(s.guildOn(1, 2), "long")
		s.Advance(time.Second)
		ctx, cancel := context.WithTimeout(s.T.Context(), time.Second)
		defer cancel()
		story(s, ctx, func() { close(busy) })
	})
}

// Given a shard that is paused before the fleet runs, then it does not start with the others,
// and comes online once it is resumed.
func TestShardThatIsPausedBeforeTheStartStaysAway(t *testing.T) {
	run(t, config{shards: "2", guilds: 4}, func(s *harness) {
		if _, err := s.fleet.Assign(s.T.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.fleet.Pause(s.T.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.Until(time.Minute, "the other shard is online", func() bool { return s.fleet.Progress().Online == 1 })
		s.Advance(time.Minute)
		if p := s.fleet.Progress(); p.Online != 1 || p.Paused != 1 {
			t.Errorf("before it is resumed: %s", p)
		}
		s.WantIdentifies(1)
		if err := s.fleet.Resume(s.T.Context(), 1); err != nil {
			t.Fatal(err)
		}
		s.Until(time.Minute, "both are online", func() bool { return s.fleet.Progress().Online == 2 })
	})
}
