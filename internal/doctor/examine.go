package doctor

import (
	"context"
	"fmt"
	"time"
)

const (
	// DefaultPatience is how long one check may take.
	DefaultPatience = 5 * time.Second
	// Whole is how long all of them together may take.
	Whole = 19 * time.Second
	// lateness is how much longer than its deadline a check is waited for.
	lateness = 300 * time.Millisecond
)

// Examine asks every check and calls tell with each result, in the order of the
// list and as soon as it and those before it are there. It ends within 20 s,
// whatever the checks do: one that does not heed its context, because a disk
// hangs, is left behind and counts as failed.
func Examine(ctx context.Context, checks []Check, tell func(Result)) Report {
	report := Report{At: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, Whole)
	defer cancel()
	done := make(map[string]*outcome, len(checks))
	for _, c := range checks {
		o := &outcome{ready: make(chan struct{})}
		for _, id := range c.Needs {
			o.needs = append(o.needs, mustHave(done, c.ID, id))
		}
		for _, id := range c.After {
			o.after = append(o.after, mustHave(done, c.ID, id))
		}
		done[c.ID] = o
		go o.settle(ctx, c)
	}
	for _, c := range checks {
		<-done[c.ID].ready
		report.Results = append(report.Results, done[c.ID].result)
		tell(done[c.ID].result)
	}
	report.Took = time.Since(report.At)
	return report
}

// outcome is a check under way.
type outcome struct {
	needs, after []*outcome
	ready        chan struct{} // closed when result stands
	result       Result
	// root is the title of what failed first, for a failed or skipped check.
	root string
}

func mustHave(done map[string]*outcome, of, id string) *outcome {
	o := done[id]
	if o == nil {
		panic("doctor: the check " + of + " depends on " + id + ", which does not stand before it")
	}
	return o
}

// settle waits for what the check depends on, then asks it or skips it.
func (o *outcome) settle(ctx context.Context, c Check) {
	defer close(o.ready)
	o.result = Result{ID: c.ID, Group: c.Group, Title: c.Title}
	for _, other := range o.after {
		<-other.ready
	}
	for _, other := range o.needs {
		<-other.ready
	}
	for _, other := range o.needs {
		if other.root != "" {
			o.root = other.root
			o.result.Finding = Finding{Level: Skip, Says: "not asked, because " + other.root + " has failed"}
			return
		}
	}
	if ctx.Err() != nil {
		o.root = "the time for all of it"
		o.result.Finding = Finding{Level: Skip, Says: "not asked, because the time is up"}
		return
	}
	began := time.Now()
	o.result.Finding = c.ask(ctx)
	o.result.Took = time.Since(began)
	if o.result.Level == Fail {
		o.root = "\"" + c.Title + "\""
	}
}

// ask runs the check within its time. A panic costs that check only.
func (c Check) ask(ctx context.Context) Finding {
	patience := c.Patience
	if patience == 0 {
		patience = DefaultPatience
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found := make(chan Finding, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				found <- fail(fmt.Sprintf("the check itself has failed: %v", p), "Please report it.")
			}
		}()
		found <- c.Run(ctx)
	}()
	select {
	case f := <-found:
		return f
	case <-ctx.Done():
	}
	late := time.NewTimer(lateness)
	defer late.Stop()
	select {
	case f := <-found:
		return f
	case <-late.C:
		return fail("no answer in time: something on this machine hangs")
	}
}
