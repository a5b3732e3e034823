package main

import (
	"fmt"
	"runtime"
	"time"

	"evergreen/gateway"
	"evergreen/internal/mishap"
)

// observer passes on to the year what the shard of one process does.
type observer struct {
	year    *year
	process int
}

// Observe is called by the shard's own goroutine for it.
func (o *observer) Observe(n gateway.Observation) {
	switch what := n.Event.(type) {
	case gateway.Transition:
		o.year.addEvent(shardEvent{n.At, o.process, what})
	case gateway.ConnectFailed:
		o.year.addEvent(shardEvent{n.At, o.process, what})
	case gateway.IdentifySent:
		o.year.addEvent(shardEvent{n.At, o.process, what})
	}
}

// shardEvent is what a shard did and when.
type shardEvent struct {
	at      time.Time
	process int // its number
	what    gateway.ShardEvent
}

// addEvent keeps an event for the goroutine of the year and wakes it.
func (y *year) addEvent(m shardEvent) {
	y.mu.Lock()
	y.shardEvents = append(y.shardEvents, m)
	y.mu.Unlock()
	y.wakeUp()
}

// wakeUp wakes the goroutine of the year.
func (y *year) wakeUp() {
	select {
	case y.wake <- struct{}{}:
	default:
	}
}

// drainEvents takes up what was heard.
func (y *year) drainEvents() {
	y.mu.Lock()
	said := y.shardEvents
	y.shardEvents = nil
	y.mu.Unlock()
	for _, m := range said {
		if y.process == nil || m.process != y.process.number {
			continue
		}
		switch what := m.what.(type) {
		case gateway.Transition:
			y.onTransition(m.at, what)
		case gateway.ConnectFailed:
			if what.Failures <= fewFailures || what.Failures%100 == 0 {
				y.noteBot(m.at, "no connection: %s (%d in a row)", shortReason(what.Reason), what.Failures)
			}
		case gateway.IdentifySent:
			y.noteBot(m.at, "IDENTIFY")
			y.onIdentify(m.at)
		}
	}
}

// fewFailures is how many attempts in a row are steps of their own.
const fewFailures = 3

// onTransition handles a change of the shard's state.
func (y *year) onTransition(at time.Time, what gateway.Transition) {
	wait, waits := what.To.(gateway.Waiting)
	waited, _ := what.From.(gateway.Waiting)
	if max(wait.Failures, waited.Failures) <= fewFailures {
		y.noteBot(at, "%s -> %s %s", what.From, what.To, shortReason(what.Reason))
	}
	_, refused := what.From.(gateway.Identifying)
	y.waiting = waits && (wait.Until.IsZero() || refused && what.Reason.Kind == gateway.ReasonInvalidSession)
	switch was, is := gateway.Online(what.From), gateway.Online(what.To); {
	case was && !is:
		y.onOffline(at, what.Reason)
	case !was && is:
		y.lastOnline = at
	}
}

// shortReason is a reason in a few words.
func shortReason(c gateway.Reason) string {
	if c.Kind == "" {
		return ""
	}
	c.Text, c.Err = "", nil
	return "(" + c.String() + ")"
}

// aftermath is how long after a mishap the connection may still end because of it:
// Discord cuts one that resumed at the base address after a minute.
const aftermath = 2 * time.Minute

// onOffline handles the end of a connection. It fails the year where nothing was
// wrong.
func (y *year) onOffline(at time.Time, cause gateway.Reason) {
	if y.inTrouble(at) || cause.Kind == gateway.ReasonReconnect {
		y.allow(at, mishap.PromptReturn)
		return
	}
	if at.Sub(y.deadline) < aftermath {
		y.allow(at, mishap.SlowReturn)
		return
	}
	y.fail("the bot left Discord (%s) although nothing had gone wrong for %s", cause, at.Sub(y.deadline).Round(time.Second))
}

// The most IDENTIFYs in an hour and in a day. A hostile year, which ends many
// sessions, stays within them; an IDENTIFY loop does not.
const (
	maxIdentifiesPerHour = 40
	maxIdentifiesPerDay  = 250
)

// onIdentify counts an IDENTIFY in its last hour and day.
func (y *year) onIdentify(at time.Time) {
	y.identifyTimes = append(y.identifyTimes, at)
	for len(y.identifyTimes) > 0 && at.Sub(y.identifyTimes[0]) >= day {
		y.identifyTimes = y.identifyTimes[1:]
	}
	hour := 0
	for _, one := range y.identifyTimes {
		if at.Sub(one) < time.Hour {
			hour++
		}
	}
	y.MostInHour, y.MostInDay = max(y.MostInHour, hour), max(y.MostInDay, len(y.identifyTimes))
	if hour > maxIdentifiesPerHour || len(y.identifyTimes) > maxIdentifiesPerDay {
		y.fail("%d IDENTIFYs within an hour and %d within a day; at most %d and %d are allowed", hour, len(y.identifyTimes), maxIdentifiesPerHour, maxIdentifiesPerDay)
	}
}

// inTrouble reports whether something is wrong that keeps the bot from being
// online, or was until a moment ago.
func (y *year) inTrouble(now time.Time) bool {
	return y.process == nil || y.unreachable > 0 || (y.restDown > 0 && !y.wasOnline) || !now.After(y.deadline)
}

// settledAfter is how long a connection has to last before earlier failures are
// forgotten.
const settledAfter = 70 * time.Second

// slowNetworkExtra is how much longer a reconnect takes where each round trip takes a
// second or two. A dial and a RESUME are up to six of them.
const slowNetworkExtra = 10 * time.Second

