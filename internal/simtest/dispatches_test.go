package simtest

import "testing"

// Given the table of real events, then it has at least sixty different ones, each with what
// is special about it, and at least sixty types.
func TestDispatchesAreMany(t *testing.T) {
	types, whys := map[string]bool{}, map[string]bool{}
	for _, d := range Dispatches(t) {
		if d.Why == "" || whys[d.Type+d.Why] || len(d.Data) == 0 {
			t.Errorf("%s %q is nothing special, or not the only one", d.Type, d.Why)
		}
		types[d.Type], whys[d.Type+d.Why] = true, true
	}
	if len(types) < 60 || len(whys) < 100 {
		t.Errorf("%d events of %d types", len(whys), len(types))
	}
}
