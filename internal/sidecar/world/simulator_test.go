package world_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
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
	answers map[string]int
	stages  []string // channels

	mu    sync.Mutex // held by handlers of events
	world *world.World
}

// simulatedIntents are those of all that a world keeps but presences.
const simulatedIntents = gateway.IntentGuilds | gateway.IntentGuildVoiceStates | gateway.IntentGuildMembers | gateway.IntentGuildExpressions | gateway.IntentGuildScheduledEvents

// simulatedMoves are what can happen in the simulator. A new ability of the simulator is a
// row here.
var simulatedMoves = map[string]func(*simulated){
	"join": func(s *simulated) { s.Sim.AddMembers(s.guild(), s.Sim.AddUser("reader")) },
	"talk": func(s *simulated) {
		s.pick(func(_ string, id []string) { s.Sim.Say(snowflake(id[0]), s.Sim.AddUser("talker").ID, "hello") }, "channels")
	},
	"channel": func(s *simulated) {
		s.Sim.AddChannel(s.guild(), s.word(), []int{0, 2, 4, 5}[s.rand.IntN(4)])
	},
	"edit channel": func(s *simulated) {
		s.pick(func(_ string, id []string) {
			s.request("PATCH", "/channels/"+id[0], object{"name": s.word(), "topic": s.word(), "position": s.rand.IntN(4)})
		}, "channels")
	},
	"overwrite": func(s *simulated) {
		s.pick(func(_ string, id []string) {
			s.request("PUT", "/channels/"+id[0]+"/permissions/"+id[1], object{"type": 0, "allow": "0", "deny": "64"})
		}, "channels", "roles")
	},
	"delete channel": func(s *simulated) {
		s.pick(func(_ string, id []string) { s.request("DELETE", "/channels/"+id[0], nil) }, "channels")
	},
	"thread": func(s *simulated) {
		s.pick(func(_ string, id []string) { s.Sim.CreateThread(snowflake(id[0]), s.User.ID, s.word(), 0) }, "channels")
	},
	"edit thread": func(s *simulated) {
		s.pick(func(_ string, id []string) {
			s.request("PATCH", "/channels/"+id[0], object{"name": s.word(), "archived": s.rand.IntN(3) == 0})
		}, "threads")
	},
	"talk in thread": func(s *simulated) {
		s.pick(func(_ string, id []string) { s.Sim.Say(snowflake(id[0]), s.User.ID, "hello") }, "threads")
	},
	"enter thread": func(s *simulated) {
		s.pick(func(_ string, id []string) { s.request("PUT", "/channels/"+id[0]+"/thread-members/@me", nil) }, "threads")
	},
	"leave thread": func(s *simulated) {
		s.pick(func(_ string, id []string) { s.request("DELETE", "/channels/"+id[0]+"/thread-members/@me", nil) }, "threads")
	},
	"delete thread": func(s *simulated) {
		s.pick(func(_ string, id []string) { s.request("DELETE", "/channels/"+id[0], nil) }, "threads")
	},
	"role": func(s *simulated) { s.Sim.AddRole(s.guild(), s.word(), 0) },
	"edit role": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			s.request("PATCH", "/guilds/"+guild+"/roles/"+id[0], object{"name": s.word(), "color": s.rand.IntN(1 << 24)})
		}, "roles")
	},
	"delete role": func(s *simulated) {
		s.pick(func(guild string, id []string) { s.request("DELETE", "/guilds/"+guild+"/roles/"+id[0], nil) }, "roles")
	},
	"member": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			s.request("PATCH", "/guilds/"+guild+"/members/"+id[0], object{"nick": s.word()})
			s.request("PUT", "/guilds/"+guild+"/members/"+id[0]+"/roles/"+id[1], nil)
		}, "members", "roles")
	},
	"kick": func(s *simulated) {
		s.pick(func(guild string, id []string) { s.request("DELETE", "/guilds/"+guild+"/members/"+id[0], nil) }, "members")
	},
	"rename guild": func(s *simulated) {
		s.request("PATCH", "/guilds/"+s.guild().ID.String(), object{"name": s.word()})
	},
	"voice": func(s *simulated) {
		for _, ch := range s.Sim.AddVoiceChannels(s.guild(), "voice") {
			s.Sim.JoinVoice(ch.ID, s.User.ID)
			s.Sim.JoinVoice(ch.ID, s.Sim.AddUser("singer").ID)
		}
	},
	"leave voice": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			i := slices.IndexFunc(s.Guilds, func(g *discordsim.Guild) bool { return g.ID.String() == guild })
			s.Sim.LeaveVoice(s.Guilds[i], snowflake(id[0]))
		}, "voice_states")
	},
	"emoji": func(s *simulated) {
		s.request("POST", "/guilds/"+s.guild().ID.String()+"/emojis", object{"name": s.word(), "image": "data:image/png;base64,"})
	},
	"edit emoji": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			s.request("PATCH", "/guilds/"+guild+"/emojis/"+id[0], object{"name": s.word()})
		}, "emojis")
	},
	"delete emoji": func(s *simulated) {
		s.pick(func(guild string, id []string) { s.request("DELETE", "/guilds/"+guild+"/emojis/"+id[0], nil) }, "emojis")
	},
	"sound": func(s *simulated) {
		s.request("POST", "/guilds/"+s.guild().ID.String()+"/soundboard-sounds", object{"name": s.word(), "sound": "data:audio/ogg;base64,"})
	},
	"edit sound": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			s.request("PATCH", "/guilds/"+guild+"/soundboard-sounds/"+id[0], object{"name": s.word(), "volume": 0.5})
		}, "soundboard_sounds")
	},
	"delete sound": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			s.request("DELETE", "/guilds/"+guild+"/soundboard-sounds/"+id[0], nil)
		}, "soundboard_sounds")
	},
	"scheduled event": func(s *simulated) {
		s.request("POST", "/guilds/"+s.guild().ID.String()+"/scheduled-events", object{
			"name": s.word(), "privacy_level": 2, "entity_type": 3, "entity_metadata": object{"location": s.word()},
			"scheduled_start_time": time.Now().Add(24 * time.Hour), "scheduled_end_time": time.Now().Add(25 * time.Hour),
		})
	},
	"edit scheduled event": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			s.request("PATCH", "/guilds/"+guild+"/scheduled-events/"+id[0], object{"name": s.word(), "description": s.word()})
		}, "guild_scheduled_events")
	},
	"delete scheduled event": func(s *simulated) {
		s.pick(func(guild string, id []string) {
			s.request("DELETE", "/guilds/"+guild+"/scheduled-events/"+id[0], nil)
		}, "guild_scheduled_events")
	},
	"stage": func(s *simulated) {
		const stageChannel = 13
		ch := s.Sim.AddChannel(s.guild(), "stage", stageChannel).ID.String()
		s.stages = append(s.stages, ch)
		s.request("POST", "/stage-instances", object{"channel_id": ch, "topic": s.word()})
	},
	"edit stage": func(s *simulated) {
		s.eachStage(func(ch string) { s.request("PATCH", "/stage-instances/"+ch, object{"topic": s.word()}) })
	},
	"end stage": func(s *simulated) {
		s.eachStage(func(ch string) { s.request("DELETE", "/stage-instances/"+ch, nil) })
	},
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

