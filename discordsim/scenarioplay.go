package discordsim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// play is at heart a scenario under way: where each of its steps stands on the
// simulator's clock, and what it has begun. The simulator's lock guards it.
type play struct {
	*Scenario
	sim   *Sim
	apps  []*App
	start time.Time
	end   time.Duration
	over  chan struct{} // closed at the end
	ended bool
	begun []*Active
	undo  []func() // ends what is no fault
	diary []Moment
	crowd crowd
	// rooms and folk are where and by whom each app is asked.
	rooms map[*App][]*Channel
	folk  map[*App][]ID
}

// crowd is who asks next, and what.
type crowd struct {
	rng                     *rand.Rand
	room, person, say, used int
	asked                   int
}

// slashEvery is which of the commands are slash commands.
const slashEvery = 5

func newPlay(sc *Scenario, s *Sim, apps []*App) *play {
	p := &play{Scenario: sc, sim: s, apps: apps, over: make(chan struct{}), rooms: map[*App][]*Channel{}, folk: map[*App][]ID{}}
	p.crowd.rng = p.dice(-1)
	return p
}

// dice are the chance of one step, so that what happens to others does not
// change it.
func (p *play) dice(step int) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, uint64(step+1)*0xA24BAED4963EE407+0x5CE7A210))
}

// begin plans every step.
func (p *play) begin() {
	p.start = time.Now()
	if len(p.apps) == 0 {
		ids := make([]ID, 0, len(p.sim.apps))
		for id := range p.sim.apps {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			p.apps = append(p.apps, p.sim.apps[id])
		}
	}
	for _, app := range p.apps {
		p.rooms[app], p.folk[app] = p.sim.rooms(app), p.sim.folk(app)
	}
	firsts, end := p.timetable()
	p.end = end
	for i := range p.Steps {
		if !p.Steps[i].End {
			p.plan(&p.Steps[i], firsts[i], p.dice(i))
		}
	}
	if every := p.World.CommandEvery; every > 0 {
		p.ask(p.crowd.pause(every))
	}
	p.at(p.end, p.finish)
}

// timetable is when each step begins the first time, and when the scenario ends.
func (sc *Scenario) timetable() (firsts []time.Duration, end time.Duration) {
	var over time.Duration // when the step above is over
	var last time.Duration // when all are
	firsts = make([]time.Duration, len(sc.Steps))
	for i := range sc.Steps {
		st := &sc.Steps[i]
		at := st.Every.d()
		switch {
		case st.At != nil:
			at = st.At.d()
		case st.After != nil:
			at = over + st.After.d()
		}
		firsts[i] = at
		over = at + max(st.For.d(), st.passes())
		if st.Every > 0 && st.Until > 0 {
			over = max(over, st.Until.d()+st.For.d())
		}
		last = max(last, over)
		if st.End {
			end = at
		}
	}
	if n := len(sc.Steps); n == 0 || !sc.Steps[n-1].End {
		end = last + quietEnd
	}
	return firsts, end
}

// Length is how long the scenario takes from the start of [Scenario.Run] to its
// end, on whatever clock it is played.
func (sc *Scenario) Length() time.Duration {
	_, end := sc.timetable()
	return end
}

// passes is how long a fault of one moment takes.
func (st *Step) passes() time.Duration {
	if st.Fault == "stall" {
		return st.fault().delayOr(defaultStall)
	}
	return 0
}

// at does something at a time since the start, unless the play is over by then.
func (p *play) at(t time.Duration, do func()) {
	p.sim.after(time.Until(p.start.Add(t)), func() {
		if !p.ended {
			do()
		}
	})
}

// plan puts a step on the clock, and the next time it is due when it has come.
func (p *play) plan(st *Step, at time.Duration, dice *rand.Rand) {
	until := p.end
	if st.Until > 0 {
		until = min(until, st.Until.d())
	}
	if st.Every > 0 && at > until {
		return
	}
	p.at(at, func() {
		p.do(st)
		if st.Every > 0 {
			jitter := st.Jitter.d()
			p.plan(st, at+between(dice, st.Every.d()-jitter, st.Every.d()+jitter), dice)
		}
	})
}

// finish ends the play.
func (p *play) finish() {
	p.note("the end")
	p.ended = true
	close(p.over)
}

// stop ends it early.
func (p *play) stop() { p.ended = true }

// lift ends what the play has begun.
func (p *play) lift() {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.liftLocked()
}

func (p *play) liftLocked() {
	for _, a := range p.begun {
		p.sim.liftLocked(a)
	}
	for _, undo := range p.undo {
		undo()
	}
	p.begun, p.undo = nil, nil
}

func (p *play) note(format string, args ...any) {
	m := Moment{At: time.Since(p.start), What: fmt.Sprintf(format, args...)}
	p.diary = append(p.diary, m)
	if len(p.diary) >= 2*maxDiary {
		p.diary = slices.Delete(p.diary, 0, maxDiary)
	}
	if p.Tell != nil {
		p.Tell(m)
	}
}

