package main

import (
	"math/rand/v2"
	"time"

	"evergreen/clock"
	"evergreen/discordsim"
	"evergreen/internal/mishap"
)

// begin lets a mishap happen and schedules the next of its kind.
func (y *year) begin(m *mishap.Mishap, dice *rand.Rand) {
	y.schedule(y.now+y.Profile.untilNext(m.Year, dice), func() { y.begin(m, dice) })
	y.Mishaps[m.Name]++
	if do := actions[m.Name]; do != nil {
		y.note("%s", m.Name)
		do(y, dice)
		return
	}
	d := drawDuration(m.Year.Least, m.Year.Most, dice)
	if d > 0 {
		y.note("%s for %s", m.Name, d)
	} else {
		y.note("%s", m.Name)
	}
	y.countBegun(m.Year)
	active := mishap.Inject(y.sim, m.InYear())
	y.allow(time.Now(), m.Year.Patience)
	if d == 0 {
		return
	}
	before := y.questions - y.recentQuestions(time.Now())
	y.schedule(y.now+d, func() {
		for _, a := range active {
			y.sim.Lift(a)
		}
		y.note("%s is over", m.Name)
		y.countEnded(m.Year)
		if m.Year.Unreachable && m.Year.RESTDown && d >= nonceLifetime {
			y.allowLost(y.questions-before, 0)
		}
		y.allow(time.Now(), m.Year.Patience)
	})
}

// countBegun counts a mishap that keeps clients from being online or from starting,
// or makes everything slow.
func (y *year) countBegun(m *mishap.Year) {
	if m.Unreachable {
		if y.unreachable++; y.unreachable == 1 {
			y.unreachableSince = time.Now()
		}
	}
	if m.RESTDown {
		y.restDown++
	}
	if m.Slow {
		y.slow++
	}
}

func (y *year) countEnded(m *mishap.Year) {
	if m.Unreachable {
		if y.unreachable--; y.unreachable == 0 {
			y.Unreachable += time.Since(y.unreachableSince)
		}
	}
	if m.RESTDown {
		y.restDown--
	}
	y.restTrouble = time.Now()
	if m.Slow {
		y.slow--
	}
}

// offline is how it looks to Discord while there is no process: the host cannot be
// reached, and is not to blame for not answering.
var offline = []discordsim.Fault{{Name: "offline"}}

// How long a host sleeps.
const (
	leastSleep = 10 * time.Second
	mostSleep  = 8 * time.Hour
)

// restartAfter makes the host unreachable for d and then starts the process again.
func (y *year) restartAfter(d time.Duration) {
	a := mishap.Inject(y.sim, offline)[0]
	y.Down += d
	y.schedule(y.now+d, func() {
		y.sim.Lift(a)
		if y.process == nil {
			y.failOn(y.startProcess())
			y.allow(time.Now(), mishap.SlowReturn)
		}
	})
}

// crash kills the process. A supervisor starts it again within seconds, or in one of
// five cases a person does after minutes.
func (y *year) crash(dice *rand.Rand) {
	d := time.Second + time.Duration(dice.ExpFloat64()*float64(10*time.Second))
	if dice.IntN(5) == 0 {
		d += time.Duration(dice.ExpFloat64() * float64(10*time.Minute))
	}
	if y.process == nil {
		return
	}
	if d >= sessionLifetime {
		y.allowLost(y.recentQuestions(time.Now()), d)
	}
	y.failOn(y.kill())
	y.restartAfter(d)
}

// sessionLifetime is how long Discord surely keeps a session. After a longer absence
// it may be gone, and then its events are not replayed.
const sessionLifetime = time.Minute

// countQuestion counts a command that was asked now.
func (y *year) countQuestion() {
	y.questions++
	y.questionTimes = append(y.questionTimes, time.Now())
	y.recentQuestions(time.Now())
}

