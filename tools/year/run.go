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
	"evergreen/internal/mishap"
)

// year is one year under way. One goroutine owns it, which runs what is due and
// checks the bot in between; mu guards what observers add.
type year struct {
	Options
	Totals
	ctx         context.Context // ends a year early; it may be asked, not waited for
	sim         *discordsim.Sim
	bot         *discordsim.App
	fingerprint *fingerprint
	rooms       []discordsim.ID
	people      []discordsim.User
	crowd       []discordsim.User // who asks in a burst
	rng         *rand.Rand        // who asks when and what
	jitter      *jitter           // the bot's own

	start     time.Time
	queue     eventQueue
	scheduled int
	now       time.Duration // for which what happens now was planned
	days      int
	turn      int
	broken    string
	steps     []Step

	process *process // nil while there is no process
	disk    int      // which copy of the database is in use

	unreachable, restDown   int         // how many mishaps of that kind last now
	slow                    int         // how many slow everything down
	unreachableSince        time.Time   // since when
	deadline                time.Time   // from then on a perfect client is online
	offlineSince, greySince time.Time   // since when the bot is not, and its dot is grey, though it could be
	lastOnline              time.Time   // when it last came back, or changed its connection
	questionTimes           []time.Time // of late
	questions               int         // ever asked
	allowedLost             int         // how many of those may be lost
	lostAllowedUntil        time.Time   // until then
	wasOnline               bool        // this life has been online
	waiting                 bool        // for its turn to identify, or after a refusal
	identifyTimes           []time.Time
	clockAhead              atomic.Int64 // how far the wall clock is ahead
	firstHeap               uint64
	collectedAt             uint64 // how much memory had ever been asked for when garbage was last collected
	firstGoroutines         int

	proxied

	wake        chan struct{}
	mu          sync.Mutex
	shardEvents []shardEvent
}

// jitter is the bot's source of random numbers. A number depends on the seed, the
// virtual time and how many were drawn at that time, not on those drawn before.
// Otherwise the speed of the real disk would change a year. Its methods may be called
// at the same time.
type jitter struct {
	seed uint64

	mu  sync.Mutex
	now int64
	nth uint64 // draw at this moment
}

func (c *jitter) next() float64 {
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
	guildCount, roomsPerGuild, peopleCount = 3, 4, 24
	linkLatency                            = 25 * time.Millisecond
	linkJitter                             = 15 * time.Millisecond
	// answerGrace is how long a command may stay unanswered while nothing is wrong:
	// REST limits take time.
	answerGrace = time.Minute
	// verdictEvery is how often the simulator's verdict is checked.
	verdictEvery = 5 * time.Minute
	// checkEvery is how often the bot is checked while it should be coming back.
	checkEvery = 100 * time.Millisecond
)

