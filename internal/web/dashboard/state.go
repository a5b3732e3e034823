package dashboard

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"evergreen/fleet"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/process/logging"
	"evergreen/internal/sidecar"
	"evergreen/internal/text"
)

// state is all that the pages show, at one moment.
type state struct {
	past
	Snap     health.Snapshot
	Latency  *latency // nil if not known
	Rates    *rates   // nil if not known
	Presence Presence
	Budget   identify.Usage
	Handlers []bot.HandlerTime
	Fleet    *fleet.Snapshot
	Bots     *sidecar.Status // nil without a proxy
	// Log is whether Lines are known; they are the oldest first.
	Log   bool
	Lines []lineView
}

// past is what the pages show of the time before now.
type past struct {
	// Journal is whether Incidents are known; they are the newest first.
	Journal   bool
	Incidents []health.Incident
	// Shards maps an incident's id to the number of shards it stands for, if more
	// than one.
	Shards map[string]int
	Uptime []uptime      // one for each window, the shortest first
	Days   []history.Day // the oldest first
}

// uptime is how a window of time was spent.
type uptime struct {
	history.Window
	history.Uptime
}

// latency is the round trips of a window.
type latency struct {
	Window   string
	From, To time.Time
	Points   []history.Point
}

// rates is what was asked and done, minute by minute.
type rates struct {
	To     time.Time
	Points []history.Rate
}

// lineView is a line of the log.
type lineView struct {
	At              time.Time
	Level           string // DEBUG, INFO, WARN, ERROR
	Component, Text string
	Attrs           string // as key=value
}

const (
	// incidentsRead is how many incidents are read, incidentsShown how many the
	// dashboard shows.
	incidentsRead, incidentsShown = 200, 25
	// linesShown is how many lines of the log are shown.
	linesShown = 100
	// daysShown is how many days have a bar. Ninety days touch ninety-one dates.
	daysShown = 90
	// pastFresh is how long what was read of the past is shown to all readers. The
	// script of the page asks once more after it when something has happened.
	pastFresh = time.Second
)

// serveDashboard serves the page for those who run the bot.
func (d *Dashboard) serveDashboard(w http.ResponseWriter, r *http.Request) {
	s := d.state()
	s.Incidents, s.Shards = foldDowntimes(s.Incidents)
	s.Incidents = s.Incidents[:min(len(s.Incidents), incidentsShown)]
	if h := d.opts.History; h != nil {
		s.Latency = readLatency(h, s.Snap.At, r.URL.Query().Get("latency"))
		s.Rates = &rates{To: s.Snap.At, Points: h.Rates(ratesShown)}
	}
	source := d.opts.Source
	s.Presence, s.Budget, s.Handlers, s.Fleet = source.Presence(), source.Budget(), source.Handlers(), source.Fleet()
	if d.opts.Proxy != nil {
		bots := d.opts.Proxy.Status()
		s.Bots = &bots
	}
	if d.opts.Lines != nil {
		s.Log, s.Lines = true, newLineViews(d.opts.Lines.Last(linesShown))
	}
	f := newFrame(w, r, "dashboard").withSnapshot(s.Snap, d.opts.Version)
	f.Simulator = d.opts.Simulator
	f.Events, f.Leave = "api/v1/events", d.opts.CheckToken != nil
	writePage(w, http.StatusOK, "dashboard.html", newDashboardView(f, s))
}

// state is what the dashboard and the status page show. However many people
// look, the past is read once a second.
func (d *Dashboard) state() state {
	d.mu.Lock()
	if now := time.Now(); now.Sub(d.pastReadAt) >= pastFresh || now.Before(d.pastReadAt) {
		d.past, d.pastReadAt = d.readPast(), now
	}
	s := state{past: d.past}
	d.mu.Unlock()
	s.Snap = d.opts.Source.Snapshot()
	return s
}

func (d *Dashboard) readPast() past {
	h := d.opts.History
	if h == nil {
		return past{}
	}
	p := past{Journal: true, Incidents: h.Incidents(incidentsRead)}
	for _, w := range history.UptimeWindows {
		u := h.Uptime(history.All, w.Length)
		p.Uptime = append(p.Uptime, uptime{w, u})
		p.Days = u.Days[max(0, len(u.Days)-daysShown):]
	}
	return p
}

func newLineViews(list []logging.Line) []lineView {
	lines := make([]lineView, 0, len(list))
	for _, l := range list {
		v := lineView{At: l.At, Level: "DEBUG", Component: l.Component, Text: text.OneLine(l.Text)}
		for _, known := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			if l.Level >= known {
				v.Level = known.String()
			}
		}
		var attrs []string
		for _, a := range l.Attrs {
			attrs = append(attrs, a.Key+"="+a.Value.String())
		}
		v.Attrs = text.OneLine(strings.Join(attrs, " "))
		lines = append(lines, v)
	}
	return lines
}
