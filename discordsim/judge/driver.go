package judge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"evergreen/discordsim"
)

// driver is at heart a bot being led through the programme. It only looks at
// the simulator, never at the bot.
type driver struct {
	Options
	ctx     context.Context
	config  discordsim.Config
	start   time.Time
	changed time.Time
	acts    []act
	now     *act
	// full is how many sessions are attached when all is well.
	full int
	// mute says that the bot does not answer the command.
	mute   bool
	lost   string
	rooms  []discordsim.ID
	people []discordsim.User
	turn   int
	begun  []*discordsim.Active
}

func newDriver(ctx context.Context, o Options) *driver {
	d := &driver{Options: o, ctx: ctx, config: Config(0), start: time.Now()}
	g := o.Sim.AddGuild("the judge's", "one", "two", "three", "four")
	for i := range 8 {
		u := o.Sim.AddUser(fmt.Sprintf("witness-%d", i+1))
		d.people = append(d.people, u)
		o.Sim.AddMembers(g, u)
	}
	for _, ch := range g.Channels {
		d.rooms = append(d.rooms, ch.ID)
	}
	o.Sim.Join(o.App, g)
	return d
}

// lookEvery is how often the driver looks whether something has come about.
const lookEvery = 50 * time.Millisecond

// until waits for something, and reports whether it came about.
func (d *driver) until(limit time.Duration, holds func() bool) bool {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for end := time.Now().Add(limit); ; {
		if holds() {
			return true
		}
		if !time.Now().Before(end) {
			return false
		}
		select {
		case <-ticker.C:
		case <-d.ctx.Done():
			return false
		}
	}
}

// pass lets time pass.
func (d *driver) pass(t time.Duration) { d.until(t, func() bool { return d.ctx.Err() != nil }) }

// well reports whether all shards have their connections.
func (d *driver) well() bool { return d.Sim.AttachedSessions(d.App) >= d.full && d.Sim.Attached(d.App) }

