package app

import (
	"context"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/process/config"
	"evergreen/internal/simtest"
)

// onManyShards plays a story in virtual time with a bot for which Discord
// recommends four shards, in 24 guilds.
func onManyShards(t *testing.T, story func(*harness, []*discordsim.Guild)) {
	t.Helper()
	runWorld(t, simtest.Options{
		Sim: discordsim.Config{Latency: 15 * time.Millisecond},
		App: discordsim.AppConfig{Name: "ResearchBot", Shards: 4, MaxConcurrency: 4}, Guilds: 24,
	}, func(s *harness) { story(s, s.Guilds) })
}

// askEverywhere asks something in every guild and returns once all is answered.
func (s *harness) askEverywhere(guilds []*discordsim.Guild) {
	s.T.Helper()
	var asked []discordsim.ID
	for _, g := range guilds {
		asked = append(asked, s.Sim.Say(g.Channels[0].ID, s.User.ID, "!ping", discordsim.Expect()).ID)
	}
	asked = append(asked, s.Sim.DM(s.App, s.User.ID, "!ping", discordsim.Expect()).ID)
	for _, id := range asked {
		s.answer(id)
	}
}

// savedSessions is what four shards left behind.
type savedSessions struct {
	sessions map[gateway.ShardID]gateway.Session
}

func (l savedSessions) Sessions(gateway.Intents) fleet.Sessions           { return l }
func (l savedSessions) Session(p gateway.ShardID) gateway.Session         { return l.sessions[p] }
func (l savedSessions) SessionStore(gateway.ShardID) gateway.SessionStore { return nil }
func (l savedSessions) Resumable(all []gateway.ShardID, _ gateway.Intents) bool {
	return l.sessions[all[0]].Resumable()
}
func (l savedSessions) Shards() int              { return len(l.sessions) }
func (l savedSessions) Intents() gateway.Intents { return 0 }

// Given a bot for which Discord recommends four shards, when it starts, changes
// to eight while people talk to it, pauses and starts again, then every command
// is answered exactly once, the guilds are counted over all shards, the presence
// is on every shard, and the restart resumes all shards without an IDENTIFY.
// Statements: G-120, G-121, G-122, G-124.
func TestBotOnManyShards(t *testing.T) {
	onManyShards(t, func(s *harness, guilds []*discordsim.Guild) {
		o := s.options()
		o.Config.CommandCooldown = config.Never // one person asks everything
		first := s.start(o).online()
		s.Until(10*time.Second, "all guilds are there", func() bool { return first.Tracker().Snapshot().Guilds == 24 })
		if a := first.Fleet().Assignment(); a.String() != "4" || len(first.Tracker().Snapshot().Shards) != 4 {
			t.Errorf("the bot runs shards %s", a)
		}
		s.askEverywhere(guilds)

		done := make(chan error, 1)
		go func() { done <- first.Reshard(context.Background(), 8) }()
		ended := false
		for !ended {
			s.askEverywhere(guilds)
			time.Sleep(3 * time.Second)
			select {
			case err := <-done:
				if ended = true; err != nil {
					t.Fatal(err)
				}
			default:
			}
		}
		s.askEverywhere(guilds)
		snap := first.Tracker().Snapshot()
		if len(snap.Shards) != 8 || !snap.Connected || snap.Guilds != 24 {
			t.Errorf("after the change the tracker knows %d shards, connected %v, guilds %d", len(snap.Shards), snap.Connected, snap.Guilds)
		}
		sessions := map[gateway.ShardID]gateway.Session{}
		if took := first.stop(gateway.KeepSession); took > 3*time.Second {
			t.Errorf("the stop of all shards took %s", took)
		}
		for _, shard := range first.Fleet().Shards() {
			sessions[shard.ID()] = shard.Session()
		}
		before := s.Sim.Verdict(s.App)
		time.Sleep(2 * time.Second) // the limit of requests a second outlives a process
		o.Sessions = savedSessions{sessions}
		second := s.start(o).online()
		s.askEverywhere(guilds)
		v := s.Sim.Verdict(s.App)
		if v.Identifies != before.Identifies || v.Identifies != 12 {
			t.Errorf("%d IDENTIFYs were sent, want 12 and none for the restart", v.Identifies)
		}
		if v.Twice > 0 || v.Lost > 0 || v.Answered != v.Asked {
			t.Errorf("of %d commands %d were answered, %d twice, %d never", v.Asked, v.Answered, v.Twice, v.Lost)
		}
		second.stop(gateway.EndSession)
		if v := s.Sim.Verdict(s.App); v.CloseCodes[1000] != 12 || s.Sim.Online(s.App) {
			t.Errorf("close codes %v, dot %v; want twelve times 1000 and no dot", v.CloseCodes, s.Sim.Online(s.App))
		}
		s.NoViolations()
	})
}

// Given settings that name two of four shards, then the bot runs those and no
// other.
func TestPartOfTheShards(t *testing.T) {
	onManyShards(t, func(s *harness, _ []*discordsim.Guild) {
		o := s.options()
		var err error
		if o.Config.Shards, err = fleet.ParseAssignment("1-2/4"); err != nil {
			t.Fatal(err)
		}
		r := s.start(o).online()
		if v := s.Sim.Verdict(s.App); v.Identifies != 2 || s.Sim.AttachedSessions(s.App) != 2 {
			t.Errorf("%d IDENTIFYs, %d sessions; want 2 and 2", v.Identifies, s.Sim.AttachedSessions(s.App))
		}
		r.stop(gateway.KeepSession)
	})
}

// Given a bot on four shards, when one is paused, then the others answer on; when
// it is resumed, all is well; when it moves out, its session comes as data and
// the bot counts the three it has.
func TestOneShardIsOperated(t *testing.T) {
	onManyShards(t, func(s *harness, guilds []*discordsim.Guild) {
		r := s.start(s.options()).online()
		by := shardOperator{r.App}
		ctx := s.T.Context()
		if err := by.Pause(ctx, 3); err != nil {
			t.Fatal(err)
		}
		for _, g := range guilds {
			if fleet.ShardOf(uint64(g.ID), 4) == 0 {
				s.answer(s.Sim.Say(g.Channels[0].ID, s.User.ID, "!ping", discordsim.Expect()).ID)
				break
			}
		}
		if r.Tracker().Snapshot().Connected {
			t.Error("the bot counts as connected although a shard is paused")
		}
		if err := by.Resume(ctx, 3); err != nil {
			t.Fatal(err)
		}
		r.online()
		if err := by.Restart(ctx, 2, gateway.KeepSession); err != nil {
			t.Fatal(err)
		}
		r.online()
		out, err := by.MoveOut(ctx, 3)
		if err != nil || !out.Session.Resumable() {
			t.Fatalf("moved out with %+v (%v)", out, err)
		}
		if snap := r.Tracker().Snapshot(); !snap.Connected || len(snap.Shards) != 3 {
			t.Errorf("afterwards: connected %v, %d shards", snap.Connected, len(snap.Shards))
		}
		if err := by.Reshard(ctx, 4); err == nil {
			t.Error("the bot began to change to the number of shards it has")
		}
		if v := s.Sim.Verdict(s.App); v.Identifies != 4 {
			t.Errorf("%d IDENTIFYs were sent, want 4", v.Identifies)
		}
		r.stop(gateway.KeepSession)
		s.NoViolations()
	})
}
