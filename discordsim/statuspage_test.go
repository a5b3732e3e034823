package discordsim

import (
	"strings"
	"testing"
	"time"
)

func (w *restHarness) page(name string) map[string]any {
	w.t.Helper()
	return w.send(apiRequest{method: "GET", path: "/api/v2/" + name}).hasStatus(200, 0).object()
}

// TestStatusPage opens every file of the page in calm times: each has its parts,
// in the fields that clients read.
//
// Statements: S-098.
func TestStatusPage(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for name, parts := range map[string][]string{
			"summary.json": {"status", "components", "incidents", "scheduled_maintenances"}, "status.json": {"status"}, "components.json": {"components"},
			"incidents.json": {"incidents"}, "incidents/unresolved.json": {"incidents"}, "scheduled-maintenances.json": {"scheduled_maintenances"},
			"scheduled-maintenances/upcoming.json": {"scheduled_maintenances"}, "scheduled-maintenances/active.json": {"scheduled_maintenances"},
		} {
			got := w.page(name)
			if len(got) != len(parts)+1 || asObject(got["page"])["id"] != "srhpyqt94yxb" || asObject(got["page"])["name"] != "Discord" {
				t.Errorf("%s is %v", name, got)
			}
			for _, part := range parts {
				if got[part] == nil {
					t.Errorf("%s lacks %s", name, part)
				}
			}
		}
		if status := asObject(w.page("status.json")["status"]); status["indicator"] != "none" || status["description"] != "All Systems Operational" {
			t.Errorf("the status is %v", status)
		}
		names := map[string]map[string]any{}
		for _, c := range asList(w.page("components.json")["components"]) {
			one := asObject(c)
			names[one["name"].(string)] = one
			for _, field := range []string{"id", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date", "group_id", "page_id", "group", "only_show_if_degraded"} {
				if _, has := one[field]; !has {
					t.Errorf("%s lacks %s", one["name"], field)
				}
			}
		}
		voice := names["Voice"]
		if names["API"]["group"] != false || names["Gateway"]["status"] != "operational" || voice["group"] != true || len(asList(voice["components"])) != 3 || names["EU West"]["group_id"] != voice["id"] {
			t.Errorf("the components are %v", names)
		}
		w.send(apiRequest{method: "GET", path: "/api/v2/nothing.json"}).hasStatus(404, 0)
	})
}

// TestStatusPageFollowsFaults breaks the REST side, then all of Discord, and
// lets the page be late: it names what is broken, keeps the incidents and
// resolves them; one bot's own trouble is not on it.
//
// Statements: S-098.
func TestStatusPageFollowsFaults(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		w.SetStatusPage(StatusPage{Lag: time.Minute})
		state := func() (indicator, api, gateway string, unresolved int) {
			summary := w.page("summary.json")
			for _, c := range asList(summary["components"]) {
				switch one := asObject(c); one["name"] {
				case "API":
					api = one["status"].(string)
				case "Gateway":
					gateway = one["status"].(string)
				}
			}
			return asObject(summary["status"])["indicator"].(string), api, gateway, len(asList(summary["incidents"]))
		}
		expect := func(when, indicator, api, gateway string, unresolved int) {
			t.Helper()
			if i, a, g, n := state(); i != indicator || a != api || g != gateway || n != unresolved {
				t.Errorf("%s: the page says %s, API %s, Gateway %s, %d incidents", when, i, a, g, n)
			}
		}
		fine := "operational"
		w.fault(Fault{Name: "rest-5xx", App: w.app.ID})
		rest := w.fault(Fault{Name: "rest-5xx"})
		expect("at once", "none", fine, fine, 0)
		time.Sleep(time.Minute)
		expect("a minute later", "major", "partial_outage", fine, 1)
		all := w.fault(Fault{Name: "outage"})
		time.Sleep(time.Minute)
		expect("in the outage", "critical", "major_outage", "major_outage", 2)
		w.Lift(all)
		w.Lift(rest)
		expect("just after", "critical", "major_outage", "major_outage", 2)
		time.Sleep(time.Minute)
		expect("a minute after", "none", fine, fine, 0)

		past := asList(w.page("incidents.json")["incidents"])
		if len(past) != 2 {
			t.Fatalf("the past incidents are %v", past)
		}
		newest := asObject(past[0])
		updates := asList(newest["incident_updates"])
		if newest["impact"] != "critical" || newest["status"] != "resolved" || newest["resolved_at"] == nil || len(updates) != 2 || asObject(updates[0])["status"] != "resolved" {
			t.Errorf("the newest is %v", newest)
		}
		for _, field := range []string{"id", "name", "created_at", "updated_at", "monitoring_at", "shortlink", "started_at", "page_id", "components"} {
			if _, has := newest[field]; !has {
				t.Errorf("an incident lacks %s", field)
			}
		}
	})
}

// TestStatusPagePretends lets the page fail, and say the opposite of what is.
//
// Statements: S-098.
func TestStatusPagePretends(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		w.fault(Fault{Name: "outage"})
		w.SetStatusPage(StatusPage{Pretend: "none"})
		if status := asObject(w.page("status.json")["status"]); status["indicator"] != "none" {
			t.Errorf("the status is %v", status)
		}
		w.SetStatusPage(StatusPage{Pretend: "critical"})
		w.LiftAll()
		if status := asObject(w.page("status.json")["status"]); status["description"] != "Major Service Outage" {
			t.Errorf("the status is %v", status)
		}
		w.SetStatusPage(StatusPage{Down: true})
		got := w.send(apiRequest{method: "GET", path: "/api/v2/status.json"})
		if got.status != 503 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Errorf("the page that is down answers %d %v", got.status, got.header)
		}
	})
}

// TestFaultImpactNames holds the faults the page knows of against those there are.
func TestFaultImpactNames(t *testing.T) {
	for name := range faultImpact {
		if faultKinds[name] == nil {
			t.Errorf("the page knows of %q, which is no fault", name)
		}
	}
}
