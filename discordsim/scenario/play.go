package scenario

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"evergreen/discordsim"
)

// quietEnd is how long a scenario goes on after its last step when nothing
// says when it ends.
const quietEnd = time.Minute

// maxDiary bounds what is remembered of a long scenario; the oldest goes first.
const maxDiary = 10_000

// player plays a scenario: its steps are callbacks on the simulator's clock,
// which run one after the other.
type player struct {
	*Scenario
	sim   *discordsim.Sim
	apps  []*discordsim.App
	began time.Time
	end   time.Duration
	over  chan struct{} // closed at the end
	// channels and people are where and by whom each app is asked.
	channels map[*discordsim.App][]discordsim.ID
	people   map[*discordsim.App][]discordsim.ID

	mu    sync.Mutex // guards the rest; ranks above the simulator's lock
	ended bool
	begun []*discordsim.Active
	undo  []func() // ends what is no fault
	diary []Moment
	next  nextCommand

	// turn is who asks in turn, came who has joined, places the channels by name.
	turn   map[*discordsim.App][]discordsim.ID
	came   map[*discordsim.App]map[string]discordsim.User
	places map[*discordsim.App]map[string]discordsim.ID
	// last is what was done last, asked the newest interactions, open what is still
	// tried, and undone what was given up.
	last   map[*discordsim.App]*deed
	asked  map[*discordsim.App][]*deed
	open   map[*deed]bool
	undone map[*discordsim.App][]string
}

// nextCommand is which person asks what next, and where.
type nextCommand struct {
	rng                               *rand.Rand
	channel, person, command, slashes int
	asked                             int
}

// slashEvery is which of the commands are slash commands.
const slashEvery = 5

func newPlayer(sc *Scenario, s *discordsim.Sim, apps []*discordsim.App) *player {
	p := &player{
		Scenario: sc, sim: s, apps: apps, over: make(chan struct{}),
		channels: map[*discordsim.App][]discordsim.ID{}, people: map[*discordsim.App][]discordsim.ID{},
		turn: map[*discordsim.App][]discordsim.ID{}, came: map[*discordsim.App]map[string]discordsim.User{}, places: map[*discordsim.App]map[string]discordsim.ID{},
		last: map[*discordsim.App]*deed{}, asked: map[*discordsim.App][]*deed{}, open: map[*deed]bool{}, undone: map[*discordsim.App][]string{},
	}
	for _, app := range apps {
		p.channels[app], p.people[app] = s.Channels(app), s.People(app)
		p.turn[app], p.came[app], p.places[app] = p.people[app], map[string]discordsim.User{}, placesOf(app)
	}
	p.next.rng = p.newRand(-1)
	return p
}

// placesOf lists the channels of an app's guilds by name, as guild/channel too. Of one
// name the first is meant.
func placesOf(app *discordsim.App) map[string]discordsim.ID {
	places := map[string]discordsim.ID{}
	for _, g := range app.Guilds {
		for _, ch := range g.Channels {
			for _, name := range []string{ch.Name, g.Name + "/" + ch.Name} {
				if _, taken := places[name]; !taken {
					places[name] = ch.ID
				}
			}
		}
	}
	return places
}

// newRand makes the random numbers of one step, so that what happens to others
// does not change it.
func (p *player) newRand(step int) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, uint64(step+1)*0xA24BAED4963EE407+0x5CE7A210))
}

// start schedules every step.
func (p *player) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began = time.Now()
	firsts, end := p.timetable()
	p.end = end
	for i := range p.Steps {
		if !p.Steps[i].End {
			p.schedule(&p.Steps[i], firsts[i], p.newRand(i))
		}
	}
	if every := p.World.CommandEvery; every > 0 {
		p.scheduleCommand(p.next.pause(every))
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
		over = at + max(st.For.d(), st.settling())
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
	return firsts, end + sc.lastWait()
}

// Length is how long the scenario takes from the start of [Scenario.Run] to its
// end, on whatever clock it is played.
func (sc *Scenario) Length() time.Duration {
	_, end := sc.timetable()
	return end
}

// settling is how long the effect of a momentary fault lasts.
func (st *Step) settling() time.Duration {
	if d := discordsim.DescribeFault(st.Fault).Settling; d > 0 {
		return cmp.Or(st.Delay.d(), d)
	}
	return 0
}

// at calls run, with the lock held, at a time since the start, unless the
// scenario is over by then.
func (p *player) at(t time.Duration, run func()) {
	p.sim.After(time.Until(p.began.Add(t)), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.ended {
			run()
		}
	})
}

// schedule puts a step on the clock, and again each time it has come.
func (p *player) schedule(st *Step, at time.Duration, rng *rand.Rand) {
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
			distance := st.Every.d()
			if jitter := st.Jitter.d(); jitter > 0 {
				distance += time.Duration(rng.Float64()*float64(2*jitter)) - jitter
			}
			p.schedule(st, at+distance, rng)
		}
	})
}

// finish ends the scenario.
func (p *player) finish() {
	p.giveUpOpen()
	p.note("the end")
	p.ended = true
	close(p.over)
}

// stop ends the scenario early, if it has not ended, and says how it went.
func (p *player) stop() (diary []Moment, took time.Duration, undone map[*discordsim.App][]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	return p.diary, time.Since(p.began), p.undone
}

// lift ends what the scenario has begun.
func (p *player) lift() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.liftBegun()
}

// liftBegun ends what has begun. The caller holds mu.
func (p *player) liftBegun() {
	for _, a := range p.begun {
		p.sim.Lift(a)
	}
	for _, undo := range p.undo {
		undo()
	}
	p.begun, p.undo = nil, nil
}

