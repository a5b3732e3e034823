package dashboard

import (
	"math"
	"strings"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/health/history"
)

// barsView is the row of days: one bar each, green as far as the day was.
type barsView struct {
	Label string
	Days  []barView // oldest first
	First string    // what stands under the oldest
	Bad   []barView // the days that were not all green, the newest first
}

// barView is one day. Offline and Degraded are how much of the bar they take,
// in twentieths.
type barView struct {
	Date     time.Time
	Name     string // the day
	Text     string // what happened
	Kind     string // ok, degraded, offline or unknown: the worst of the day
	Offline  int
	Degraded int
}

// Steps of a bar's height; the style sheet has a class for each.
const barSteps = 20

func newBarsView(t lang, days []history.Day) *barsView {
	if len(days) == 0 {
		return nil
	}
	v := &barsView{Label: t.T("bars.label", len(days)), First: t.T("bars.ago", len(days)-1)}
	for _, d := range days {
		bar := newBarView(t, d)
		v.Days = append(v.Days, bar)
		if bar.Kind == "offline" || bar.Kind == "degraded" {
			v.Bad = append([]barView{bar}, v.Bad...)
		}
	}
	return v
}

func newBarView(t lang, d history.Day) barView {
	known := d.Online + d.Degraded + d.Offline
	bar := barView{Date: d.Date, Name: t.Date(d.Date), Kind: "ok"}
	if known <= 0 {
		bar.Kind, bar.Text = "unknown", t.T("day.unknown")
		return bar
	}
	var said []string
	if d.Offline > 0 {
		bar.Kind, bar.Offline = "offline", barHeight(d.Offline, known)
		said = append(said, t.T("day.uptime", t.Share(1-d.Offline.Seconds()/known.Seconds())), t.T("day.offline", t.Duration(d.Offline)))
	}
	if d.Degraded > 0 {
		bar.Degraded = min(barHeight(d.Degraded, known), barSteps-bar.Offline)
		if bar.Kind == "ok" {
			bar.Kind = "degraded"
		}
		said = append(said, t.T("day.degraded", t.Duration(d.Degraded)))
	}
	if len(said) == 0 {
		said = append(said, t.T("day.ok"))
	}
	if d.Incidents > 0 {
		worst := health.RoutineReconnect // what a day without a worst one had
		if d.Worst != nil {
			worst = d.Worst.Cause
		}
		said = append(said, t.Count(int64(d.Incidents), "incident")+": "+health.Lookup(worst).Heading().In(t))
	}
	bar.Text = strings.Join(said, " · ")
	return bar
}

// barHeight draws a share of the day. The cube root lets a minute be seen and a
// whole day still be the whole bar; the exact figure stands in the text.
func barHeight(part, of time.Duration) int {
	return min(barSteps, max(3, int(math.Ceil(barSteps*math.Cbrt(part.Seconds()/of.Seconds())))))
}
