package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
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
		return errors.New("the bot has not passed; play the year again with its --seed, --days, --profile and --steps (docs/simulation.md: how to reproduce a seed)")
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
	var told steps
	told.news, told.done = make(chan struct{}, 1), make(chan struct{})
	go told.write(w)
	defer func() {
		close(told.news)
		<-told.done
	}()
	o.Tell = told.tell
	return year.Run(ctx, o)
}

// steps is how the steps of a year come from virtual time to where they are
// written. Nobody there waits for a slow terminal.
type steps struct {
	mu   sync.Mutex
	next []year.Step
	news chan struct{}
	done chan struct{}
}

func (s *steps) tell(step year.Step) {
	s.mu.Lock()
	s.next = append(s.next, step)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// write writes out what is told until there is no more.
func (s *steps) write(w io.Writer) {
	defer close(s.done)
	for range s.news {
		s.mu.Lock()
		next := s.next
		s.next = nil
		s.mu.Unlock()
		for _, step := range next {
			fmt.Fprintln(w, step)
		}
	}
}

// ending is how a year went, in a line.
func ending(r year.Result) string {
	how := "passed"
	if r.Broken != "" {
		how = "FAILED: " + r.Broken
	}
	return fmt.Sprintf("seed %d, %s, %.0f days in %s, fingerprint %016x: %s", r.Seed, r.Profile, r.Lived.Hours()/24, r.Took.Round(time.Second), r.Fingerprint, how)
}
