package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"evergreen/internal/year"
)

// years lets years pass, one after another.
func (s *simCommand) years(p *process) error {
	ctx, release := p.stoppable()
	defer release()
	first := s.seed()
	var all year.Totals
	for n := range uint64(s.Years) {
		r, err := s.year(ctx, p.stdout, first+n)
		if err != nil {
			if all.Years > 0 {
				fmt.Fprintf(p.stdout, "\n%d of %d passed before\n%s", all.Passed, all.Years, all)
			}
			return err
		}
		all.Add(r.Totals)
		if r.Broken != "" && !s.Steps {
			for _, step := range r.Steps {
				fmt.Fprintln(p.stdout, step)
			}
		}
		fmt.Fprintln(p.stdout, ending(r))
	}
	fmt.Fprintf(p.stdout, "\n%d of %d passed\n%s", all.Passed, all.Years, all)
	if all.Passed < all.Years {
		return errors.New("the bot has not passed; play the year again with its --seed, --days, --profile and --steps")
	}
	return nil
}

// year lets one year pass. Its steps are written out here and not where they
// happen: there, time is not real.
func (s *simCommand) year(ctx context.Context, w io.Writer, seed uint64) (year.Result, error) {
	o := year.Options{Seed: seed, Days: s.Days, Profile: year.Profile(s.Profile)}
	if !s.Steps {
		return year.Run(ctx, o)
	}
	steps, written := make(chan year.Step, 1000), make(chan struct{})
	go func() {
		defer close(written)
		for step := range steps {
			fmt.Fprintln(w, step)
		}
	}()
	defer func() {
		close(steps)
		<-written
	}()
	o.Tell = func(step year.Step) { steps <- step }
	return year.Run(ctx, o)
}

// ending is how a year went, in a line.
func ending(r year.Result) string {
	how := "passed"
	if r.Broken != "" {
		how = "FAILED: " + r.Broken
	}
	return fmt.Sprintf("seed %d, %s, %.0f days in %s: %s", r.Seed, r.Profile, r.Lived.Hours()/24, r.Took.Round(time.Second), how)
}
