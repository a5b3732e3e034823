package dashboard

import (
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
		i := health.Incident{ID: string(rune('a' + id)), Shard: gateway.ShardID{ID: id, Count: 16}, BeganWithPreviousRun: true, Start: evening, Outcome: health.OutcomeResumed}
		switch id {
		case 3:
			i.Outcome = health.OutcomeNewSession
		case 5:
			i.BeganWithPreviousRun = false
		}
		list = append(list, i)
	}
	folded, shards := foldDowntimes(list)
	if len(folded) != 3 || shards["a"] != 14 || shards["d"] != 1 || shards["f"] != 0 {
		t.Errorf("%d are told, of %v shards", len(folded), shards)
	}
}

// The start of many shards is told in words, with how long it will take; a single
// shard needs none.
func TestStartInWords(t *testing.T) {
	starting := fleet.Snapshot{Progress: fleet.Progress{Total: 64, Online: 16, Queued: 48, Remaining: 10 * time.Second}}
	for _, test := range []struct {
		lang lang
		says string
	}{{english, "16 of 64 shards online, 48 queued, about 10\u00a0s to go"}, {thai, "ออนไลน์ 16 จาก 64 ชาร์ด, รอคิว 48, อีกประมาณ 10\u00a0วินาที"}} {
		got := frame{lang: test.lang}.fleet(&starting)
		if len(got) != 1 || got[0].Width != 25 || got[0].Text != test.says {
			t.Errorf("the start is told as %+v, want %q", got, test.says)
		}
	}
	one := fleet.Snapshot{Progress: fleet.Progress{Total: 1, Queued: 1}}
	if got := (frame{}).fleet(&one); len(got) > 0 {
		t.Errorf("a single shard has a bar: %+v", got)
	}
}
