package health

import (
	"slices"
	"time"
)

// Action is one thing that was done in an incident. The same thing done several
// times in a row is one action: Times counts, Until is when it was last done.
type Action struct {
	At, Until time.Time
	What      Message
	Times     int
}

// Message says the action, and how often it was done.
func (a Action) Message() Message {
	if a.Times > 1 {
		return NewMessage("action.repeated", a.What, int64(a.Times))
	}
	return a.What
}

// String says the action in English.
func (a Action) String() string { return a.Message().String() }

// An incident has at most maxActions actions. A series of up to maxRound actions
// that repeats is recognised and counted.
const (
	maxActions = 50
	maxRound   = 6
)

func addAction(list []Action, at time.Time, what Message) []Action {
	if n := len(list); n > 0 && list[n-1].What == what {
		list[n-1].Times++
		list[n-1].Until = at
		return foldActions(list)
	}
	if len(list) == maxActions {
		list = slices.Delete(list, maxActions/2, maxActions/2+1) // both ends explain more than the middle
	}
	return foldActions(append(list, Action{At: at, Until: at, What: what, Times: 1}))
}

// foldActions merges two equal series at the end of the list, so that a loop of
// dial, RESUME, refusal is three actions done many times and not a page of them.
func foldActions(list []Action) []Action {
	for round := 2; round <= maxRound && 2*round <= len(list); round++ {
		earlier, later := list[len(list)-2*round:len(list)-round], list[len(list)-round:]
		if !slices.EqualFunc(earlier, later, func(a, b Action) bool { return a.What == b.What }) {
			continue
		}
		for n := range earlier {
			earlier[n].Times += later[n].Times
			earlier[n].Until = later[n].Until
		}
		return list[:len(list)-round]
	}
	return list
}
