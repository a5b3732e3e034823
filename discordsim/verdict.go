package discordsim

import (
	"maps"
	"slices"
	"time"
)

// Verdict is what a bot has done so far, as the simulator counts it (S-100).
type Verdict struct {
	// Asked counts the commands that had to be answered; Answered those that
	// were, exactly once; Twice those with more than one answer; Lost those
	// without one although there was time enough; Waiting those whose time is
	// not over. Unheard counts commands beyond those: no client could have
	// answered them, because there was no session to hear them, because the
	// server threw the session away before they were received, or because the
	// three seconds of an interaction fell into a fault.
	Asked, Answered, Twice, Lost, Waiting, Unheard int
	// Slowest is the longest time from a command to its answer.
	Slowest time.Duration

	Identifies, Resumes, Resumed, Dials int
	// MinIdentifySpacing is the shortest time between two IDENTIFYs of one
	// concurrency key; 0 while there were no two.
	MinIdentifySpacing time.Duration
	// MaxSends and MaxPresences are the most that came in one window.
	MaxSends, MaxPresences int
	// MissedHeartbeats counts connections the server closed for want of them.
	MissedHeartbeats int
	// RefusedIntents counts IDENTIFYs closed with 4014.
	RefusedIntents  int
	InvalidRequests int
	// CloseCodes counts the close codes the client sent.
	CloseCodes map[int]int

	// LongestGap is the longest time a shard was without an attached session,
	// Detached the sum of all such times, each since its first READY. A shard
	// whose place was taken by a session of another shard count has no gaps any
	// more.
	LongestGap, Detached time.Duration
	// Green and Grey are what a viewer saw since the first READY.
	Green, Grey time.Duration

	// Dispatched counts events, Redelivered those sent again.
	Dispatched, Redelivered int64
	// EventsLost counts the events that cannot have reached the bot: a fault
	// withheld them, or their session ended before anybody had been there to
	// receive them. EventsTwice counts those it got a second time: a fault doubled
	// them, or it asked again for what it had confirmed.
	EventsLost, EventsTwice int64
	// Emails are what Discord wrote to the owner (S-025).
	Emails []Email
	// Violations are what it did that is forbidden, and advice, which
	// [Violation.Note] tells apart.
	Violations []Violation
}

// Broken lists the violations without the advice: what a bot fails for.
func (v Verdict) Broken() []Violation {
	return slices.DeleteFunc(slices.Clone(v.Violations), Violation.Note)
}

// Email is a letter to the owner of an app.
type Email struct {
	At   time.Time
	To   ID
	Text string
}

// maxEmails is how many letters are kept.
const maxEmails = 100

// tally is what a bot has done, as far as it is only counted.
type tally struct {
	settled struct{ asked, answered, twice, lost, unheard int }
	slowest time.Duration

	identifies, resumes, resumed, dials int
	spacing                             time.Duration
	maxSends, maxPresences              int
	missed, refusedIntents, invalid     int
	closeCodes                          map[int]int
	dispatched, redelivered             int64
	eventsLost, eventsTwice             int64
	emails                              []Email

	longestGap, detached time.Duration
}

// email writes to the owner.
func (t *tally) email(to ID, text string) {
	if len(t.emails) < maxEmails {
		t.emails = append(t.emails, Email{time.Now(), to, text})
	}
}

// came notes that a session has a connection now.
func (b *bot) came(sess *session, now time.Time) {
	sess.slot.attached++
	b.bridge(sess.slot, now)
	for p, other := range b.slots {
		if p.count != sess.shard.count {
			b.bridge(other, now)
		}
	}
}

// bridge ends the gap of a shard, if there is one.
func (b *bot) bridge(sl *slot, now time.Time) {
	if sl.gapSince.IsZero() {
		return
	}
	gap := now.Sub(sl.gapSince)
	b.tally.longestGap, b.tally.detached = max(b.tally.longestGap, gap), b.tally.detached+gap
	sl.gapSince = time.Time{}
}

// went notes that a session has none any more. When the bot has moved to another
// number of shards, nobody misses the old ones.
func (b *bot) went(sess *session, now time.Time) {
	if sess.slot.attached--; sess.slot.attached > 0 {
		return
	}
	for p, other := range b.slots {
		if p.count != sess.shard.count && other.attached > 0 {
			return
		}
	}
	sess.slot.gapSince = now
}

// attached reports whether a session of the bot has a live connection.
func (b *bot) attached() bool {
	return slices.ContainsFunc(b.sessions, func(sess *session) bool { return sess.conn != nil })
}

// Attached reports whether the bot has a session with a connection that was
// answered READY or RESUMED.
func (s *Sim) Attached(app *App) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bots[app.ID].attached()
}

// Sessions counts the sessions the bot has, attached or not.
func (s *Sim) Sessions(app *App) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bots[app.ID].sessions)
}

// Verdict counts what a bot has done so far. It may be asked at any time.
func (s *Sim) Verdict(app *App) Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	b := s.bots[app.ID]
	b.settle(now)
	t := &b.tally
	v := Verdict{
		Asked: t.settled.asked, Answered: t.settled.answered, Twice: t.settled.twice, Lost: t.settled.lost, Unheard: t.settled.unheard,
		Slowest:    t.slowest,
		Identifies: t.identifies, Resumes: t.resumes, Resumed: t.resumed, Dials: t.dials,
		MinIdentifySpacing: t.spacing, MaxSends: t.maxSends, MaxPresences: t.maxPresences, MissedHeartbeats: t.missed,
		RefusedIntents: t.refusedIntents, InvalidRequests: t.invalid, CloseCodes: maps.Clone(t.closeCodes),
		LongestGap: t.longestGap, Detached: t.detached, Dispatched: t.dispatched, Redelivered: t.redelivered,
		EventsLost: t.eventsLost, EventsTwice: t.eventsTwice, Emails: slices.Clone(t.emails), Violations: s.record.of(app),
	}
	for _, sl := range b.slots {
		if !sl.gapSince.IsZero() {
			gap := now.Sub(sl.gapSince)
			v.LongestGap, v.Detached = max(v.LongestGap, gap), v.Detached+gap
		}
	}
	d := b.dot
	d.settle(now)
	v.Green, v.Grey = d.green, d.grey
	for _, a := range b.asks {
		switch a.judge(b, now) {
		case askAnswered:
			v.Asked, v.Answered = v.Asked+1, v.Answered+1
		case askTwice:
			v.Asked, v.Twice = v.Asked+1, v.Twice+1
		case askLost:
			v.Asked, v.Lost = v.Asked+1, v.Lost+1
		case askWaiting:
			v.Asked, v.Waiting = v.Asked+1, v.Waiting+1
		case askUnheard:
			v.Unheard++
		}
		v.Slowest = max(v.Slowest, a.took())
	}
	return v
}
