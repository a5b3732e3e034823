package bot

import (
	"slices"
	"sync"
	"time"
)

// mostTimes is how many of the last runs of a command percentiles are taken of.
const mostTimes = 256

// HandlerTime says how one command fares: how often it has run and how long it
// took, from the moment it had room to run to its end. The numbers only grow,
// but for the percentiles, which are of the last 256 runs.
type HandlerTime struct {
	// Name is that of the command.
	Name string
	// Runs counts its runs, Failed those that ended in an error, a panic or at
	// the time limit.
	Runs, Failed  int64
	P50, P95, Max time.Duration
}

// times remembers how long each command took. There are as many entries as there
// are commands, each of fixed size.
type times struct {
	mu    sync.Mutex
	taken map[string]*runs // by command
}

// runs is what is remembered of one command.
type runs struct {
	count, failed int64
	max           time.Duration
	last          []time.Duration // a ring of mostTimes once it is full
}

// note takes in one run of a command.
func (t *times) note(command string, took time.Duration, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.taken[command]
	if r == nil {
		r = &runs{}
		if t.taken == nil {
			t.taken = make(map[string]*runs)
		}
		t.taken[command] = r
	}
	if len(r.last) < mostTimes {
		r.last = append(r.last, took)
	} else {
		r.last[r.count%mostTimes] = took
	}
	r.count++
	r.max = max(r.max, took)
	if failed {
		r.failed++
	}
}

// Handlers says how each command that has run fares, in the order of the table
// of commands.
func (b *Bot) Handlers() []HandlerTime {
	t := &b.times
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]HandlerTime, 0, len(t.taken))
	for _, c := range b.commands {
		r := t.taken[c.Name]
		if r == nil {
			continue
		}
		sorted := slices.Sorted(slices.Values(r.last))
		list = append(list, HandlerTime{
			Name: c.Name, Runs: r.count, Failed: r.failed, Max: r.max,
			P50: percentile(sorted, 50), P95: percentile(sorted, 95),
		})
	}
	return list
}

// percentile is the shortest time that so many of a hundred did not exceed.
func percentile(sorted []time.Duration, of int) time.Duration {
	return sorted[(len(sorted)*of+99)/100-1]
}
