package trial

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evergreen/bench/peer"
)

// Plan says what is run and how.
type Plan struct {
	Peers     []*peer.Peer
	Scenarios []Scenario
	Pace      Pace
	Seed      uint64
	// Jobs is how many waiting cells run beside each other; of the busy ones a
	// quarter as many, at least two.
	Jobs int
	// Folder is where each cell gets a folder of its own.
	Folder string
	// Progress is called after each cell. Calls do not overlap.
	Progress func(done, all int, f Figures, took time.Duration)
}

// Run plays every scenario to every peer: first, one after another, the cells that
// measure the process, then the busy ones, then those that mostly wait. The figures
// are in the order of the scenarios and, within, of the peers.
func (p Plan) Run(ctx context.Context) ([]Figures, error) {
	type job struct{ scenario, peer int }
	byLoad := map[Load][]job{}
	for i, sc := range p.Scenarios {
		for j := range p.Peers {
			byLoad[sc.Load] = append(byLoad[sc.Load], job{i, j})
		}
	}
	all := make([]Figures, len(p.Scenarios)*len(p.Peers))
	var mu sync.Mutex
	done := 0
	var failed error
	one := func(j job) {
		began := time.Now()
		sc, who := p.Scenarios[j.scenario], p.Peers[j.peer]
		folder := filepath.Join(p.Folder, clean(sc.Name), clean(who.Short))
		f, err := Run(ctx, who, sc, p.Pace, p.Seed+uint64(j.scenario), folder)
		mu.Lock()
		defer mu.Unlock()
		all[j.scenario*len(p.Peers)+j.peer] = f
		done++
		if err != nil && failed == nil {
			failed = fmt.Errorf("%s, %s: %w", who.Name, sc.Name, err)
		}
		if p.Progress != nil {
			p.Progress(done, len(all), f, time.Since(began))
		}
	}
	for _, pool := range []struct {
		load Load
		size int
	}{{Alone, 1}, {Busy, max(2, p.Jobs/4)}, {Waiting, max(1, p.Jobs)}} {
		jobs := make(chan job)
		var workers sync.WaitGroup
		for range pool.size {
			workers.Go(func() {
				for j := range jobs {
					one(j)
				}
			})
		}
		for _, j := range byLoad[pool.load] {
			if ctx.Err() != nil {
				break
			}
			jobs <- j
		}
		close(jobs)
		workers.Wait()
	}
	if ctx.Err() != nil {
		return all, ctx.Err()
	}
	return all, failed
}

// clean makes a name fit for a folder.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name)
}
