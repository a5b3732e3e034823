package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"evergreen/internal/health"
)

// pages are what people look at.
var pages = []route{
	{path: "/", page: true, serve: (*Server).dashboard},
	{path: "/runbook", page: true, serve: (*Server).runbook},
	{path: "/status", open: true, serve: (*Server).statusPage, there: func(s *Server) bool { return s.opts.StatusPage }},
	{path: "/assets/", open: true, serve: (*Server).assets},
}

const (
	// pageIncidents is how many incidents the dashboard tells, pageJournal how
	// many are looked at to name the worst of a day.
	pageIncidents, pageJournal = 25, 200
	// pageLines is how many lines of the log are shown.
	pageLines = 100
	// pagePatience bounds the look-ups for one page: what comes later is shown
	// as not known.
	pagePatience = 3 * time.Second
	// pageFresh is how long what was looked up stands for all who ask. The
	// page's script asks once more after it when something has happened.
	pageFresh = time.Second
	// pagePoints is how many points a chart has at most.
	pagePoints = 240
)

// dashboard is the page for those who run the bot.
func (s *Server) dashboard(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pagePatience)
	defer cancel()
	d := s.history()
	d.Incidents, d.Alike = foldGaps(d.Incidents)
	d.Incidents = d.Incidents[:min(len(d.Incidents), pageIncidents)]
	s.gatherLatency(ctx, &d, r.URL.Query().Get("latency"))
	s.gatherRates(ctx, &d)
	s.gatherPresent(&d)
	f := newPageFrame(w, r, "dashboard").about(d.Snap, d.Version)
	f.Events, f.Leave = "/api/v1/events", s.hasToken()
	writePage(w, http.StatusOK, "dashboard.html", newDashboardView(f, d))
}

// statusPage is the page for those who use the bot.
func (s *Server) statusPage(w http.ResponseWriter, r *http.Request) {
	d := s.history()
	writePage(w, http.StatusOK, "status.html", newStatusView(newPageFrame(w, r, "status").about(d.Snap, ""), d))
}

// pageMemory is what both pages show of the past, kept for a moment: however
// many people look, it is looked up once.
type pageMemory struct {
	mu   sync.Mutex
	at   time.Time
	data pageData
}

// history is what both pages show.
func (s *Server) history() pageData {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Sub(m.at) >= pageFresh || now.Before(m.at) {
		ctx, cancel := context.WithTimeout(context.Background(), pagePatience)
		m.data, m.at = s.past(ctx), now
		cancel()
	}
	d := m.data
	d.Snap = s.opts.Snapshot()
	if s.opts.Discord != nil {
		if said, ok := s.opts.Discord(); ok {
			d.Discord = &pageDiscord{said.Indicator, cmp.Or(said.Incident, said.Description)}
		}
	}
	return d
}

// past looks up how the bot was. What cannot be read is told in the log and
// shown as not known.
func (s *Server) past(ctx context.Context) pageData {
	d := pageData{Version: s.opts.Version}
	if s.opts.Incidents != nil {
		list, err := s.opts.Incidents(ctx, IncidentQuery{Limit: pageJournal})
		if err == nil {
			d.Journal, d.Incidents = true, list
		}
		s.complain("incidents", err)
	}
	if s.opts.Uptime != nil {
		for n, window := range uptimeWindows {
			u, err := s.opts.Uptime(ctx, window.lasts)
			s.complain("uptime", err)
			known := err == nil && u.Share >= 0
			d.Uptime = append(d.Uptime, pageUptime{Window: window.name, Known: known, Uptime: u.Share, Offline: u.Offline})
			if err == nil && n == len(uptimeWindows)-1 {
				d.Days = pageDays(u.Days, d.Incidents)
			}
		}
	}
	return d
}

// pageDays are the days with the cause of the longest incident that began on
// each. Ninety days touch ninety-one dates; the page shows the last ninety.
func pageDays(list []Day, incidents []health.Incident) []pageDay {
	worst := map[time.Time]health.Incident{}
	for _, i := range incidents {
		date := i.Start.UTC().Truncate(24 * time.Hour)
		if old, ok := worst[date]; !ok || i.Duration(i.Start) > old.Duration(old.Start) {
			worst[date] = i
		}
	}
	var days []pageDay
	for _, d := range list[max(0, len(list)-90):] {
		date := d.Date.UTC().Truncate(24 * time.Hour)
		days = append(days, pageDay{
			Date: date, Online: d.Online, Degraded: d.Degraded, Offline: d.Offline, Unknown: d.Unknown,
			Incidents: d.Incidents, Worst: worst[date].Cause, Said: d.Worst,
		})
	}
	return days
}