// maxDiary bounds what is remembered of a long scenario; the oldest goes first.
const maxDiary = 10_000

// do lets a step happen.
func (p *play) do(st *Step) {
	lasts := ""
	if st.For > 0 {
		lasts = " for " + st.For.String()
	}
	times := max(1, st.Times)
	switch {
	case st.Fault != "":
		p.note("%s%s", st.Fault, lasts)
		p.inject(st.fault())
	case st.Outage == "guild":
		p.note("a guild is unavailable%s", lasts)
		p.lose(st.For.d())
	case st.Outage != "":
		p.note("outage of %s%s", st.Outage, lasts)
		for _, f := range outages[st.Outage] {
			if !faultKinds[f.Name].momentary {
				f.For = st.For.d()
			}
			p.inject(f)
		}
	case st.Say != "":
		p.note("%d times somebody says %q", times, st.Say)
		for range times {
			p.say(st.Say, !st.Chatter)
		}
	case st.Interact != "":
		p.note("%d times somebody uses /%s", times, st.Interact)
		for range times {
			p.interact(st.Interact)
		}
	case st.Event != "":
		p.note("%d times %s", times, st.Event)
		for range times {
			p.event(st)
		}
	case st.Intents != "":
		p.note("the privileged intents are switched %s", st.Intents)
		for _, app := range p.apps {
			flags := uint64(limitedFlags)
			if st.Intents == "off" {
				flags = 0
			}
			p.sim.setFlagsLocked(app, flags)
		}
	case st.Lift:
		p.note("all faults are over")
		p.liftLocked()
	}
}

// inject begins a fault; Check has made sure that it exists.
func (p *play) inject(f Fault) {
	a, err := p.sim.injectLocked(f)
	if err != nil {
		p.note("the fault cannot be: %v", err)
		return
	}
	if a.Ended.IsZero() {
		p.begun = slices.DeleteFunc(p.begun, func(old *Active) bool { return !old.Ended.IsZero() })
		p.begun = append(p.begun, a)
	}
}

// lose lets the first guild of each app be unavailable for a while.
func (p *play) lose(d time.Duration) {
	for _, app := range p.apps {
		if len(app.Guilds) == 0 {
			continue
		}
		g := app.Guilds[0]
		p.sim.setUnavailableLocked(g, true)
		back := func() { p.sim.setUnavailableLocked(g, false) }
		p.undo = append(p.undo, back)
		if d > 0 {
			p.sim.after(d, back)
		}
	}
}

// event sends an event about the first guild of each app.
func (p *play) event(st *Step) {
	for _, app := range p.apps {
		var g *Guild
		if len(app.Guilds) > 0 {
			g = app.Guilds[0]
		}
		p.sim.emitLocked(app, g, nil, st.Event, p.sim.eventData(st, g))
	}
}

// say lets the next person say something in the next room of each app.
func (p *play) say(text string, expect bool) {
	for _, app := range p.apps {
		rooms, folk := p.rooms[app], p.folk[app]
		if len(rooms) == 0 || len(folk) == 0 {
			continue
		}
		var opts []SayOption
		if expect {
			opts = append(opts, Expect())
		}
		p.sim.sayLocked(rooms[p.crowd.room%len(rooms)], folk[p.crowd.person%len(folk)], text, opts)
	}
	p.crowd.room++
	p.crowd.person++
}

func (p *play) interact(command string) {
	for _, app := range p.apps {
		rooms, folk := p.rooms[app], p.folk[app]
		if len(rooms) == 0 || len(folk) == 0 {
			continue
		}
		p.sim.interactLocked(app, rooms[p.crowd.room%len(rooms)], folk[p.crowd.person%len(folk)], command, nil)
	}
	p.crowd.room++
	p.crowd.person++
}

// pause is the time to the crowd's next command.
func (c *crowd) pause(every Span) time.Duration {
	return time.Duration((0.5 + c.rng.Float64()) * float64(every))
}

// ask lets the crowd ask at a time, and again until shortly before the end: what
// is asked last has to be answered by then.
func (p *play) ask(at time.Duration) {
	const margin = 5 * time.Second
	if at > p.end-max(0, p.sim.cfg.AnswerGrace)-margin {
		return
	}
	p.at(at, func() {
		w := p.World
		p.crowd.asked++
		if n := len(w.Slash); n > 0 && p.crowd.asked%slashEvery == 0 {
			p.interact(w.Slash[p.crowd.used%n])
			p.crowd.used++
		} else {
			says := w.Commands
			if len(says) == 0 {
				says = []string{"!ping"}
			}
			p.say(says[p.crowd.say%len(says)], true)
			p.crowd.say++
		}
		p.ask(at + p.crowd.pause(w.CommandEvery))
	})
}
