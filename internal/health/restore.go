package health

import (
	"cmp"
	"time"

	"evergreen/gateway"
)

// incident returns the incident that is going on, or opens one for the cause.
func (s *shard) incident(at time.Time, c gateway.Reason) *Incident {
	if s.open == nil {
		s.begin(at, Diagnose(c), describe(c), gateway.Reason{Kind: c.Kind, Code: c.Code})
	}
	return s.open
}

// begin opens an incident. It starts when Discord last answered, as far as is
// known yet (G-160), or with the shard if that has not been online so far.
func (s *shard) begin(at time.Time, id CauseID, what Message, signature gateway.Reason) {
	i := &Incident{
		Pair: s.pair, Cause: id, What: what.replace(s.redact), Detected: at,
		Start: latest(s.lastACK, s.restored), Actions: s.pending,
		Evidence: Evidence{Slept: s.slept, LastACK: s.lastACK},
	}
	next := loss{signature: signature, streak: 1, spare: s.loss.spare, resuming: s.loss.resuming}
	switch {
	case s.restored.IsZero():
		i.AtStart, i.Start = true, s.begun
	case at.Sub(s.restored) < briefly && signature == s.loss.signature:
		next.streak = s.loss.streak + 1
	}
	if i.Start.After(at) {
		i.Start = at
	}
	if s.lostSession.After(s.restored) {
		i.SessionLost = s.lostSession
	}
	i.ID = incidentID(i.Start, s.pair)
	s.loss, s.open, s.finished = next, i, nil
	if s.slept > 0 {
		s.learn(i, HostSlept, Say("host-slept", s.slept))
	}
	if s.failure != nil {
		s.blame(i, *s.failure)
	}
	s.forget()
	s.report(i)
}

// learn lets a deeper cause name the incident.
func (s *shard) learn(i *Incident, id CauseID, says Message) {
	if Lookup(id).Depth <= Lookup(i.Cause).Depth {
		return
	}
	i.Cause = id
	if says = says.replace(s.redact); says != i.What {
		i.Then = says
	}
	s.report(i)
}

// report queues the incident for the journal.
func (s *shard) report(i *Incident) {
	if n := len(s.changed); n > 0 && s.changed[n-1].ID == i.ID {
		s.changed[n-1] = i.clone()
		return
	}
	s.changed = append(s.changed, i.clone())
}

// takeChanged returns the incidents that are new or have changed.
func (s *shard) takeChanged() []Incident {
	changed := s.changed
	s.changed = nil
	return changed
}

// finish ends the incident that is going on.
func (s *shard) finish(at time.Time, how Outcome) {
	i := s.open
	i.End, i.Outcome = latest(at, i.Start), how
	s.open = nil
	if how != OutcomeEnded {
		s.restored = at
		if !i.AtStart && !i.Gap {
			s.counts.Reconnects++
		}
	}
	if how == OutcomeUnobserved {
		s.finished = i
	}
	s.report(i)
}

// back ends the incident with the numbers of READY or RESUMED, or adds them to
// one that the change of state has just ended.
func (s *shard) back(at time.Time, how Outcome, replayed int, what Message) {
	s.act(at, what)
	s.restored, s.waitWhy, s.slowReady, s.loss.resuming = at, "", false, false
	switch {
	case s.open != nil:
		s.open.Replayed = replayed
		s.finish(at, how)
	case s.finished != nil:
		i := s.finished
		s.finished = nil
		i.Replayed, i.Outcome = replayed, how
		i.Actions = addAction(i.Actions, at, what)
		s.report(i)
	}
	s.forget()
}

func (s *shard) ready(at time.Time, w gateway.Ready) {
	s.counts.Sessions++
	s.session = at
	s.username, s.guilds = w.Username, w.Guilds
	s.back(at, OutcomeNewSession, 0, Say("action.ready", number(w.Guilds, "guild")))
}

func (s *shard) resumed(at time.Time, w gateway.Resumed) {
	s.counts.Resumed++
	s.counts.Replayed += int64(w.Replayed)
	if s.session.IsZero() {
		s.session = at
	}
	how := "action.resumed"
	if s.loss.spare {
		how = "action.resumed-spare"
	}
	s.back(at, OutcomeResumed, w.Replayed, Say(how, number(w.Replayed, "event")))
	s.loss.spare = false
}

func (s *shard) sessionLost(at time.Time, c gateway.Reason) {
	s.session, s.lostSession = time.Time{}, at
	if s.open == nil {
		return
	}
	if s.open.SessionLost.IsZero() {
		s.open.SessionLost = at
	}
	s.act(at, Say("action.session-lost", describe(c)))
	s.learn(s.open, Diagnose(c), describe(c))
}

// gap counts events that never came.
func (s *shard) gap(n int64) {
	s.counts.Missing += n
	if s.open != nil {
		s.open.Lost += n
	}
}

func (s *shard) hostSlept(at time.Time, d time.Duration) {
	what := Say("host-slept", d)
	s.act(at, what)
	if s.open == nil {
		s.slept = d
		return
	}
	s.open.Evidence.Slept += d
	s.learn(s.open, HostSlept, what)
}

func (s *shard) permitDelayed(at time.Time, w gateway.IdentifyDelayed) {
	wait := w.Until.Sub(at)
	s.waitWhy = s.foreign(w.Why)
	says := Say("identify-delayed")
	if wait >= longPermit {
		if s.open == nil {
			s.begin(at, IdentifyBudget, says, gateway.Reason{})
		}
		s.learn(s.open, IdentifyBudget, says)
	}
	s.act(at, Say("action.identify-delay", wait, cmp.Or(Text(s.waitWhy), Say("action.identify-turn"))))
}

// maxPanics bounds the remembered times of panics.
const maxPanics = 100

func (s *shard) panicked(at time.Time, w gateway.HandlerPanicked) {
	s.counts.Panics++
	s.lastPanic = Panic{At: at, Event: w.Type, Value: s.foreign(w.Value)}
	s.panics = append(s.panics, at)
	if len(s.panics) > maxPanics {
		s.panics = s.panics[1:]
	}
}

// recentPanics counts the panics of the last ten minutes.
func (s *shard) recentPanics(now time.Time) int {
	n := 0
	for _, at := range s.panics {
		if now.Sub(at) < panicWindow {
			n++
		}
	}
	return n
}
