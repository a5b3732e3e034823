package bot

import (
	"slices"
	"sync"
	"time"
)

// maxSamples is how many of a command's last runs the percentiles are computed from.
const maxSamples = 256

// HandlerTime is how often one command has run and how long it took, without the
// wait for a free handler.
type HandlerTime struct {
	// Name is that of the command.
	Name string
	// Runs counts its runs, Failed those that ended in an error, a panic or at
	// the time limit. Both only grow.
	Runs, Failed int64
	// P50 and P95 are of the last 256 runs, Max of all.
	P50, P95, Max time.Duration
}

// latencies has how long each command took.
type latencies struct {
	mu     sync.Mutex
	byName map[string]*commandRuns
}

// commandRuns has the runs of one command. Its size is bounded.
type commandRuns struct {
	count, failed int64
	max           time.Duration
	last          []time.Duration // a ring of maxSamples once it is full
}

// record adds one run of a command.
func (t *latencies) record(command string, took time.Duration, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.byName[command]
	if r == nil {
		r = &commandRuns{}
		if t.byName == nil {
			t.byName = make(map[string]*commandRuns)
		}
		t.byName[command] = r
	}
	if len(r.last) < maxSamples {
		r.last = append(r.last, took)
	} else {
		r.last[r.count%maxSamples] = took
	}
	r.count++
	r.max = max(r.max, took)
	if failed {
		r.failed++
	}
}

// Handlers returns the times of each command that has run, in the order of the
// table of commands.
func (b *Bot) Handlers() []HandlerTime {
	t := &b.latencies
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]HandlerTime, 0, len(t.byName))
	for _, c := range b.commands {
		r := t.byName[c.Name]
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

// percentile returns the shortest time that so many of a hundred do not exceed.
func percentile(sorted []time.Duration, of int) time.Duration {
	return sorted[(len(sorted)*of+99)/100-1]
}