// allow gives the bot patience from now on to be online.
func (y *year) allow(now time.Time, patience time.Duration) {
	// A bot backs off the longer while connections do not last.
	if y.restDown > 0 || now.Sub(y.lastOnline) < settledAfter {
		patience = max(patience, mishap.SlowReturn)
	}
	if y.slow > 0 {
		patience += slowNetworkExtra
	}
	if due := now.Add(patience); due.After(y.deadline) {
		y.deadline = due
	}
}

// check compares the bot with a perfect client and fails the year if it is late. It
// reports whether to check again soon; of a bot that is online, the observer reports
// the end of the connection.
func (y *year) check(now time.Time) (soon bool) {
	live := y.sim.Attached(y.bot)
	switch {
	case live:
		if !y.offlineSince.IsZero() {
			y.onOnline(now)
		}
		y.wasOnline = true
		return false
	case y.process == nil || y.unreachable > 0 || (y.restDown > 0 && !y.wasOnline):
		y.offlineSince = time.Time{}
		return false
	}
	if y.offlineSince.IsZero() {
		y.offlineSince, y.greySince = now, time.Time{}
	}
	if y.waiting {
		// A perfect client keeps the budget too, and does not hammer a Discord
		// that refuses to begin sessions (G-084).
		y.WaitedForBudget += checkEvery
		y.allow(now, 10*time.Second)
		y.offlineSince, y.greySince = now, time.Time{}
		return true
	}
	if y.greySince.IsZero() && !y.sim.Online(y.bot) {
		y.greySince = now
	}
	if now.After(y.deadline) {
		y.fail("the bot is not online: the world has been well for %s", now.Sub(y.offlineSince).Round(time.Millisecond))
	}
	return true
}

// onOnline counts a return of the bot.
func (y *year) onOnline(now time.Time) {
	away := now.Sub(y.offlineSince)
	y.Returns++
	if away <= mishap.PromptReturn+checkEvery {
		y.PromptReturns++
	}
	y.LongestAway = max(y.LongestAway, away)
	if !y.greySince.IsZero() {
		y.LongestGrey = max(y.LongestGrey, now.Sub(y.greySince))
	}
	y.offlineSince, y.greySince = time.Time{}, time.Time{}
}

// By how much goroutines and memory may grow in a year, from the second day on, and
// how many bytes of events may wait.
const (
	maxGoroutineGrowth = 30
	maxHeapGrowth      = 24 << 20
	maxQueuedBytes     = 1 << 20
)

// nonceLifetime is for how long a bot may send the same answer again (G-137). After
// that Discord has forgotten its nonce and could post it twice. So the bot is right to
// give up an answer that REST has not taken by then.
const nonceLifetime = 3 * time.Minute

// lossFoundWithin is how long after its cause the simulator counts a loss, at the
// latest.
const lossFoundWithin = 15 * time.Minute

// allowLost allows that so many commands are lost, if that shows within
// lossFoundWithin after a time from now.
func (y *year) allowLost(asked int, in time.Duration) {
	y.allowedLost += asked
	y.lostAllowedUntil = time.Now().Add(in + lossFoundWithin)
}

// checkVerdict takes over the simulator's counts and fails the year if a command was
// lost or answered twice, or a rule was broken.
func (y *year) checkVerdict() {
	if y.Proxy {
		y.checkBot()
		return
	}
	v := y.sim.Verdict(y.bot)
	y.count(v)
	if time.Now().After(y.lostAllowedUntil) {
		y.allowedLost = 0
	}
	switch {
	case v.Lost > y.GivenUp && v.Lost-y.GivenUp <= y.allowedLost:
		y.allowedLost -= v.Lost - y.GivenUp
		y.GivenUp = v.Lost
	case v.Lost > y.GivenUp:
		y.fail("%d commands were never answered: %v", v.Lost, y.sim.Unanswered(y.bot))
	case v.Twice > 0:
		y.fail("%d commands were answered twice", v.Twice)
	case len(v.Violations) > 0:
		one := v.Violations[0]
		y.fail("a rule of Discord's was broken: %s %s (%s, connection %d)", one.Statement, one.What, one.At.Sub(y.start), one.Conn)
	}
}

// checkGrowth fails the year if memory, goroutines or the event queue have grown. It
// checks only while nothing is wrong.
func (y *year) checkGrowth() {
	if y.process == nil || !y.sim.Attached(y.bot) || y.inTrouble(time.Now()) {
		return
	}
	if queued := y.process.app.Shard().Stats().QueuedBytes; queued > maxQueuedBytes {
		y.fail("%d bytes of events are waiting for handlers", queued)
	}
	if y.days%7 != 1 || y.Proxy && (y.botShards > 1 || len(y.bots) != 1) { // each shard has goroutines of its own
		return
	}
	collect()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	goroutines := runtime.NumGoroutine()
	if y.firstHeap == 0 {
		y.firstHeap, y.firstGoroutines = memory.HeapAlloc, goroutines
	}
	y.Heap, y.Goroutines = max(y.Heap, memory.HeapAlloc), max(y.Goroutines, goroutines)
	switch {
	case goroutines > y.firstGoroutines+maxGoroutineGrowth:
		y.fail("there are %d goroutines, and were %d after a day", goroutines, y.firstGoroutines)
	case memory.HeapAlloc > y.firstHeap+maxHeapGrowth:
		y.fail("%d MB of memory are in use, and were %d MB after a day", memory.HeapAlloc>>20, y.firstHeap>>20)
	}
}

// fail ends the year. Only the first failure counts.
func (y *year) fail(format string, args ...any) {
	if y.broken == "" {
		y.broken = fmt.Sprintf(format, args...)
		y.note("NOT AS IT HAS TO BE: %s", y.broken)
	}
}
