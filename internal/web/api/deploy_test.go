package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"
)

var (
	metricName = regexp.MustCompile(`\b(evergreen|go|process)_[a-z0-9_]+`)
	labelled   = regexp.MustCompile(`\b((?:evergreen|go|process)_[a-z0-9_]+)\{([a-z]+)=~?"([^"$]+)"`)
)

// shipped reads a file that is shipped beside the program.
func shipped(t *testing.T, place ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "..", "deploy"}, place...)...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// exists fails for every metric, label or value of a query that no scrape of a
// bot of which all is known has.
func exists(t *testing.T, scrape, where, query string) (found int) {
	t.Helper()
	for _, name := range metricName.FindAllString(query, -1) {
		found++
		if !strings.Contains(scrape, "\n# TYPE "+name+" ") {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
	for _, l := range labelled.FindAllStringSubmatch(query, -1) {
		for value := range strings.SplitSeq(l[3], "|") {
			if !strings.Contains(scrape, "\n"+l[1]+"{"+l[2]+`="`+value+`"}`) {
				t.Errorf("%s: no %s has %s=%q", where, l[1], l[2], value)
			}
		}
	}
	return found
}

// scraped is what a bot of which all is known tells Prometheus.
func scraped(t *testing.T) string {
	t.Helper()
	o, _ := everything(t)
	return ask(t, serve(t, o), "GET", "/metrics").Body
}

// Every metric the Grafana dashboard asks for is one that the bot has.
func TestGrafanaDashboard(t *testing.T) {
	var dashboard struct {
		Title  string
		Panels []struct {
			ID          int
			Title       string
			Description string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr string }
		}
		Annotations struct{ List []struct{ Expr string } }
	}
	if err := json.Unmarshal(shipped(t, "grafana", "evergreen.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	scrape := scraped(t)
	ids := map[int]bool{}
	for _, p := range dashboard.Panels {
		if p.Title == "" || p.Description == "" || ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
			t.Errorf("panel %d is not whole: %+v", p.ID, p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			if exists(t, scrape, p.Title, target.Expr) == 0 {
				t.Errorf("%s asks for nothing: %s", p.Title, target.Expr)
			}
		}
	}
	for _, a := range dashboard.Annotations.List {
		exists(t, scrape, "annotation", a.Expr)
	}
	if len(dashboard.Panels) < 10 {
		t.Errorf("%d panels", len(dashboard.Panels))
	}
}

// Every alert rule asks for metrics that the bot has, says how urgent it is and
// what to do, and leads to a section that the runbook has.
func TestAlertRules(t *testing.T) {
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if _, err := yaml.Unmarshal(shipped(t, "prometheus", "evergreen.rules.yml"), &rules, yaml.DecodeOpts{}); err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	scrape := scraped(t)
	names := map[string]bool{}
	for _, group := range rules.Groups {
		for _, r := range group.Rules {
			if names[r.Alert] || !strings.HasPrefix(r.Alert, "Evergreen") {
				t.Errorf("%q is no good name", r.Alert)
			}
			names[r.Alert] = true
			if exists(t, scrape, r.Alert, r.Expr) == 0 {
				t.Errorf("%s asks for nothing: %s", r.Alert, r.Expr)
			}
			if s := r.Labels["severity"]; s != "critical" && s != "warning" && s != "info" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s does not say what it is about", r.Alert)
			}
			page, section, _ := strings.Cut(r.Annotations["runbook"], "#")
			if page != "docs/runbook.md" || section != "" && !strings.Contains(string(runbook), `<a id="`+section+`"></a>`) {
				t.Errorf("%s leads to %s", r.Alert, r.Annotations["runbook"])
			}
		}
	}
	if len(names) < 10 {
		t.Errorf("%d rules", len(names))
	}
}
