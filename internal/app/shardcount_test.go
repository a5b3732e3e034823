package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/simtest"
)

// onSmallShards plays a story in virtual time with a Discord that lets a shard
// have four guilds and a bot that is in so many.
func onSmallShards(t *testing.T, guilds, recommended int, story func(*harness)) {
	t.Helper()
	runWorld(t, simtest.Options{
		Sim: discordsim.Config{Latency: 15 * time.Millisecond, Identify: discordsim.IdentifyConfig{MaxGuilds: 4}},
		App: discordsim.AppConfig{Name: "ResearchBot", Shards: recommended}, Guilds: guilds,
	}, story)
}

// Given a first start while Discord's REST API is down and the number of shards
// is Discord's to say, then the bot goes on trying and says why it is not online;
// when REST returns, it comes online on as many shards as Discord recommends,
// with one IDENTIFY each.
// Statements: G-005.
func TestFirstStartWithoutREST(t *testing.T) {
	for _, recommended := range []int{1, 4} {
		t.Run(fmt.Sprint(recommended, " recommended"), func(t *testing.T) {
			onSmallShards(t, 3, recommended, func(s *harness) {
				down := s.Inject(discordsim.Fault{Name: "rest-5xx", Code: 503})
				r := s.start(s.options())
				time.Sleep(3 * time.Minute)
				if snap := r.Tracker().Snapshot(); snap.Connected || snap.Status != health.Offline || !strings.Contains(snap.Reason.String(), "HTTP 503") {
					t.Errorf("without REST the bot is %s: %s", snap.Status, snap.Reason)
				}
				if !s.log.Has("level=WARN") || !s.log.Has("how many shards the bot needs") {
					t.Error("the log has no warning")
				}
				s.Sim.Lift(down)
				r.online()
				if a := r.Fleet().Assignment(); a.Count != recommended {
					t.Errorf("the bot runs %s shards, want %d", a, recommended)
				}
				s.answer(s.ask("!ping"))
				if v := s.Sim.Verdict(s.App); v.Identifies != recommended {
					t.Errorf("%d IDENTIFYs were sent, want %d", v.Identifies, recommended)
				}
				r.stop(gateway.KeepSession)
				s.NoViolations()
			})
		})
	}
}

// Given a first start while REST is down and the gateway is not, at the address
// it is known to have, then the bot is online with one shard, and warns; when
// REST returns and recommends two, it changes to two without a gap.
// Statements: G-005, G-124.
func TestFirstStartWithOnlyTheGateway(t *testing.T) {
	onSmallShards(t, 3, 2, func(s *harness) {
		down := s.Inject(discordsim.Fault{Name: "rest-5xx", Code: 503})
		o := s.options()
		o.Gateway = "ws://gateway.discord.sim"
		r := s.start(o).online()
		if !s.log.Has("starts with one") {
			t.Error("the log has no warning")
		}
		time.Sleep(2 * time.Minute)
		s.Sim.Lift(down)
		s.Until(2*time.Minute, "the bot has two shards", func() bool { return r.Fleet().Assignment().Count == 2 })
		r.online()
		s.answer(s.ask("!ping"))
		if v := s.Sim.Verdict(s.App); v.Identifies != 3 || v.LongestGap != 0 || v.Offline != 0 {
			t.Errorf("%d IDENTIFYs, longest gap %s, grey %s; want 3 and no gap", v.Identifies, v.LongestGap, v.Offline)
		}
		r.stop(gateway.KeepSession)
		s.NoViolations()
	})
}

// Given a bot that started with one shard because REST did not answer, when the change to
// the two it needs fails, then it keeps the one and tries again until it has two; the
// status says meanwhile what failed.
// Statements: G-005, G-124.
func TestFirstChangeOfTheNumberOfShardsIsTriedAgain(t *testing.T) {
	onSmallShards(t, 3, 2, func(s *harness) {
		down := s.Inject(discordsim.Fault{Name: "rest-5xx", Code: 503})
		o := s.options()
		o.Gateway = "ws://gateway.discord.sim"
		r := s.start(o).online()
		s.Sim.Lift(down)
		refusal := s.Inject(discordsim.Fault{Name: "always-close", Code: 4014})
		s.Until(2*time.Minute, "the change has failed", func() bool { return s.log.Has("could not be changed as wanted") })
		if failed := r.Fleet().Snapshot().FailedReshard; failed == nil || failed.To != 2 || !strings.Contains(failed.Err.Error(), "keeps its number of shards, 1") {
			t.Errorf("the status says that %+v has failed", failed)
		}
		s.answer(s.ask("!ping"))
		s.Sim.Lift(refusal)
		s.Until(3*time.Minute, "the bot has two shards", func() bool { return r.Fleet().Assignment().Count == 2 })
		r.online()
		if failed := r.Fleet().Snapshot().FailedReshard; failed != nil {
			t.Errorf("the status still says that %+v has failed", failed)
		}
		s.answer(s.ask("!ping"))
		if v := s.Sim.Verdict(s.App); v.LongestGap != 0 || v.Offline != 0 || v.Identifies > 5 {
			t.Errorf("%d IDENTIFYs, longest gap %s, grey %s; want 5 at most and no gap", v.Identifies, v.LongestGap, v.Offline)
		}
		r.stop(gateway.KeepSession)
	})
}

