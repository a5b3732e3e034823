package fleet_test

import (
	"context"
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
	"evergreen/internal/simtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(asSim) != "" {
		serveSim()
		return
	}
	goleak.VerifyTestMain(m)
}

// intents are what the bot of the tests asks for.
const intents = gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentDirectMessages | gateway.IntentMessageContent

// harness is a bot with many shards in front of a simulated Discord, in virtual
// time.
type harness struct {
	*simtest.World
	fleet    *fleet.Fleet
	sessions *simtest.Sessions
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
	simtest.Run(t, simtest.Options{Sim: c.sim, App: c.app, Guilds: c.guilds}, func(w *simtest.World) {
		s := &harness{World: w, config: c, sessions: &simtest.Sessions{}}
		s.Describe = func() string { return s.fleet.Progress().String() }
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
		s.T.Fatal(err)
	}
	options := fleet.Options{Shard: s.ShardOptions(intents), Assigner: assignment, Sessions: s.sessions}
	options.Shard.Handler, options.Shard.Observer = gateway.HandlerFunc(s.handleEvent), gateway.ObserverFunc(s.observe)
	options.Shard.Presence = &gateway.Presence{Status: gateway.StatusOnline}
	options.Shard.Compression = gateway.CompressNone
	options.Shard.IdentifyLimiter = identify.New(identify.Options{MaxConcurrency: s.App.MaxConcurrency})
	options.Shard.Rand = simtest.Rand(s.T.Name(), 1)
	if s.config.options != nil {
		s.config.options(&options)
	}
	if s.fleet, err = fleet.New(options); err != nil {
		s.T.Fatal(err)
	}
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
			s.T.Error(err)
		}
	}()
}

// startLive runs the fleet until every shard is online and returns how long that took.
func (s *harness) startLive(limit time.Duration) time.Duration {
	s.T.Helper()
	s.start()
	return s.Until(limit, "every shard is online", func() bool { return s.fleet.Progress().Done() })
}

// stop ends the fleet.
func (s *harness) stop(mode gateway.StopMode) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.fleet.Stop(ctx, mode); err != nil {
		s.T.Error(err)
	}
	<-s.ran
	s.ran = nil
}

// postIn makes the user say something in a guild.
func (s *harness) postIn(g *discordsim.Guild, text string) discordsim.Message {
	return s.Sim.Say(g.Channels[0].ID, s.User.ID, text)
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
