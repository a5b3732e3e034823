package trial

import (
	"slices"
	"testing"

	"evergreen/discordsim"
)

// Every scenario plays faults that exist, in order, and is watched at least until
// its last step.
func TestScenariosCanBePlayed(t *testing.T) {
	faults := discordsim.Faults()
	for _, pace := range []Pace{Short, Full} {
		seen := map[string]bool{}
		for _, sc := range Table(pace) {
			if seen[sc.Name] || sc.Name == "" || sc.Says == "" {
				t.Errorf("%s, %q: it needs a name of its own and a sentence", pace.Name, sc.Name)
			}
			seen[sc.Name] = true
			last := sc.Steps[:0:0]
			for _, step := range sc.Steps {
				if step.Fault != nil && !slices.Contains(faults, step.Fault.Name) {
					t.Errorf("%s: there is no fault %q", sc.Name, step.Fault.Name)
				}
				if (step.Fault != nil) == (step.Do != "") {
					t.Errorf("%s: a step is a fault or an act", sc.Name)
				}
				if len(last) > 0 && step.At < last[len(last)-1].At {
					t.Errorf("%s: steps are not in order", sc.Name)
				}
				last = append(last, step)
				if step.At > sc.For {
					t.Errorf("%s: a step comes after the end", sc.Name)
				}
			}
			if sc.Stay > sc.For {
				t.Errorf("%s: it is to be watched longer than it is watched", sc.Name)
			}
		}
	}
}
