package features

import (
	"path/filepath"
	"testing"
)

// Given a library whose runtime is here, when its program tries every feature, then none
// fails, and none is missing in the simulator.
func TestEveryFeatureWorksOrTheLibraryHasNone(t *testing.T) {
	b := &Builder{Bench: "..", Work: t.TempDir()}
	var err error
	if b.Bench, err = filepath.Abs(b.Bench); err != nil {
		t.Fatal(err)
	}
	for _, lib := range Libraries() {
		t.Run(lib.Name, func(t *testing.T) {
			if b.Build(t.Context(), lib); lib.Missing != "" {
				t.Skip(lib.Missing)
			}
			results, err := Run(t.Context(), lib, filepath.Join(b.Work, "run", lib.Name), func(Feature) bool { return true })
			if err != nil {
				t.Error(err)
			}
			for _, f := range All() {
				if r := results[f.Name]; r.Outcome == Fails || r.Outcome == Missing {
					t.Errorf("%s: %s: %s", f.Name, r.Outcome, r.Reason)
				}
			}
		})
	}
}

// Given the table of features, then every name is there once, and says what it is and what a
// program does.
func TestEveryFeatureIsDescribedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		if seen[f.Name] || f.Group == "" || f.API == "" || (f.Does == "" && f.Needs == "") {
			t.Errorf("%q is there twice, or lacks its group, API or what a program does", f.Name)
		}
		seen[f.Name] = true
	}
}
