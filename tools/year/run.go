package main

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
)

// year is at heart one year under way. One goroutine owns it: it lets happen what
// is due and looks at the bot in between.
type year struct {
	Options
	Totals
	given  context.Context // ends a year early; it may be asked, not waited for
	sim    *discordsim.Sim
	bot    *discordsim.App
	wire   *wire
	rooms  []discordsim.ID
	people []discordsim.User
	crowd  []discordsim.User // who asks in a burst
	rng    *rand.Rand        // who asks when and what
	chance *chance           // the bot's own

	begun   time.Time
	plan    plan
	planned int
	moment  time.Duration // for which what happens now was planned
	days    int
	turn    int
	broken  string
	steps   []Step

	life *life // nil while there is no process
	disk int   // which copy of the database is in use

	barred, hampered int         // how many troubles are in force that do so
	slowed           int         // and that slow everything down
	barredAt         time.Time   // since when
	due              time.Time   // from then on a perfect client is online
	away, grey       time.Time   // since when the bot is not, and its dot is grey, though it could be
	returned         time.Time   // when it last came back, or changed its connection
	asked            []time.Time // of late
	questions        int         // ever asked
	orphaned         int         // how many of those may be lost
	excused          time.Time   // until then
	wasLive          bool        // this life has been online
	waiting          bool        // for its turn to identify, or after a refusal
	spent            []time.Time
	slept            atomic.Int64 // how far the wall clock is ahead
	heap             uint64
	swept            uint64 // how much memory had ever been asked for when garbage was last collected
	goroutines       int

	wake chan struct{}
	mu   sync.Mutex
	said []moved
}

// chance is at heart the bot's luck at each moment: the same at the same moment
// of the same seed, however many goroutines were lucky before. A source in which
// each draw depended on those before it would make a year depend on how the real
// disk and the scheduler take turns.
type chance struct {
	seed uint64

	mu  sync.Mutex
	now int64
	nth uint64 // draw at this moment
}

func (c *chance) next() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now().UnixNano(); now != c.now {
		c.now, c.nth = now, 0
	}
	c.nth++
	return rand.New(rand.NewPCG(c.seed^uint64(c.now), c.nth)).Float64()
}

// The world: small, so that its speed is that of the connection.
const (
	guilds, roomsEach, folk = 3, 4, 24
	latency                 = 25 * time.Millisecond
	jitter                  = 15 * time.Millisecond
	// answerGrace is how long a command may stay unanswered with nothing in its
	// way: REST limits take time.
	answerGrace = time.Minute
	// accountEvery is how often the account is looked at.
	accountEvery = 5 * time.Minute
	// lookEvery is how often the bot is looked at while it should be coming back.
	lookEvery = 100 * time.Millisecond
)

func newYear(o Options) *year {
	y := &year{
		Options: o, rng: rand.New(rand.NewPCG(o.Seed, 0x7EA2)), chance: &chance{seed: o.Seed * 0x9E3779B97F4A7C15},
		begun: time.Now(), wire: &wire{begun: time.Now()}, wake: make(chan struct{}, 1),
	}
	y.Years, y.Troubles = 1, map[string]int{}
	missed := []discordsim.MissedMode{discordsim.MissedObserved, discordsim.MissedDocumented, discordsim.MissedSilent}
	y.sim = discordsim.New(discordsim.Config{
		Seed: o.Seed, Latency: latency, Jitter: jitter, AnswerGrace: answerGrace, LogFrames: -1, LogConns: 50,
		Session:   discordsim.SessionConfig{ReconnectMin: 20 * time.Minute, ReconnectMax: 40 * time.Minute, TooOldIs4007: o.Seed%2 == 0},
		Heartbeat: discordsim.HeartbeatConfig{Missed: missed[o.Seed%3]},
	})
	for i := range folk {
		y.people = append(y.people, y.sim.AddUser(fmt.Sprintf("person-%d", i+1)))
		y.crowd = append(y.crowd, y.sim.AddUser(fmt.Sprintf("passer-by-%d", i+1)))
	}
	cfg := discordsim.AppConfig{Name: "ResearchBot"}
	for i := range guilds {
		names := make([]string, roomsEach)
		for j := range names {
			names[j] = fmt.Sprintf("room-%d", j+1)
		}
		g := y.sim.AddGuild(fmt.Sprintf("guild-%d", i+1), names...)
		y.sim.AddMembers(g, slices.Concat(y.people, y.crowd)...)
		for _, ch := range g.Channels {
			y.rooms = append(y.rooms, ch.ID)
		}
		cfg.Guilds = append(cfg.Guilds, g)
	}
	y.bot = y.sim.AddApp(cfg)
	return y
}