func newYear(o Options) *year {
	y := &year{
		Options: o, rng: rand.New(rand.NewPCG(o.Seed, 0x7EA2)), jitter: &jitter{seed: o.Seed * 0x9E3779B97F4A7C15},
		start: time.Now(), fingerprint: &fingerprint{start: time.Now()}, wake: make(chan struct{}, 1),
	}
	y.Years, y.Mishaps = 1, map[string]int{}
	grace := answerGrace
	var dispatched func(discordsim.Dispatch)
	var ended func(discordsim.SessionEnd)
	if o.Proxy {
		y.settled = []settledCounts{{at: time.Now()}}
		y.ledger, y.botShards, y.interactions = newLedger(), 1, map[discordsim.ID]time.Time{}
		dispatched, ended = y.ledger.send, y.ledger.endSession
		grace = -1 // the year itself sees whether commands are answered
	}
	missed := []discordsim.MissedMode{discordsim.MissedObserved, discordsim.MissedDocumented, discordsim.MissedSilent}
	y.sim = discordsim.New(discordsim.Config{
		Seed: o.Seed, Latency: linkLatency, Jitter: linkJitter, AnswerGrace: grace, LogFrames: -1, LogConns: 50,
		Dispatched: dispatched, SessionEnded: ended,
		Session:   discordsim.SessionConfig{ReconnectMin: 20 * time.Minute, ReconnectMax: 40 * time.Minute, TooOldIs4007: o.Seed%2 == 0},
		Heartbeat: discordsim.HeartbeatConfig{Missed: missed[o.Seed%3]},
	})
	for i := range peopleCount {
		y.people = append(y.people, y.sim.AddUser(fmt.Sprintf("person-%d", i+1)))
		y.crowd = append(y.crowd, y.sim.AddUser(fmt.Sprintf("passer-by-%d", i+1)))
	}
	cfg := discordsim.AppConfig{Name: "ResearchBot"}
	for i := range guildCount {
		names := make([]string, roomsPerGuild)
		for j := range names {
			names[j] = fmt.Sprintf("room-%d", j+1)
		}
		if o.Proxy {
			time.Sleep(time.Millisecond) // ids tell of time, and shards of ids
		}
		g := y.sim.AddGuild(fmt.Sprintf("guild-%d", i+1), names...)
		y.sim.AddMembers(g, slices.Concat(y.people, y.crowd)...)
		for _, ch := range g.Channels {
			y.rooms = append(y.rooms, ch.ID)
		}
		cfg.Guilds = append(cfg.Guilds, g)
	}
	y.bot = y.sim.AddApp(cfg)
	if o.Proxy {
		y.guilds = cfg.Guilds
		time.Sleep(time.Second) // ids tell of time, and shards of ids
		y.annex = y.sim.AddGuild("annex", "room-1")
	}
	return y
}

// runYear lets the year pass, in virtual time.
func runYear(ctx context.Context, o Options) (Result, error) {
	y := newYear(o)
	y.ctx = ctx
	defer y.sim.Close()
	if err := y.startProcess(); err != nil {
		return Result{}, err
	}
	y.allow(y.start, mishap.SlowReturn)
	kinds := uint64(0)
	for i := range mishap.Table {
		m := &mishap.Table[i]
		if m.Year == nil || m.Year.Proxied && !o.Proxy {
			continue
		}
		// Each kind has its own random numbers, so that a change of one moves no other.
		kinds++
		dice := rand.New(rand.NewPCG(o.Seed, kinds*0xD1342543DE82EF95))
		y.schedule(time.Hour+o.Profile.untilNext(m.Year, dice), func() { y.begin(m, dice) })
	}
	y.schedule(y.nextQuestionIn(), y.askQuestion)
	if o.Proxy {
		y.startBot(y.bot.Token)
		y.schedule(time.Hour, y.changeGuilds)
	}
	y.schedule(verdictEvery, y.checkVerdictPeriodically)
	y.schedule(collectEvery, y.collectWhenDue)
	y.schedule(day, y.endDay)
	y.loop(time.Duration(o.Days) * day)
	y.finish()
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("the year was broken off: %w", context.Cause(ctx))
	}
	r := Result{Totals: y.Totals, Seed: o.Seed, Profile: o.Profile, Fingerprint: y.fingerprint.value(), Broken: y.broken, Steps: y.steps[max(0, len(y.steps)-keptSteps):]}
	if r.Broken == "" {
		r.Passed = 1
	}
	return r, nil
}

// loop lets time pass until end, until the year has failed, or until ctx ends.
func (y *year) loop(end time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for y.broken == "" && y.ctx.Err() == nil {
		now := time.Now()
		since := now.Sub(y.start)
		if since >= end {
			break
		}
		y.drainEvents()
		y.buryBots()
		y.judgeGivenUp()
		for len(y.queue) > 0 && y.queue[0].at <= since && y.broken == "" {
			e := heap.Pop(&y.queue).(*event)
			y.now = e.at
			e.do()
		}
		next := end
		if len(y.queue) > 0 {
			next = min(next, y.queue[0].at)
		}
		if y.check(time.Now()) {
			next = min(next, y.elapsed()+checkEvery)
		}
		timer.Reset(next - y.elapsed())
		select {
		case <-timer.C:
		case <-y.wake:
		}
	}
	y.Lived = y.elapsed()
}

