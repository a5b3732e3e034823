package discordsim

import (
	"cmp"
	"slices"
	"time"
)

// expectation is a command that has to be answered exactly once, and what became
// of it.
type expectation struct {
	id          ID
	at          time.Time
	text        string
	channel     *Channel
	interaction bool
	// gap is since when the bot had no session attached when the command came;
	// zero when it had one.
	gap      time.Time
	sessions []delivery
	answers  []*Message // those that say what they answer
	inOrder  []*Message // plain ones that count for this command
	// acknowledged is when an interaction was answered without a message of its own: by an
	// update, choices or a modal.
	acknowledged time.Time
}

// delivery is a session that was sent the command.
type delivery struct {
	session         *session
	seq             int64
	connectedBefore time.Duration // how long the session had been connected by then
	discarded       bool          // the server threw the session away before it was received
}

// expectAnswer adds a command for one app, or for every app that sees the channel.
func (s *Sim) expectAnswer(id ID, ch *Channel, text string, isInteraction bool, app *App) {
	apps := []*App{app}
	if app == nil {
		apps = []*App{ch.App}
		if ch.Guild != nil {
			apps = s.inGuild[ch.Guild.ID]
		}
	}
	now := time.Now()
	for _, a := range apps {
		if a == nil || !s.reaches(a, ch) || !isInteraction && !s.sees(a, ch) {
			continue
		}
		b := s.bots[a.ID]
		one := &expectation{id: id, at: now, text: text, channel: ch, interaction: isInteraction}
		if !b.attached() {
			for _, shard := range b.shards {
				one.gap = later(one.gap, shard.gapSince)
			}
		}
		b.expectations = append(b.expectations, one)
		if len(b.expectations) >= max(minSweep, b.sweepAt) {
			b.countSettled(now)
			b.sweepAt = 2 * len(b.expectations)
		}
	}
}

// expectation finds an open command; nil when there is none. Ids always rise.
func (b *bot) expectation(id ID) *expectation {
	i, found := slices.BinarySearchFunc(b.expectations, id, func(a *expectation, id ID) int { return cmp.Compare(a.id, id) })
	if !found {
		return nil
	}
	return b.expectations[i]
}

// heardAtOnce reports whether the bot had a session attached when a command came;
// true for one that is not known any more.
func (s *Sim) heardAtOnce(app *App, id ID) bool {
	a := s.bots[app.ID].expectation(id)
	return a == nil || a.gap.IsZero()
}

// noteDelivered remembers under which number a session was sent a command; 0 is
// one that never arrives.
func (s *Sim) noteDelivered(sess *session, id ID, seq int64) {
	if a := sess.bot.expectation(id); a != nil && seq != 0 {
		a.sessions = append(a.sessions, delivery{session: sess, seq: seq, connectedBefore: sess.connected(time.Now())})
	}
}

// noteAnswer remembers a message of a bot that answers a command.
func (s *Sim) noteAnswer(m *Message, to ID) {
	if b := s.bots[m.Author.ID]; b != nil {
		if a := b.expectation(to); a != nil {
			a.answers = append(a.answers, m)
		}
	}
}

// noteAcknowledged remembers that an interaction was answered without a message of its own.
func (s *Sim) noteAcknowledged(ask *interaction, now time.Time) {
	if e := s.bots[ask.app.ID].expectation(ask.id); e != nil {
		e.acknowledged = now
	}
}

// excuseUndelivered marks the commands that the client of an ended session had not
// confirmed, if the server ended it before there was time enough to answer. Where
// the session timed out, that excuses a client only during a fault.
func (b *bot) excuseUndelivered(sess *session, cause sessionEnd) {
	now := time.Now()
	alone := now // since when the server heard nothing of the client
	if sess.conn == nil {
		alone = sess.detachedAt
	}
	switch {
	case cause == endedByClient,
		cause == endedByTimeout && !b.sim.faultWithin(b.app.ID, later(alone.Add(-b.sim.patience()), sess.attachedAt), now):
		return
	}
	for _, a := range b.expectations {
		for i, d := range a.sessions {
			if d.session == sess && d.seq > sess.confirmed && !a.hadTime(b, d, now) {
				a.sessions[i].discarded = true
			}
		}
	}
}

