package mishap

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
)

func draw(o ScheduleOptions, n int) (all []Occurrence) {
	for s := NewSchedule(o); len(all) < n; {
		all = append(all, s.Next())
	}
	return all
}

// Given the same seed twice, the same things go wrong in the same order with the
// same parameters; another seed brings another order.
func TestSeedDecidesTheMishaps(t *testing.T) {
	o := ScheduleOptions{Seed: 7, Commands: true}
	first, again := draw(o, 200), draw(o, 200)
	if !reflect.DeepEqual(first, again) {
		t.Error("the same seed brought other mishaps")
	}
	o.Seed = 8
	if reflect.DeepEqual(first, draw(o, 200)) {
		t.Error("another seed brought the same mishaps")
	}
}

// Given any seed, every kind of mishap comes within two decks, never twice in a
// row, and those that cost the session are far apart and begin early.
func TestMishapsAreMixed(t *testing.T) {
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
				t.Errorf("seed %d: the first mishap that costs the session was number %d", seed, i)
			}
			if last >= 0 && i-last < 10 {
				t.Errorf("seed %d: two mishaps that cost the session were %d apart", seed, i-last)
			}
			last = i
		}
		for _, row := range Table {
			if row.Demo != nil && !row.Demo.Costs && !seen[row.Name] {
				t.Errorf("seed %d: %s never came", seed, row.Name)
			}
		}
	}
}

// Every row of the table names faults that the simulator has, says what happens,
// and ends by itself.
func TestTableIsSound(t *testing.T) {
	known := discordsim.Faults()
	names := map[string]bool{}
	for _, row := range Table {
		if names[row.Name] {
			t.Errorf("%s stands twice in the table", row.Name)
		}
		names[row.Name] = true
		if row.Demo == nil && row.Year == nil {
			t.Errorf("%s is used nowhere", row.Name)
		}
		if y := row.Year; y != nil && (y.Ordinary < y.Hostile || y.Hostile <= 0 || y.Most < y.Least) {
			t.Errorf("%s has odd times in a year: %+v", row.Name, *y)
		}
		if row.Year != nil {
			for _, f := range row.InYear() {
				if !slices.Contains(known, f.Name) {
					t.Errorf("%s: there is no fault %q", row.Name, f.Name)
				}
			}
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
		if s.Lasts() > 15*time.Second {
			t.Errorf("%s lasts %s", s.Name, s.Lasts())
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
