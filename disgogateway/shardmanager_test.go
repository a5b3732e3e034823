package disgogateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	"evergreen/gateway"
	"evergreen/internal/simtest"

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

// Given bots in too many guilds, then each shard is split into as many as the options say,
// if they say so; otherwise the close handler is told, of the gateway or else of the
// manager.
func TestAShardIsSplitAsTheOptionsSay(t *testing.T) {
	for name, test := range map[string]struct {
		opts   []sharding.ConfigOpt
		shards int // before
		want   int // shards afterwards, all live; 0: none
	}{
		"one into two":           {[]sharding.ConfigOpt{sharding.WithAutoScaling(true)}, 1, 2},
		"two into four":          {[]sharding.ConfigOpt{sharding.WithAutoScaling(true)}, 2, 4},
		"one into three":         {[]sharding.ConfigOpt{sharding.WithAutoScaling(true), sharding.WithShardSplitCount(3)}, 1, 3},
		"into one":               {[]sharding.ConfigOpt{sharding.WithAutoScaling(true), sharding.WithShardSplitCount(1)}, 1, 0},
		"not allowed":            {nil, 2, 0},
		"not allowed, one shard": {[]sharding.ConfigOpt{sharding.WithAutoScaling(false), sharding.WithShardSplitCount(2)}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var told list[error]
			const guilds = 12
			most := 1 // in a shard
			if test.want > 0 {
				most = guilds / test.want
			}
			run(t, config{
				sim:    discordsim.Config{Identify: discordsim.IdentifyConfig{MaxGuilds: most}},
				guilds: guilds,
				shards: append([]sharding.ConfigOpt{
					sharding.WithShardCount(test.shards),
					sharding.WithCloseHandler(func(_ disgoway.Gateway, err error, reconnect bool) {
						if reconnect {
							t.Error("the close handler is told to reconnect")
						}
						told.add(err)
					}),
				}, test.opts...),
			}, func(s *harness) {
				m := s.client.ShardManager
				s.open()
				s.Advance(time.Minute)
				var live []int
				for g := range m.Shards() {
					if g.Status() == disgoway.StatusReady {
						live = append(live, g.ShardID())
					}
				}
				if len(live) != test.want {
					t.Errorf("the live shards are %v", live)
				}
				if test.want == 0 {
					if told.len() != test.shards {
						t.Fatalf("the close handler was told %d times", told.len())
					}
					wantRefused(t, told.all()[0], 4011)
					return
				}
				if told.len() != 0 {
					t.Errorf("the close handler was told %v", told.all())
				}
				for _, g := range s.Guilds {
					id := snowflake.ID(g.ID)
					shard := m.ShardByGuildID(id)
					if shard == nil || shard.ShardCount() != test.want || shard.ShardID() != sharding.ShardIDByGuild(id, test.want) {
						t.Errorf("guild %d is on %v", g.ID, shard)
					}
				}
			})
		})
	}
}

// Given a live manager, when Discord refuses a shard, then the close handler of the
// gateways is told, or else that of the manager; one without any goes on.
func TestAManagersCloseHandlerIsTold(t *testing.T) {
	for _, of := range []string{"gateways", "manager", "none"} {
		var told list[string]
		var log simtest.Log
		handler := func(of string) disgoway.CloseHandlerFunc {
			return func(g disgoway.Gateway, err error, _ bool) {
				wantRefused(t, err, 4011)
				told.add(fmt.Sprint(of, " ", g.ShardID()))
			}
		}
		set := config{app: discordsim.AppConfig{MaxConcurrency: 2}, shards: []sharding.ConfigOpt{sharding.WithShardCount(2), sharding.WithLogger(log.Logger())}}
		if of != "none" {
			set.shards = append(set.shards, sharding.WithCloseHandler(handler("manager")))
		}
		if of == "gateways" {
			set.gateway = []disgoway.ConfigOpt{disgoway.WithCloseHandler(handler("gateways"))}
		}
		run(t, set, func(s *harness) {
			s.open()
			s.Advance(time.Second)
			shard := 1
			s.Inject(discordsim.Fault{Name: "close", Code: 4011, Shard: &shard})
			s.Advance(time.Second)
			want := []string{of + " 1"}
			if of == "none" {
				want = nil
			}
			if got := told.all(); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
			if s.client.ShardManager.Shard(0).Status() != disgoway.StatusReady || s.client.ShardManager.Shard(1).Status() != disgoway.StatusDisconnected {
				t.Error("the shards are not one live and one refused")
			}
			if !log.Has("shard_id=1") || !log.Has("Discord refuses the bot") {
				t.Errorf("the manager's log says %s", log.String())
			}
		})
	}
}

