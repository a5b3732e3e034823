package health

import (
	"cmp"
	"slices"
	"time"
)

// Condition is something wrong beside the connection: the bot stays online and
// counts as degraded, unless it is only a notice.
type Condition struct {
	// Cause is one of conditionCauses.
	Cause CauseID
	// Trouble is what is wrong, in words; empty while the condition does not hold.
	Trouble string
	// Since is when it began.
	Since time.Time
}

// conditionCauses are the causes of conditions, the gravest first. Each has the
// message condition.<cause>, and status.<cause> unless it is a notice.
var conditionCauses = []CauseID{DiskTrouble, MemoryShort, TwoInstances, EventsLost, BotAway, BotHangs, BotCrashLoop, CommandsUnregistered, ChannelPermission}

// holdingConditions returns the conditions that hold, the gravest first.
func holdingConditions(list []Condition) []Condition {
	list = slices.DeleteFunc(list, func(c Condition) bool { return c.Trouble == "" })
	slices.SortStableFunc(list, func(a, b Condition) int {
		return cmp.Compare(slices.Index(conditionCauses, a.Cause), slices.Index(conditionCauses, b.Cause))
	})
	return list
}

// IsNotice reports whether the condition is about one place and not about the bot, which
// is as well as without it: a server of many where it may not write. It changes no status,
// opens no incident and is shown to the operator alone.
func (c Condition) IsNotice() bool { return c.Cause == ChannelPermission }

// Unattended reports whether the cause says that no bot answers although the connection
// is well: of a bot behind the proxy that is away or hangs.
func (id CauseID) Unattended() bool { return id == BotAway || id == BotHangs }

// grows reports whether the condition counts something that grows: an incident that has
// ended tells how much it was at the end.
func (id CauseID) grows() bool { return id == BotAway || id == BotHangs || id == EventsLost }

// Says is the condition in words, as part of a sentence.
func (c Condition) Says() Message { return NewMessage("condition."+string(c.Cause), c.Trouble) }

// status says the condition in the reason of a status.
func (c Condition) status() Message { return NewMessage("status."+string(c.Cause), c.Trouble) }

// A condition becomes an incident once it has lasted for conditionAfter, and that
// ends once it has been gone for conditionGone: a queue that is full for a moment
// is no news, and one that is full every other moment is one piece of news.
const (
	conditionAfter = 10 * time.Second
	conditionGone  = time.Minute
)

// conditionIncident is an incident in which the bot stays connected. The
// tracker's lock guards it.
type conditionIncident struct {
	Incident
	reported  bool      // it is in the journal
	latest    Message   // what the condition said last
	goneSince time.Time // zero while the condition holds
}

// updateConditions opens and ends the incidents of conditions, and returns those
// that are new or have ended. The caller holds the lock.
func (t *Tracker) updateConditions(s *Snapshot) (changed []Incident) {
	var holding []CauseID
	update := func(cause CauseID, what Message, since time.Time) {
		holding = append(holding, cause)
		open := t.conditions[cause]
		if open == nil {
			if since.IsZero() || since.After(s.At) {
				since = s.At
			}
			open = &conditionIncident{Incident: Incident{
				ID: since.UTC().Format(incidentTime) + "-" + string(cause), Cause: cause, What: what.replace(t.sanitize),
				Start: since, Detected: s.At, Connected: true,
			}}
			t.conditions[cause] = open
		}
		open.goneSince, open.latest = time.Time{}, what.replace(t.sanitize)
		if !open.reported && s.At.Sub(open.Start) >= conditionAfter {
			open.reported = true
			changed = append(changed, open.clone())
		}
	}
	if s.Connected && !s.Work.OK {
		update(s.Work.Cause, s.Work.sign, s.Work.since)
	}
	for _, c := range s.Conditions {
		if !c.IsNotice() {
			update(c.Cause, c.Says(), c.Since)
		}
	}
	for cause, open := range t.conditions {
		if slices.Contains(holding, cause) {
			continue
		}
		if open.goneSince.IsZero() {
			open.goneSince = s.At
		}
		if open.reported && s.At.Sub(open.goneSince) < conditionGone {
			continue
		}
		delete(t.conditions, cause)
		if open.reported {
			open.End, open.Outcome = open.goneSince, OutcomeMended
			if cause.grows() {
				open.What = open.latest
			}
			changed = append(changed, open.clone())
		}
	}
	return changed
}
