package health

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Query says which incidents are wanted.
type Query struct {
	// Limit is how many, at least 1.
	Limit int
	// Before is the ID of an incident: only those that come after it in a list
	// with the newest first are wanted. Empty: from the newest on.
	Before string
	// Cause is the only cause wanted. Empty: all.
	Cause CauseID
	// Open wants those that go on (true) or that are over (false). Nil: both.
	Open *bool
}

// Archive is a [Journal] that keeps more than it has at hand.
type Archive interface {
	Journal
	// Find returns the incidents that are wanted, the newest first. Unlike Recent
	// it may wait, until ctx ends.
	Find(context.Context, Query) ([]Incident, error)
}

// Wants reports whether an incident is of the kind that is wanted.
func (q Query) Wants(i Incident) bool {
	open := i.Outcome == OutcomeOpen
	return (q.Cause == "" || i.Cause == q.Cause) && (q.Open == nil || open == *q.Open)
}

// Start is when the incident of Before began, as the list has it or as its ID
// tells; zero without one, or if the ID is none.
func (q Query) Start(list []Incident) time.Time {
	if at := slices.IndexFunc(list, func(i Incident) bool { return i.ID == q.Before }); q.Before != "" && at >= 0 {
		return list[at].Start
	}
	stamp, _, _ := strings.Cut(q.Before, "-")
	start, err := time.Parse(incidentTime, stamp)
	if err != nil {
		return time.Time{}
	}
	return start
}

// Of picks what is wanted out of a list in any order; start is when the incident
// of Before began.
func (q Query) Of(list []Incident, start time.Time) []Incident {
	list = slices.DeleteFunc(slices.Clone(list), func(i Incident) bool {
		return !q.Wants(i) || q.Before != "" && newestFirst(i, Incident{ID: q.Before, Start: start}) <= 0
	})
	slices.SortFunc(list, newestFirst)
	return list[:min(q.Limit, len(list))]
}

// newestFirst is the order of incidents in a list.
func newestFirst(a, b Incident) int {
	return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(b.ID, a.ID))
}
