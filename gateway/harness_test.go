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

// interval is Discord's heartbeat interval.
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

// config is what a test changes of a harness.
type config struct {
	sim     discordsim.Config
	app     discordsim.AppConfig
	options func(*gateway.Options)
	handle  func(context.Context, gateway.Event)
}

// intents are what the harness's bot asks for.
const intents = gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent

// run runs test in virtual time, with a shard that was made and does not run yet.
// When the test returns, shard and simulator must end without leaving
// anything behind.
func run(t *testing.T, set config, test func(*harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &harness{t: t, sim: discordsim.New(set.sim), ran: make(chan struct{}), handle: set.handle}
		h.guild = h.sim.AddGuild("reading room")
		h.user = h.sim.AddUser("ada")
		h.sim.AddMembers(h.guild, h.user)
		set.app.Guilds = append(set.app.Guilds, h.guild)
		h.app = h.sim.AddApp(set.app)
		options := gateway.Options{
			Credentials: gateway.Credentials{Token: h.app.Token, Intents: intents},
			URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:      gateway.WebSocketDialer{DialContext: h.sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"},
			Handler:     gateway.HandlerFunc(h.handleEvent),
			Observer:    &h.recorder,
			Presence:    &gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: "AI Research | !help", Type: gateway.ActivityWatching}}},
		}
		options.Rand = seededRand(t.Name(), set.sim.Seed)
		if set.options != nil {
			set.options(&options)
		}
		var err error
		if h.shard, err = gateway.New(options); err != nil {
			t.Fatal(err)
		}
		// Deferred, so that a test that fails leaves nothing behind either.
		defer h.sim.Close()
		defer func() {
			if h.started && !h.stopped {
				h.stop(gateway.KeepSession)
			}
		}()
		test(h)
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

func (h *harness) handleEvent(ctx context.Context, e gateway.Event) {
	h.mu.Lock()
	h.events = append(h.events, e)
	handle := h.handle
	h.mu.Unlock()
	if handle != nil {
		handle(ctx, e)
	}
}

// start runs the shard without waiting for anything.
func (h *harness) start() {
	h.started = true
	go func() {
		defer close(h.ran)
		if err := h.shard.Run(context.Background()); err != nil {
			h.t.Error(err)
		}
	}()
}

// startLive runs the shard until it is live.
func (h *harness) startLive() {
	h.t.Helper()
	h.start()
	h.until(time.Minute, "the shard is live", h.isLive)
}

func (h *harness) isLive() bool {
	_, live := h.shard.State().(gateway.Live)
	return live
}

// stop ends the shard and checks that the end is final.
func (h *harness) stop(mode gateway.StopMode) {
	h.t.Helper()
	h.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.shard.Stop(ctx, mode); err != nil {
		h.t.Error(err)
	}
	<-h.ran
	synctest.Wait() // until the simulator has taken note
	if state := h.shard.State(); state != (gateway.Stopped{}) {
		h.t.Errorf("after Stop the state is %s", state)
	}
}

// until lets virtual time pass until something holds, and returns how long
// that took.
func (h *harness) until(limit time.Duration, what string, holds func() bool) time.Duration {
	h.t.Helper()
	start := time.Now()
	for step := time.Millisecond; !holds(); {
		if time.Since(start) > limit {
			h.t.Fatalf("after %s still not: %s (state %s)", limit, what, h.shard.State())
		}
		time.Sleep(step)
		synctest.Wait()
		step = min(2*step, 20*time.Millisecond)
	}
	return time.Since(start)
}

// advance lets virtual time pass.
func (h *harness) advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// inject lets something go wrong.
func (h *harness) inject(f discordsim.Fault) *discordsim.Active {
	h.t.Helper()
	a, err := h.sim.Inject(f)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// post makes a user say something in the guild.
func (h *harness) post(text string) discordsim.Message {
	return h.sim.Say(h.guild.Channels[0].ID, h.user.ID, text)
}

// eventsOf lists the events of a type the handler was given.
func (h *harness) eventsOf(typ string) (events []gateway.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e.Type == typ {
			events = append(events, e)
		}
	}
	return events
}

// untilResumed waits until a RESUME that begins after now has ended in RESUMED, and
// returns how long that took.
func (h *harness) untilResumed(limit time.Duration) time.Duration {
	h.t.Helper()
	before := h.shard.Stats().Resumed
	return h.until(limit, "the session is resumed", func() bool { return h.shard.Stats().Resumed > before && h.isLive() })
}

// noViolations fails the test when the simulator saw a protocol violation.
func (h *harness) noViolations() {
	h.t.Helper()
	for _, v := range h.sim.Verdict(h.app).Violations {
		h.t.Errorf("the client broke %s: %s", v.Statement, v.What)
	}
}

// wantIdentifies fails the test unless so many IDENTIFYs were sent.
func (h *harness) wantIdentifies(want int) {
	h.t.Helper()
	if got := h.sim.Verdict(h.app).Identifies; got != want {
		h.t.Errorf("%d IDENTIFYs were sent, want %d", got, want)
	}
}

// recorder is an observer that a test reads afterwards.
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
func observed[T gateway.ShardEvent](h *harness) (all []T) {
	synctest.Wait()
	h.recorder.mu.Lock()
	defer h.recorder.mu.Unlock()
	for _, n := range h.recorder.observations {
		if what, ok := n.Event.(T); ok {
			all = append(all, what)
		}
	}
	return all
}

// reasons lists why connections ended, in order.
func (h *harness) reasons() (kinds []gateway.ReasonKind) {
	for _, d := range observed[gateway.Disconnected](h) {
		kinds = append(kinds, d.Reason.Kind)
	}
	return kinds
}

// wantReason fails the test unless a connection ended for the reason.
func (h *harness) wantReason(kind gateway.ReasonKind) {
	h.t.Helper()
	if !slices.Contains(h.reasons(), kind) {
		h.t.Errorf("no connection ended by %q, but by %q", kind, h.reasons())
	}
}