// eachStage calls do for about half of the channels in which there were stages.
func (s *simulated) eachStage(do func(channel string)) {
	for _, ch := range s.stages {
		if s.rand.IntN(2) == 0 {
			do(ch)
		}
	}
}

func (s *simulated) word() string {
	return []string{"novels", "poems", "essays", "letters"}[s.rand.IntN(4)]
}

// pick draws objects of a guild, one of each list, and calls do with the guild's id and
// theirs. It does nothing where a list is empty.
func (s *simulated) pick(do func(guild string, ids []string), lists ...string) {
	s.T.Helper()
	guild := s.guild().ID
	s.mu.Lock()
	d, status, err := s.world.Guild(uint64(guild))
	s.mu.Unlock()
	if err != nil {
		s.T.Fatal(err)
	}
	if status != world.Available {
		return
	}
	var ids []string
	for _, list := range lists {
		all := slices.Sorted(maps.Keys(decodeGuild(s.T, d)[list].(object)))
		if len(all) == 0 {
			return
		}
		ids = append(ids, all[s.rand.IntN(len(all))])
	}
	do(guild.String(), ids)
}

func snowflake(id string) discordsim.ID {
	n, _ := strconv.ParseUint(id, 10, 64) // 0 is the id of nothing
	return discordsim.ID(n)
}