// Given a manager that is opened twice, closed and opened again, then its shards run once
// and not at all after the close, which waits for each.
func TestAManagerIsOpenedAgain(t *testing.T) {
	var log simtest.Log
	var told list[error]
	run(t, config{app: discordsim.AppConfig{MaxConcurrency: 2}, shards: []sharding.ConfigOpt{
		sharding.WithShardCount(2), sharding.WithShardIDs(0, 1, 5), sharding.WithLogger(log.Logger()),
		sharding.WithCloseHandler(func(_ disgoway.Gateway, err error, _ bool) { told.add(err) }),
	}}, func(s *harness) {
		s.open()
		m := s.client.ShardManager
		if !log.Has("Shard cannot be opened") || !log.Has("name=sharding") || !log.Has("shard_id=5") {
			t.Errorf("of a shard that is not there the log says %s", log.String())
		}
		zero, one := m.Shard(0), m.Shard(1)
		s.open()
		s.WantIdentifies(2)
		if m.Shard(0) != zero {
			t.Error("an open shard was replaced")
		}
		m.CloseShard(s.T.Context(), 7) // that is not there
		m.Close(s.T.Context())
		if zero.Status() != disgoway.StatusDisconnected || one.Status() != disgoway.StatusDisconnected || m.Shard(0) != nil || m.Shard(1) != nil {
			t.Errorf("after the close the shards are %s and %s", zero.Status(), one.Status())
		}
		if got := m.ShardByGuildID(1); got != nil {
			t.Errorf("after the close a guild is on shard %d", got.ShardID())
		}
		s.Advance(time.Minute)
		s.open()
		if got := m.Shard(0); got == nil || got == zero || got.Status() != disgoway.StatusReady {
			t.Error("the shard was not opened again")
		}
		s.WantIdentifies(4)

		s.Inject(discordsim.Fault{Name: "no-hello"})
		m.Close(s.T.Context())
		go m.Open(s.T.Context())
		s.Advance(3 * time.Second)
		m.Close(s.T.Context())
		s.Advance(time.Second)
		if told.len() != 0 || log.Has("Shard could not be opened") {
			t.Errorf("of a close during Open the handler is told %v", told.all())
		}
	})
}

// Given a shard that could not be opened in time, then it may be opened later.
func TestAShardThatFailedMayBeOpenedLater(t *testing.T) {
	run(t, config{shards: []sharding.ConfigOpt{sharding.WithShardCount(2), sharding.WithShardIDs(0)}}, func(s *harness) {
		s.open()
		m := s.client.ShardManager
		lift := s.Inject(discordsim.Fault{Name: "no-hello"})
		ctx, cancel := context.WithTimeout(s.T.Context(), 5*time.Second)
		defer cancel()
		if err := m.OpenShard(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || m.Shard(1) != nil {
			t.Errorf("got %v, the shard is %v", err, m.Shard(1))
		}
		s.Sim.Lift(lift)
		if err := m.OpenShard(s.T.Context(), 1); err != nil || m.Shard(1) == nil {
			t.Errorf("opened later: %v", err)
		}
	})
}

// Given the state of a shard that names no session or no sequence, then a new session is
// begun; without an address the session is resumed at the gateway's.
func TestAStateNeedsSessionAndSequence(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*sharding.ShardState)
		resumes bool
	}{
		{"all", func(*sharding.ShardState) {}, true},
		{"no address", func(s *sharding.ShardState) { s.ResumeURL = "" }, true},
		{"no sequence", func(s *sharding.ShardState) { s.Sequence = 0 }, false},
		{"a negative sequence", func(s *sharding.ShardState) { s.Sequence = -1 }, false},
		{"no session", func(s *sharding.ShardState) { s.SessionID = "" }, false},
	} {
		run(t, config{shards: []sharding.ConfigOpt{sharding.WithShardCount(1)}}, func(s *harness) {
			s.open()
			s.Advance(10 * time.Second)
			m := s.client.ShardManager
			g := m.Shard(0)
			state := sharding.ShardState{SessionID: *g.SessionID(), Sequence: *g.LastSequenceReceived(), ResumeURL: *g.ResumeURL()}
			g.CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "")
			m.CloseShard(s.T.Context(), 0)
			test.change(&state)
			if err := m.ResumeShard(s.T.Context(), 0, state); err != nil {
				t.Fatal(err)
			}
			if v := s.Sim.Verdict(s.App); (v.Identifies == 1) != test.resumes {
				t.Errorf("%s: %d IDENTIFYs, %d resumed", test.name, v.Identifies, v.Resumed)
			}
		})
	}
}

// Given a manager whose number of shards is not known, and cannot be asked for, then
// nothing is opened and the log and the error say why; a number in the options is enough.
func TestAManagerNeedsTheNumberOfShards(t *testing.T) {
	var log simtest.Log
	run(t, config{shards: none, bot: []bot.ConfigOpt{bot.WithLogger(log.Logger())}}, func(s *harness) {
		lift := s.Inject(discordsim.Fault{Name: "rest-401"})
		m := s.client.ShardManager
		m.Open(s.T.Context())
		if !log.Has("Shards cannot be opened") {
			t.Errorf("the log says %s", log.String())
		}
		if err := m.OpenShard(s.T.Context(), 0); err == nil || !strings.Contains(err.Error(), "number of shards") {
			t.Errorf("got %v", err)
		}
		for g := range m.Shards() {
			t.Errorf("there is shard %d", g.ShardID())
		}
		s.Sim.Lift(lift)

		own := disgogateway.Options{Dialer: s.Dialer(), URLSource: gateway.FixedURL("ws://gateway.discord.sim")}
		alone := own.NewShardManager(s.App.Token, drop, sharding.WithShardCount(2), sharding.WithShardIDs(1), sharding.WithLogger(log.Logger()))
		alone.Open(s.T.Context())
		if g := alone.Shard(1); g == nil || g.Status() != disgoway.StatusReady || g.ShardCount() != 2 {
			t.Errorf("with a number of shards there is %v", g)
		}
		alone.Close(s.T.Context())
		unknown := own.NewShardManager(s.App.Token, drop, sharding.WithLogger(log.Logger()))
		if err := unknown.OpenShard(s.T.Context(), 0); err == nil || !strings.Contains(err.Error(), "sharding.WithShardCount") {
			t.Errorf("without a number: %v", err)
		}
	})
}
