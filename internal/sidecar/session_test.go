package sidecar

import (
	"slices"
	"testing"
)

func TestNumberingKnowsWhereEachNumberLeads(t *testing.T) {
	var n numbering
	if _, ok := n.rewind(0); ok {
		t.Error("a session without READY can be resumed")
	}
	for range 3 { // READY and two guilds
		n.give(10)
	}
	n.endSnapshot()
	for _, cursor := range []int64{12, 13, 17} {
		n.give(cursor)
	}
	for seq, want := range map[int64]int64{0: -1, 1: 10, 3: 10, 4: 12, 6: 17, 7: -1} {
		if got, ok := n.cursor(seq); ok != (want >= 0) || ok && got != want {
			t.Errorf("number %d leads to %d (%t), want %d", seq, got, ok, want)
		}
	}
	if _, ok := n.rewind(2); ok {
		t.Error("half of the guilds are enough to resume")
	}
	if _, ok := n.rewind(7); ok {
		t.Error("a number that was never given can be resumed from")
	}
	from, ok := n.rewind(4)
	if !ok || from != 12 || n.last != 4 {
		t.Errorf("the RESUME after 4 goes on at %d (%t), last number %d", from, ok, n.last)
	}
	if seq := n.give(13); seq != 5 {
		t.Errorf("the first event of the replay has the number %d", seq)
	}
	n.forget(13)
	if !slices.Equal(n.cursors, []int64{13}) {
		t.Errorf("cursors %v", n.cursors)
	}
	if _, ok := n.rewind(4); ok {
		t.Error("a number whose events are gone can be resumed from")
	}
	n.forget(100)
	if from, ok := n.rewind(5); !ok || from != 13 {
		t.Errorf("the last number is forgotten: %d, %t", from, ok)
	}
}
