package demo

import (
	"slices"
	"strings"
	"testing"
)

// drawStrikes draws so many strikes.
func drawStrikes(seed uint64, canHang bool, n int) (all []dealt) {
	for d := newStrikeDeck(seed, canHang); len(all) < n; {
		all = append(all, d.next())
	}
	return all
}

// said is what the demo prints of strikes.
func said(all []dealt) (lines []string) {
	for _, d := range all {
		lines = append(lines, d.Name+": "+d.Says)
	}
	return lines
}

// The same seed brings the same strikes for as long; another seed brings others.
func TestSeedDecidesTheStrikes(t *testing.T) {
	first := said(drawStrikes(7, true, 100))
	if !slices.Equal(first, said(drawStrikes(7, true, 100))) {
		t.Error("the same seed brought other strikes")
	}
	if slices.Equal(first, said(drawStrikes(8, true, 100))) {
		t.Error("another seed brought the same strikes")
	}
}

// Whatever the seed, each thing that can be done to a bot is done in each round, with
// something between Evergreen and Discord in between, and nothing twice in a row.
func TestStrikesAreMixed(t *testing.T) {
	for seed := range uint64(50) {
		for _, canHang := range []bool{true, false} {
			round := len(strikes)
			if !canHang {
				round--
			}
			all := drawStrikes(seed, canHang, 2*round)
			for i, d := range all {
				if i > 0 && all[i-1].Name == d.Name {
					t.Errorf("seed %d: %s came twice in a row", seed, d.Name)
				}
				if d.strike.hangs && !canHang {
					t.Errorf("seed %d: the bot hangs, and cannot", seed)
				}
				if d.strike.play == nil != slices.Contains(upstreamMishaps, d.Name) {
					t.Errorf("seed %d: %s is done by the wrong one", seed, d.Name)
				}
				if d.lasts < d.strike.least || d.lasts > d.strike.most {
					t.Errorf("seed %d: %s lasts %s", seed, d.Name, d.lasts)
				}
				if d.Says == "" || strings.Contains(d.Says, "%") {
					t.Errorf("seed %d: %s says %q", seed, d.Name, d.Says)
				}
			}
			for _, s := range strikes {
				dealt := slices.ContainsFunc(all[:round], func(d dealt) bool { return d.Name == s.name || s.play == nil && d.strike.play == nil })
				if !dealt && (canHang || !s.hangs) {
					t.Errorf("seed %d: no %s in the first round", seed, s.name)
				}
			}
		}
	}
}