// recentQuestions counts the commands within the last nonceLifetime, which may not
// have been answered yet.
func (y *year) recentQuestions(now time.Time) int {
	for len(y.questionTimes) > 0 && now.Sub(y.questionTimes[0]) > nonceLifetime {
		y.questionTimes = y.questionTimes[1:]
	}
	return len(y.questionTimes)
}

// crashLoop kills the process several times, each soon after it has started.
func (y *year) crashLoop(dice *rand.Rand) {
	at := y.now
	for range 4 + dice.IntN(8) {
		y.schedule(at, func() { y.crash(dice) })
		at += 5*time.Second + time.Duration(dice.ExpFloat64()*float64(40*time.Second))
	}
}

// deploy stops the process and starts the next version.
func (y *year) deploy(dice *rand.Rand) {
	d := 500*time.Millisecond + time.Duration(dice.ExpFloat64()*float64(8*time.Second))
	if y.process == nil {
		return
	}
	y.failOn(y.stop())
	y.restartAfter(d)
}

// networkAfterSleep is how long a host's network stays away after sleep.
const networkAfterSleep = time.Second

// sleep lets the host sleep. The process and its monotonic clock stand still, while
// Discord and the wall clock go on. The time asleep is not part of the year.
func (y *year) sleep(dice *rand.Rand) {
	d := drawDuration(leastSleep, mostSleep, dice)
	if y.process == nil {
		return
	}
	y.note("the host wakes after %s", d)
	away := mishap.Inject(y.sim, offline)[0]
	y.sim.Skip(d)
	y.clockAhead.Add(int64(d))
	y.Asleep += d
	y.schedule(y.now+networkAfterSleep, func() {
		y.sim.Lift(away)
		y.allow(time.Now(), mishap.SlowReturn)
	})
	y.allow(time.Now(), mishap.SlowReturn)
}

// clock is the bot's: the wall clock goes on while the host sleeps.
func (y *year) clock() *clock.Clock {
	asleep := func() time.Duration { return time.Duration(y.clockAhead.Load()) }
	return clock.New(clock.Source{
		Wall:  func() time.Time { return time.Now().Add(asleep()) },
		Slept: func() (time.Duration, bool) { return asleep(), true },
	})
}

// nextQuestionIn draws the time to the next command.
func (y *year) nextQuestionIn() time.Duration {
	const mean = 15 * time.Minute
	return time.Duration(y.rng.ExpFloat64() * float64(mean))
}

// askQuestion lets a user ask one command and schedules the next.
func (y *year) askQuestion() {
	y.schedule(y.now+y.nextQuestionIn(), y.askQuestion)
	if y.rng.IntN(5) == 0 {
		room, person := y.nextAsker()
		if y.Proxy {
			y.askInteraction(room, person)
			return
		}
		y.sim.Interact(y.bot, room, person, "ping")
		y.countQuestion()
		return
	}
	y.say([]string{"!ping", "!ping", "!status", "!help", "!uptime"}[y.rng.IntN(5)])
}

// nextAsker takes turns through channels and users.
func (y *year) nextAsker() (room, person discordsim.ID) {
	y.turn++
	return y.rooms[y.turn%len(y.rooms)], y.people[y.turn%len(y.people)].ID
}

func (y *year) say(text string) {
	room, person := y.nextAsker()
	y.sim.Say(room, person, text, discordsim.Expect())
	y.countQuestion()
}

// burst lets many users talk at once. One message in eight is a command, each of
// another user, because the bot limits how often one may ask.
func (y *year) burst(dice *rand.Rand) {
	for i := range 40 + dice.IntN(120) {
		room, person := y.nextAsker()
		if asker := i / 8; i%8 == 0 {
			y.sim.Say(room, y.crowd[asker].ID, "!ping", discordsim.Expect())
			y.countQuestion()
			continue
		}
		y.sim.Say(room, person, "did you see that?")
	}
}

// askSlowCommands lets two users ask the command that takes long.
func (y *year) askSlowCommands(*rand.Rand) {
	y.say("!ponder")
	y.say("!ponder")
}
