package main

import (
	"fmt"
	"runtime"
	"time"

	"evergreen/gateway"
)

// observer tells the year what the shard of one life does.
type observer struct {
	year *year
	life int
}

// Observe is called by the shard's own goroutine for it.
func (o *observer) Observe(n gateway.Observation) {
	switch what := n.Event.(type) {
	case gateway.Transition:
		o.year.heard(moved{n.At, o.life, what})
	case gateway.ConnectFailed:
		o.year.heard(moved{n.At, o.life, what})
	case gateway.IdentifySent:
		o.year.heard(moved{n.At, o.life, what})
	}
}

// moved is what a shard did and when.
type moved struct {
	at   time.Time
	life int
	what gateway.ShardEvent
}

// heard keeps what an observer said for the watcher.
func (y *year) heard(m moved) {
	y.mu.Lock()
	y.said = append(y.said, m)
	y.mu.Unlock()
	select {
	case y.wake <- struct{}{}:
	default:
	}
}

// listen takes up what was heard.
func (y *year) listen() {
	y.mu.Lock()
	said := y.said
	y.said = nil
	y.mu.Unlock()
	for _, m := range said {
		if y.life == nil || m.life != y.life.number {
			continue
		}
		switch what := m.what.(type) {
		case gateway.Transition:
			y.transition(m.at, what)
		case gateway.ConnectFailed:
			if what.Failures <= fewFailures || what.Failures%100 == 0 {
				y.did(m.at, "no connection: %s (%d in a row)", briefly(what.Reason), what.Failures)
			}
		case gateway.IdentifySent:
			y.did(m.at, "IDENTIFY")
			y.identified(m.at)
		}
	}
}

// fewFailures is how many attempts in a row are told one by one.
const fewFailures = 3

// transition takes up a change of the shard's state.
func (y *year) transition(at time.Time, what gateway.Transition) {
	wait, waits := what.To.(gateway.Waiting)
	waited, _ := what.From.(gateway.Waiting)
	if max(wait.Failures, waited.Failures) <= fewFailures {
		y.did(at, "%s -> %s %s", what.From, what.To, briefly(what.Reason))
	}
	_, refused := what.From.(gateway.Identifying)
	y.waiting = waits && (wait.Until.IsZero() || refused && what.Reason.Kind == gateway.ReasonInvalidSession)
	switch was, is := gateway.Online(what.From), gateway.Online(what.To); {
	case was && !is:
		y.left(at, what.Reason)
	case !was && is:
		y.returned = at
	}
}

// briefly is a cause in a few words.
func briefly(c gateway.Reason) string {
	if c.Kind == gateway.ReasonNone {
		return ""
	}
	c.Text, c.Err = "", nil
	return "(" + c.String() + ")"
}

// aftermath is how long after a trouble the connection may still end because of
// it: Discord cuts one that came back by the base address after a minute.
const aftermath = 2 * time.Minute

// left notes that the bot gave up a connection or lost it.
func (y *year) left(at time.Time, cause gateway.Reason) {
	if y.troubled(at) || cause.Kind == gateway.ReasonReconnect {
		y.owe(at, promptly)
		return
	}
	if at.Sub(y.due) < aftermath {
		y.owe(at, atLast)
		return
	}
	y.fail("the bot left Discord (%s) although nothing had gone wrong for %s", cause, at.Sub(y.due).Round(time.Second))
}

// The most IDENTIFYs in an hour and in a day: a year that takes as many sessions
// away as a hostile one does leaves that much room, and a loop does not stay
// within it.
const (
	mostInHour = 40
	mostInDay  = 250
)

// identified counts an IDENTIFY in its last hour and day.
func (y *year) identified(at time.Time) {
	y.spent = append(y.spent, at)
	for len(y.spent) > 0 && at.Sub(y.spent[0]) >= day {
		y.spent = y.spent[1:]
	}
	hour := 0
	for _, one := range y.spent {
		if at.Sub(one) < time.Hour {
			hour++
		}
	}
	y.MostInHour, y.MostInDay = max(y.MostInHour, hour), max(y.MostInDay, len(y.spent))
	if hour > mostInHour || len(y.spent) > mostInDay {
		y.fail("%d IDENTIFYs within an hour and %d within a day; at most %d and %d are allowed", hour, len(y.spent), mostInHour, mostInDay)
	}
}

// troubled reports whether something is wrong that keeps the bot from being
// online, or was until a moment ago.
func (y *year) troubled(now time.Time) bool {
	return y.life == nil || y.barred > 0 || (y.hampered > 0 && !y.wasLive) || !now.After(y.due)
}

// lasting is how long a connection has to last before earlier failures are
// forgotten.
const lasting = 70 * time.Second

// slowly is how much longer it takes to go back where each round trip takes a
// second or two: a dial and a session are up to six of them.
const slowly = 10 * time.Second