func (s *Server) gatherLatency(ctx context.Context, d *pageData, wanted string) {
	if s.opts.Latencies == nil {
		return
	}
	period := latencyWindows[0]
	for _, p := range latencyWindows {
		if p.name == wanted {
			period = p
		}
	}
	points, err := s.opts.Latencies(ctx, period.lasts)
	s.complain("latency", err)
	from := d.Snap.At.Add(-period.lasts)
	if len(points) > 0 {
		from = chartFrom(from, d.Snap.At, points[0].At)
	}
	d.Latency = &pageLatency{Window: period.name, From: from, To: d.Snap.At, Points: foldPoints(points, pagePoints)}
}

// chartFrom is where a chart begins: where its window does, or, if most of that
// is empty because the record has just begun, with the record, so that there is
// something to see.
func chartFrom(from, to, first time.Time) time.Time {
	whole := to.Sub(from)
	if first.Sub(from) < whole/2 {
		return from
	}
	if least := to.Add(-whole / 12); first.After(least) {
		return least
	}
	return first
}

// gatherRates looks up the last hour's events.
func (s *Server) gatherRates(ctx context.Context, d *pageData) {
	if s.opts.Rates == nil {
		return
	}
	points, err := s.opts.Rates(ctx, ratesShown)
	s.complain("rates", err)
	if err == nil {
		d.Rates = &pageRates{To: d.Snap.At, Points: points}
	}
}

// foldPoints makes at most so many points out of a list, each standing for
// neighbours: the mean of the round trips, the slowest of the slowest.
func foldPoints(list []LatencyPoint, most int) []pagePoint {
	size := max(1, (len(list)+most-1)/most)
	folded := make([]pagePoint, 0, min(len(list), most))
	for chunk := range slices.Chunk(list, size) {
		point := pagePoint{At: chunk[len(chunk)/2].At}
		var gateways, rests time.Duration
		for _, p := range chunk {
			if p.Gateway > 0 {
				point.Gateway += p.Gateway
				gateways++
			}
			if p.REST > 0 {
				point.REST += p.REST
				rests++
			}
			point.Max = max(point.Max, p.Max, p.Gateway)
		}
		point.Gateway /= max(gateways, 1)
		point.REST /= max(rests, 1)
		folded = append(folded, point)
	}
	return folded
}

// gatherPresent adds what is known of this moment.
func (s *Server) gatherPresent(d *pageData) {
	if p := s.presenceNow(); p != nil {
		d.Presence = &pagePresence{}
		if p.Wanted != nil {
			d.Presence.Wanted = *p.Wanted
		}
		if p.Sent != nil {
			d.Presence.Sent, d.Presence.SentAt = *p.Sent, *p.SentAt
		}
	}
	if s.opts.Budget != nil {
		u := s.opts.Budget()
		d.Budget = &pageBudget{Total: u.Total, Remaining: u.Remaining, Used: u.Day, Reset: u.Reset}
	}
	if s.opts.Operator != nil {
		snap := s.opts.Operator.Snapshot()
		d.Fleet = &snap
	}
	if s.opts.Handlers != nil {
		d.Handlers = s.opts.Handlers()
	}
	if s.opts.Lines != nil {
		d.Log, d.Lines = true, pageLinesOf(s.opts.Lines.Last(pageLines))
	}
}

func pageLinesOf(list []Line) []pageLine {
	lines := make([]pageLine, 0, len(list))
	for _, l := range list {
		p := pageLine{At: l.At, Level: "DEBUG", Component: l.Component, Text: l.Text}
		for _, known := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			if l.Level >= known {
				p.Level = known.String()
			}
		}
		var attrs []string
		for _, a := range l.Attrs {
			attrs = append(attrs, a.Key+"="+a.Value.String())
		}
		p.Attrs = strings.Join(attrs, " ")
		lines = append(lines, p)
	}
	return lines
}

// complain tells the operator why a page lacks something, once a minute.
func (s *Server) complain(subject string, err error) {
	if err == nil {
		return
	}
	if held, ok := s.unread.pass(time.Now()); ok {
		s.opts.Log.Warn("A page lacks its record of "+subject, "error", err, "others_since_the_last_line", held)
	}
}
