package health

import (
	"time"

	"evergreen/gateway"
)

// now returns the wall clock, and moves all moments of this run by what it has been set
// by since the last call. So a clock that is set changes no duration and no order: all
// moments are told by the clock as it stands now. The caller holds the lock.
func (t *Tracker) now() time.Time {
	now, set := t.clock.Now()
	if by := set - t.clockSet; by != 0 {
		t.clockSet = set
		t.moves = append(t.moves, move{by: by, from: t.started, to: now.Add(-by)})
		t.started = t.started.Add(by)
		for _, s := range t.shards {
			s.move(by)
		}
		for _, c := range t.conditions {
			c.move(by)
			c.goneSince = moved(c.goneSince, by)
		}
		if t.last != nil && t.moves[len(t.moves)-1].has(*t.last) {
			last := t.last.clone()
			last.move(by)
			t.last = &last
		}
	}
	return now
}

// Steady returns a moment of the snapshot on a scale that does not move when the clock is
// set. Moments of several snapshots are compared on it.
func (s Snapshot) Steady(t time.Time) time.Time { return t.Add(-s.ClockSet) }

// localise names the moments of an observation by the clock as it stands now. The
// caller holds the lock and has called now.
func (t *Tracker) localise(n gateway.Observation) gateway.Observation {
	n.At = t.clock.At(n.At)
	switch w := n.Event.(type) {
	case gateway.Disconnected:
		w.LastByte, w.LastACK = t.clock.At(w.LastByte), t.clock.At(w.LastACK)
		n.Event = w
	case gateway.IdentifyDelayed:
		w.Until = t.clock.At(w.Until)
		n.Event = w
	}
	return n
}

// move is a setting of the clock. The incidents that began between from and to, by the
// clock before it, are those of this run.
type move struct {
	by       time.Duration
	from, to time.Time
}

func (m move) has(i Incident) bool {
	return !i.Detected.Before(m.from) && !i.Detected.After(m.to)
}

// moveJournal moves the incidents of this run that are over and in the journal. The
// caller does not hold the lock.
func (t *Tracker) moveJournal() {
	t.mu.Lock()
	moves := t.moves
	t.moves = nil
	open := map[string]bool{}
	for _, s := range t.shards {
		if s.open != nil {
			open[s.open.ID] = true
		}
	}
	for _, c := range t.conditions {
		open[c.ID] = true
	}
	t.mu.Unlock()
	for _, m := range moves {
		for _, i := range t.opts.Journal.Recent(MemoryJournalSize) {
			if !open[i.ID] && m.has(i) {
				i.move(m.by)
				t.opts.Journal.Write(i)
			}
		}
	}
}

// moved returns a moment of a clock that has been set; zero stays zero.
func moved(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(by)
}

// move moves the moments of a shard.
func (s *shard) move(by time.Duration) {
	for _, t := range []*time.Time{&s.stateSince, &s.created, &s.onlineSince, &s.session, &s.lostSession, &s.lastACK, &s.lastPanic.At, &s.latency.latency.At} {
		*t = moved(*t, by)
	}
	for n := range s.panics {
		s.panics[n] = s.panics[n].Add(by)
	}
	for n := range s.changes {
		s.changes[n].At = s.changes[n].At.Add(by)
	}
	for n := range s.latency.samples {
		s.latency.samples[n].At = s.latency.samples[n].At.Add(by)
	}
	moveActions(s.pending, by)
	if s.open != nil {
		s.open.move(by)
		s.queueIncident(s.open)
	}
	if s.ended != nil {
		s.ended.move(by)
	}
}

// move moves the moments of an incident of this run. The machine that was started anew
// may have come up with the time at which it went down, as one without a clock that runs
// on does: then the beginning was right, and stays.
func (i *Incident) move(by time.Duration) {
	if i.Cause != HostRebooted || by < 0 {
		i.Start, i.SessionLost = moved(i.Start, by), moved(i.SessionLost, by)
	}
	for _, t := range []*time.Time{&i.Detected, &i.End, &i.Evidence.LastByte, &i.Evidence.LastACK} {
		*t = moved(*t, by)
	}
	moveActions(i.Actions, by)
}

// Moved returns the incident of a run whose clock has been set by so much since.
func (i Incident) Moved(by time.Duration) Incident {
	i = i.clone()
	i.move(by)
	return i
}

func moveActions(actions []Action, by time.Duration) {
	for n := range actions {
		actions[n].At, actions[n].Until = moved(actions[n].At, by), moved(actions[n].Until, by)
	}
}
