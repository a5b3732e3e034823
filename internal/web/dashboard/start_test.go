package dashboard_test

import (
	"strings"
	"testing"

	"evergreen/fleet"
	"evergreen/internal/web/api"
)

// resharding is an operator whose shards are there and change their number.
type resharding struct{ api.Operator }

func (resharding) Snapshot() fleet.Snapshot {
	return fleet.Snapshot{
		Assignment: fleet.All(4), Progress: fleet.Progress{Total: 3, Online: 3, Paused: 1},
		Reshard: &fleet.ReshardProgress{From: 4, To: 8, Waits: "something", Progress: fleet.Progress{Total: 8, Queued: 8}},
	}
}

// Given shards that start or change their number, then the dashboard draws how
// far they are; shards that are all there need no bar.
func TestDashboardShowsTheStart(t *testing.T) {
	s := serve(t, api.Options{Operator: resharding{}})
	body := ask(t, s, "GET", "/").Body
	for _, want := range []string{"Changing from 4 to 8 shards: 0 of 8 shards online, 8 queued"} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard does not say %q", want)
		}
	}
	if strings.Contains(body, "3 of 3 shards online") {
		t.Error("the dashboard draws a start that is over")
	}
}
