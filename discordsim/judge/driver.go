package judge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"evergreen/discordsim"
)

// driver leads a bot through the programme. It observes only the simulator, never
// the bot.
type driver struct {
	Options
	ctx     context.Context
	config  discordsim.Config
	start   time.Time
	changed time.Time
	acts    []playedStep
	now     *playedStep
	planned int       // steps
	ended   time.Time // the last step
	// full is how many sessions are attached when all is well.
	full int
	// mute says that the bot does not answer the command.
	mute   bool
	lost   string
	rooms  []discordsim.ID
	people []discordsim.User
	turn   int
	begun  []*discordsim.Active
	load   loadMeter
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
	d.planned = len(Steps(o))
	return d
}

// pollInterval is how often the driver checks a condition it waits for.
const pollInterval = 50 * time.Millisecond

// waitFor waits until a condition holds, and reports whether it did in time.
func (d *driver) waitFor(limit time.Duration, holds func() bool) bool {
	ticker := time.NewTicker(pollInterval)
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

// wait waits for a time, or until the judgement is broken off.
func (d *driver) wait(t time.Duration) { d.waitFor(t, func() bool { return d.ctx.Err() != nil }) }

// online reports whether all shards have a session with a connection.
func (d *driver) online() bool {
	return d.Sim.AttachedSessions(d.App) >= d.full && d.Sim.Attached(d.App)
}

// moment is how long a bot has to be online before the programme begins.
const moment = 1500 * time.Millisecond

// awaitBot waits until the bot has been online with all of its shards for a moment.
func (d *driver) awaitBot() bool {
	wanted := max(1, d.App.Shards)
	var since time.Time
	d.waitFor(d.Patience, func() bool {
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

// identified reports whether the bot has sent an IDENTIFY.
func (d *driver) identified() bool { return d.Sim.Verdict(d.App).Identifies > 0 }

// describeBot says how far a bot came that never was online.
func (d *driver) describeBot() string {
	conns := d.Sim.Connections(nil)
	if len(conns) == 0 {
		return fmt.Sprintf("%d REST requests came, and no gateway connection", len(d.Sim.Requests(nil)))
	}
	last := conns[len(conns)-1]
	return fmt.Sprintf("%d gateway connections came; the last: %s", len(conns), howEnded(&last))
}

// settleWithin is how long the bot may take to be back after a step if the step says
// nothing else, lostAfter how long it then has with all faults lifted, and againWithin how
// long a supervisor has to start it again.
const (
	settleWithin = 45 * time.Second
	lostAfter    = 3 * time.Minute // discord.py backs off for longer than one
	againWithin  = time.Minute
	// calm is how long a connection lasts before the next is taken away. A bot
	// is right to back off when connections do not last.
	calm = 5200 * time.Millisecond
)

// play plays the programme.
func (d *driver) play() {
	steps := d.steps()
	d.planned = len(steps)
	for i, s := range steps {
		if d.ctx.Err() != nil || d.lost != "" {
			return
		}
		if s.only != nil && !s.only(d) {
			continue // the bot has turned out to answer nothing
		}
		if d.Tell != nil {
			d.Tell(s, i+1, len(steps))
		}
		var next *Step
		if i+1 < len(steps) {
			next = &steps[i+1]
		}
		d.playStep(s, next)
	}
}

// playStep plays one step.
func (d *driver) playStep(s Step, next *Step) {
	d.acts = append(d.acts, playedStep{name: s.Name, from: time.Now(), open: d.openConns(), struck: map[string]int{}})
	d.now = &d.acts[len(d.acts)-1]
	before := d.countSessionRequests()
	s.play(d)
	if s.final {
		d.endStep()
		return
	}
	moved := 0
	if s.moves {
		moved = d.full
		if s.one {
			moved = 1
		}
	}
	back := func() bool { return d.online() && d.countSessionRequests() >= before+moved }
	if !d.waitFor(cmp.Or(s.within, settleWithin), back) {
		d.Sim.LiftAll()
		d.cutStuck(s.moves && (!s.one || d.full == 1))
		if !d.waitFor(lostAfter, back) && !d.online() && d.ctx.Err() == nil && !d.startedAgain(s) {
			d.lost = s.Name
		}
	}
	d.endStep()
	if s.moves && next != nil && next.moves {
		d.wait(calm - time.Since(d.ended))
	}
}

// startedAgain says that the bot is gone, and waits until somebody has started it again. What
// it does then is not its answer to the step.
func (d *driver) startedAgain(s Step) bool {
	if d.Gone == nil {
		return false
	}
	d.now.endAt(justNow())
	d.Gone(s, againWithin)
	return d.waitFor(againWithin, d.online)
}

// cutStuck cuts the connections that the bot waits on without a deadline: those that are
// open without a session and, where it should have moved, those it still sits on. Else
// the rest of the programme would not be played, or with a connection that is not what
// the bot takes it for. What the bot does once it is cut is not its answer to the step.
func (d *driver) cutStuck(moves bool) {
	for _, c := range d.Sim.Connections(nil) {
		ours := (c.App == 0 || c.App == d.App.ID) && c.Closed.IsZero()
		if !ours || c.Session != "" && (!moves || !slices.Contains(d.now.open, c.ID)) {
			continue
		}
		d.now.endAt(justNow())
		if _, err := d.Sim.Inject(discordsim.Fault{Name: "cut", Conn: c.ID}); err != nil {
			panic("judge: a connection cannot be cut: " + err.Error())
		}
	}
}

// endStep ends the step and its faults.
func (d *driver) endStep() {
	for _, a := range d.begun {
		d.Sim.Lift(a)
	}
	for _, f := range d.Sim.Injected() {
		if !f.Began.Before(d.now.from) {
			d.now.struck[f.Name] += f.Struck
		}
	}
	d.begun = nil
	d.ended = time.Now()
	d.now.endAt(d.ended)
}

// openConns lists the connections that have a session now.
func (d *driver) openConns() (ids []int64) {
	for _, c := range d.Sim.Connections(d.App) {
		if c.Closed.IsZero() && c.Session != "" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// beats counts the heartbeats that have come over the connections that are open.
func (d *driver) beats() (n int) {
	for _, c := range d.Sim.Connections(d.App) {
		if c.Closed.IsZero() {
			n += c.Beats
		}
	}
	return n
}

// countSessionRequests counts the IDENTIFYs and RESUMEs so far.
func (d *driver) countSessionRequests() int {
	v := d.Sim.Verdict(d.App)
	return v.Identifies + v.Resumes
}

// inject begins a fault of the bot, or of its first shard alone. It ends with the
// step.
func (d *driver) inject(f discordsim.Fault, firstShard bool) {
	if !unidentifiedFaults[f.Name] {
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

// unidentifiedFaults are the faults that strike before the bot has identified.
var unidentifiedFaults = map[string]bool{"no-hello": true, "op7-first": true, "refuse": true, "upgrade-status": true, "resume-dead": true}

// fault injects a fault by its name.
func (d *driver) fault(name string) { d.inject(discordsim.Fault{Name: name}, false) }

// ask sends commands that have to be answered.
func (d *driver) ask(times int) {
	for range times {
		room, who := d.nextAsker()
		m := d.Sim.Say(room, who, d.Command, discordsim.Expect()) // a plain message counts too, in order
		d.now.asked = append(d.now.asked, m.ID)
		d.wait(300 * time.Millisecond)
	}
}

func (d *driver) nextAsker() (room, person discordsim.ID) {
	d.turn++
	return d.rooms[d.turn%len(d.rooms)], d.people[d.turn%len(d.people)].ID
}

// answered waits until all commands of this step are answered.
func (d *driver) answered(limit time.Duration) bool {
	return d.waitFor(limit, func() bool {
		for _, id := range d.now.asked {
			if len(d.Sim.Answers(id)) == 0 {
				return false
			}
		}
		return true
	})
}

// report applies the rules to what was recorded.
func (d *driver) report() Report {
	now := time.Now()
	e := gather(d.Options, d.config)
	e.start, e.acts, e.changed, e.load = d.start, d.acts, d.changed, &d.load
	for _, a := range d.acts {
		for _, id := range append(append([]discordsim.ID(nil), a.asked...), a.baits...) {
			e.answers[id] = len(d.Sim.Answers(id))
		}
	}
	r := Report{
		Bot: d.App.Name, Began: d.start, Took: now.Sub(d.start), Late: d.load.between(d.start, now),
		Lost: d.lost, Steps: d.planned, Played: len(d.acts), Findings: e.findings(),
	}
	for _, a := range d.acts {
		r.Course = append(r.Course, StepTime{Step: a.name, At: a.from.Sub(d.start), Took: a.to.Sub(a.from)})
	}
	r.count()
	for _, f := range e.recordedFindings() {
		r.Findings = append(r.Findings, f)
		r.Broken++
	}
	return r
}
