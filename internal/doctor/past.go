package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/text"
)

// past is one incident, from the database or from a running instance.
type past struct {
	Cause     health.CauseID `json:"cause"`
	Start     time.Time      `json:"start"`
	DurationS float64        `json:"duration_s"`
	GreyS     float64        `json:"grey_s"`
	Outcome   string         `json:"outcome"`
	Routine   bool           `json:"routine"`
	SleptS    float64        `json:"-"`
}

// week is how far back incidents are told.
const week = 7 * 24 * time.Hour

// pasts are the incidents of the week.
func (v *visit) pasts() (all []past) {
	from := v.Now().Add(-week)
	if v.running != nil {
		for _, p := range v.running.past {
			if p.Start.After(from) {
				all = append(all, p)
			}
		}
		return all
	}
	now := v.Now()
	for _, i := range v.glance.Incidents {
		if !i.Start.After(from) {
			continue
		}
		p := past{
			Cause: i.Cause, Start: i.Start, DurationS: i.Duration(now).Seconds(), GreyS: i.ShownOffline(now).Seconds(),
			Routine: i.Routine(), SleptS: i.Evidence.Slept.Seconds(),
		}
		if i.Outcome == health.OutcomeOpen {
			// Its process has died, so nobody knows when it ended.
			p.Outcome, p.DurationS, p.GreyS = "open", 0, 0
		}
		all = append(all, p)
	}
	return all
}

// group is the incidents of one cause.
type group struct {
	cause health.Cause
	times int
	grey  time.Duration
	last  time.Time
}

const (
	// muchGrey is how much of the week without a dot is worth a warning.
	muchGrey = 10 * time.Minute
	// mostGroups is how many causes are told, the costliest first.
	mostGroups = 6
)

// checkIncidents tells what kept the bot offline lately, by cause.
func (v *visit) checkIncidents(context.Context) Finding {
	all := v.pasts()
	groups := map[health.CauseID]*group{}
	routine := 0
	var grey time.Duration
	open := false
	for _, p := range all {
		if p.Routine {
			routine++
			continue
		}
		cause := health.Lookup(p.Cause)
		g := groups[cause.ID]
		if g == nil {
			g = &group{cause: cause}
			groups[cause.ID] = g
		}
		took := time.Duration(p.GreyS * float64(time.Second))
		g.times, g.grey, grey = g.times+1, g.grey+took, grey+took
		if p.Start.After(g.last) {
			g.last = p.Start
		}
		open = open || v.running != nil && p.Outcome == "open"
	}
	if len(groups) == 0 {
		f := pass("none in seven days")
		if routine > 0 {
			f = f.saw(text.Count(routine, "routine reconnect") + " that Discord asked for; they cost nothing")
		}
		return f
	}
	sorted := make([]*group, 0, len(groups))
	for _, id := range sortedKeys(groups) {
		sorted = append(sorted, groups[id])
	}
	slices.SortStableFunc(sorted, func(a, b *group) int {
		if a.grey != b.grey {
			return int(min(max(b.grey-a.grey, -1), 1))
		}
		return b.times - a.times
	})
	f := pass(fmt.Sprintf("%s in seven days, of %s; the dot was grey for %s", text.Count(len(all)-routine, "incident"), text.Count(len(groups), "cause"), lasted(grey)))
	if grey >= muchGrey || open {
		f.Level = Warn
		f.Cause = sorted[0].cause.ID
	}
	for at, g := range sorted {
		if at == mostGroups {
			f = f.saw(fmt.Sprintf("and %d more causes", len(sorted)-at))
			break
		}
		f = f.saw(fmt.Sprintf("%d x %s: grey for %s, last %s", g.times, g.cause.Title, lasted(g.grey), moment(g.last)))
		if g.cause.Do != "" && f.Level == Warn && len(f.Next) < 3 {
			f.Next = append(f.Next, g.cause.Title+": "+g.cause.Do)
		}
	}
	return f
}

// checkJumps tells how often past runs found the clock ahead of themselves: the
// host slept, or paused the bot.
func (v *visit) checkJumps(context.Context) Finding {
	var slept time.Duration
	var last time.Time
	times := 0
	for _, p := range v.pasts() {
		if p.SleptS > 0 || p.Cause == health.HostSlept {
			times++
			slept += time.Duration(max(p.SleptS, 0) * float64(time.Second))
			if p.Start.After(last) {
				last = p.Start
			}
		}
	}
	if times == 0 {
		return pass("none in seven days")
	}
	return warn(fmt.Sprintf("%s in seven days, %s in all: this machine slept, or paused the bot", text.Count(times, "jump"), lasted(slept)),
		"Keep the host awake (see Sleep of the host above). A virtual machine that is paused for snapshots or moves shows like this too; ask its provider.",
	).saw("the last one on " + moment(last)).because(health.HostSlept)
}
