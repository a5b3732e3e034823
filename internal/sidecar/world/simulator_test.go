package world_test

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/sidecar/world"
	"evergreen/internal/simtest"
	"evergreen/internal/testmode"
)

// simulated is a bot in the simulator that folds every event into a world.
type simulated struct {
	*simtest.World
	rand    *rand.Rand
	intents gateway.Intents
	shard   *gateway.Shard

	mu    sync.Mutex // held by handlers of events
	world *world.World
}

// simulatedMoves are what can happen in the simulator. A new ability of the simulator is a
// row here.
var simulatedMoves = map[string]func(*simulated){
	"join": func(s *simulated) { s.Sim.AddMembers(s.guild(), s.Sim.AddUser("reader")) },
	"talk": func(s *simulated) { s.Sim.Say(s.guild().Channels[0].ID, s.Sim.AddUser("talker").ID, "hello") },
	"outage": func(s *simulated) {
		g := s.guild()
		s.Sim.SetUnavailable(g, !g.Unavailable)
	},
	"bot joins": func(s *simulated) {
		if len(s.Guilds) < 6 {
			g := s.Sim.AddGuild("annex", "general", "voice")
			s.Guilds = append(s.Guilds, g)
			s.Sim.AddMembers(g, s.User)
			s.Sim.Join(s.App, g)
		}
	},
	"bot leaves": func(s *simulated) {
		if len(s.Guilds) > 1 {
			i := s.rand.IntN(len(s.Guilds))
			s.Sim.Leave(s.App, s.Guilds[i])
			s.Guilds = slices.Delete(s.Guilds, i, i+1)
		}
	},
	"presence": func(s *simulated) {
		statuses := []gateway.Status{gateway.StatusOnline, gateway.StatusIdle, gateway.StatusDND}
		if err := s.shard.SetPresence(gateway.Presence{Status: statuses[s.rand.IntN(len(statuses))]}); err != nil {
			s.T.Error(err)
		}
	},
	"time passes": func(s *simulated) { s.Advance(time.Duration(s.rand.IntN(60)) * time.Second) },
	"connection lost": func(s *simulated) {
		s.Inject(discordsim.Fault{Name: "cut"})
		s.Advance(30 * time.Second)
	},
	"session lost": func(s *simulated) {
		s.Inject(discordsim.Fault{Name: "session-loss"})
		s.Advance(30 * time.Second)
	},
}

func (s *simulated) guild() *discordsim.Guild { return s.Guilds[s.rand.IntN(len(s.Guilds))] }

// start runs a shard whose events do gets, until stop is called.
func (s *simulated) start(do func(gateway.Event)) (shard *gateway.Shard, stop func()) {
	s.T.Helper()
	o := s.ShardOptions(s.intents)
	o.Handler = gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		do(e)
	})
	shard, err := gateway.New(o)
	if err != nil {
		s.T.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- shard.Run(context.Background()) }()
	return shard, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := shard.Stop(ctx, gateway.EndSession); err != nil {
			s.T.Errorf("stopping: %v", err)
		}
		<-done
	}
}

// truth is what a fresh session is told of the guilds; the session lasts until stop is called.
func (s *simulated) truth() (guilds map[uint64][]byte, stop func()) {
	s.T.Helper()
	var listed struct {
		Guilds []struct {
			ID discordsim.ID `json:"id"`
		} `json:"guilds"`
	}
	guilds = map[uint64][]byte{}
	told := 0
	_, stop = s.start(func(e gateway.Event) {
		var guild struct {
			ID discordsim.ID `json:"id"`
		}
		switch e.Type {
		case "READY":
			if err := json.Unmarshal(e.Data, &listed); err != nil {
				s.T.Error(err)
			}
		case "GUILD_CREATE", "GUILD_DELETE":
			if err := json.Unmarshal(e.Data, &guild); err != nil {
				s.T.Error(err)
			}
			told++
			guilds[uint64(guild.ID)] = nil
			if e.Type == "GUILD_CREATE" {
				guilds[uint64(guild.ID)] = e.Data
			}
		}
	})
	s.Until(time.Minute, "a fresh session has all guilds", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return listed.Guilds != nil && told == len(listed.Guilds)
	})
	return guilds, stop
}

// wantTruth fails the test unless the world says what a fresh session is told.
func (s *simulated) wantTruth(done []string) {
	s.T.Helper()
	truth, stop := s.truth()
	defer stop()
	s.Advance(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, want := s.world.Guilds(), slices.Sorted(maps.Keys(truth)); !slices.Equal(got, want) {
		s.T.Fatalf("after %q the guilds are %v, want %v", done, got, want)
	}
	for id, create := range truth {
		got, status, err := s.world.Guild(id)
		if err != nil || (status == world.Available) != (create != nil) {
			s.T.Fatalf("after %q guild %d is %v, error %v", done, id, status, err)
		}
		if create == nil {
			continue
		}
		have, want := decodeGuild(s.T, got), decodeGuild(s.T, create)
		if s.intents&gateway.IntentGuildPresences != 0 {
			keepOnly(want["members"].(object), have["members"].(object))
		}
		if have["members"].(object)[s.App.Bot.ID.String()] == nil {
			s.T.Errorf("the bot itself is no member of guild %d", id)
		}
		if all := differences("guild", have, want); len(all) > 0 {
			s.T.Fatalf("after %q guild %d differs:\n%s", done, id, strings.Join(all, "\n"))
		}
	}
}

// keepOnly removes what another object has not: of a guild whose GUILD_CREATE names all
// members, those who have joined since are not kept.
func keepOnly(o, other object) {
	maps.DeleteFunc(o, func(id string, _ any) bool { return other[id] == nil })
}

// Given the simulated Discord, when anything has happened in any order, then the world says
// what a fresh session is told.
func TestSnapshotIsWhatAFreshSessionIsTold(t *testing.T) {
	names := slices.Sorted(maps.Keys(simulatedMoves))
	for name, intents := range map[string]gateway.Intents{
		"members":               gateway.IntentGuilds | gateway.IntentGuildMembers,
		"members and presences": gateway.IntentGuilds | gateway.IntentGuildMembers | gateway.IntentGuildPresences,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(testmode.Count(200, 12)) {
				simtest.Run(t, simtest.Options{Guilds: 3}, func(sw *simtest.World) {
					s := &simulated{World: sw, rand: rand.New(rand.NewPCG(seed, 7)), intents: intents, world: world.New(world.Options{})}
					shard, stop := s.start(func(e gateway.Event) {
						if err := s.world.Apply(e.Type, e.Data); err != nil {
							t.Errorf("seed %d: %v", seed, err)
						}
					})
					defer stop()
					s.shard = shard
					s.Advance(time.Minute)
					var done []string
					for range 1 + s.rand.IntN(40) {
						move := names[s.rand.IntN(len(names))]
						done = append(done, move)
						simulatedMoves[move](s)
						synctest.Wait()
					}
					s.Advance(time.Minute)
					s.wantTruth(done)
				})
			}
		})
	}
}
