package discordsim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const statusPath = "/api/v2/"

// StatusPage sets how the status page behaves (S-098). It shows the faults in
// force; with its zero value without delay.
type StatusPage struct {
	// Lag is how long after a fault the page shows it.
	Lag time.Duration
	// Down answers every request with 503 and an HTML page.
	Down bool
	// Pretend, when set, is the indicator shown whatever happens: none, minor,
	// major or critical.
	Pretend string
}

// SetStatusPage changes how the status page behaves.
func (s *Sim) SetStatusPage(p StatusPage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest.page = p
}

// statusPart is one line of the page.
type statusPart struct {
	id, name string
	group    string // id of the group it stands in
	isGroup  bool
}

// components is the page's list, in order. Names move in reality; clients have
// to find them by name.
var components = []statusPart{
	{id: "rhznvxg4v7yh", name: "API"},
	{id: "354mn7xfxz1h", name: "Media Proxy"},
	{id: "r3wd1g3b7hcn", name: "Gateway"},
	{id: "0bqsv8xq2h4m", name: "Push Notifications"},
	{id: "nrmzfq9pk2zt", name: "Voice", isGroup: true},
	{id: "4fzkhlmwf6g1", name: "EU West", group: "nrmzfq9pk2zt"},
	{id: "kq2xbqk8m1zr", name: "Singapore", group: "nrmzfq9pk2zt"},
	{id: "z6tw0bmnpvqy", name: "US East", group: "nrmzfq9pk2zt"},
}

// impact is how bad it is, from none to critical.
type impact int

// impacts gives each its words: indicator of the page, description of the page,
// status of a component, impact of an incident.
var impacts = []struct{ indicator, description, component string }{
	{"none", "All Systems Operational", "operational"},
	{"minor", "Minor Service Outage", "degraded_performance"},
	{"major", "Partial System Outage", "partial_outage"},
	{"critical", "Major Service Outage", "major_outage"},
}

// faultImpact is what each kind of fault does to the page: the component named
// and how badly. Faults of one client's own network do not show.
var faultImpact = map[string]struct {
	components []string
	level      impact
}{
	"outage":                {[]string{"API", "Gateway"}, 3},
	"no-ready":              {[]string{"Gateway"}, 2},
	"no-hello":              {[]string{"Gateway"}, 2},
	"ready-op9":             {[]string{"Gateway"}, 2},
	"always-close":          {[]string{"Gateway"}, 2},
	"session-loss":          {[]string{"Gateway"}, 1},
	"rest-5xx":              {[]string{"API"}, 2},
	"rest-html":             {[]string{"API"}, 2},
	"rest-timeout":          {[]string{"API"}, 1},
	"rest-commit-then-drop": {[]string{"API"}, 1},
	"rest-commit-then-502":  {[]string{"API"}, 1},
	"rest-reset":            {[]string{"API"}, 1},
}

// pageIncident is one fault as the page sees it.
type pageIncident struct {
	id           ID
	components   []string
	level        impact
	began, ended time.Time // ended is zero while it lasts
}

// pageIncidents lists what the page knew at a time, oldest first. Faults limited to
// one bot or one route are not shown.
func (r *restAPI) pageIncidents(at time.Time) []pageIncident {
	var out []pageIncident
	for _, a := range r.sim.injected {
		what, shows := faultImpact[a.Name]
		if !shows || a.App != 0 || a.Shard != nil || a.Route != "" || a.Began.After(at) {
			continue
		}
		s := pageIncident{id: a.ID, components: what.components, level: what.level, began: a.Began}
		if !a.Ended.After(at) {
			s.ended = a.Ended
		}
		out = append(out, s)
	}
	return out
}

const pageID = "srhpyqt94yxb"

// serveStatus answers the status page's paths.
func (r *restAPI) serveStatus(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimPrefix(req.URL.Path, statusPath)
	var a restResponse
	r.locked(func() { a = r.statusAnswer(req.Method, name, time.Now()) })
	a.bare = true
	a.write(w)
}

