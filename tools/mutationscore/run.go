package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// trial is a test of a package as it is without a mutant.
type trial struct {
	Name    string
	Took    time.Duration
	Reaches []int // the mutants that would make a difference somewhere in the test
}

// observation is what the tests of a package do without a mutant.
type observation struct {
	Trials  []trial  // the quickest first
	Failing []string // tests that fail, which are left out
}

// runner runs the tests of one package.
type runner struct {
	program, dir string
	observation
}

// memory is how much address space a test may use, in KiB: a mutant that allocates for
// ever ends itself, not the machine.
const memory = 16 << 20

// run runs the tests that a pattern names, and ends what they leave running.
func (r *runner) run(ctx context.Context, pattern string, limit time.Duration, variables ...string) ([]byte, error) {
	args := []string{"-c", fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, memory), r.program,
		"-test.run", pattern, "-test.short", "-test.failfast", "-test.timeout", limit.String()}
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), variables...)
	cmd.WaitDelay = time.Second
	separate(cmd)
	out, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		_ = endGroup(cmd) // it fails when nothing is left
	}
	if errors.Is(err, exec.ErrWaitDelay) { // the tests passed, and something they have started still held the output
		err = nil
	}
	return out, err
}

// slowest is how long a test may take without a mutant.
const slowest = 2 * time.Minute

// observe runs each test alone without a mutant, and learns how long it takes and which
// mutants it reaches. Tests that fail so, twice in a row, are left out.
func (r *runner) observe(ctx context.Context, workers int, work string) error {
	names, err := r.list(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	parallel(workers, names, func(name string) {
		trace := filepath.Join(work, "trace-"+name)
		defer func() { _ = os.Remove(trace) }()
		observe := func() (trial, error) {
			_ = os.WriteFile(trace, nil, 0o600)
			began := time.Now()
			_, err := r.run(ctx, "^"+name+"$", slowest, traceVariable+"="+trace)
			return trial{Name: name, Took: time.Since(began), Reaches: numbers(trace)}, err
		}
		t, err := observe()
		if err != nil {
			t, err = observe()
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			r.Failing = append(r.Failing, name)
			return
		}
		r.Trials = append(r.Trials, t)
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	slices.SortFunc(r.Trials, func(a, b trial) int { return cmp.Or(cmp.Compare(a.Took, b.Took), cmp.Compare(a.Name, b.Name)) })
	slices.Sort(r.Failing)
	return nil
}

func (r *runner) list(ctx context.Context) ([]string, error) {
	cmd := exec.CommandContext(ctx, r.program, "-test.list", ".")
	cmd.Dir = r.dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests: %w", err)
	}
	names := strings.Fields(string(out))
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "Benchmark") }), nil
}

func numbers(path string) []int {
	content, _ := os.ReadFile(path)
	seen := map[int]bool{}
	for line := range bytes.Lines(content) {
		if n, err := strconv.Atoi(strings.TrimSpace(string(line))); err == nil {
			seen[n] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// verdict is what became of a mutant.
type verdict string

const (
	noticed   verdict = "noticed"   // a test failed
	endless   verdict = "endless"   // the tests did not end, or ended without a test that failed
	survived  verdict = "survived"  // all tests that reach it passed
	unreached verdict = "unreached" // no test comes to where it makes a difference
)

// quick is how much of the tests is run before the rest: most mutants fail early.
const quick = 700 * time.Millisecond

// try runs the tests that reach a mutant, those of suspects and the quickest first. It
// returns the verdict and the test that failed.
func (r *runner) try(ctx context.Context, m mutant, suspects []string) (verdict, string, error) {
	var first, second []trial
	var total time.Duration
	for _, t := range r.Trials {
		switch {
		case !slices.Contains(t.Reaches, m.number):
		case slices.Contains(suspects, t.Name):
			first = append(first, t)
		case total+t.Took <= quick:
			total += t.Took
			first = append(first, t)
		default:
			second = append(second, t)
		}
	}
	if len(first)+len(second) == 0 {
		return unreached, "", nil
	}
	for _, part := range [][]trial{first, second} {
		if len(part) == 0 {
			continue
		}
		v, test, err := r.tryTests(ctx, m, part)
		if err != nil || v != survived {
			return v, test, err
		}
	}
	return survived, "", nil
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

func (r *runner) tryTests(ctx context.Context, m mutant, tests []trial) (verdict, string, error) {
	var names []string
	limit := 5 * time.Second
	for _, t := range tests {
		names = append(names, t.Name)
		limit += 3 * t.Took
	}
	limited, cancel := context.WithTimeout(ctx, limit+5*time.Second) // the test's own timeout should come first
	defer cancel()
	out, err := r.run(limited, "^("+strings.Join(names, "|")+")$", limit, aliveVariable+"="+strconv.Itoa(m.number))
	switch {
	case ctx.Err() != nil:
		return "", "", ctx.Err()
	case err == nil:
		return survived, "", nil
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok && limited.Err() == nil {
		return "", "", fmt.Errorf("run the tests with %s: %w", m.id, err)
	}
	if found := failure.FindSubmatch(out); found != nil {
		return noticed, string(found[1]), nil
	}
	if bytes.Contains(out, []byte("panic: test timed out")) || limited.Err() != nil {
		return endless, "", nil
	}
	return noticed, "", nil // the program crashed
}

// parallel calls do for each value, in so many goroutines, and returns when all ended.
func parallel[T any](workers int, values []T, do func(T)) {
	next := make(chan T)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for v := range next {
				do(v)
			}
		})
	}
	for _, v := range values {
		next <- v
	}
	close(next)
	wg.Wait()
}
