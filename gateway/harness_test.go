package gateway_test

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
	"evergreen/gateway"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println("goroutines are left over:", err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// interval is Discord's heartbeat interval, which the stories are told at.
const interval = 41_250 * time.Millisecond

// harness is one shard in front of a simulated Discord, in virtual time.
type harness struct {
	t     *testing.T
	sim   *discordsim.Sim
	app   *discordsim.App
	guild *discordsim.Guild
	user  discordsim.User
	shard *gateway.Shard

	recorder recorder
	ran      chan struct{}
	started  bool
	stopped  bool

	mu     sync.Mutex
	events []gateway.Event
	handle func(context.Context, gateway.Event)
}

// config changes a stage before the curtain rises.
type config struct {
	sim     discordsim.Config
	app     discordsim.AppConfig
	options func(*gateway.Options)
	handle  func(context.Context, gateway.Event)
}

// intents are what the stage's bot asks for.
const intents = gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent

// run tells one story in virtual time: the shard is made but not yet running.
// When the story is over, shard and simulator must end without leaving
// anything behind.
func run(t *testing.T, set config, story func(*harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &harness{t: t, sim: discordsim.New(set.sim), ran: make(chan struct{}), handle: set.handle}
		s.guild = s.sim.AddGuild("reading room")
		s.user = s.sim.AddUser("ada")
		s.sim.AddMembers(s.guild, s.user)
		set.app.Guilds = append(set.app.Guilds, s.guild)
		s.app = s.sim.AddApp(set.app)
		options := gateway.Options{
			Credentials: gateway.Credentials{Token: s.app.Token, Intents: intents},
			URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:      gateway.WebSocketDialer{DialContext: s.sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"},
			Handler:     gateway.HandlerFunc(s.handleEvent),
			Observer:    &s.recorder,
			Presence:    &gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: "AI Research | !help", Type: gateway.ActivityWatching}}},
		}
		options.Rand = seededRand(t.Name(), set.sim.Seed)
		if set.options != nil {
			set.options(&options)
		}
		var err error
		if s.shard, err = gateway.New(options); err != nil {
			t.Fatal(err)
		}
		// Deferred, so that a story that fails leaves nothing behind either.
		defer s.sim.Close()
		defer func() {
			if s.started && !s.stopped {
				s.stop(gateway.KeepSession)
			}
		}()
		story(s)
	})
}

// seededRand is a source of jitter that is the same in every run of a test.
func seededRand(name string, seed uint64) func() float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), seed))
	var mu sync.Mutex
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return r.Float64()
	}
}

func (s *harness) handleEvent(ctx context.Context, e gateway.Event) {
	s.mu.Lock()
	s.events = append(s.events, e)
	handle := s.handle
	s.mu.Unlock()
	if handle != nil {
		handle(ctx, e)
	}
}

// start runs the shard without waiting for anything.
func (s *harness) start() {
	s.started = true
	go func() {
		defer close(s.ran)
		if err := s.shard.Run(context.Background()); err != nil {
			s.t.Error(err)
		}
	}()
}

// startLive runs the shard until it is live.
func (s *harness) startLive() {
	s.t.Helper()
	s.start()
	s.until(time.Minute, "the shard is live", s.isLive)
}

func (s *harness) isLive() bool {
	_, live := s.shard.State().(gateway.Live)
	return live
}

// stop ends the shard and checks that the end is final.
func (s *harness) stop(mode gateway.StopMode) {
	s.t.Helper()
	s.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.shard.Stop(ctx, mode); err != nil {
		s.t.Error(err)
	}
	<-s.ran
	synctest.Wait() // until the simulator has taken note
	if state := s.shard.State(); state != (gateway.Stopped{}) {
		s.t.Errorf("after Stop the state is %s", state)
	}
}

// until lets virtual time pass until something holds, and returns how long
// that took.
func (s *harness) until(limit time.Duration, what string, holds func() bool) time.Duration {
	s.t.Helper()
	start := time.Now()
	for step := time.Millisecond; !holds(); {
		if time.Since(start) > limit {
			s.t.Fatalf("after %s still not: %s (state %s)", limit, what, s.shard.State())
		}
		time.Sleep(step)
		synctest.Wait()
		step = min(2*step, 20*time.Millisecond)
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

// post makes a user say something in the guild.
func (s *harness) post(text string) discordsim.Message {
	return s.sim.Say(s.guild.Channels[0].ID, s.user.ID, text)
}

// eventsOf lists the events of a type the handler was given.
func (s *harness) eventsOf(typ string) (events []gateway.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Type == typ {
			events = append(events, e)
		}
	}
	return events
}

// untilResumed waits until a RESUME that begins after now has ended in RESUMED, and
// returns how long that took.
func (s *harness) untilResumed(limit time.Duration) time.Duration {
	s.t.Helper()
	before := s.shard.Stats().Resumed
	return s.until(limit, "the session is resumed", func() bool { return s.shard.Stats().Resumed > before && s.isLive() })
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

// recorder is an observer that a story reads afterwards.
type recorder struct {
	mu           sync.Mutex
	observations []gateway.Observation
}

func (d *recorder) Observe(n gateway.Observation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.observations = append(d.observations, n)
}

// observed lists the observations of one kind.
func observed[T gateway.ShardEvent](s *harness) (all []T) {
	synctest.Wait()
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	for _, n := range s.recorder.observations {
		if what, ok := n.Event.(T); ok {
			all = append(all, what)
		}
	}
	return all
}

// reasons lists why connections ended, in order.
func (s *harness) reasons() (kinds []gateway.ReasonKind) {
	for _, d := range observed[gateway.Disconnected](s) {
		kinds = append(kinds, d.Reason.Kind)
	}
	return kinds
}

// wantReason fails the story unless a connection ended for the cause.
func (s *harness) wantReason(kind gateway.ReasonKind) {
	s.t.Helper()
	if !slices.Contains(s.reasons(), kind) {
		s.t.Errorf("no connection ended by %q, but by %q", kind, s.reasons())
	}
}
