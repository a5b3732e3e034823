package doctor

import (
	"context"
	"fmt"
	"time"
)

const (
	// DefaultTimeout is how long one check may take.
	DefaultTimeout = 5 * time.Second
	// MaxDuration is how long all checks together may take.
	MaxDuration = 19 * time.Second
	// gracePeriod is how long a check is waited for after its deadline.
	gracePeriod = 300 * time.Millisecond
)

// Examine runs all checks and calls tell with each result, in the order of the
// list and as soon as it and those before it are there. It returns within 20 s: a
// check that ignores its context, because a disk hangs, counts as failed, and its
// goroutine is left behind.
func Examine(ctx context.Context, checks []Check, tell func(Result)) Report {
	report := Report{At: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, MaxDuration)
	defer cancel()
	done := make(map[string]*pending, len(checks))
	for _, c := range checks {
		o := &pending{ready: make(chan struct{})}
		for _, id := range c.Needs {
			o.needs = append(o.needs, mustFind(done, c.ID, id))
		}
		for _, id := range c.After {
			o.after = append(o.after, mustFind(done, c.ID, id))
		}
		done[c.ID] = o
		go o.run(ctx, c)
	}
	for _, c := range checks {
		<-done[c.ID].ready
		report.Results = append(report.Results, done[c.ID].result)
		tell(done[c.ID].result)
	}
	report.Took = time.Since(report.At)
	return report
}

// pending is a check that has been started.
type pending struct {
	needs, after []*pending
	ready        chan struct{} // closed when result is set
	result       Result
	// root is the title of what failed first, for a failed or skipped check.
	root string
}

func mustFind(done map[string]*pending, of, id string) *pending {
	o := done[id]
	if o == nil {
		panic("doctor: the check " + of + " depends on " + id + ", which is not before it in the list")
	}
	return o
}

// run waits for what the check depends on, then runs or skips it.
func (o *pending) run(ctx context.Context, c Check) {
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
	o.result.Finding = c.run(ctx)
	o.result.Took = time.Since(began)
	if o.result.Level == Fail {
		o.root = "\"" + c.Title + "\""
	}
}

// run runs the check within its timeout. A panic fails this check only.
func (c Check) run(ctx context.Context) Finding {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
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
	late := time.NewTimer(gracePeriod)
	defer late.Stop()
	select {
	case f := <-found:
		return f
	case <-late.C:
		return fail("no answer in time: something on this machine hangs")
	}
}