// request sends one request of the bot. What Discord refuses changes nothing.
func (s *simulated) request(method, path string, body object) {
	s.T.Helper()
	transport := s.Sim.Transport()
	defer transport.CloseIdleConnections()
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(encode(s.T, body))
	}
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.Sim.APIURL()+path, content)
	if err != nil {
		s.T.Fatal(err)
	}
	r.Header.Set("Authorization", "Bot "+s.App.Token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	response, err := transport.RoundTrip(r)
	if err != nil {
		s.T.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		s.T.Error(err)
	}
	s.answers[strconv.Itoa(response.StatusCode)+" "+method]++
}

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
		leaveOutUntold(have)
		leaveOutUntold(want)
		if s.intents&gateway.IntentGuildPresences != 0 {
			// A fresh session is told of all members. Those who have joined since are not kept.
			keepOnly(want["members"].(object), have["members"].(object))
		} else {
			// A fresh session is told only of the bot and those in voice. Others whom the last
			// GUILD_CREATE named stay.
			keepOnly(have["members"].(object), want["members"].(object))
		}
		if have["members"].(object)[s.App.Bot.ID.String()] == nil {
			s.T.Errorf("the bot itself is no member of guild %d", id)
		}
		if all := differences("guild", have, want); len(all) > 0 {
			s.T.Fatalf("after %q guild %d differs:\n%s", done, id, strings.Join(all, "\n"))
		}
	}
}

// leaveOutUntold removes what the simulator changes without an event: the position of
// channels and roles behind one that is deleted. It also removes what Discord leaves out of
// GUILD_CREATE and the simulator does not: the ids of a thread's member.
func leaveOutUntold(guild object) {
	for _, list := range []string{"channels", "roles"} {
		for _, o := range guild[list].(object) {
			delete(o.(object), "position")
		}
	}
	for _, thread := range guild["threads"].(object) {
		if member, joined := thread.(object)["member"].(object); joined {
			delete(member, "id")
			delete(member, "user_id")
		}
	}
}

// keepOnly removes what another object has not.
func keepOnly(o, other object) {
	maps.DeleteFunc(o, func(id string, _ any) bool { return other[id] == nil })
}

// Given the simulated Discord, when anything has happened in any order, then the world says
// what a fresh session is told.
func TestSnapshotIsWhatAFreshSessionIsTold(t *testing.T) {
	names := slices.Sorted(maps.Keys(simulatedMoves))
	answers := map[string]int{}
	for name, intents := range map[string]gateway.Intents{
		"members":               simulatedIntents,
		"members and presences": simulatedIntents | gateway.IntentGuildPresences,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(testmode.Count(200, 12)) {
				simtest.Run(t, simtest.Options{Guilds: 3}, func(sw *simtest.World) {
					s := &simulated{World: sw, rand: rand.New(rand.NewPCG(seed, 7)), intents: intents, world: world.New(world.Options{}), answers: answers}
					shard, stop := s.start(func(e gateway.Event) {
						if err := s.world.Apply(e.Type, e.Data); err != nil {
							t.Errorf("seed %d: %v", seed, err)
						}
					})
					defer stop()
					s.shard = shard
					s.Advance(time.Minute)
					var done []string
					for range 1 + s.rand.IntN(60) {
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
	if answers["201 POST"] == 0 || answers["200 POST"] == 0 || answers["200 PATCH"] == 0 || answers["204 PUT"] == 0 || answers["200 DELETE"] == 0 {
		t.Errorf("the bot's requests were answered with %v", answers)
	}
}
