package sidecar

import (
	"math"
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

// A session whose guilds were not all written cannot be resumed: the rest of them would never
// come.
func TestSessionWithoutAllItsGuildsCannotBeResumed(t *testing.T) {
	var n numbering
	for range 3 {
		n.give(10)
	}
	for seq := range int64(4) {
		if _, ok := n.rewind(seq); ok {
			t.Errorf("the RESUME after %d of READY and some guilds is taken", seq)
		}
	}
}

// A session of an earlier process may have had numbers that were not kept. What they stood
// for comes again, under numbers that follow those that the bot knows.
func TestSessionOfAnEarlierProcessGoesOnAfterLostNumbers(t *testing.T) {
	kept := func() numbering {
		return numbering{last: 5, snapshot: 2, cursors: []int64{10, 11, 12, 13}, restored: true}
	}
	for seq, want := range map[int64]int64{2: 10, 4: 12, 5: 13, 9: 13} {
		n := kept()
		from, ok := n.rewind(seq)
		if !ok || from != want || n.last != seq {
			t.Errorf("the RESUME after %d goes on at %d (%t), last number %d", seq, from, ok, n.last)
		}
		if got := n.give(20); got != seq+1 {
			t.Errorf("after the RESUME after %d comes the number %d", seq, got)
		}
		if from, ok := n.cursor(seq); !ok || from != want {
			t.Errorf("the number %d leads to %d (%t)", seq, from, ok)
		}
	}
	for _, absurd := range []int64{5 + maxLost + 1, math.MaxInt64, -1, math.MinInt64} {
		n := kept()
		if from, ok := n.rewind(absurd); ok || n.last != 5 {
			t.Errorf("the RESUME after %d goes on at %d, last number %d", absurd, from, n.last)
		}
	}
	empty := numbering{last: 5, snapshot: 2, restored: true}
	if _, ok := empty.rewind(7); ok {
		t.Error("a session without a place in the backlog can be resumed")
	}
}

// Numbers are forgotten once what follows them is gone, and not before.
func TestNumberIsKnownAsLongAsWhatFollowsIt(t *testing.T) {
	n := numbering{snapshot: 1}
	for _, cursor := range []int64{10, 12, 13, 17} {
		n.give(cursor)
	}
	n.forget(13)
	if _, ok := n.rewind(2); ok {
		t.Error("a number whose events are gone can be resumed from")
	}
	if from, ok := n.rewind(3); !ok || from != 13 {
		t.Errorf("the number at the oldest event leads to %d (%t)", from, ok)
	}
}
