package main

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"
)

// play lets the years of the settings pass, one after another, and writes how they
// went to w. It fails t for each year the bot did not get through, and stops when
// ctx ends.
func play(ctx context.Context, t *testing.T, w io.Writer, s settings) {
	var all Totals
	defer func() {
		if all.Years > 0 {
			fmt.Fprintf(w, "\n%d of %d passed\n%s", all.Passed, all.Years, all)
		}
	}()
	for n := range uint64(s.years) {
		o := Options{Seed: s.seed + n, Days: s.days, Profile: Profile(s.profile), Proxy: s.proxy}
		if s.steps {
			o.Tell = func(step Step) { fmt.Fprintln(w, step) }
		}
		r, err := Run(ctx, t, o)
		if err != nil {
			t.Error(err)
			return
		}
		all.Add(r.Totals)
		if r.Broken != "" {
			if !s.steps {
				for _, step := range r.Steps {
					fmt.Fprintln(w, step)
				}
			}
			t.Errorf("seed %d failed; again: %s", r.Seed, o.command())
		}
		fmt.Fprintln(w, r)
	}
}

// command is the command that plays the year again.
func (o Options) command() string {
	proxy := ""
	if o.Proxy {
		proxy = " --proxy"
	}
	return fmt.Sprintf("go run ./tools/year%s --seed %d --days %d --profile %s --steps", proxy, o.Seed, o.Days, o.Profile)
}

// String is how the year went, in a line.
func (r Result) String() string {
	how := "passed"
	if r.Broken != "" {
		how = "FAILED: " + r.Broken
	}
	return fmt.Sprintf("seed %d, %s, %.0f days in %s, fingerprint %016x: %s", r.Seed, r.Profile, r.Lived.Hours()/24, r.Took.Round(time.Second), r.Fingerprint, how)
}
