package gateway_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interval is Discord's heartbeat interval.
const interval = 41_250 * time.Millisecond

// harness is one shard in front of a simulated Discord, in virtual time.
type harness struct {
	*simtest.World
	Guild   *discordsim.Guild
	options gateway.Options
	shard   *gateway.Shard

	recorder simtest.Recorder
	cancel   context.CancelFunc // ends the context of Run
	ran      chan struct{}
	started  bool
	stopped  bool
	injected injected

	mu     sync.Mutex
	events []gateway.Event
	handle func(context.Context, gateway.Event)
}

// injected is how often a session had been resumed when a fault was injected.
type injected struct {
	shard   *gateway.Shard
	at      time.Time
	resumed int64
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
	simtest.Run(t, simtest.Options{Sim: set.sim, App: set.app, Guilds: 1}, func(w *simtest.World) {
		h := &harness{World: w, Guild: w.Guilds[0], handle: set.handle}
		h.Describe = func() string { return "state " + h.shard.State().String() }
		options := h.ShardOptions(intents)
		options.Handler, options.Observer = gateway.HandlerFunc(h.handleEvent), &h.recorder
		options.Presence = &gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: "AI Research | !help", Type: gateway.ActivityWatching}}}
		options.Rand = simtest.Rand(h.T.Name(), set.sim.Seed)
		if set.options != nil {
			set.options(&options)
		}
		h.options = options
		h.make()
		// Deferred, so that a test that fails leaves nothing behind either.
		defer func() {
			if h.started && !h.stopped {
				h.stop(gateway.KeepSession)
			}
		}()
		test(h)
	})
}

// make makes the shard.
func (h *harness) make() {
	h.T.Helper()
	var err error
	if h.shard, err = gateway.New(h.options); err != nil {
		h.T.Fatal(err)
	}
	h.ran, h.started, h.stopped = make(chan struct{}), false, false
}

// restart runs another shard with a session of the one before, until it is live.
func (h *harness) restart(saved gateway.Session) {
	h.T.Helper()
	h.options.Session = saved
	h.make()
	h.startLive()
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
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	shard, ran := h.shard, h.ran
	go func() {
		defer close(ran)
		defer cancel()
		if err := shard.Run(ctx); err != nil {
			h.T.Error(err)
		}
	}()
}

// startLive runs the shard until it is live.
func (h *harness) startLive() {
	h.T.Helper()
	h.start()
	h.Until(time.Minute, "the shard is live", h.isLive)
}

func (h *harness) isLive() bool {
	_, live := h.shard.State().(gateway.Live)
	return live
}

// stop ends the shard and checks that the end is final.
func (h *harness) stop(mode gateway.StopMode) {
	h.T.Helper()
	h.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.shard.Stop(ctx, mode); err != nil {
		h.T.Error(err)
	}
	<-h.ran
	synctest.Wait() // until the simulator has taken note
	if state := h.shard.State(); state != (gateway.Stopped{}) {
		h.T.Errorf("after Stop the state is %s", state)
	}
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

// Inject injects a fault and remembers how often the session had been resumed before it.
func (h *harness) Inject(f discordsim.Fault) *discordsim.Active {
	h.T.Helper()
	if h.shard != nil {
		h.injected = injected{h.shard, time.Now(), h.shard.Stats().Resumed}
	}
	return h.World.Inject(f)
}

// untilResumed waits until a RESUME that begins after now has ended in RESUMED, and
// returns how long that took. Right after Inject it is one that begins after the fault: the
// shard may be done before this goroutine goes on.
func (h *harness) untilResumed(limit time.Duration) time.Duration {
	h.T.Helper()
	before := h.shard.Stats().Resumed
	if h.injected.shard == h.shard && h.injected.at.Equal(time.Now()) {
		before = h.injected.resumed
	}
	return h.Until(limit, "the session is resumed", func() bool { return h.shard.Stats().Resumed > before && h.isLive() })
}

// observed lists the events of one kind.
func observed[T gateway.ShardEvent](h *harness) (all []T) {
	for _, o := range simtest.Observed[T](&h.recorder) {
		all = append(all, o.Event.(T))
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
	h.T.Helper()
	if !slices.Contains(h.reasons(), kind) {
		h.T.Errorf("no connection ended by %q, but by %q", kind, h.reasons())
	}
}
