package demo

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// pressing is a Screen that sets a fault over the control API as soon as it is told where.
type pressing struct {
	noScreen
	t       *testing.T
	work    sync.WaitGroup
	mu      sync.Mutex
	pressed []string
}

var controlURL = regexp.MustCompile(`yourself: (http://127\.0\.0\.1:[0-9]+/)`)

func (p *pressing) Begin(heading []string) {
	found := controlURL.FindStringSubmatch(strings.Join(heading, "\n"))
	if found == nil {
		p.t.Errorf("the heading says %q", heading)
		return
	}
	p.work.Go(func() {
		answer, err := http.Post(found[1]+"sim/faults", "application/json", strings.NewReader(`{"fault":"op7"}`))
		if err != nil {
			p.t.Error(err)
			return
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			p.t.Errorf("the fault was answered %s", answer.Status)
		}
	})
}

func (p *pressing) Pressed(_ time.Duration, fault, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pressed = append(p.pressed, fault)
}

// Given a demo, when a person sets a fault over the control API, then it is shown, counted
// by its name beside the demo's own, and the bot passes as before.
func TestFaultByHandCounts(t *testing.T) {
	t.Parallel()
	screen := &pressing{t: t}
	s, err := Run(t.Context(), t.Context(), Options{Seed: 1, For: time.Second, Pace: time.Hour, Dashboard: "127.0.0.1:0", Screen: screen})
	screen.work.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Passed() || s.Pressed != 1 || s.Kinds["by hand: op7"] != 1 || s.Mishaps < 1 {
		t.Errorf("%d by hand, %d in all: %v, %v", s.Pressed, s.Mishaps, s.Kinds, s.Failures)
	}
	if len(screen.pressed) != 1 || screen.pressed[0] != "op7" {
		t.Errorf("shown were %v", screen.pressed)
	}
}
