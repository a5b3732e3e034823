package scenarios_test

import (
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim/scenario"
)

// Given scenarios of all kinds, when they are played ten times as fast, then they take about a
// tenth of their time, and our bot does what is expected of a good one all the same.
func TestScenariosAtTenTimesTheSpeed(t *testing.T) {
	for _, name := range []string{"black-hole", "half-open", "long-outage", "op7-deploy", "op9-storm", "people", "session-timed-out"} {
		sc, err := scenario.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		whole := sc.Length()
		faster, err := sc.Faster(10)
		if err != nil {
			t.Fatal(err)
		}
		if sc.Length() != whole {
			t.Errorf("%s itself has become faster", name)
		}
		var out *scenario.Outcome
		synctest.Test(t, func(t *testing.T) { out = playScenario(t, faster) })
		if out.Took < whole/10 || out.Took > whole/10+time.Minute {
			t.Errorf("%s takes %s instead of %s", name, out.Took, whole)
		}
		for _, what := range out.Broken() {
			t.Errorf("%s: %s", name, what)
		}
	}
}

// Given a speed at which the heartbeats of a scenario would come too fast, then it is
// refused, by the interval that the scenario has; one below 1 is refused too.
func TestScenarioTooFast(t *testing.T) {
	sc, err := scenario.Named("half-open")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		heartbeat time.Duration
		speed     float64
		good      bool
	}{{0, 41, true}, {0, 42, false}, {0, 0.5, false}, {10 * time.Second, 11, false}, {2 * time.Minute, 100, true}} {
		sc.Config.Heartbeat = scenario.Span(c.heartbeat)
		if _, err := sc.Faster(c.speed); (err == nil) != c.good {
			t.Errorf("heartbeats every %s at speed %g: %v", c.heartbeat, c.speed, err)
		}
	}
}
