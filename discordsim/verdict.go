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

	// LongestGap is the longest time without an attached session, Detached the
	// sum of all such times, both since the first READY.
	LongestGap, Detached time.Duration
	// Green and Grey are what a viewer saw since the first READY.
	Green, Grey time.Duration

	// Dispatched counts events, Redelivered those sent again.
	Dispatched, Redelivered int64
	Violations              []Violation
}

// tally is what a bot has done, as far as it is only counted.
type tally struct {
	settled struct{ asked, answered, twice, lost, unheard int }
	slowest time.Duration

	identifies, resumes, resumed, dials int
	spacing                             time.Duration
	maxSends, maxPresences, presences   int
	missed, refusedIntents, exhausted   int
	invalid                             int
	closeCodes                          map[int]int
	dispatched, redelivered             int64

	born       time.Time // first READY
	attachedAt time.Time // last time a session became attached
	gapSince   time.Time // zero while attached
	longestGap time.Duration
	detached   time.Duration
}

// identified counts an IDENTIFY.
func (t *tally) identified(now, last time.Time) {
	t.identifies++
	if last.IsZero() {
		return
	}
	if gap := now.Sub(last); t.spacing == 0 || gap < t.spacing {
		t.spacing = gap
	}
}

// attachment notes whether the bot now has an attached session.
func (b *bot) attachment() {
	now := time.Now()
	t := &b.tally
	attached := b.attached()
	switch {
	case attached && t.born.IsZero():
		t.born, t.attachedAt = now, now
	case attached && !t.gapSince.IsZero():
		gap := now.Sub(t.gapSince)
		t.longestGap, t.detached = max(t.longestGap, gap), t.detached+gap
		t.gapSince, t.attachedAt = time.Time{}, now
	case !attached && !t.born.IsZero() && t.gapSince.IsZero():
		t.gapSince = now
	case attached:
		t.attachedAt = now
	}
}

