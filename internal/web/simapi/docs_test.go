package simapi

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
)

// readSection reads the section of docs/simulation.md that is about this API.
func readSection(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "simulation.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## From any language\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("docs/simulation.md has no section about the control API")
	}
	return section
}

var (
	curlLine = regexp.MustCompile(`(?m)^curl .*$`)
	curlURL  = regexp.MustCompile(`http://127\.0\.0\.1:8510([^ ']*)`)
	curlBody = regexp.MustCompile(`-d '([^']*)'`)
	curlVerb = regexp.MustCompile(`-X ([A-Z]+)`)
)

// Given a world as that of evergreen sim and the lines of the documentation, when each is
// run, then it is answered as one hopes.
func TestDocumentedLinesWork(t *testing.T) {
	sim := discordsim.New(discordsim.Config{Seed: 1})
	defer sim.Close()
	g, other := sim.AddGuild("Reading Group", "general", "papers"), sim.AddGuild("Café Sciences", "general")
	sim.AddMembers(g, sim.AddUser("person-1"), sim.AddUser("person-2"))
	h := &harness{t, sim, sim.AddApp(discordsim.AppConfig{Name: "SimBot", Guilds: []*discordsim.Guild{g, other}}), nil}
	h.handler = New(Options{Sim: sim, Apps: []*discordsim.App{h.app}})
	defer h.handler.Close()
	h.connect(commandsOfBot, answers)
	url, _ := h.serve()
	lines := curlLine.FindAllString(readSection(t), -1)
	if len(lines) < 8 {
		t.Fatalf("only %d lines were found", len(lines))
	}
	for _, line := range lines {
		method, body := http.MethodGet, ""
		if with := curlBody.FindStringSubmatch(line); with != nil {
			method, body = http.MethodPost, with[1]
		}
		if with := curlVerb.FindStringSubmatch(line); with != nil {
			method = with[1]
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		r, err := http.NewRequestWithContext(ctx, method, url+curlURL.FindStringSubmatch(line)[1], strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode/100 != 2 {
			t.Errorf("%s: %s", line, answer.Status)
		}
		cancel()
		_ = answer.Body.Close()
	}
}

// The table of the documentation names every route and no other.
func TestDocumentedRoutesAreThere(t *testing.T) {
	section := readSection(t)
	for _, to := range routes {
		if !strings.Contains(section, "`"+to.method+" "+to.path+"`") {
			t.Errorf("docs/simulation.md does not name %s %s", to.method, to.path)
		}
	}
	for _, named := range regexp.MustCompile("`([A-Z]+) (/sim/[^`]*)`").FindAllStringSubmatch(section, -1) {
		there := false
		for _, to := range routes {
			there = there || to.method == named[1] && to.path == named[2]
		}
		if !there {
			t.Errorf("docs/simulation.md names %s %s, which is not there", named[1], named[2])
		}
	}
}
