package discordsim

import (
	"cmp"
	"slices"
	"time"
)

// ask is at heart a command that has to be answered exactly once, and what
// became of it.
type ask struct {
	id          ID
	at          time.Time
	text        string
	interaction bool
	// gap is since when the bot had no session attached when the command came;
	// zero when it had one.
	gap      time.Time
	sessions []heard
	answers  []*Message
}

// heard is a session that was sent the command.
type heard struct {
	session *session
	seq     int64
	stayed  time.Duration // how long the session had been connected by then
	robbed  bool          // the server threw the session away before it was received
}

// expect files a command: for one app, or for every app that sees the channel.
func (s *Sim) expect(id ID, ch *Channel, text string, isInteraction bool, app *App) {
	apps := []*App{app}
	if app == nil {
		apps = []*App{ch.App}
		if ch.Guild != nil {
			apps = s.inGuild[ch.Guild.ID]
		}
	}
	now := time.Now()
	for _, a := range apps {
		if a == nil || !s.seesLocked(a, ch) {
			continue
		}
		b := s.bots[a.ID]
		one := &ask{id: id, at: now, text: text, interaction: isInteraction}
		if !b.attached() {
			for _, sl := range b.slots {
				one.gap = later(one.gap, sl.gapSince)
			}
		}
		b.asks = append(b.asks, one)
		if len(b.asks) >= max(minSweep, b.sweepAt) {
			b.settle(now)
			b.sweepAt = 2 * len(b.asks)
		}
	}
}

// askByID finds an open command; nil when there is none. Ids always rise.
func (b *bot) askByID(id ID) *ask {
	i, found := slices.BinarySearchFunc(b.asks, id, func(a *ask, id ID) int { return cmp.Compare(a.id, id) })
	if !found {
		return nil
	}
	return b.asks[i]
}

// heardAtOnce reports whether the bot was there when it was asked, as far as is
// known.
func (s *Sim) heardAtOnce(app *App, id ID) bool {
	a := s.bots[app.ID].askByID(id)
	return a == nil || a.gap.IsZero()
}

// noteAsked remembers under which number a session was sent a command; 0 is
// one that never arrives.
func (s *Sim) noteAsked(sess *session, id ID, seq int64) {
	if a := sess.bot.askByID(id); a != nil && seq != 0 {
		a.sessions = append(a.sessions, heard{session: sess, seq: seq, stayed: sess.attached(time.Now())})
	}
}

// noteAnswer remembers a message of a bot that answers a command.
func (s *Sim) noteAnswer(m *Message, to ID) {
	if b := s.bots[m.Author.ID]; b != nil {
		if a := b.askByID(to); a != nil {
			a.answers = append(a.answers, m)
		}
	}
}

// bereave marks the commands that a session takes with it: those the client has
// not confirmed, when the server ended it, unless there had been time enough for
// them. Where the client let it die, that excuses only a client that something
// was in the way of.
func (b *bot) bereave(sess *session, cause endCause) {
	now := time.Now()
	alone := now // since when the server heard nothing of the client
	if sess.conn == nil {
		alone = sess.detachedAt
	}
	switch {
	case cause == endedByClient,
		cause == endedByNeglect && !b.sim.disturbed(b.app.ID, later(alone.Add(-b.sim.patience()), sess.attachedAt), now):
		return
	}
	for _, a := range b.asks {
		for i, h := range a.sessions {
			if h.session == sess && h.seq > sess.handed && !a.hadTime(b, h, now) {
				a.sessions[i].robbed = true
			}
		}
	}
}

// hadTime reports whether a client had the command for long enough, connected
// and with nothing in its way. A session that is over, but had delivered it, is
// no excuse.
func (a *ask) hadTime(b *bot, h heard, now time.Time) bool {
	connected := h.session.attached(now) - h.stayed
	if h.session.over {
		connected = now.Sub(a.at)
	}
	return min(connected, b.sim.calm(b.app.ID, a.at, now)) >= b.sim.cfg.AnswerGrace
}

// patience is how long a server waits for heartbeats.
func (s *Sim) patience() time.Duration {
	return s.cfg.Heartbeat.Interval + max(0, s.cfg.Heartbeat.Grace)
}

// fate is what became of a command.
type fate int

const (
	askWaiting fate = iota
	askAnswered
	askTwice
	askLost
	askUnheard
)

// judge says what has become of a command. It may change later.
func (a *ask) judge(b *bot, now time.Time) fate {
	s := b.sim
	answers := 0
	for _, m := range a.answers {
		if m.stands() {
			answers++
		}
	}
	switch {
	case answers > 1:
		return askTwice
	case answers == 1:
		return askAnswered
	case !slices.ContainsFunc(a.sessions, func(h heard) bool { return !h.robbed }):
		return askUnheard
	case a.interaction && s.hindered(b.app.ID, a.at, a.at.Add(s.rest.cfg.InteractionDeadline)),
		a.interaction && !a.gap.IsZero() && s.disturbed(b.app.ID, a.gap, a.gap):
		return askUnheard
	case slices.ContainsFunc(a.sessions, func(h heard) bool { return !h.robbed && a.hadTime(b, h, now) }):
		return askLost
	}
	return askWaiting
}

// took is the time to the first answer that stands; 0 without one.
func (a *ask) took() time.Duration {
	for _, m := range a.answers {
		if m.stands() {
			return m.Timestamp.Sub(a.at)
		}
	}
	return 0
}

// settledAfter is how long a command stays open for a second answer before it
// is only counted; minSweep is how many open commands are worth a look for
// those.
const (
	settledAfter = 10 * time.Minute
	minSweep     = 1000
)

// settle counts and forgets the commands whose fate is sealed.
func (b *bot) settle(now time.Time) {
	t := &b.tally
	b.asks = slices.DeleteFunc(b.asks, func(a *ask) bool {
		if now.Sub(a.at) < settledAfter {
			return false
		}
		switch a.judge(b, now) {
		case askAnswered:
			t.settled.asked, t.settled.answered = t.settled.asked+1, t.settled.answered+1
		case askTwice:
			t.settled.asked, t.settled.twice = t.settled.asked+1, t.settled.twice+1
		case askLost:
			t.settled.asked, t.settled.lost = t.settled.asked+1, t.settled.lost+1
		case askUnheard:
			t.settled.unheard++
		default:
			return false
		}
		t.slowest = max(t.slowest, a.took())
		return true
	})
}

// Unanswered lists the commands that count as lost, for a person to look into.
func (s *Sim) Unanswered(app *App) (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bots[app.ID]
	for _, a := range b.asks {
		if a.judge(b, time.Now()) == askLost {
			texts = append(texts, a.at.Format("15:04:05.000 ")+a.text)
		}
	}
	return texts
}
