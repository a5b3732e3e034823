package fleet_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
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