func (p *player) note(format string, args ...any) {
	m := Moment{At: time.Since(p.began), What: fmt.Sprintf(format, args...)}
	p.diary = append(p.diary, m)
	if len(p.diary) >= 2*maxDiary {
		p.diary = slices.Delete(p.diary, 0, maxDiary)
	}
	if p.Tell != nil {
		p.Tell(m)
	}
}

// do lets a step happen.
func (p *player) do(st *Step) {
	lasts := ""
	if st.For > 0 {
		lasts = " for " + st.For.String()
	}
	times := max(1, st.Times)
	switch {
	case st.action().deed != nil:
		p.act(st)
	case st.Fault != "":
		p.note("%s%s", st.Fault, lasts)
		p.inject(st.fault())
	case st.Outage == "guild":
		p.note("a guild is unavailable%s", lasts)
		p.loseGuild(st.For.d())
	case st.Outage != "":
		p.note("outage of %s%s", st.Outage, lasts)
		for _, f := range outages[st.Outage] {
			if !discordsim.DescribeFault(f.Name).Momentary {
				f.For = st.For.d()
			}
			p.inject(f)
		}
	case st.Event != "":
		p.note("%d times %s", times, st.Event)
		for range times {
			p.emit(st)
		}
	case st.Intents != "":
		p.note("the privileged intents are switched %s", st.Intents)
		for _, app := range p.apps {
			p.sim.SetPrivilegedIntents(app, st.Intents == "on")
		}
	case st.Lift:
		p.note("all faults are over")
		p.liftBegun()
	}
}

// inject begins a fault; Check has made sure that it can be.
func (p *player) inject(f discordsim.Fault) {
	a, err := p.sim.Inject(f)
	if err != nil {
		p.note("the fault cannot be: %v", err)
		return
	}
	if !discordsim.DescribeFault(f.Name).Momentary {
		p.begun = append(p.begun, a)
	}
}

// loseGuild makes the first guild of each app unavailable for a while; 0 is until
// the faults are lifted.
func (p *player) loseGuild(d time.Duration) {
	for _, app := range p.apps {
		if len(app.Guilds) == 0 {
			continue
		}
		g := app.Guilds[0]
		p.sim.SetUnavailable(g, true)
		back := func() { p.sim.SetUnavailable(g, false) }
		p.undo = append(p.undo, back)
		if d > 0 {
			p.sim.After(d, back)
		}
	}
}

// emit sends an event about the first guild of each app.
func (p *player) emit(st *Step) {
	for _, app := range p.apps {
		var g *discordsim.Guild
		if len(app.Guilds) > 0 {
			g = app.Guilds[0]
		}
		p.sim.Emit(app, g, st.Event, eventData(st, g))
	}
}

// eventData is the d of an event step.
func eventData(st *Step, g *discordsim.Guild) any {
	if st.Text != "" {
		return json.RawMessage(st.Text)
	}
	data := map[string]any{"id": discordsim.ID(0), "name": "nowhere"}
	if g != nil {
		data = map[string]any{
			"id": g.ID, "guild_id": g.ID, "name": g.Name, "owner_id": g.OwnerID, "channels": []any{}, "threads": []any{}, "roles": []any{}, "members": []any{}, "emojis": []any{},
			"member_count": len(g.Members), "large": true, "unavailable": false,
		}
	}
	if size := int(st.Size * 1e6); size > 0 {
		data["members"] = madeUpMembers(size)
	}
	return data
}

// madeUpMembers makes members of a guild whose JSON has at least so many bytes.
func madeUpMembers(size int) (members []json.RawMessage) {
	for have := 0; have < size; {
		id := 1_000_000_000_000_000_000 + len(members)
		m := fmt.Appendf(nil, `{"user":{"id":"%d","username":"member-%d","discriminator":"0","avatar":null},"roles":[],"joined_at":"2015-01-01T00:00:00.000000+00:00","deaf":false,"mute":false,"flags":0}`, id, id)
		members = append(members, m)
		have += len(m) + 1
	}
	return members
}

// ask lets the people whose turn it is ask something, which is no step.
func (p *player) ask(st *Step) {
	for _, app := range p.apps {
		if d := p.newDeed(st, app); d != nil {
			_ = st.action().deed(p, d) // neither saying something nor using a command fails
		}
	}
	p.takeTurn(st)
}

// pause is the time to the next command of the world's people.
func (n *nextCommand) pause(every Span) time.Duration {
	return time.Duration((0.5 + n.rng.Float64()) * float64(every))
}

// lastMargin is how long before the end, beyond the time for an answer, nobody asks any
// more.
const lastMargin = 5 * time.Second

// scheduleCommand lets a person ask at a time, and the next one later, until
// shortly before the end: what is asked last has to be answered by then.
func (p *player) scheduleCommand(at time.Duration) {
	if at > p.end-max(0, p.sim.Config().AnswerGrace)-lastMargin {
		return
	}
	p.at(at, func() {
		w := p.World
		p.next.asked++
		if n := len(w.Slash); n > 0 && p.next.asked%slashEvery == 0 {
			p.ask(&Step{Interact: w.Slash[p.next.slashes%n]})
			p.next.slashes++
		} else {
			commands := w.Commands
			if len(commands) == 0 {
				commands = []string{"!ping"}
			}
			p.ask(&Step{Say: commands[p.next.command%len(commands)]})
			p.next.command++
		}
		p.scheduleCommand(at + p.next.pause(w.CommandEvery))
	})
}