// live lets the year pass, in virtual time.
func live(ctx context.Context, o Options) (Result, error) {
	y := newYear(o)
	y.given = ctx
	defer y.sim.Close()
	if err := y.start(); err != nil {
		return Result{}, err
	}
	y.owe(y.begun, atLast)
	for i := range troubles {
		t := &troubles[i]
		// Each kind has dice of its own, so that what becomes of one moves no other.
		dice := rand.New(rand.NewPCG(o.Seed, uint64(i+1)*0xD1342543DE82EF95))
		y.at(time.Hour+t.until(dice, o.Profile), func() { y.strike(t, dice) })
	}
	y.at(y.askPause(), y.askNow)
	y.at(accountEvery, y.reckon)
	y.at(sweepEvery, y.sweep)
	y.at(day, y.midnight)
	y.pass(time.Duration(o.Days) * day)
	y.finish()
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("the year was broken off: %w", context.Cause(ctx))
	}
	r := Result{Totals: y.Totals, Seed: o.Seed, Profile: o.Profile, Fingerprint: y.wire.fingerprint(), Broken: y.broken, Steps: y.steps[max(0, len(y.steps)-remembered):]}
	if r.Broken == "" {
		r.Passed = 1
	}
	return r, nil
}

// pass lets time pass until an end, or until something is not as it has to be.
func (y *year) pass(end time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for y.broken == "" && y.given.Err() == nil {
		now := time.Now()
		since := now.Sub(y.begun)
		if since >= end {
			break
		}
		y.listen()
		for len(y.plan) > 0 && y.plan[0].at <= since && y.broken == "" {
			e := heap.Pop(&y.plan).(*entry)
			y.moment = e.at
			e.do()
		}
		next := end
		if len(y.plan) > 0 {
			next = min(next, y.plan[0].at)
		}
		if y.look(time.Now()) {
			next = min(next, y.elapsed()+lookEvery)
		}
		timer.Reset(next - y.elapsed())
		select {
		case <-timer.C:
		case <-y.wake:
		}
	}
	y.Lived = y.elapsed()
}

// finish ends all troubles, gives the bot the time it is allowed, asks for the
// last answers and stops the process.
func (y *year) finish() {
	if y.broken == "" {
		y.plan = nil
		y.sim.LiftAll()
		y.barred, y.hampered, y.slowed = 0, 0, 0
		if y.life == nil {
			y.must(y.start())
		}
		y.owe(time.Now(), atLast)
		lived := y.Lived
		y.pass(lived + 2*answerGrace)
		y.Lived = lived
		y.account()
	}
	if y.life != nil {
		y.must(y.pause())
	}
	y.count(y.sim.Verdict(y.bot))
}

func (y *year) elapsed() time.Duration { return time.Since(y.begun) }

// must fails the year where the bot itself failed.
func (y *year) must(err error) {
	if err != nil {
		y.fail("the bot ended by itself: %v", err)
	}
}

// note tells a step and remembers it for a while.
func (y *year) note(format string, args ...any) {
	y.tell(Step{At: y.elapsed(), What: fmt.Sprintf(format, args...)})
}

// did notes a step of the bot's.
func (y *year) did(at time.Time, format string, args ...any) {
	y.tell(Step{At: at.Sub(y.begun), What: fmt.Sprintf(format, args...), Bot: true})
}

func (y *year) tell(s Step) {
	if len(y.steps) >= 2*remembered {
		y.steps = append(y.steps[:0], y.steps[remembered:]...)
	}
	y.steps = append(y.steps, s)
	if y.Tell != nil {
		y.Tell(s)
	}
}

// reckon looks at the account in the course of a day. What is lost can be told
// by its name for ten minutes only.
func (y *year) reckon() {
	y.account()
	y.at(y.moment+accountEvery, y.reckon)
}

// How much garbage is collected at once, and how much memory makes the collector
// come by itself all the same.
const (
	garbage    = 128 << 20
	mostMemory = 1 << 30
)

// sweepEvery is how often somebody looks how much there is.
const sweepEvery = time.Hour

// sweep collects garbage, if there is enough of it, at a moment when everybody
// waits.
func (y *year) sweep() {
	y.at(y.moment+sweepEvery, y.sweep)
	now := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(now)
	if made := now[0].Value.Uint64(); made-y.swept >= garbage {
		y.swept = made
		collect()
	}
}

// collect collects garbage while everybody waits: nobody's turn depends on it.
func collect() {
	synctest.Wait()
	runtime.GC()
}

// midnight closes a day.
func (y *year) midnight() {
	y.days++
	y.weigh()
	y.at(y.moment+day, y.midnight)
}

// entry is something that is due at a time.
type entry struct {
	at    time.Duration
	order int
	do    func()
}

// at plans something for a time since the start of the year.
func (y *year) at(t time.Duration, do func()) {
	y.planned++
	heap.Push(&y.plan, &entry{t, y.planned, do})
}

// plan is a heap of entries by time.
type plan []*entry

func (p plan) Len() int { return len(p) }
func (p plan) Less(i, j int) bool {
	if p[i].at == p[j].at {
		return p[i].order < p[j].order
	}
	return p[i].at < p[j].at
}
func (p plan) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push and Pop are the heap's.
func (p *plan) Push(e any) { *p = append(*p, e.(*entry)) }
func (p *plan) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
