package verdicts

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"evergreen/bench/clients"
)

// Run judges bots, several side by side where the machine keeps up, and returns what came of
// them in their order. Tell hears what the judges tell.
func Run(ctx context.Context, b *clients.Builder, chosen []*clients.Client, together int, tell func(c *clients.Client, line string), only ...string) ([]Column, error) {
	gate := newGate()
	measuring, stop := context.WithCancel(ctx)
	var measured, judged sync.WaitGroup
	measured.Go(func() { gate.measure(measuring) })
	defer measured.Wait()
	defer stop()
	columns, errs := make([]Column, len(chosen)), make([]error, len(chosen))
	for i, c := range chosen {
		judged.Go(func() {
			if errs[i] = gate.enter(ctx, max(1, together)); errs[i] != nil {
				return
			}
			defer gate.leave()
			var err error
			columns[i], err = Judge(ctx, b.Evergreen, c, filepath.Join(b.Work, "run", c.Name), func(line string) { tell(c, line) }, only...)
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w", c.Name, err)
			}
		})
	}
	judged.Wait()
	var good []Column
	for i := range columns {
		if errs[i] == nil {
			good = append(good, columns[i])
		}
	}
	return good, errors.Join(errs...)
}

// Merge puts columns in the place of those of the same libraries, in the order of
// [clients.Plain].
func Merge(old, again []Column) []Column {
	var all []Column
	for _, c := range clients.Plain() {
		for _, from := range [][]Column{again, old} {
			if i := slices.IndexFunc(from, func(one Column) bool { return one.Library == c.Name }); i >= 0 {
				all = append(all, from[i])
				break
			}
		}
	}
	return all
}
