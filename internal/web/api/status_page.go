package api

import (
	"slices"
	"time"

	"evergreen/internal/health"
)

// statusView is the public status page: how the bot is and was, for those who
// use it. It says nothing that only those who run it should know.
type statusView struct {
	pageFrame
	Heading   string
	State     stateView
	Windows   []windowView
	Bars      *barsView
	Journal   bool
	Incidents []publicIncident
}

// publicIncident is an incident without its evidence.
type publicIncident struct {
	Start, End, Now time.Time
	Open            bool
	Kind, Span      string
	Title, Outcome  string
	Mark            string
}

// publicIncidents bounds the list.
const publicIncidents = 20

func newStatusView(f pageFrame, d pageData) statusView {
	d.Days = slices.Clone(d.Days)
	for n := range d.Days {
		d.Days[n].Said = ""
	}
	v := statusView{
		pageFrame: f, Heading: f.T("status.title", f.Name), State: newStateView(f.tongue, d),
		Windows: f.windows(d.Uptime), Bars: newBarsView(f.tongue, d.Days), Journal: d.Journal,
	}
	// The reason may name hosts and handlers: the public gets the general one.
	v.State.Detail, v.State.Remedy = told{}, told{}
	v.State.Reason = told{f.T("general." + v.State.ID), f.Lang()}
	for _, i := range d.Incidents {
		if i.Routine() || len(v.Incidents) == publicIncidents {
			continue
		}
		full := newIncidentView(f.tongue, i, d.Snap.At)
		v.Incidents = append(v.Incidents, publicIncident{
			Start: full.Start, End: full.End, Now: full.Now, Open: full.Open, Kind: full.Kind, Span: full.Span,
			Title: f.CauseTitle(health.Lookup(i.Cause)), Outcome: full.Outcome, Mark: full.Mark,
		})
	}
	return v
}