func (r *restAPI) statusAnswer(method, name string, now time.Time) restResponse {
	if r.page.Down {
		return restResponse{status: http.StatusServiceUnavailable, header: http.Header{"Content-Type": {"text/html"}}, text: htmlPage("503", "Service unavailable")}
	}
	if method != http.MethodGet {
		return restResponse{status: http.StatusMethodNotAllowed}
	}
	seen := r.pageIncidents(now.Add(-r.page.Lag))
	out := map[string]any{"page": map[string]any{
		"id": pageID, "name": "Discord", "url": "https://discordstatus.com", "time_zone": "America/Los_Angeles", "updated_at": stampMilli(now),
	}}
	parts := map[string]func(){
		"status":     func() { out["status"] = r.overall(seen) },
		"components": func() { out["components"] = renderComponents(seen, now) },
		"incidents":  func() { out["incidents"] = renderIncidents(seen, false) },
		"unresolved": func() { out["incidents"] = renderIncidents(seen, true) },
		"plans":      func() { out["scheduled_maintenances"] = []any{} },
	}
	wanted, found := statusFiles[name]
	if !found {
		return restResponse{status: http.StatusNotFound, body: map[string]any{"error": "not found"}}
	}
	for _, part := range wanted {
		parts[part]()
	}
	return ok200(out)
}

// statusFiles says which parts each file of the page holds.
var statusFiles = map[string][]string{
	"summary.json":                         {"status", "components", "unresolved", "plans"},
	"status.json":                          {"status"},
	"components.json":                      {"components"},
	"incidents.json":                       {"incidents"},
	"incidents/unresolved.json":            {"unresolved"},
	"scheduled-maintenances.json":          {"plans"},
	"scheduled-maintenances/upcoming.json": {"plans"},
	"scheduled-maintenances/active.json":   {"plans"},
}

// overall is the sentence at the top of the page.
func (r *restAPI) overall(seen []pageIncident) map[string]any {
	worst := impact(0)
	for _, s := range seen {
		if s.ended.IsZero() {
			worst = max(worst, s.level)
		}
	}
	for i, l := range impacts {
		if l.indicator == r.page.Pretend {
			worst = impact(i)
		}
	}
	return map[string]any{"indicator": impacts[worst].indicator, "description": impacts[worst].description}
}

func renderComponents(seen []pageIncident, now time.Time) []any {
	worst := map[string]impact{}
	for _, s := range seen {
		for _, name := range s.components {
			if s.ended.IsZero() {
				worst[name] = max(worst[name], s.level)
			}
		}
	}
	out := []any{}
	for i, p := range components {
		one := map[string]any{
			"id": p.id, "name": p.name, "status": impacts[worst[p.name]].component, "created_at": stampMilli(pageBegan), "updated_at": stampMilli(now),
			"position": i + 1, "description": nil, "showcase": p.group == "", "start_date": nil, "group_id": orNull(p.group),
			"page_id": pageID, "group": p.isGroup, "only_show_if_degraded": false,
		}
		if p.isGroup {
			members := []string{}
			for _, other := range components {
				if other.group == p.id {
					members = append(members, other.id)
				}
			}
			one["components"] = members
		}
		out = append(out, one)
	}
	return out
}

// pageBegan is when the page says its components were made.
var pageBegan = time.Date(2017, 10, 4, 0, 0, 0, 0, time.UTC)

// maxIncidents is how many the page lists.
const maxIncidents = 50

// renderIncidents lists the newest first.
func renderIncidents(seen []pageIncident, unresolvedOnly bool) []any {
	out := []any{}
	for _, s := range slices.Backward(seen) {
		if len(out) == maxIncidents {
			break
		}
		if s.ended.IsZero() || !unresolvedOnly {
			out = append(out, renderIncident(s))
		}
	}
	return out
}

func renderIncident(s pageIncident) map[string]any {
	id := "inc" + s.id.String()
	update := func(status, body string, at time.Time) map[string]any {
		return map[string]any{
			"id": id + status, "status": status, "body": body, "incident_id": id, "created_at": stampMilli(at), "updated_at": stampMilli(at),
			"display_at": stampMilli(at), "affected_components": nil, "deliver_notifications": true, "custom_tweet": nil, "tweet_id": nil,
		}
	}
	updates := []any{update("investigating", "We are looking into a problem with "+strings.Join(s.components, " and ")+".", s.began)}
	var resolved any
	status, updated := "investigating", s.began
	if !s.ended.IsZero() {
		status, updated, resolved = "resolved", s.ended, stampMilli(s.ended)
		updates = append([]any{update("resolved", "This incident has been resolved.", s.ended)}, updates...)
	}
	return map[string]any{
		"id": id, "name": strings.Join(s.components, " and ") + " trouble", "status": status, "impact": impacts[s.level].indicator,
		"created_at": stampMilli(s.began), "started_at": stampMilli(s.began), "updated_at": stampMilli(updated), "monitoring_at": nil, "resolved_at": resolved,
		"shortlink": "https://stspg.io/" + id, "page_id": pageID, "incident_updates": updates, "components": []any{},
	}
}

func stampMilli(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
