package fleet_test

import (
	"testing"
	"time"

	"evergreen/discordsim"
)

// Given a hundred shards whose connections all end in the same second, then
// their dials are spread over at least two seconds, all are back without an
// IDENTIFY, and none had to wait for long.
// Statements: G-154.
func TestNoDialStorm(t *testing.T) {
	for name, fault := range map[string]discordsim.Fault{"cut": {Name: "cut"}, "op 7": {Name: "op7"}} {
		t.Run(name, func(t *testing.T) {
			run(t, config{shards: "100", app: discordsim.AppConfig{Shards: 100, MaxConcurrency: 100}}, func(s *harness) {
				s.startLive(time.Minute)
				s.Advance(time.Minute)
				before := time.Now()
				s.Inject(fault)
				took := s.Until(10*time.Second, "all are back", func() bool {
					return s.Sim.Verdict(s.App).Resumed == 100 && s.fleet.Progress().Done()
				})
				if took > 6*time.Second {
					t.Errorf("it took %s until all were back", took)
				}
				var first, last time.Time
				for _, c := range s.Sim.Connections(s.App) {
					if c.Opened.Before(before) {
						continue
					}
					if first.IsZero() || c.Opened.Before(first) {
						first = c.Opened
					}
					if c.Opened.After(last) {
						last = c.Opened
					}
				}
				if spread := last.Sub(first); spread < 2*time.Second || spread > 4*time.Second {
					t.Errorf("the dials were spread over %s, want 2 s at least", spread)
				}
				s.WantIdentifies(100)
				s.NoViolations()
			})
		})
	}
}
