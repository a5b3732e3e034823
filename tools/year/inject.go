package main

import (
	"math/rand/v2"
	"time"

	"evergreen/discordsim"
)

// strike lets one trouble happen and plans the next of its kind.
func (y *year) strike(t *trouble, dice *rand.Rand) {
	y.at(y.moment+t.until(dice, y.Profile), func() { y.strike(t, dice) })
	y.Troubles[t.name]++
	if t.happens != nil {
		y.note("%s", t.name)
		t.happens(y, dice)
		return
	}
	d := t.lasts(dice)
	if d > 0 {
		y.note("%s for %s", t.name, d)
	} else {
		y.note("%s", t.name)
	}
	y.bar(t)
	var begun []*discordsim.Active
	for _, f := range t.faults {
		a, err := y.sim.Inject(f)
		if err != nil {
			panic("year: the table has a fault that cannot be: " + err.Error())
		}
		if a.Ended.IsZero() {
			begun = append(begun, a)
		}
	}
	y.owe(time.Now(), t.patience)
	if d == 0 {
		return
	}
	before := y.questions - y.pending(time.Now())
	y.at(y.moment+d, func() {
		for _, a := range begun {
			y.sim.Lift(a)
		}
		y.note("%s is over", t.name)
		y.unbar(t)
		if t.bars && t.hampers && d >= remembers {
			y.excuse(y.questions-before, 0)
		}
		y.owe(time.Now(), t.patience)
	})
}

// bar notes that no client can be online from now on, or none can start.
func (y *year) bar(t *trouble) {
	if t.bars {
		if y.barred++; y.barred == 1 {
			y.barredAt = time.Now()
		}
	}
	if t.hampers {
		y.hampered++
	}
	if t.slows {
		y.slowed++
	}
}

func (y *year) unbar(t *trouble) {
	if t.bars {
		if y.barred--; y.barred == 0 {
			y.Barred += time.Since(y.barredAt)
		}
	}
	if t.hampers {
		y.hampered--
	}
	if t.slows {
		y.slowed--
	}
}

// absent is what it is like for Discord while there is no process: nobody can be
// reached, and nobody is to blame for not answering.
var absent = discordsim.Fault{Name: "offline"}

// asleep bounds how long a host sleeps.
var asleep = trouble{least: 10 * time.Second, most: 8 * time.Hour}

// down keeps the process away for a while and starts it again.
func (y *year) down(d time.Duration) {
	a, err := y.sim.Inject(absent)
	if err != nil {
		panic("year: " + err.Error())
	}
	y.Down += d
	y.at(y.moment+d, func() {
		y.sim.Lift(a)
		if y.life == nil {
			y.must(y.start())
			y.owe(time.Now(), atLast)
		}
	})
}

// crash kills the process; a supervisor starts it again soon, or somebody does
// after a while.
func (y *year) crash(dice *rand.Rand) {
	d := time.Second + time.Duration(dice.ExpFloat64()*float64(10*time.Second))
	if dice.IntN(5) == 0 {
		d += time.Duration(dice.ExpFloat64() * float64(10*time.Minute))
	}
	if y.life == nil {
		return
	}
	if d >= outlives {
		y.excuse(y.pending(time.Now()), d)
	}
	y.must(y.kill())
	y.down(d)
}

// outlives is how long a process may be away until its session may be gone too: then
// nobody sends again what it had been asked.
const outlives = time.Minute

// ask notes that something is asked.
func (y *year) ask() {
	y.questions++
	y.asked = append(y.asked, time.Now())
	y.pending(time.Now())
}

// pending counts what may not have been answered yet, because it was asked so short a
// time ago.
func (y *year) pending(now time.Time) int {
	for len(y.asked) > 0 && now.Sub(y.asked[0]) > remembers {
		y.asked = y.asked[1:]
	}
	return len(y.asked)
}

// crashLoop kills the process several times, each soon after it has started.
func (y *year) crashLoop(dice *rand.Rand) {
	at := y.moment
	for range 4 + dice.IntN(8) {
		y.at(at, func() { y.crash(dice) })
		at += 5*time.Second + time.Duration(dice.ExpFloat64()*float64(40*time.Second))
	}
}

// deploy stops the process and starts the next version.
func (y *year) deploy(dice *rand.Rand) {
	d := 500*time.Millisecond + time.Duration(dice.ExpFloat64()*float64(8*time.Second))
	if y.life == nil {
		return
	}
	y.must(y.pause())
	y.down(d)
}

// wakes is how long the network of a host takes that has slept.
const wakes = time.Second

// sleep lets the host sleep. The process stands still and its own clock with it;
// Discord's goes on, and so does the clock on the wall. None of it is time of the
// year's.
func (y *year) sleep(dice *rand.Rand) {
	d := asleep.lasts(dice)
	if y.life == nil {
		return
	}
	y.note("the host wakes after %s", d)
	away, err := y.sim.Inject(absent)
	if err != nil {
		panic("year: " + err.Error())
	}
	y.sim.Skip(d)
	y.slept.Add(int64(d))
	y.Asleep += d
	y.at(y.moment+wakes, func() {
		y.sim.Lift(away)
		y.owe(time.Now(), atLast)
	})
	y.owe(time.Now(), atLast)
}

// wall is the clock on the wall, which runs on while the host sleeps.
func (y *year) wall() time.Time { return time.Now().Add(time.Duration(y.slept.Load())) }

// askPause is the time to the next command.
func (y *year) askPause() time.Duration {
	const mean = 15 * time.Minute
	return time.Duration(y.rng.ExpFloat64() * float64(mean))
}

// askNow lets somebody ask something.
func (y *year) askNow() {
	y.at(y.moment+y.askPause(), y.askNow)
	if y.rng.IntN(5) == 0 {
		room, person := y.next()
		y.sim.Interact(y.bot, room, person, "ping")
		y.ask()
		return
	}
	y.say([]string{"!ping", "!ping", "!status", "!help", "!uptime"}[y.rng.IntN(5)])
}

// next is where somebody talks next, and who.
func (y *year) next() (room, person discordsim.ID) {
	y.turn++
	return y.rooms[y.turn%len(y.rooms)], y.people[y.turn%len(y.people)].ID
}

func (y *year) say(text string) {
	room, person := y.next()
	y.sim.Say(room, person, text, discordsim.Expect())
	y.ask()
}

// burst lets many talk at once, and some of them ask, each once: the bot lets
// nobody ask again at once.
func (y *year) burst(dice *rand.Rand) {
	for i := range 40 + dice.IntN(120) {
		room, person := y.next()
		if asker := i / 8; i%8 == 0 {
			y.sim.Say(room, y.crowd[asker].ID, "!ping", discordsim.Expect())
			y.ask()
			continue
		}
		y.sim.Say(room, person, "did you see that?")
	}
}

// ponder lets two people use a command that takes its time.
func (y *year) ponder(*rand.Rand) {
	y.say("!ponder")
	y.say("!ponder")
}