// attached reports whether a session of the bot has a live connection.
func (b *bot) attached() bool {
	return slices.ContainsFunc(b.sessions, func(sess *session) bool { return sess.conn != nil && sess.live })
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
	b.judgeAsks(now, false)
	t := &b.tally
	v := Verdict{
		Asked: t.settled.asked, Answered: t.settled.answered, Twice: t.settled.twice, Lost: t.settled.lost, Unheard: t.settled.unheard,
		Slowest:    t.slowest,
		Identifies: t.identifies, Resumes: t.resumes, Resumed: t.resumed, Dials: s.record.dials(app),
		MinIdentifySpacing: t.spacing, MaxSends: t.maxSends, MaxPresences: t.maxPresences, MissedHeartbeats: t.missed,
		RefusedIntents: t.refusedIntents, InvalidRequests: t.invalid, CloseCodes: maps.Clone(t.closeCodes),
		LongestGap: t.longestGap, Detached: t.detached, Dispatched: t.dispatched, Redelivered: t.redelivered,
		Violations: s.record.of(app),
	}
	if !t.gapSince.IsZero() {
		gap := now.Sub(t.gapSince)
		v.LongestGap, v.Detached = max(v.LongestGap, gap), v.Detached+gap
	}
	d := b.dot
	d.settle(now)
	v.Green, v.Grey = d.green, d.grey
	for _, a := range b.asks {
		switch a.judge(s, b, now) {
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
	}
	return v
}

// ask is a command that has to be answered exactly once.
type ask struct {
	id          ID
	at          time.Time
	text        string
	interaction bool
	sessions    []heard
	robbed      bool // the server threw the session away before it was received
	disturbed   bool // an interaction whose three seconds fell into a fault
}

// heard is a session that was sent the command.
type heard struct {
	session *session
	seq     int64
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
	for _, a := range apps {
		if a != nil && s.seesLocked(a, ch) {
			b := s.bots[a.ID]
			b.asks = append(b.asks, &ask{id: id, at: time.Now(), text: text, interaction: isInteraction})
			b.judgeAsks(time.Now(), true)
		}
	}
}

// noteAsked remembers under which number a session was sent a command.
func (s *Sim) noteAsked(sess *session, id ID, seq int64) {
	for _, a := range slices.Backward(sess.bot.asks) {
		if a.id == id {
			a.sessions = append(a.sessions, heard{sess, seq})
			return
		}
		if a.id < id {
			return
		}
	}
}

// bereave marks the commands that a session takes with it: those the client
// has not confirmed, when it was the server that ended it.
func (b *bot) bereave(sess *session, cause endCause) {
	if cause == endedByClient {
		return
	}
	for _, a := range b.asks {
		for _, h := range a.sessions {
			if h.session == sess && h.seq > sess.handed {
				a.robbed = true
			}
		}
	}
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

// judge says what has become of a command. It may get better later.
func (a *ask) judge(s *Sim, b *bot, now time.Time) fate {
	answers, first := 0, time.Time{}
	for _, m := range s.answers[a.id] {
		if m.Author.ID == b.app.Bot.ID && m.stands() {
			if answers++; first.IsZero() {
				first = m.Timestamp
			}
		}
	}
	switch {
	case answers > 1:
		return askTwice
	case answers == 1:
		b.tally.slowest = max(b.tally.slowest, first.Sub(a.at))
		return askAnswered
	case len(a.sessions) == 0, a.robbed:
		return askUnheard
	case a.interaction && s.disturbed(a.at, s.rest.cfg.InteractionDeadline):
		return askUnheard
	}
	// Time counts from when the bot could have answered: attached, and nothing
	// in its way.
	since := a.at
	if b.tally.attachedAt.After(since) {
		since = b.tally.attachedAt
	}
	if clear := s.clearSince(); clear.After(since) {
		since = clear
	}
	if !b.attached() || now.Sub(since) < s.cfg.AnswerGrace {
		return askWaiting
	}
	return askLost
}

// disturbed reports whether any fault was in force, or had just ended, within a
// span of time.
func (s *Sim) disturbed(from time.Time, span time.Duration) bool {
	const recovery = 3 * time.Second
	for _, a := range slices.Backward(s.struck) {
		if a.Began.After(from.Add(span)) {
			continue
		}
		if a.Ended.IsZero() || a.Ended.Add(recovery).After(from) {
			return true
		}
		if from.Sub(a.Began) > time.Hour {
			break
		}
	}
	return false
}

// clearSince is when the last fault ended; now while one is in force.
func (s *Sim) clearSince() (last time.Time) {
	for _, list := range s.faults {
		if len(list) > 0 {
			return time.Now()
		}
	}
	for _, a := range slices.Backward(s.struck) {
		if a.Ended.After(last) {
			last = a.Ended
		}
		if time.Since(a.Began) > time.Hour {
			break
		}
	}
	return last
}

// settledAfter is how long a command stays open for a second answer before it
// is only counted.
const settledAfter = 10 * time.Minute

// judgeAsks counts and forgets the commands whose fate is sealed.
func (b *bot) judgeAsks(now time.Time, few bool) {
	if few && len(b.asks) < 1000 {
		return
	}
	kept := b.asks[:0]
	for _, a := range b.asks {
		if now.Sub(a.at) < settledAfter {
			kept = append(kept, a)
			continue
		}
		t := &b.tally.settled
		switch a.judge(b.sim, b, now) {
		case askAnswered:
			t.asked, t.answered = t.asked+1, t.answered+1
		case askTwice:
			t.asked, t.twice = t.asked+1, t.twice+1
		case askLost:
			t.asked, t.lost = t.asked+1, t.lost+1
		case askUnheard:
			t.unheard++
		default:
			kept = append(kept, a)
		}
	}
	clear(b.asks[len(kept):])
	b.asks = kept
}

// Unanswered lists the commands that count as lost, for a person to look into.
func (s *Sim) Unanswered(app *App) (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bots[app.ID]
	for _, a := range b.asks {
		if a.judge(s, b, time.Now()) == askLost {
			texts = append(texts, a.at.Format("15:04:05.000 ")+a.text)
		}
	}
	return texts
}
