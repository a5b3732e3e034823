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
	if os.Getenv(asSim) != "" {
		serveSim()
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

// intents are what the bot of the tests asks for.
const intents = gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentDirectMessages | gateway.IntentMessageContent

// harness is a bot with many shards in front of a simulated Discord, in virtual
// time.
type harness struct {
	t        *testing.T
	sim      *discordsim.Sim
	app      *discordsim.App
	user     discordsim.User
	fleet    *fleet.Fleet
	sessions *memorySessions
	config   config
	ran      chan struct{}

	mu           sync.Mutex
	events       []gateway.Event
	observations []gateway.Observation
}

// config is what a test may choose of its bot and its simulator.
type config struct {
	sim     discordsim.Config
	app     discordsim.AppConfig
	guilds  int
	shards  string // as an operator writes them
	options func(*fleet.Options)
	handle  func(context.Context, gateway.Event)
}

// run tells one story in virtual time: the fleet is made but not yet running.
func run(t *testing.T, c config, story func(*harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &harness{t: t, sim: discordsim.New(c.sim), config: c, sessions: &memorySessions{sessions: map[gateway.ShardID]gateway.Session{}}}
		defer s.sim.Close()
		s.user = s.sim.AddUser("ada")
		for range c.guilds {
			g := s.sim.AddGuild("a guild")
			s.sim.AddMembers(g, s.user)
			c.app.Guilds = append(c.app.Guilds, g)
		}
		s.app = s.sim.AddApp(c.app)
		s.newFleet()
		defer func() {
			if s.ran != nil {
				s.stop(gateway.KeepSession)
			}
		}()
		story(s)
	})
}

// newFleet makes the next process's fleet.
func (s *harness) newFleet() {
	assignment, err := fleet.ParseAssignment(s.config.shards)
	if err != nil {
		s.t.Fatal(err)
	}
	options := fleet.Options{
		Shard: gateway.Options{
			Credentials:     gateway.Credentials{Token: s.app.Token, Intents: intents},
			URLSource:       gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:          gateway.WebSocketDialer{DialContext: s.sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"},
			Handler:         gateway.HandlerFunc(s.handleEvent),
			Observer:        gateway.ObserverFunc(s.observe),
			Presence:        &gateway.Presence{Status: gateway.StatusOnline},
			Compression:     gateway.CompressNone,
			IdentifyLimiter: identify.New(identify.Options{MaxConcurrency: s.app.MaxConcurrency}),
			Rand:            seededRand(s.t.Name()),
		},
		Assigner: assignment,
		Sessions: s.sessions,
	}
	if s.config.options != nil {
		s.config.options(&options)
	}
	if s.fleet, err = fleet.New(options); err != nil {
		s.t.Fatal(err)
	}
}

// seededRand is a source of jitter that is the same in every run of a test.
func seededRand(name string) func() float64 {
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

// memorySessions keeps sessions as a disk would.
type memorySessions struct {
	mu       sync.Mutex
	sessions map[gateway.ShardID]gateway.Session
}

func (m *memorySessions) Session(shard gateway.ShardID) gateway.Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[shard]
}

func (m *memorySessions) SessionStore(shard gateway.ShardID) gateway.SessionStore {
	return memoryStore{m, shard}
}

type memoryStore struct {
	sessions *memorySessions
	shard    gateway.ShardID
}

func (m memoryStore) Save(session gateway.Session) {
	m.sessions.mu.Lock()
	defer m.sessions.mu.Unlock()
	m.sessions.sessions[m.shard] = session
}

func (s *harness) handleEvent(ctx context.Context, e gateway.Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	if s.config.handle != nil {
		s.config.handle(ctx, e)
	}
}

func (s *harness) observe(n gateway.Observation) {
	switch n.Event.(type) {
	case gateway.HeartbeatSent, gateway.HeartbeatACK:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observations = append(s.observations, n)
}

// start runs the fleet without waiting for anything.
func (s *harness) start() {
	s.ran = make(chan struct{})
	f, ran := s.fleet, s.ran
	go func() {
		defer close(ran)
		if err := f.Run(context.Background()); err != nil {
			s.t.Error(err)
		}
	}()
}

// startLive runs the fleet until every shard is online and returns how long that took.
func (s *harness) startLive(limit time.Duration) time.Duration {
	s.t.Helper()
	s.start()
	return s.until(limit, "every shard is online", func() bool { return s.fleet.Progress().Done() })
}

// stop ends the fleet.
func (s *harness) stop(mode gateway.StopMode) {
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
func (s *harness) until(limit time.Duration, what string, holds func() bool) time.Duration {
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

// advance lets virtual time pass.
func (s *harness) advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// inject lets something go wrong.
func (s *harness) inject(f discordsim.Fault) *discordsim.Active {
	s.t.Helper()
	a, err := s.sim.Inject(f)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// post makes the user say something in a guild.
func (s *harness) post(g *discordsim.Guild, text string) discordsim.Message {
	return s.sim.Say(g.Channels[0].ID, s.user.ID, text)
}

// eventsOf lists the events of a type the handler was given.
func (s *harness) eventsOf(typ string) (events []gateway.Event) {
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

// observed lists the observations of one kind, by time.
func observed[T gateway.ShardEvent](s *harness) (all []gateway.Observation) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.observations {
		if _, ok := n.Event.(T); ok {
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b gateway.Observation) int { return a.At.Compare(b.At) })
	return all
}

// noViolations fails the story when the simulator saw a protocol violation.
func (s *harness) noViolations() {
	s.t.Helper()
	for _, v := range s.sim.Verdict(s.app).Violations {
		s.t.Errorf("the client broke %s: %s", v.Statement, v.What)
	}
}

// wantIdentifies fails the story unless so many IDENTIFYs were sent.
func (s *harness) wantIdentifies(want int) {
	s.t.Helper()
	if got := s.sim.Verdict(s.app).Identifies; got != want {
		s.t.Errorf("%d IDENTIFYs were sent, want %d", got, want)
	}
}
