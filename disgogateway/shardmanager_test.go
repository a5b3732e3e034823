package disgogateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"evergreen/discordsim"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/sharding"
	"github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
)

// Given a bot that leaves the number of shards to Discord, then as many are
// opened, two at a time where Discord allows two, and every guild's events come
// over its own shard.
// Statements: G-038, G-039, G-120.
func TestDiscordNamesTheShards(t *testing.T) {
	type word struct {
		guild snowflake.ID
		shard int
	}
	var heard list[word]
	run(t, config{app: discordsim.AppConfig{Shards: 6, MaxConcurrency: 2}, guilds: 12, shards: none, bot: []bot.ConfigOpt{
		bot.WithEventListenerFunc(func(e *events.GuildMessageCreate) { heard.add(word{e.GuildID, e.ShardID()}) }),
	}}, func(s *harness) {
		began := time.Now()
		s.open()
		if took := time.Since(began); took < 10*time.Second || took > 20*time.Second {
			t.Errorf("6 shards, two every five seconds, took %s", took)
		}
		shards := 0
		for g := range s.client.ShardManager.Shards() {
			if g.ShardID() != shards || g.ShardCount() != 6 || g.Status() != disgoway.StatusReady {
				t.Errorf("shard %d/%d is %s", g.ShardID(), g.ShardCount(), g.Status())
			}
			shards++
		}
		if shards != 6 {
			t.Errorf("%d shards", shards)
		}
		for _, g := range s.Guilds {
			s.Sim.Say(g.Channels[0].ID, s.User.ID, "hello")
		}
		s.Until(time.Minute, "all was heard", func() bool { return heard.len() == len(s.Guilds) })
		for _, w := range heard.all() {
			if want := s.client.ShardManager.ShardByGuildID(w.guild); want == nil || want.ShardID() != w.shard {
				t.Errorf("guild %d was heard over shard %d", w.guild, w.shard)
			}
		}
		v := s.Sim.Verdict(s.App)
		if v.Identifies != 6 {
			t.Errorf("%d IDENTIFYs", v.Identifies)
		}
		s.NoViolations()
	})
}

// Given a manager with two of four shards, then one can be closed, opened and
// resumed while the other goes on, and what is not there is nil.
func TestShardsComeAndGoOneByOne(t *testing.T) {
	run(t, config{guilds: 8, shards: []sharding.ConfigOpt{sharding.WithShardCount(4), sharding.WithShardIDs(1, 3)}}, func(s *harness) {
		s.open()
		m := s.client.ShardManager
		if m.Shard(0) != nil || m.Shard(1) == nil || m.Shard(3).ShardCount() != 4 {
			t.Error("the shards are not 1 and 3 of 4")
		}
		if err := m.OpenShard(s.T.Context(), 1); !errors.Is(err, discord.ErrGatewayAlreadyConnected) {
			t.Errorf("an open shard was opened: %v", err)
		}
		one := m.Shard(1)
		s.Advance(time.Second)
		state := sharding.ShardState{SessionID: *one.SessionID(), Sequence: *one.LastSequenceReceived(), ResumeURL: *one.ResumeURL()}
		one.CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "")
		m.CloseShard(s.T.Context(), 1)
		if m.Shard(1) != nil {
			t.Error("a closed shard is still there")
		}
		if err := m.ResumeShard(s.T.Context(), 1, state); err != nil {
			t.Fatal(err)
		}
		if v := s.Sim.Verdict(s.App); v.Identifies != 2 || v.Resumed != 1 {
			t.Errorf("%d IDENTIFYs, %d resumed", v.Identifies, v.Resumed)
		}
		if err := s.client.SetPresenceForShard(s.T.Context(), 3, disgoway.WithPlayingActivity("chess")); err != nil {
			t.Error(err)
		}
		s.NoViolations()
	})
}

// Given one shard that never gets HELLO, then the others are online at once, and
// it follows when it can, also after Open has returned.
func TestASickShardDelaysNone(t *testing.T) {
	sick := 0
	run(t, config{app: discordsim.AppConfig{Shards: 3, MaxConcurrency: 3}, shards: none}, func(s *harness) {
		lift, err := s.Sim.Inject(discordsim.Fault{Name: "no-hello", Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(s.T.Context(), 5*time.Second)
		defer cancel()
		if err := s.client.OpenShardManager(ctx); err != nil {
			t.Fatal(err)
		}
		sick = 0
		for g := range s.client.ShardManager.Shards() {
			if g.Status() != disgoway.StatusReady {
				sick++
			}
		}
		if sick != 1 {
			t.Errorf("%d shards are not ready", sick)
		}
		s.Sim.Lift(lift)
		s.Until(time.Minute, "all are ready", func() bool {
			for g := range s.client.ShardManager.Shards() {
				if g.Status() != disgoway.StatusReady {
					return false
				}
			}
			return true
		})
		s.NoViolations()
	})
}

// Given a bot that has grown beyond its shards and may scale, when Discord
// refuses with 4011, then each shard is split in two.
func TestAShardInTooManyGuildsIsSplit(t *testing.T) {
	run(t, config{
		sim: discordsim.Config{Identify: discordsim.IdentifyConfig{MaxGuilds: 5}}, guilds: 8,
		shards: []sharding.ConfigOpt{sharding.WithShardCount(1), sharding.WithShardIDs(0), sharding.WithAutoScaling(true)},
	}, func(s *harness) {
		s.open()
		m := s.client.ShardManager
		s.Until(10*time.Minute, "every guild has a live shard", func() bool {
			for _, g := range s.Guilds {
				if shard := m.ShardByGuildID(snowflake.ID(g.ID)); shard == nil || shard.Status() != disgoway.StatusReady {
					return false
				}
			}
			return true
		})
		if n := m.Shard(0).ShardCount(); n < 2 {
			t.Errorf("there are %d shards", n)
		}
	})
}
