package health

import (
	"slices"
	"time"
)

// Saving is whether what the bot knows would outlive the process. The zero value
// means that it would, or that nobody can tell.
type Saving struct {
	// Trouble is why nothing is saved, in words; empty while all is well.
	Trouble string
	// Since is when that began.
	Since time.Time
}

// Short is whether memory runs short. The zero value means that it does not, or
// that nobody can tell.
type Short struct {
	// Trouble is how short it is, in words with the numbers; empty while there is
	// enough.
	Trouble string
	// Since is when that began.
	Since time.Time
}

// Rival is whether another program uses the bot's token. The zero value means
// that none does, or that nobody can tell.
type Rival struct {
	// Trouble is what shows it, in words; empty while nothing does.
	Trouble string
	// Since is when that began.
	Since time.Time
}

// An ailment is an incident of its own once it has lasted for ailsFor, and is
// over once it has been gone for wellFor: a queue that is full for a moment is
// no news, and one that is full every other moment is one piece of news.
const (
	ailsFor = 10 * time.Second
	wellFor = time.Minute
)

// ailment is something wrong with a bot that is connected all the while. The
// tracker's lock guards it.
type ailment struct {
	incident Incident
	told     bool      // it stands in the journal
	gone     time.Time // since when it is not there any more; zero while it is
}

// symptom is what is wrong at one moment.
type symptom struct {
	cause CauseID
	what  Message
	since time.Time
}

// symptoms lists what is wrong with a bot that is connected.
func symptoms(s *Snapshot) (list []symptom) {
	if s.Connected && !s.Work.OK {
		list = append(list, symptom{s.Work.Cause, s.Work.Reason, s.At})
	}
	if s.Saving.Trouble != "" {
		list = append(list, symptom{DiskTrouble, Say("unsaved", s.Saving.Trouble), wall(s.Saving.Since)})
	}
	if s.Memory.Trouble != "" {
		list = append(list, symptom{MemoryShort, Say("memory", s.Memory.Trouble), wall(s.Memory.Since)})
	}
	if s.Rival.Trouble != "" {
		list = append(list, symptom{TwoInstances, Say("token-shared", s.Rival.Trouble), wall(s.Rival.Since)})
	}
	return list
}

// ails keeps account of what is wrong and returns the incidents that are new or
// have changed. The caller holds the lock.
func (t *Tracker) ails(s *Snapshot) (changed []Incident) {
	now := symptoms(s)
	for _, n := range now {
		a := t.ailing[n.cause]
		if a == nil {
			start := n.since
			if start.IsZero() || start.After(s.At) {
				start = s.At
			}
			a = &ailment{incident: Incident{
				ID: start.UTC().Format(incidentTime) + "-" + string(n.cause), Cause: n.cause, What: n.what.replace(func(text string) string { return plain(t.opts.Redact(text)) }),
				Start: start, Detected: s.At, Connected: true,
			}}
			t.ailing[n.cause] = a
		}
		a.gone = time.Time{}
		if !a.told && s.At.Sub(a.incident.Start) >= ailsFor {
			a.told = true
			changed = append(changed, a.incident.clone())
		}
	}
	for cause, a := range t.ailing {
		if slices.ContainsFunc(now, func(n symptom) bool { return n.cause == cause }) {
			continue
		}
		if a.gone.IsZero() {
			a.gone = s.At
		}
		if a.told && s.At.Sub(a.gone) < wellFor {
			continue
		}
		delete(t.ailing, cause)
		if a.told {
			a.incident.End, a.incident.Outcome = a.gone, OutcomeMended
			changed = append(changed, a.incident.clone())
		}
	}
	return changed
}
