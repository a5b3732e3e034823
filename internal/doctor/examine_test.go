package doctor

import (
	"context"
	"errors"
	"testing"
	"time"

	"evergreen/internal/process/config"
)

func answers(f Finding) func(context.Context) Finding {
	return func(context.Context) Finding { return f }
}

// Given checks of which one fails, then those that stand on it are skipped and
// name it as the root, those that merely come after it are asked, and all are
// told in the order of the list.
func TestOneRootSilencesItsConsequences(t *testing.T) {
	var told []string
	r := Examine(t.Context(), []Check{
		{ID: "a", Title: "A", Run: answers(pass("well"))},
		{ID: "b", Title: "B", Needs: []string{"a"}, Run: answers(fail("broken"))},
		{ID: "c", Title: "C", Needs: []string{"b"}, Run: answers(pass("never asked"))},
		{ID: "d", Title: "D", Needs: []string{"c"}, Run: answers(pass("never asked"))},
		{ID: "e", Title: "E", After: []string{"b", "c"}, Run: answers(warn("odd"))},
	}, func(r Result) { told = append(told, r.ID+" "+string(r.Level)+" "+r.Says) })
	want := []string{
		"a pass well", "b fail broken", `c skip not asked, because "B" has failed`, `d skip not asked, because "B" has failed`, "e warn odd",
	}
	for i := range want {
		if told[i] != want[i] {
			t.Errorf("told %q, want %q", told[i], want[i])
		}
	}
	if r.Exit() != config.ExitUnexpected || r.Count(Skip) != 2 {
		t.Errorf("exit code %d with %d skipped", r.Exit(), r.Count(Skip))
	}
}

// Given failures, then one that needs a person decides the exit code.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		want config.Exit
		all  []Finding
	}{
		{config.ExitOK, []Finding{pass(""), warn("")}},
		{config.ExitUnexpected, []Finding{fail(""), pass("")}},
		{config.ExitConfig, []Finding{fail(""), needsYou("")}},
	} {
		var r Report
		for _, f := range c.all {
			r.Results = append(r.Results, Result{Finding: f})
		}
		if got := r.Exit(); got != c.want {
			t.Errorf("exit code %d, want %d", got, c.want)
		}
	}
}

// Given a check that panics and one that hangs and does not heed its context,
// then each costs itself only.
func TestBrokenCheckCostsItself(t *testing.T) {
	free := make(chan struct{})
	gone := make(chan struct{})
	defer func() { close(free); <-gone }()
	r := Examine(t.Context(), []Check{
		{ID: "panics", Title: "Panics", Run: func(context.Context) Finding { panic("nil map") }},
		{ID: "hangs", Title: "Hangs", Timeout: 10 * time.Millisecond, Run: func(context.Context) Finding {
			defer close(gone)
			<-free
			return pass("")
		}},
		{ID: "well", Title: "Well", Run: answers(pass("fine"))},
	}, func(Result) {})
	for i, want := range []Level{Fail, Fail, Pass} {
		if r.Results[i].Level != want {
			t.Errorf("%s: %q, want %q (%s)", r.Results[i].ID, r.Results[i].Level, want, r.Results[i].Says)
		}
	}
	finishedWithin(t, 5*time.Second, r)
}

// Given an operator who ends the doctor, then what was not asked yet is skipped.
func TestEndedDoctorAsksNothingMore(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := Examine(ctx, []Check{
		{ID: "first", Title: "First", Run: func(context.Context) Finding { cancel(errors.New("enough")); return pass("") }},
		{ID: "second", Title: "Second", Needs: []string{"first"}, Run: answers(fail("asked after all"))},
	}, func(Result) {})
	if r.Results[1].Level != Skip {
		t.Errorf("the second check is %q: %s", r.Results[1].Level, r.Results[1].Says)
	}
}
