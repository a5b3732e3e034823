package demo

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
)

func draw(o ScheduleOptions, n int) (all []Strike) {
	for s := NewSchedule(o); len(all) < n; {
		all = append(all, s.Next())
	}
	return all
}

// Given the same seed twice, the same things go wrong in the same order with the
// same parameters; another seed brings another order.
func TestSeedDecidesTheStrikes(t *testing.T) {
	o := ScheduleOptions{Seed: 7, Commands: true}
	first, again := draw(o, 200), draw(o, 200)
	if !reflect.DeepEqual(first, again) {
		t.Error("the same seed brought other strikes")
	}
	o.Seed = 8
	if reflect.DeepEqual(first, draw(o, 200)) {
		t.Error("another seed brought the same strikes")
	}
}

// Given any seed, every kind of trouble comes within two decks, never twice in a
// row, and those that cost the session are far apart and begin early.
func TestStrikesAreMixed(t *testing.T) {
	for seed := range uint64(50) {
		deck := len(NewSchedule(ScheduleOptions{Commands: true}).cards(false))
		all := draw(ScheduleOptions{Seed: seed, Commands: true, Every: 10}, 2*deck)
		seen, last := map[string]bool{}, -1
		for i, s := range all {
			if i > 0 && all[i-1].Name == s.Name {
				t.Errorf("seed %d: %s came twice in a row", seed, s.Name)
			}
			seen[s.Name] = true
			if !s.Costs {
				continue
			}
			if last < 0 && i > 8 {
				t.Errorf("seed %d: the first strike that costs the session was number %d", seed, i)
			}
			if last >= 0 && i-last < 10 {
				t.Errorf("seed %d: two strikes that cost the session were %d apart", seed, i-last)
			}
			last = i
		}
		for _, row := range troubles {
			if !row.costs && !seen[row.name] {
				t.Errorf("seed %d: %s never came", seed, row.name)
			}
		}
	}
}

// Every row of the table names faults that the simulator has, says what happens,
// and ends by itself.
func TestTableIsSound(t *testing.T) {
	known := discordsim.Faults()
	names := map[string]bool{}
	for _, row := range troubles {
		if names[row.name] {
			t.Errorf("%s stands twice in the table", row.name)
		}
		names[row.name] = true
		if width(row.name) >= nameColumns {
			t.Errorf("%s is too long a name for its column", row.name)
		}
	}
	for _, s := range draw(ScheduleOptions{Seed: 1, Commands: true, Every: 5}, 500) {
		if s.Says == "" {
			t.Errorf("%s does not say what happens", s.Name)
		}
		if (len(s.Faults) == 0) == (s.Command == "") {
			t.Errorf("%s: want either faults or a command", s.Name)
		}
		for _, f := range s.Faults {
			if !slices.Contains(known, f.Name) {
				t.Errorf("%s: there is no fault %q", s.Name, f.Name)
			}
		}
		if s.lasts() > 15*time.Second {
			t.Errorf("%s lasts %s", s.Name, s.lasts())
		}
	}
}

// Given a scale of ten, times are ten times as long, and bad commands are left
// out where they are not wanted.
func TestScheduleInRealTime(t *testing.T) {
	for i, fast := range draw(ScheduleOptions{Seed: 3}, 100) {
		slow := draw(ScheduleOptions{Seed: 3, Scale: 10}, i+1)[i]
		if fast.Command != "" {
			t.Errorf("%s is a command", fast.Name)
		}
		for n, f := range fast.Faults {
			if slow.Faults[n].For != 10*f.For {
				t.Errorf("%s lasts %s at scale 10, %s at scale 1", fast.Name, slow.Faults[n].For, f.For)
			}
		}
	}
}