// finish ends all mishaps, gives the bot the time it is allowed, checks the verdict a
// last time and stops the process.
func (y *year) finish() {
	if y.broken == "" {
		y.queue = nil
		y.sim.LiftAll()
		y.unreachable, y.restDown, y.slow = 0, 0, 0
		if y.process == nil {
			y.failOn(y.startProcess())
		}
		y.allow(time.Now(), mishap.SlowReturn)
		lived := y.Lived
		if y.Proxy {
			y.settleBot()
		}
		y.loop(lived + y.lastGrace())
		y.Lived = lived
		y.checkVerdict()
	}
	for _, b := range slices.Clone(y.bots) {
		y.stopBot(b)
	}
	if y.process != nil {
		y.failOn(y.stop())
	}
	y.count(y.sim.Verdict(y.bot))
}

// lastGrace is how long the last answers may take.
func (y *year) lastGrace() time.Duration {
	if y.Proxy {
		return 10 * time.Minute
	}
	return 2 * answerGrace
}

func (y *year) elapsed() time.Duration { return time.Since(y.start) }

// failOn fails the year if the bot returned an error.
func (y *year) failOn(err error) {
	if err != nil {
		y.fail("the bot ended by itself: %v", err)
	}
}

// note records a step.
func (y *year) note(format string, args ...any) {
	y.record(Step{At: y.elapsed(), What: fmt.Sprintf(format, args...)})
}

// noteBot records a step of the bot.
func (y *year) noteBot(at time.Time, format string, args ...any) {
	y.record(Step{At: at.Sub(y.start), What: fmt.Sprintf(format, args...), Bot: true})
}

func (y *year) record(s Step) {
	if len(y.steps) >= 2*keptSteps {
		y.steps = append(y.steps[:0], y.steps[keptSteps:]...)
	}
	y.steps = append(y.steps, s)
	if y.Tell != nil {
		y.Tell(s)
	}
}

// checkVerdictPeriodically checks the verdict and schedules itself again. The
// simulator can name a lost command for ten minutes only.
func (y *year) checkVerdictPeriodically() {
	y.checkVerdict()
	y.schedule(y.now+verdictEvery, y.checkVerdictPeriodically)
}

// How much garbage there must be to collect it, and how much memory starts the
// collector by itself.
const (
	garbageLimit = 128 << 20
	memoryLimit  = 1 << 30
)

// collectEvery is how often the amount of garbage is read.
const collectEvery = time.Hour

// collectWhenDue collects garbage, if there is enough of it, at a moment when every
// goroutine waits.
func (y *year) collectWhenDue() {
	y.schedule(y.now+collectEvery, y.collectWhenDue)
	now := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(now)
	if made := now[0].Value.Uint64(); made-y.collectedAt >= garbageLimit {
		y.collectedAt = made
		collect()
	}
}

// collect collects garbage while all goroutines wait, so that no order depends on it.
func collect() {
	synctest.Wait()
	runtime.GC()
}

// endDay closes a day.
func (y *year) endDay() {
	y.days++
	y.checkGrowth()
	if y.Proxy {
		y.checkFolder()
	}
	y.schedule(y.now+day, y.endDay)
}

// event is a function that is due at a time.
type event struct {
	at    time.Duration
	order int
	do    func()
}

// schedule lets do run at a time since the start of the year.
func (y *year) schedule(t time.Duration, do func()) {
	y.scheduled++
	heap.Push(&y.queue, &event{t, y.scheduled, do})
}

// eventQueue is a heap of events by time. Events of one time stay in order.
type eventQueue []*event

func (p eventQueue) Len() int { return len(p) }
func (p eventQueue) Less(i, j int) bool {
	if p[i].at == p[j].at {
		return p[i].order < p[j].order
	}
	return p[i].at < p[j].at
}
func (p eventQueue) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push and Pop are the heap's.
func (p *eventQueue) Push(e any) { *p = append(*p, e.(*event)) }
func (p *eventQueue) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