// hadTime reports whether a client had the command for AnswerGrace, connected and
// undisturbed by faults. The end of a session that had delivered it is no excuse.
func (e *expectation) hadTime(b *bot, d delivery, now time.Time) bool {
	connected := d.session.connected(now) - d.connectedBefore
	if d.session.ended {
		connected = now.Sub(e.at)
	}
	return min(connected, b.sim.undisturbed(b.app.ID, e.at, now)) >= b.sim.cfg.AnswerGrace
}

// patience is how long the server waits for a heartbeat.
func (s *Sim) patience() time.Duration {
	return s.cfg.Heartbeat.Interval + max(0, s.cfg.Heartbeat.Grace)
}

// commandState is what became of a command.
type commandState int

const (
	commandWaiting commandState = iota
	commandAnswered
	commandAnsweredTwice
	commandLost
	commandUnheard
)

// state is what has become of a command so far.
func (e *expectation) state(b *bot, now time.Time) commandState {
	s := b.sim
	byReply, inOrder := e.standing(b)
	switch answers := byReply + inOrder; {
	case answers > 1:
		return commandAnsweredTwice
	case answers == 1:
		return commandAnswered
	case !slices.ContainsFunc(e.sessions, func(d delivery) bool { return !d.discarded }):
		return commandUnheard
	case e.interaction && s.hinderedWithin(b.app.ID, e.at, e.at.Add(s.rest.cfg.InteractionDeadline)),
		e.interaction && !e.gap.IsZero() && s.faultWithin(b.app.ID, e.gap, e.gap):
		return commandUnheard
	case slices.ContainsFunc(e.sessions, func(d delivery) bool { return !d.discarded && e.hadTime(b, d, now) }):
		return commandLost
	}
	return commandWaiting
}

// answeredAfter is the time to the first answer that stands; 0 without one. A deferred answer
// stands from when it is filled in.
func (e *expectation) answeredAfter(b *bot) time.Duration {
	if !e.acknowledged.IsZero() {
		return e.acknowledged.Sub(e.at)
	}
	for i, m := range slices.Concat(e.answers, e.inOrder) {
		if m.stands() && (i < len(e.answers) || !b.refers) {
			return later(m.Timestamp, m.filledAt).Sub(e.at)
		}
	}
	return 0
}

// settledAfter is how long a command stays open for a second answer before it
// is only counted; minSweep is from how many open commands on countSettled runs.
const (
	settledAfter = 10 * time.Minute
	minSweep     = 1000
)

// countSettled counts and drops the commands that no later answer can change.
func (b *bot) countSettled(now time.Time) {
	b.expectations = slices.DeleteFunc(b.expectations, func(e *expectation) bool {
		if now.Sub(e.at) < settledAfter {
			return false
		}
		state := e.state(b, now)
		if state == commandWaiting {
			return false
		}
		b.counts.count(b, e, state)
		return true
	})
}

// count adds a command. One that no client could have answered is not among those
// asked.
func (v *Verdict) count(b *bot, e *expectation, state commandState) {
	v.Slowest = max(v.Slowest, e.answeredAfter(b))
	if state == commandUnheard {
		v.Unheard++
		return
	}
	v.Asked++
	switch state {
	case commandAnswered:
		v.Answered++
		if _, inOrder := e.standing(b); inOrder > 0 {
			v.AnsweredInOrder++
		} else {
			v.AnsweredByReply++
		}
	case commandAnsweredTwice:
		v.Twice++
	case commandLost:
		v.Lost++
	case commandWaiting:
		v.Waiting++
	}
}

// Unanswered lists the commands that count as lost, each with its time.
func (s *Sim) Unanswered(app *App) (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bots[app.ID]
	for _, a := range b.expectations {
		if a.state(b, time.Now()) == commandLost {
			texts = append(texts, a.at.Format("15:04:05.000 ")+a.text)
		}
	}
	return texts
}
