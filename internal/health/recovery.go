package health

import (
	"cmp"
	"time"

	"evergreen/gateway"
)

// openIncident returns the shard's open incident, or opens one for the reason.
func (s *shard) openIncident(at time.Time, c gateway.Reason) *Incident {
	if s.open == nil {
		s.beginIncident(at, Diagnose(c), describe(c), gateway.Reason{Kind: c.Kind, Code: c.Code})
	}
	return s.open
}

// beginIncident opens an incident. It starts when Discord last answered, as far
// as is known yet (G-160), or with the shard if that has not been online so far.
// signature is what incidents of one loop have in common.
func (s *shard) beginIncident(at time.Time, id CauseID, what Message, signature gateway.Reason) {
	i := &Incident{
		Shard: s.id, Cause: id, What: what.replace(s.redact), Detected: at,
		Start: latest(s.lastACK, s.onlineSince), Actions: s.pending,
		Evidence: Evidence{Slept: s.slept, Stalled: s.stalled, LastACK: s.lastACK},
	}
	next := loss{signature: signature, streak: 1, spare: s.loss.spare, resuming: s.loss.resuming}
	switch {
	case s.onlineSince.IsZero():
		i.AtStart, i.Start = true, s.created
	case at.Sub(s.onlineSince) < sameTroubleWithin && signature == s.loss.signature:
		next.streak = s.loss.streak + 1
	}
	if i.Start.After(at) {
		i.Start = at
	}
	if s.lostSession.After(s.onlineSince) {
		i.SessionLost = s.lostSession
	}
	i.ID = incidentID(i.Start, s.id)
	s.loss, s.open, s.ended = next, i, nil
	switch {
	case s.slept > 0 && s.slept >= s.stalled:
		s.refineCause(i, HostSlept, NewMessage(string(HostSlept), s.slept))
	case s.stalled > 0:
		s.refineCause(i, ProcessStalled, NewMessage(string(ProcessStalled), s.stalled))
	}
	if s.spareFailure != nil {
		s.addFailure(i, *s.spareFailure)
	}
	s.dropPending()
	s.queueIncident(i)
}

// refineCause makes a deeper cause the incident's cause.
func (s *shard) refineCause(i *Incident, id CauseID, says Message) {
	if Lookup(id).Depth <= Lookup(i.Cause).Depth {
		return
	}
	i.Cause = id
	if says = says.replace(s.redact); says != i.What {
		i.Then = says
	}
	s.queueIncident(i)
}

// queueIncident queues the incident for the journal.
func (s *shard) queueIncident(i *Incident) {
	if n := len(s.changed); n > 0 && s.changed[n-1].ID == i.ID {
		s.changed[n-1] = i.clone()
		return
	}
	s.changed = append(s.changed, i.clone())
}

// takeChanged returns the incidents that are new or have changed since the last
// call.
func (s *shard) takeChanged() []Incident {
	changed := s.changed
	s.changed = nil
	return changed
}

// endIncident ends the open incident.
func (s *shard) endIncident(at time.Time, how Outcome) {
	i := s.open
	i.End, i.Outcome = latest(at, i.Start), how
	s.open = nil
	if how != OutcomeEnded {
		s.onlineSince = at
		if !i.AtStart && !i.BeganWithPreviousRun {
			s.counts.Reconnects++
		}
	}
	if how == OutcomeUnobserved {
		s.ended = i
	}
	s.queueIncident(i)
}

// backOnline ends the open incident with what READY or RESUMED tells, or adds that
// to the incident that the change of state has just ended.
func (s *shard) backOnline(at time.Time, how Outcome, replayed int, what Message) {
	s.recordAction(at, what)
	s.onlineSince, s.identifyWait, s.readyLate, s.loss.resuming = at, "", false, false
	switch {
	case s.open != nil:
		s.open.Replayed = replayed
		s.endIncident(at, how)
	case s.ended != nil:
		i := s.ended
		s.ended = nil
		i.Replayed, i.Outcome = replayed, how
		i.Actions = addAction(i.Actions, at, what)
		s.queueIncident(i)
	}
	s.dropPending()
}

func (s *shard) ready(at time.Time, w gateway.Ready) {
	s.counts.Sessions++
	s.session = at
	s.username, s.guilds = plain(w.Username), w.Guilds
	s.backOnline(at, OutcomeNewSession, 0, NewMessage("action.ready", number(w.Guilds, "guild")))
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
	s.backOnline(at, OutcomeResumed, w.Replayed, NewMessage(how, number(w.Replayed, "event")))
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
	s.recordAction(at, NewMessage("action.session-lost", describe(c)))
	s.refineCause(s.open, Diagnose(c), describe(c))
}

// addMissing counts events that never came.
func (s *shard) addMissing(n int64) {
	s.counts.Missing += n
	if s.open != nil {
		s.open.Lost += n
	}
}

// absent takes in that the process did not run for some time: the host slept, or the
// process stood still.
func (s *shard) absent(at time.Time, cause CauseID, d time.Duration) {
	what := NewMessage(string(cause), d)
	s.recordAction(at, what)
	slept, stalled := &s.slept, &s.stalled
	if s.open != nil {
		slept, stalled = &s.open.Evidence.Slept, &s.open.Evidence.Stalled
		s.refineCause(s.open, cause, what)
	}
	if cause == HostSlept {
		*slept += d
	} else {
		*stalled += d
	}
}

func (s *shard) identifyDelayed(at time.Time, w gateway.IdentifyDelayed) {
	wait := w.Until.Sub(at)
	s.identifyWait = s.sanitize(w.Why)
	says := NewMessage("identify-delayed")
	if wait >= longIdentifyWait {
		if s.open == nil {
			s.beginIncident(at, IdentifyBudget, says, gateway.Reason{})
		}
		s.refineCause(s.open, IdentifyBudget, says)
	}
	s.recordAction(at, NewMessage("action.identify-delay", wait, cmp.Or(Text(s.identifyWait), NewMessage("action.identify-turn"))))
}

// maxPanics bounds the remembered times of panics.
const maxPanics = 100

func (s *shard) panicked(at time.Time, w gateway.HandlerPanicked) {
	s.counts.Panics++
	s.lastPanic = Panic{At: at, Event: w.Type, Value: s.sanitize(w.Value)}
	s.panics = append(s.panics, at)
	if len(s.panics) > maxPanics {
		s.panics = s.panics[1:]
	}
}

// recentPanics counts the panics within panicWindow.
func (s *shard) recentPanics(now time.Time) int {
	n := 0
	for _, at := range s.panics {
		if now.Sub(at) < panicWindow {
			n++
		}
	}
	return n
}