// owe gives the bot time to be online, from now on.
func (y *year) owe(now time.Time, patience time.Duration) {
	// A bot backs off the longer while connections do not last.
	if y.hampered > 0 || now.Sub(y.returned) < lasting {
		patience = max(patience, atLast)
	}
	if y.slowed > 0 {
		patience += slowly
	}
	if due := now.Add(patience); due.After(y.due) {
		y.due = due
	}
}

// look holds the bot against a perfect client, and reports whether to look again
// soon. A bot that is online says itself when it no longer is.
func (y *year) look(now time.Time) (soon bool) {
	live := y.sim.Attached(y.bot)
	switch {
	case live:
		if !y.away.IsZero() {
			y.back(now)
		}
		y.wasLive = true
		return false
	case y.life == nil || y.barred > 0 || (y.hampered > 0 && !y.wasLive):
		y.away = time.Time{}
		return false
	}
	if y.away.IsZero() {
		y.away, y.grey = now, time.Time{}
	}
	if y.waiting {
		// A perfect client keeps the budget too, and does not hammer a Discord
		// that refuses to begin sessions (G-084).
		y.Held += lookEvery
		y.owe(now, 10*time.Second)
		y.away, y.grey = now, time.Time{}
		return true
	}
	if y.grey.IsZero() && !y.sim.Dot(y.bot) {
		y.grey = now
	}
	if now.After(y.due) {
		y.fail("the bot is not online: the world has been well for %s", now.Sub(y.away).Round(time.Millisecond))
	}
	return true
}

// back notes that the bot is online again.
func (y *year) back(now time.Time) {
	away := now.Sub(y.away)
	y.Returns++
	if away <= promptly+lookEvery {
		y.Prompt++
	}
	y.LongestAway = max(y.LongestAway, away)
	if !y.grey.IsZero() {
		y.LongestGrey = max(y.LongestGrey, now.Sub(y.grey))
	}
	y.away, y.grey = time.Time{}, time.Time{}
}

// What may grow by how much in a year, from the second day on.
const (
	growsGoroutines = 30
	growsHeap       = 24 << 20
	mostQueued      = 1 << 20
)

// remembers is for how long a bot may send the same answer again (G-137): after
// that Discord has forgotten its nonce, and it could stand twice. So an answer that
// REST has not taken by then is rightly given up.
const remembers = 3 * time.Minute

// forgets is how long after the cause of it a loss is found out at the latest.
const forgets = 15 * time.Minute

// excuse allows that some commands are lost, where that is found out soon after a
// time from now.
func (y *year) excuse(asked int, in time.Duration) {
	y.orphaned += asked
	y.excused = time.Now().Add(in + forgets)
}

// account looks at everything that is counted.
func (y *year) account() {
	v := y.sim.Verdict(y.bot)
	y.count(v)
	if time.Now().After(y.excused) {
		y.orphaned = 0
	}
	switch {
	case v.Lost > y.GivenUp && v.Lost-y.GivenUp <= y.orphaned:
		y.orphaned -= v.Lost - y.GivenUp
		y.GivenUp = v.Lost
	case v.Lost > y.GivenUp:
		y.fail("%d commands were never answered: %v", v.Lost, y.sim.Unanswered(y.bot))
	case v.Twice > 0:
		y.fail("%d commands were answered twice", v.Twice)
	case len(v.Violations) > 0:
		one := v.Violations[0]
		y.fail("a rule of Discord's was broken: %s %s (%s, connection %d)", one.Statement, one.What, one.At.Sub(y.begun), one.Conn)
	}
}

// weigh looks at what may not grow, once a day while all is well.
func (y *year) weigh() {
	if y.life == nil || !y.sim.Attached(y.bot) || y.troubled(time.Now()) {
		return
	}
	if queued := y.life.app.Shard().Stats().QueuedBytes; queued > mostQueued {
		y.fail("%d bytes of events are waiting for handlers", queued)
	}
	if y.days%7 != 1 {
		return
	}
	collect()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	goroutines := runtime.NumGoroutine()
	if y.heap == 0 {
		y.heap, y.goroutines = memory.HeapAlloc, goroutines
	}
	y.Heap, y.Goroutines = max(y.Heap, memory.HeapAlloc), max(y.Goroutines, goroutines)
	switch {
	case goroutines > y.goroutines+growsGoroutines:
		y.fail("there are %d goroutines, and were %d after a day", goroutines, y.goroutines)
	case memory.HeapAlloc > y.heap+growsHeap:
		y.fail("%d MB of memory are in use, and were %d MB after a day", memory.HeapAlloc>>20, y.heap>>20)
	}
}

// fail ends the year. The first word counts.
func (y *year) fail(format string, args ...any) {
	if y.broken == "" {
		y.broken = fmt.Sprintf(format, args...)
		y.note("NOT AS IT HAS TO BE: %s", y.broken)
	}
}
