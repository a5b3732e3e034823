package dashboard

import (
	"fmt"
	"strings"
	"time"

	"evergreen/internal/health/history"
)

// The bars of the rates: the last hour, one for each minute.
const (
	ratesShown = time.Hour
	rateBars   = int(ratesShown / time.Minute)
	// In the drawing's own units: its height, and a bar with the gap behind it.
	rateHeight, rateBar, rateGap = 28.0, 3.0, 0.8
)

// rateView is a count of events or answers, and its last hour.
type rateView struct {
	Name, Value string
	Rate        string // of this moment
	Bars        string // a path
	Label       string // both in words; empty if the hour is not known
}

// rateViews is what came in, was handled and was answered.
func (f frame) rateViews(s state) []rateView {
	stats, activity := s.Snap.Work.Stats, s.Snap.Work.Activity
	views := []rateView{
		{Name: f.T("work.in"), Value: f.Number(stats.Received)},
		{Name: f.T("work.handled"), Value: f.Number(stats.Handled)},
		{Name: f.T("work.answered"), Value: f.Number(activity.Answered)},
	}
	if s.Rates == nil {
		return views
	}
	for n, count := range []func(history.Rate) int64{
		func(r history.Rate) int64 { return r.Received }, func(r history.Rate) int64 { return r.Handled }, func(r history.Rate) int64 { return r.Answered },
	} {
		minutes := perMinute(*s.Rates, count)
		var most float64
		for _, rate := range minutes {
			most = max(most, rate)
		}
		now := minutes[len(minutes)-1]
		views[n].Rate, views[n].Bars = f.T("work.rate", rateText(now)), ratePath(minutes, most)
		views[n].Label = f.T("work.rate.label", views[n].Name, rateText(now), rateText(most))
	}
	if s.Bots != nil {
		return views[:2] // a bot answers by itself
	}
	return views
}

// perMinute is one rate for each minute of the hour, the oldest first. To the
// minute that goes on is added what the one before lets expect of its rest.
func perMinute(r rates, count func(history.Rate) int64) []float64 {
	minutes := make([]float64, rateBars)
	current := r.To.Truncate(time.Minute)
	for _, p := range r.Points {
		n := rateBars - 1 - int(current.Sub(p.At.Truncate(time.Minute))/time.Minute)
		if n >= 0 && n < rateBars {
			minutes[n] += float64(count(p))
		}
	}
	left := 1 - r.To.Sub(current).Seconds()/time.Minute.Seconds()
	minutes[rateBars-1] += minutes[rateBars-2] * left
	return minutes
}

// rateText says a rate: whole from ten on.
func rateText(rate float64) string {
	if rate >= 10 || rate == 0 {
		return fmt.Sprintf("%.0f", rate)
	}
	return fmt.Sprintf("%.1f", rate)
}

// ratePath draws the bars; the highest fills the height.
func ratePath(minutes []float64, most float64) string {
	var b strings.Builder
	for n, rate := range minutes {
		if rate <= 0 {
			continue
		}
		height := max(1, rateHeight*rate/most)
		fmt.Fprintf(&b, "M%.1f %.0fv-%.1fh%.1fv%.1fz", float64(n)*rateBar, rateHeight, height, rateBar-rateGap, height)
	}
	return b.String()
}
