package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/text"
)

// incident is an incident of the database or of the running instance.
type incident struct {
	Cause     health.CauseID `json:"cause"`
	Start     time.Time      `json:"start"`
	DurationS float64        `json:"duration_s"`
	OfflineS  float64        `json:"grey_s"`
	Outcome   string         `json:"outcome"`
	Routine   bool           `json:"routine"`
	SleptS    float64        `json:"-"`
	StalledS  float64        `json:"-"`
}

// week is how far back incidents are reported.
const week = 7 * 24 * time.Hour

// recentIncidents returns the incidents of the last week.
func (x *examination) recentIncidents() (all []incident) {
	from := x.Now().Add(-week)
	if x.instance != nil {
		for _, p := range x.instance.incidents {
			if p.Start.After(from) {
				all = append(all, p)
			}
		}
		return all
	}
	now := x.Now()
	for _, i := range x.summary.Incidents {
		if !i.Start.After(from) {
			continue
		}
		p := incident{
			Cause: i.Cause, Start: i.Start, DurationS: i.Duration(now).Seconds(), OfflineS: i.ShownOffline(now).Seconds(),
			Routine: i.Routine(), SleptS: i.Evidence.Slept.Seconds(), StalledS: i.Evidence.Stalled.Seconds(),
		}
		if i.Outcome == health.OutcomeOpen {
			// Its process has died, so it is not known when it ended.
			p.Outcome, p.DurationS, p.OfflineS = "open", 0, 0
		}
		all = append(all, p)
	}
	return all
}

// causeGroup sums up the incidents of one cause.
type causeGroup struct {
	cause   health.Cause
	times   int
	offline time.Duration
	last    time.Time
}

const (
	// offlineWarn is how long offline in the week is worth a warning.
	offlineWarn = 10 * time.Minute
	// maxCauses is how many causes are reported, the costliest first.
	maxCauses = 6
)

// checkIncidents reports what kept the bot offline in the last week, by cause.
func (x *examination) checkIncidents(context.Context) Finding {
	all := x.recentIncidents()
	groups := map[health.CauseID]*causeGroup{}
	routine := 0
	var offline time.Duration
	open := false
	for _, p := range all {
		if p.Routine {
			routine++
			continue
		}
		cause := health.Lookup(p.Cause)
		g := groups[cause.ID]
		if g == nil {
			g = &causeGroup{cause: cause}
			groups[cause.ID] = g
		}
		took := time.Duration(p.OfflineS * float64(time.Second))
		g.times, g.offline, offline = g.times+1, g.offline+took, offline+took
		if p.Start.After(g.last) {
			g.last = p.Start
		}
		open = open || x.instance != nil && p.Outcome == "open"
	}
	if len(groups) == 0 {
		f := pass("none in seven days")
		if routine > 0 {
			f = f.with(text.Count(routine, "routine reconnect") + " that Discord asked for; they cost nothing")
		}
		return f
	}
	sorted := make([]*causeGroup, 0, len(groups))
	for _, id := range sortedKeys(groups) {
		sorted = append(sorted, groups[id])
	}
	slices.SortStableFunc(sorted, func(a, b *causeGroup) int {
		return cmp.Or(cmp.Compare(b.offline, a.offline), cmp.Compare(b.times, a.times))
	})
	f := pass(fmt.Sprintf("%s in seven days, of %s; the dot was grey for %s", text.Count(len(all)-routine, "incident"), text.Count(len(groups), "cause"), longDuration(offline)))
	if offline >= offlineWarn || open {
		f.Level = Warn
		f.Cause = sorted[0].cause.ID
	}
	for at, g := range sorted {
		if at == maxCauses {
			f = f.with(fmt.Sprintf("and %d more causes", len(sorted)-at))
			break
		}
		f = f.with(fmt.Sprintf("%d x %s: grey for %s, last %s", g.times, g.cause.Title, longDuration(g.offline), localTime(g.last)))
		if g.cause.Do != "" && f.Level == Warn && len(f.Next) < 3 {
			f.Next = append(f.Next, g.cause.Title+": "+g.cause.Do)
		}
	}
	return f
}

// absence sums up the times in which the bot did not run, of one kind.
type absence struct {
	times int
	took  time.Duration
	last  time.Time
}

func (a *absence) add(p incident, seconds float64) {
	a.times++
	a.took += time.Duration(max(seconds, 0) * float64(time.Second))
	if p.Start.After(a.last) {
		a.last = p.Start
	}
}

// checkAbsences reports how often the host slept or the process stood still in the last
// week. A clock that was set is neither, and is not counted.
func (x *examination) checkAbsences(context.Context) Finding {
	var slept, stalled absence
	for _, p := range x.recentIncidents() {
		if p.SleptS > 0 || p.Cause == health.HostSlept {
			slept.add(p, p.SleptS)
		}
		if p.StalledS > 0 || p.Cause == health.ProcessStalled {
			stalled.add(p, p.StalledS)
		}
	}
	var f Finding
	switch {
	case slept.times+stalled.times == 0:
		return pass("none in seven days")
	case stalled.times == 0:
		f = warn(fmt.Sprintf("this machine slept %s in seven days, for %s in all", text.Count(slept.times, "time"), longDuration(slept.took))).withCause(health.HostSlept)
	case slept.times == 0:
		f = warn(fmt.Sprintf("the bot stood still %s in seven days, for %s in all, while this machine ran", text.Count(stalled.times, "time"), longDuration(stalled.took))).withCause(health.ProcessStalled)
	default:
		f = warn(fmt.Sprintf("in seven days this machine slept %s, for %s in all, and the bot stood still %s, for %s in all",
			text.Count(slept.times, "time"), longDuration(slept.took), text.Count(stalled.times, "time"), longDuration(stalled.took))).withCause(health.HostSlept)
	}
	if slept.times > 0 {
		f.Next = append(f.Next, "Keep the host awake (see Sleep of the host above).")
		f = f.with("it last slept on " + localTime(slept.last))
	}
	if stalled.times > 0 {
		f.Next = append(f.Next, health.Lookup(health.ProcessStalled).Do)
		f = f.with("it last stood still on " + localTime(stalled.last))
	}
	return f
}
