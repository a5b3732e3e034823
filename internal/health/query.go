package health

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Query selects incidents.
type Query struct {
	// Limit is how many, at least 1.
	Limit int
	// Before is the ID of an incident: only those that follow it in a list with the
	// newest first are selected. Empty: from the newest on.
	Before string
	// Cause is the only cause selected. Empty: all.
	Cause CauseID
	// Open selects open incidents (true) or ended ones (false). Nil: both.
	Open *bool
}

// Archive is a [Journal] that keeps more incidents than it has in memory.
type Archive interface {
	Journal
	// Find returns the selected incidents, the newest first. Unlike Recent it may
	// block, until ctx ends.
	Find(context.Context, Query) ([]Incident, error)
}

// Matches reports whether an incident has the cause and state selected.
func (q Query) Matches(i Incident) bool {
	open := i.Outcome == OutcomeOpen
	return (q.Cause == "" || i.Cause == q.Cause) && (q.Open == nil || open == *q.Open)
}

// BeforeStart returns when the incident of Before began, from the list or from its
// ID; zero without one, or if the ID is malformed.
func (q Query) BeforeStart(list []Incident) time.Time {
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

// Select returns the selected incidents of a list in any order; start is when the
// incident of Before began.
func (q Query) Select(list []Incident, start time.Time) []Incident {
	list = slices.DeleteFunc(slices.Clone(list), func(i Incident) bool {
		return !q.Matches(i) || q.Before != "" && newestFirst(i, Incident{ID: q.Before, Start: start}) <= 0
	})
	slices.SortFunc(list, newestFirst)
	return list[:min(q.Limit, len(list))]
}

// newestFirst is the order of incidents in a list.
func newestFirst(a, b Incident) int {
	return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(b.ID, a.ID))
}
