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
	// AnsweredByReply and AnsweredInOrder are how those answered exactly once were: by a
	// message that refers to the command or responds to the interaction, or, by a bot that
	// has never referred to a message, by a plain message, which counts for the oldest open
	// command of its channel. Answered is their sum. What is counted in order is less
	// certain: a message that answers nothing can hide a lost command, and only a message
	// in the same words counts as a second answer.
	AnsweredByReply, AnsweredInOrder int
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
	// Online and Offline are how long other users saw the bot so since the first
	// READY.
	Online, Offline time.Duration

	// Dispatched counts events, Redelivered those sent again.
	Dispatched, Redelivered int64
	// EventsLost counts the events that cannot have reached the bot: a fault
	// withheld them, or their session ended before a client could receive them.
	// EventsTwice counts those it got a second time: a fault doubled them, or it
	// asked again for what it had confirmed.
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

// email writes to the owner of the app.
func (v *Verdict) email(to ID, text string) {
	if len(v.Emails) < maxEmails {
		v.Emails = append(v.Emails, Email{time.Now(), to, text})
	}
}

// sessionAttached counts a session that has a connection now.
func (b *bot) sessionAttached(sess *session, now time.Time) {
	b.sim.changed(Change{Kind: ChangePresence, User: b.app.Bot.ID})
	sess.shardState.attached++
	b.endGap(sess.shardState, now)
	for p, other := range b.shards {
		if p.count != sess.shard.count {
			b.endGap(other, now)
		}
	}
}

// endGap ends the gap of a shard, if there is one.
func (b *bot) endGap(shard *botShard, now time.Time) {
	if shard.gapSince.IsZero() {
		return
	}
	gap := now.Sub(shard.gapSince)
	b.counts.LongestGap, b.counts.Detached = max(b.counts.LongestGap, gap), b.counts.Detached+gap
	shard.gapSince = time.Time{}
}

// sessionDetached counts a session that lost its connection. When the bot has moved
// to another number of shards, the old ones have no gaps any more.
func (b *bot) sessionDetached(sess *session, now time.Time) {
	b.sim.changed(Change{Kind: ChangePresence, User: b.app.Bot.ID})
	if sess.shardState.attached--; sess.shardState.attached > 0 {
		return
	}
	for p, other := range b.shards {
		if p.count != sess.shard.count && other.attached > 0 {
			return
		}
	}
	sess.shardState.gapSince = now
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
	b.countSettled(now)
	v := b.counts
	v.CloseCodes, v.Emails, v.Violations = maps.Clone(v.CloseCodes), slices.Clone(v.Emails), s.log.of(app)
	for _, shard := range b.shards {
		if !shard.gapSince.IsZero() {
			gap := now.Sub(shard.gapSince)
			v.LongestGap, v.Detached = max(v.LongestGap, gap), v.Detached+gap
		}
	}
	d := b.visible
	d.addTime(now)
	v.Online, v.Offline = d.online, d.offline
	for _, a := range b.expectations {
		v.count(b, a, a.state(b, now))
	}
	return v
}

// AttachedSessions counts the sessions of a bot that have a live connection:
// one for each of its shards when all is well.
func (s *Sim) AttachedSessions(app *App) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sess := range s.bots[app.ID].sessions {
		if sess.conn != nil {
			n++
		}
	}
	return n
}
