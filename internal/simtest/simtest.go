// Package simtest is what the tests of several packages share: a simulated Discord
// with one bot and one user in virtual time, random numbers that a test repeats, an
// observer that remembers, a log and sessions in memory, and a client of an HTTP server.
package simtest

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Options configures [Run].
type Options struct {
	Sim discordsim.Config
	// App is the bot; its guilds are added to those of Guilds.
	App discordsim.AppConfig
	// Guilds is how many guilds there are, each with the user and the bot in it.
	Guilds int
}

// World is a simulated Discord in virtual time.
type World struct {
	T      *testing.T
	Sim    *discordsim.Sim
	App    *discordsim.App
	Guilds []*discordsim.Guild
	User   discordsim.User
	// Describe, if set, says in a failure of Until how the bot is.
	Describe func() string
}

// Run lets a story pass in virtual time. When it is over, the simulator is closed,
// and every goroutine that the story has started must have ended.
func Run(t *testing.T, o Options, story func(*World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &World{T: t, Sim: discordsim.New(o.Sim)}
		defer w.Sim.Close()
		w.User = w.Sim.AddUser("ada")
		for range o.Guilds {
			g := w.Sim.AddGuild("reading room")
			w.Sim.AddMembers(g, w.User)
			w.Guilds = append(w.Guilds, g)
		}
		o.App.Guilds = append(o.App.Guilds, w.Guilds...)
		w.App = w.Sim.AddApp(o.App)
		story(w)
	})
}

// Dialer connects to the simulator.
func (w *World) Dialer() gateway.WebSocketDialer {
	return gateway.WebSocketDialer{DialContext: w.Sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"}
}

// ShardOptions is the part of a shard's options that makes it the bot of this world.
func (w *World) ShardOptions(intents gateway.Intents) gateway.Options {
	return gateway.Options{
		Credentials: gateway.Credentials{Token: w.App.Token, Intents: intents},
		URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
		Dialer:      w.Dialer(),
	}
}

// Until lets virtual time pass until something holds, and returns how long that
// took. It fails the test after limit.
func (w *World) Until(limit time.Duration, what string, holds func() bool) time.Duration {
	w.T.Helper()
	start := time.Now()
	for step := time.Millisecond; !holds(); {
		if time.Since(start) > limit {
			how := ""
			if w.Describe != nil {
				how = " (" + w.Describe() + ")"
			}
			w.T.Fatalf("after %s still not: %s%s", limit, what, how)
		}
		time.Sleep(step)
		synctest.Wait()
		step = min(2*step, 20*time.Millisecond)
	}
	return time.Since(start)
}

// Advance lets virtual time pass.
func (w *World) Advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Inject lets a fault begin.
func (w *World) Inject(f discordsim.Fault) *discordsim.Active {
	w.T.Helper()
	a, err := w.Sim.Inject(f)
	if err != nil {
		w.T.Fatal(err)
	}
	return a
}

// Post lets the user say something in the first guild.
func (w *World) Post(text string) discordsim.Message {
	return w.Sim.Say(w.Guilds[0].Channels[0].ID, w.User.ID, text)
}

// NoViolations fails the test if the bot has broken a rule of Discord's.
func (w *World) NoViolations() {
	w.T.Helper()
	for _, v := range w.Sim.Verdict(w.App).Violations {
		w.T.Errorf("the bot broke %s: %s", v.Statement, v.What)
	}
}

// WantIdentifies fails the test unless so many IDENTIFYs were sent.
func (w *World) WantIdentifies(want int) {
	w.T.Helper()
	if got := w.Sim.Verdict(w.App).Identifies; got != want {
		w.T.Errorf("%d IDENTIFYs were sent, want %d", got, want)
	}
}

// Rand is a source of numbers from 0 to 1 that is the same in every run of a test.
// The function may be called at the same time.
func Rand(name string, seed uint64) func() float64 {
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

// Recorder is an observer whose observations a test reads afterwards. Its methods
// may be called at the same time.
type Recorder struct {
	mu  sync.Mutex
	all []gateway.Observation
}

// Observe adds an observation.
func (r *Recorder) Observe(o gateway.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, o)
}

// All lists the observations in the order in which they came.
func (r *Recorder) All() []gateway.Observation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// Observed lists the observations of one kind of event, after everything that is due
// has happened.
func Observed[T gateway.ShardEvent](r *Recorder) (all []gateway.Observation) {
	synctest.Wait()
	for _, o := range r.All() {
		if _, ok := o.Event.(T); ok {
			all = append(all, o)
		}
	}
	return all
}
