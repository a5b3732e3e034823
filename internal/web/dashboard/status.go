package dashboard

import (
	"net/http"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/web/page"
)

// statusKey is what the status page depends on beside the bot. There are few.
type statusKey struct {
	lang  lang
	theme string
}

// madePage is the status page as it was made some time ago.
type madePage struct {
	at    time.Time
	state string // of the bot, then
	body  []byte
}

// serveStatus serves the public status page.
func (d *Dashboard) serveStatus(w http.ResponseWriter, r *http.Request) {
	page.Send(w, http.StatusOK, d.statusPage(newFrame(w, r, "status")))
}

// statusPage returns the public status page. Strangers may ask for it as often as they
// like, so it is made once a second, however many ask, and when the state changes.
func (d *Dashboard) statusPage(f frame) []byte {
	d.statusMu.Lock()
	defer d.statusMu.Unlock()
	key, now, snap := statusKey{f.lang, f.Theme}, time.Now(), d.opts.Source.Snapshot()
	state := snap.Status.ID() + snap.Since.String() + snap.Username
	made := d.statusPages[key]
	if age := now.Sub(made.at); made.body != nil && made.state == state && age >= 0 && age < pastFresh {
		return made.body
	}
	s := d.state()
	made = madePage{at: now, state: state, body: renderPage("status.html", newStatusView(f.withSnapshot(s.Snap, ""), s))}
	d.statusPages[key] = made
	return made.body
}

// statusView is the public status page: how the bot is and was, for its users. It
// shows nothing that only its operator should know.
type statusView struct {
	frame
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

// publicIncidents is how many incidents the status page shows.
const publicIncidents = 20

func newStatusView(f frame, s state) statusView {
	v := statusView{
		frame: f, Heading: f.T("status.title", f.Name), State: newStateView(f.lang, s.Snap),
		Windows: f.windows(s.Uptime), Bars: newBarsView(f.lang, s.Days), Journal: s.Journal,
	}
	// The reason may name hosts and handlers, so the public gets the general one.
	v.State.Detail, v.State.Remedy = localized{}, localized{}
	v.State.Reason = localized{f.T("general." + v.State.ID), f.Lang()}
	for _, i := range s.Incidents {
		if i.Routine() || len(v.Incidents) == publicIncidents {
			continue
		}
		full := newIncidentView(f.lang, i, s.Snap.At)
		v.Incidents = append(v.Incidents, publicIncident{
			Start: full.Start, End: full.End, Now: full.Now, Open: full.Open, Kind: full.Kind, Span: full.Span,
			Title: health.Lookup(i.Cause).Heading().In(f), Outcome: full.Outcome, Mark: full.Mark,
		})
	}
	return v
}