// awaitBot waits until the bot is online with all of its shards, and stays so
// for a moment.
func (d *driver) awaitBot() bool {
	const moment = 1500 * time.Millisecond
	wanted := max(1, d.App.Shards)
	var since time.Time
	d.until(d.Patience, func() bool {
		switch attached := d.Sim.AttachedSessions(d.App); {
		case attached < wanted:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		return !since.IsZero() && time.Since(since) >= moment
	})
	d.full = d.Sim.AttachedSessions(d.App)
	return d.full > 0
}

// cameClose reports whether the bot has identified, at least.
func (d *driver) cameClose() bool { return d.Sim.Verdict(d.App).Identifies > 0 }

// seenSoFar says what came of a bot that never was online.
func (d *driver) seenSoFar() string {
	conns := d.Sim.Connections(nil)
	if len(conns) == 0 {
		return fmt.Sprintf("%d REST requests came, and no gateway connection", len(d.Sim.Requests(nil)))
	}
	last := conns[len(conns)-1]
	return fmt.Sprintf("%d gateway connections came; the last: %s", len(conns), how(&last))
}

// settleWithin is how long the bot may take to be back after a step, lostAfter
// how long it then has with all faults lifted.
const (
	settleWithin = 45 * time.Second
	lostAfter    = time.Minute
	// calm is how long a connection lasts before the next is taken away. A bot
	// is right to back off when connections do not last.
	calm = 5200 * time.Millisecond
)

// play plays the programme.
func (d *driver) play() {
	steps := slices.DeleteFunc(Programme(), func(s Step) bool {
		if len(d.Only) > 0 {
			return !slices.Contains(d.Only, s.Name)
		}
		return (s.Slow && !d.Thorough) || slices.Contains(d.without, s.Name)
	})
	for i, s := range steps {
		if d.ctx.Err() != nil || d.lost != "" {
			return
		}
		if s.only != nil && !s.only(d) {
			continue
		}
		if d.Tell != nil {
			d.Tell(s, i+1, len(steps))
		}
		var next *Step
		if i+1 < len(steps) {
			next = &steps[i+1]
		}
		d.perform(s, next)
	}
}

// perform plays one step.
func (d *driver) perform(s Step, next *Step) {
	d.acts = append(d.acts, act{name: s.Name, from: time.Now(), open: d.open(), struck: map[string]int{}})
	d.now = &d.acts[len(d.acts)-1]
	before := d.introductions()
	s.play(d)
	if s.final {
		d.close()
		return
	}
	moved := 0
	if s.moves {
		moved = d.full
		if s.one {
			moved = 1
		}
	}
	back := func() bool { return d.well() && d.introductions() >= before+moved }
	if !d.until(settleWithin, back) {
		d.Sim.LiftAll()
		if !d.until(lostAfter, back) && !d.well() && d.ctx.Err() == nil {
			d.lost = s.Name
		}
	}
	d.close()
	if s.moves && next != nil && next.moves {
		d.pass(calm - time.Since(d.now.to))
	}
}

// close ends the step's act and its faults.
func (d *driver) close() {
	for _, a := range d.begun {
		d.Sim.Lift(a)
	}
	for _, f := range d.Sim.Struck() {
		if !f.Began.Before(d.now.from) {
			d.now.struck[f.Name] += f.Struck
		}
	}
	d.begun = nil
	d.now.to = time.Now()
}

// open lists the connections that have a session now.
func (d *driver) open() (ids []int64) {
	for _, c := range d.Sim.Connections(d.App) {
		if c.Closed.IsZero() && c.Session != "" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// introductions counts the IDENTIFYs and RESUMEs so far.
func (d *driver) introductions() int {
	v := d.Sim.Verdict(d.App)
	return v.Identifies + v.Resumes
}

// inject lets something go wrong with the bot, or with its first shard alone.
// It is over when the step is.
func (d *driver) inject(f discordsim.Fault, firstShard bool) {
	if !unknown[f.Name] {
		f.App = d.App.ID
		if firstShard && d.full > 1 {
			f.Shard = new(int)
		}
	}
	a, err := d.Sim.Inject(f)
	if err != nil {
		panic("judge: the programme has a fault that cannot be: " + err.Error())
	}
	d.begun = append(d.begun, a)
}

// unknown are the faults that strike before anybody knows which bot it is.
var unknown = map[string]bool{"no-hello": true, "op7-first": true, "refuse": true, "upgrade-status": true, "resume-dead": true}

// fault injects a fault by its name.
func (d *driver) fault(name string) { d.inject(discordsim.Fault{Name: name}, false) }

// ask lets somebody say something that has to be answered.
func (d *driver) ask(times int) {
	for range times {
		room, who := d.next()
		m := d.Sim.Say(room, who, d.Command)
		d.now.asked = append(d.now.asked, m.ID)
		d.pass(300 * time.Millisecond)
	}
}

func (d *driver) next() (room, person discordsim.ID) {
	d.turn++
	return d.rooms[d.turn%len(d.rooms)], d.people[d.turn%len(d.people)].ID
}

// answered waits until all that was asked in this step is answered.
func (d *driver) answered(limit time.Duration) bool {
	return d.until(limit, func() bool {
		for _, id := range d.now.asked {
			if len(d.Sim.Answers(id)) == 0 {
				return false
			}
		}
		return true
	})
}

// report asks the rules.
func (d *driver) report() Report {
	e := gather(d.Options, d.config)
	e.start, e.acts, e.changed = d.start, d.acts, d.changed
	for _, a := range d.acts {
		for _, id := range append(append([]discordsim.ID(nil), a.asked...), a.baits...) {
			e.answers[id] = len(d.Sim.Answers(id))
		}
	}
	r := Report{Bot: d.App.Name, Took: time.Since(d.start), Lost: d.lost, Findings: e.judge()}
	r.count()
	for _, f := range e.others() {
		r.Findings = append(r.Findings, f)
		r.Broken++
	}
	return r
}