// Given a bot whose number of shards is Discord's to say, when it joins more
// guilds than its shard may have and Discord refuses its next session with 4011,
// then it asks how many shards are needed and comes back with so many by itself.
// Statements: G-097.
func TestBotOutgrowsItsShard(t *testing.T) {
	onSmallShards(t, 4, 1, func(s *harness) {
		r := s.start(s.options()).online()
		for i := range 2 {
			s.Sim.Join(s.App, s.Sim.AddGuild(fmt.Sprint("New ", i)))
		}
		s.Sim.SetShards(s.App, 2)
		time.Sleep(time.Minute)
		s.Inject(discordsim.Fault{Name: "op9-false"})
		s.Until(time.Minute, "the bot has two shards", func() bool { return r.Fleet().Assignment().Count == 2 })
		r.online()
		s.answer(s.ask("!ping"))
		if v := s.Sim.Verdict(s.App); v.Identifies != 4 || v.CloseCodes[4011] != 0 {
			t.Errorf("%d IDENTIFYs were sent, want 4: the first, the refused one and two; close codes %v", v.Identifies, v.CloseCodes)
		}
		r.stop(gateway.KeepSession)
		s.NoViolations()
	})
}

// Given a bot that has been running for a while, when Discord comes to recommend
// more shards than it has, then the operator is told once, and how to change it.
func TestMoreShardsAreAdvised(t *testing.T) {
	onSmallShards(t, 4, 1, func(s *harness) {
		r := s.start(s.options()).online()
		s.Sim.SetShards(s.App, 2)
		time.Sleep(2 * time.Hour)
		if n := strings.Count(s.log.String(), "evergreen shards reshard 2"); n != 1 {
			t.Errorf("it was told %d times", n)
		}
		if !r.Tracker().Snapshot().Connected {
			t.Error("the bot is not online")
		}
		r.stop(gateway.KeepSession)
		s.NoViolations()
	})
}

// Given settings that name fewer shards than the bot needs, when Discord refuses
// it with 4011, then it spends no further IDENTIFY and tells a person exactly what
// to write into the settings.
// Statements: G-094, G-097.
func TestTooFewShardsAreSet(t *testing.T) {
	onSmallShards(t, 6, 2, func(s *harness) {
		o := s.options()
		o.Config.Shards = fleet.All(1)
		r := s.start(o)
		s.Until(time.Minute, "the bot needs a person", func() bool { return r.Tracker().Snapshot().Status == health.NeedsYou })
		time.Sleep(time.Second)
		snap := r.Tracker().Snapshot()
		if !strings.Contains(snap.Reason.String(), "too many guilds") || !strings.Contains(snap.Remedy.String(), "Set SHARDS=2, or SHARDS=auto") {
			t.Errorf("the person is told: %s; what to do: %s", snap.Reason, snap.Remedy)
		}
		time.Sleep(time.Hour)
		if v := s.Sim.Verdict(s.App); v.Identifies != 1 || v.Dials != 1 {
			t.Errorf("%d IDENTIFYs and %d dials, want one of each", v.Identifies, v.Dials)
		}
		r.stop(gateway.KeepSession)
		s.NoViolations()
	})
}

// Given a Discord that recommends a number of shards that makes no sense, or more than one
// process can run, then the bot comes online with one, says why, and stops when asked.
// Statements: G-111.
func TestAbsurdNumberOfShardsIsNotRun(t *testing.T) {
	for _, shards := range []string{"1000000000", "100000", "-4", "1e308", `"x"`} {
		onSmallShards(t, 3, 1, func(s *harness) {
			s.Inject(discordsim.Fault{Name: "gateway-bot", Text: `{"shards":` + shards + `}`})
			r := s.start(s.options()).online()
			if a := r.Fleet().Assignment(); a.Count != 1 {
				t.Errorf("of %s recommended the bot runs %s", shards, a)
			}
			if !s.log.Has("level=WARN") || !s.log.Has("it starts with one") {
				t.Error("the log has no warning")
			}
			s.answer(s.ask("!ping"))
			r.stop(gateway.KeepSession)
			s.NoViolations()
		})
	}
}
