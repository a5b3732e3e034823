package api

import (
	"strings"
	"testing"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/health"
)

// Given a restart of many shards, then its gap is told once, with how many they
// were; a shard for which it ended otherwise, and what is no gap, stand for
// themselves.
func TestGapOfManyShardsIsToldOnce(t *testing.T) {
	var list []health.Incident
	for id := range 16 {
		i := health.Incident{ID: string(rune('a' + id)), Pair: gateway.ShardID{ID: id, Count: 16}, Gap: true, Start: evening, Outcome: health.OutcomeResumed}
		switch id {
		case 3:
			i.Outcome = health.OutcomeNewSession
		case 5:
			i.Gap = false
		}
		list = append(list, i)
	}
	folded, shards := foldGaps(list)
	if len(folded) != 3 || shards["a"] != 14 || shards["d"] != 1 || shards["f"] != 0 {
		t.Errorf("%d are told, of %v shards", len(folded), shards)
	}
}

// Given shards that start or change their number, then the dashboard draws how
// far they are and how long it will take; shards that are all there need no bar.
func TestDashboardShowsTheStart(t *testing.T) {
	c := &crew{}
	s := serve(t, Options{Operator: c})
	body := ask(t, s, "GET", "/").body
	for _, want := range []string{"Changing from 4 to 8 shards: 0 of 8 shards online, 8 queued"} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard does not say %q", want)
		}
	}
	if strings.Contains(body, "3 of 3 shards online") {
		t.Error("the dashboard draws a start that is over")
	}
	starting := fleet.Snapshot{Progress: fleet.Progress{Total: 64, Online: 16, Queued: 48, Remaining: 10 * time.Second}}
	for _, test := range []struct {
		tongue tongue
		says   string
	}{{0, "16 of 64 shards online, 48 queued, about 10\u00a0s to go"}, {1, "ออนไลน์ 16 จาก 64 ชาร์ด, รอคิว 48, อีกประมาณ 10\u00a0วินาที"}} {
		got := pageFrame{tongue: test.tongue}.fleet(&starting)
		if len(got) != 1 || got[0].Width != 25 || got[0].Text != test.says {
			t.Errorf("the start is told as %+v, want %q", got, test.says)
		}
	}
	one := fleet.Snapshot{Progress: fleet.Progress{Total: 1, Queued: 1}}
	if got := (pageFrame{}).fleet(&one); len(got) > 0 {
		t.Errorf("a single shard has a bar: %+v", got)
	}
}
