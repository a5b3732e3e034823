package fleet_test

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/identify"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(asDiscord) != "" {
		serveDiscord()
		return
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println("goroutines are left over:", err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// intents are what the stage's bot asks for.
const intents = gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentDirectMessages | gateway.IntentMessageContent

// stage is a bot with many shards in front of a simulated Discord, in virtual
// time.
type stage struct {
	t     *testing.T
	sim   *discordsim.Sim
	app   *discordsim.App
	user  discordsim.User
	fleet *fleet.Fleet
	saved *shelf
	set   setting
	ran   chan struct{}

	mu     sync.Mutex
	events []gateway.Event
	notes  []gateway.Observation
}

// setting changes a stage before the curtain rises.
type setting struct {
	sim     discordsim.Config
	app     discordsim.AppConfig
	guilds  int
	shards  string // as an operator writes them
	options func(*fleet.Options)
	handle  func(context.Context, gateway.Event)
}

// play tells one story in virtual time: the fleet is made but not yet running.
func play(t *testing.T, set setting, story func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, sim: discordsim.New(set.sim), set: set, saved: &shelf{sessions: map[gateway.ShardID]gateway.Session{}}}
		defer s.sim.Close()
		s.user = s.sim.AddUser("ada")
		for range set.guilds {
			g := s.sim.AddGuild("a guild")
			s.sim.AddMembers(g, s.user)
			set.app.Guilds = append(set.app.Guilds, g)
		}
		s.app = s.sim.AddApp(set.app)
		s.make()
		defer func() {
			if s.ran != nil {
				s.stop(gateway.KeepSession)
			}
		}()
		story(s)
	})
}

// make makes the next process's fleet.
func (s *stage) make() {
	assignment, err := fleet.ParseAssignment(s.set.shards)
	if err != nil {
		s.t.Fatal(err)
	}
	options := fleet.Options{
		Shard: gateway.Options{
			Credentials:     gateway.Credentials{Token: s.app.Token, Intents: intents},
			URLSource:       gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:          gateway.WebSocketDialer{DialContext: s.sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"},
			Handler:         gateway.HandlerFunc(s.take),
			Observer:        gateway.ObserverFunc(s.observe),
			Presence:        &gateway.Presence{Status: gateway.StatusOnline},
			Compression:     gateway.CompressNone,
			IdentifyLimiter: identify.New(identify.Options{MaxConcurrency: s.app.MaxConcurrency}),
			Rand:            chance(s.t.Name()),
		},
		Assigner: assignment,
		Sessions: s.saved,
	}
	if s.set.options != nil {
		s.set.options(&options)
	}
	if s.fleet, err = fleet.New(options); err != nil {
		s.t.Fatal(err)
	}
}

// chance is a source of jitter that is the same in every run of a test.
func chance(name string) func() float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	var mu sync.Mutex
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return r.Float64()
	}
}

// shelf keeps sessions as a disk would.
type shelf struct {
	mu       sync.Mutex
	sessions map[gateway.ShardID]gateway.Session
}

func (s *shelf) Session(p gateway.ShardID) gateway.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[p]
}

func (s *shelf) SessionStore(p gateway.ShardID) gateway.SessionStore { return slot{s, p} }

type slot struct {
	shelf *shelf
	pair  gateway.ShardID
}

func (s slot) Save(session gateway.Session) {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	s.shelf.sessions[s.pair] = session
}

func (s *stage) take(ctx context.Context, e gateway.Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	if s.set.handle != nil {
		s.set.handle(ctx, e)
	}
}

func (s *stage) observe(n gateway.Observation) {
	switch n.Event.(type) {
	case gateway.HeartbeatSent, gateway.HeartbeatACK:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, n)
}

// begin runs the fleet without waiting for anything.
func (s *stage) begin() {
	s.ran = make(chan struct{})
	f, ran := s.fleet, s.ran
	go func() {
		defer close(ran)
		if err := f.Run(context.Background()); err != nil {
			s.t.Error(err)
		}
	}()
}

// run runs the fleet until every shard is online and returns how long that took.
func (s *stage) run(limit time.Duration) time.Duration {
	s.t.Helper()
	s.begin()
	return s.until(limit, "every shard is online", func() bool { return s.fleet.Progress().Done() })
}

// stop ends the fleet.
func (s *stage) stop(mode gateway.StopMode) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.fleet.Stop(ctx, mode); err != nil {
		s.t.Error(err)
	}
	<-s.ran
	s.ran = nil
}

// until lets virtual time pass until something holds, and returns how long that
// took.
func (s *stage) until(limit time.Duration, what string, holds func() bool) time.Duration {
	s.t.Helper()
	start := time.Now()
	for !holds() {
		if time.Since(start) > limit {
			s.t.Fatalf("after %s still not: %s (%s)", limit, what, s.fleet.Progress())
		}
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
	}
	return time.Since(start)
}

// pass lets virtual time pass.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// inject lets something go wrong.
func (s *stage) inject(f discordsim.Fault) *discordsim.Active {
	s.t.Helper()
	a, err := s.sim.Inject(f)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// say makes the user say something in a guild.
func (s *stage) say(g *discordsim.Guild, text string) discordsim.Message {
	return s.sim.Say(g.Channels[0].ID, s.user.ID, text)
}

// seen lists the events of a type the handler was given.
func (s *stage) seen(typ string) (events []gateway.Event) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Type == typ {
			events = append(events, e)
		}
	}
	return events
}

// noted lists the observations of one kind, by time.
func noted[T gateway.ShardEvent](s *stage) (all []gateway.Observation) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notes {
		if _, ok := n.Event.(T); ok {
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b gateway.Observation) int { return a.At.Compare(b.At) })
	return all
}

// faultless fails the story when the simulator saw a protocol violation.
func (s *stage) faultless() {
	s.t.Helper()
	for _, v := range s.sim.Verdict(s.app).Violations {
		s.t.Errorf("the client broke %s: %s", v.Statement, v.What)
	}
}

// identifies fails the story unless so many IDENTIFYs were sent.
func (s *stage) identifies(want int) {
	s.t.Helper()
	if got := s.sim.Verdict(s.app).Identifies; got != want {
		s.t.Errorf("%d IDENTIFYs were sent, want %d", got, want)
	}
}
