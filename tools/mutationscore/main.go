// Command mutationscore makes small changes to the code, one at a time, and reports how
// many of them a test notices.
//
//	go run ./tools/mutationscore                        every package of the table
//	go run ./tools/mutationscore gateway identify       these packages
//	go run ./tools/mutationscore -for 10m gateway       as many as ten minutes allow
//	go run ./tools/mutationscore -day today -sample 40  some of one package, another each day
//	go run ./tools/mutationscore -only 'queue\.go' gateway  those whose name matches
//	go run ./tools/mutationscore -survivors gateway     those that no test has noticed yet
//	go run ./tools/mutationscore -list identify         the changes, without a test
//
// A changed program is a mutant. A mutant lacks a statement, has two neighbouring calls
// in the other order, has a condition that is always or never true, lacks an operand of
// && or ||, has the other border of a comparison of counts, negates a bool, swaps an operator, or
// returns nil in place of an error. Calls of log/slog, locks of a mutex and constants are
// left as they are.
//
// All mutants of a package are compiled into one test program, each behind a question
// for its number, and one environment variable chooses which is alive. So a mutant costs
// the time of those tests that come by it, and neither a compiler nor a linker. A run
// first observes which test comes by which mutant.
//
// What is known is kept in the user's cache folder: a run that is interrupted, or whose
// time is over, goes on where it was, and a mutant is tried again only if the package or
// its tests have changed, first with the test that noticed it before. Since mutants are
// tried in an order drawn by lot, the score of an unfinished run is that of a sample. Of a
// part that -only or -survivors chooses no score is judged.
//
// A mutant that changes nothing anyone can observe stands in the folder equivalent, with
// the reason, and does not count. Every other survivor is printed. The exit code is 1 if a
// score is below the least one of its package by more than chance explains.
//
// Tests run with -short. It needs a POSIX shell.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

// packages lists what is measured, and the least share of mutants that tests notice. It is
// raised as the tests get better. The aim is 0.9 in gateway, identify, rest and store, and
// 0.8 elsewhere.
var packages = []struct {
	path  string
	least float64
}{
	{"gateway", 0.97},
	{"identify", 0.90},
	{"internal/discord/rest", 0.90},
	{"internal/store", 0.97},
	{"fleet", 0.80},
	{"internal/bot", 0.90},
	{"internal/discord/preflight", 0.85},
	{"disgogateway", 0.85},
	{"internal/sidecar", 0.75},
	{"internal/sidecar/line", 0.85},
	{"internal/sidecar/world", 0.85},
	{"internal/sidecar/journal", 0.80},
	{"internal/sidecar/backlog", 0.80},
}

//go:embed equivalent
var equivalentFiles embed.FS

// options are the command's flags.
type options struct {
	limit   time.Duration // 0: none
	sample  int           // 0: all
	seed    string        // draws the order of the mutants
	state   string
	workers int
	list    bool

	only      *regexp.Regexp // nil: all
	survivors bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutationscore:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	var o options
	var day string
	flags := flag.NewFlagSet("mutationscore", flag.ExitOnError)
	flags.DurationVar(&o.limit, "for", 0, "end after this time; 0 means no limit")
	flags.IntVar(&o.sample, "sample", 0, "try only so many mutants of a package; 0 means all")
	flags.StringVar(&day, "day", "", "measure the package of this day, in the order of this day: today, or 2006-01-02")
	flags.StringVar(&o.state, "state", filepath.Join(cache, "evergreen-mutationscore"), "folder in which results are kept")
	flags.IntVar(&o.workers, "workers", runtime.NumCPU(), "how many mutants are tried at once")
	flags.BoolVar(&o.list, "list", false, "list the mutants and try none")
	flags.BoolVar(&o.survivors, "survivors", false, "try only the mutants that no test noticed when they were last tried")
	flags.Func("only", "try only the mutants whose name, as -list prints it, matches this regular expression", func(text string) (err error) {
		o.only, err = regexp.Compile(text)
		return err
	})
	_ = flags.Parse(args)

	paths := flags.Args()
	if day != "" {
		if day == "today" {
			day = time.Now().UTC().Format(time.DateOnly)
		}
		date, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return fmt.Errorf("-day: %w", err)
		}
		o.seed = day
		if len(paths) == 0 {
			paths = []string{packages[int(date.Unix()/86400)%len(packages)].path}
		}
	}
	if len(paths) == 0 {
		for _, p := range packages {
			paths = append(paths, p.path)
		}
	}
	if o.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.limit)
		defer cancel()
	}
	var scores []score
	for _, path := range paths {
		s, err := measure(ctx, o, path, out)
		if err != nil && ctx.Err() == nil {
			return err
		}
		scores = append(scores, s)
	}
	return printScores(out, scores)
}

// fileName turns the path of a package into the name of a file.
func fileName(path string) string { return strings.ReplaceAll(path, "/", "-") }

// score counts what became of the mutants of one package.
type score struct {
	path                       string
	least                      float64
	mutants, tried, equivalent int
	verdicts                   map[verdict]int
}

func (s score) share() float64 {
	if s.tried == 0 {
		return math.NaN()
	}
	return float64(s.verdicts[noticed]+s.verdicts[endless]) / float64(s.tried)
}

// isTooLow reports whether chance alone does not explain the score: it is more than
// three standard deviations below the least one if not all mutants were tried.
func (s score) isTooLow() bool {
	if s.tried == 0 {
		return false
	}
	margin := 0.0
	if s.tried < s.mutants-s.equivalent {
		margin = 3 * math.Sqrt(s.least*(1-s.least)/float64(s.tried))
	}
	return s.share() < s.least-margin
}

// measure tries the mutants of one package and prints those that survive.
func measure(ctx context.Context, o options, path string, out io.Writer) (score, error) {
	total := score{path: path, verdicts: map[verdict]int{}}
	for _, p := range packages {
		if p.path == path {
			total.least = p.least
		}
	}
	known, err := readEquivalents(path)
	if err != nil {
		return total, err
	}
	s, err := load(ctx, path)
	if err != nil {
		return total, err
	}
	chosen := slices.Clone(s.mutants)
	if o.only != nil {
		chosen = slices.DeleteFunc(chosen, func(m mutant) bool { return !o.only.MatchString(m.id) })
		total.least = 0
	}
	total.mutants = len(chosen)
	if o.list {
		for _, m := range chosen {
			fmt.Fprintln(out, m.id)
		}
		return total, nil
	}
	work, err := os.MkdirTemp("", "mutationscore")
	if err != nil {
		return total, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	program, hash, err := s.build(ctx, work)
	if err != nil {
		return total, err
	}
	results, err := openState(o.state, path)
	if err != nil {
		return total, err
	}
	defer func() { _ = results.close() }()
	// What tests leave behind, such as a failure that rapid or fuzzing has found, stays
	// out of the package's own folder.
	dir := filepath.Join(work, "package")
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		return total, err
	}
	r := &runner{program: program, dir: dir}
	if err := r.observeOnce(ctx, o, work, filepath.Join(o.state, fileName(path)+"-"+hash+".json")); err != nil {
		return total, err
	}
	for _, name := range r.Failing {
		fmt.Fprintf(out, "left out   %s: it fails with no mutant alive\n", name)
	}

	queue := slices.DeleteFunc(chosen, func(m mutant) bool { return known.has(m.id) })
	total.equivalent = total.mutants - len(queue)
	if o.survivors {
		queue = slices.DeleteFunc(queue, func(m mutant) bool { return !results.hasSurvived(m) })
		total.least = 0
	}
	shuffle(queue, o.seed)
	if o.sample > 0 && o.sample < len(queue) {
		queue = queue[:o.sample]
	}
	var mu sync.Mutex
	var failed error
	parallel(o.workers, queue, func(m mutant) {
		known, err := r.result(ctx, m, hash, results)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed = cmp.Or(failed, err)
			return
		}
		total.tried++
		total.verdicts[known.Verdict]++
		if known.Verdict == survived || known.Verdict == unreached {
			fmt.Fprintf(out, "%-10s line %4d  %s\n", known.Verdict, m.line, m.id)
		}
	})
	return total, failed
}

// result returns what is known of a mutant with a program, and tries it if nothing is.
func (r *runner) result(ctx context.Context, m mutant, program string, results *state) (result, error) {
	old, suspects := results.get(m)
	if old.Program == program {
		return old, nil
	}
	if ctx.Err() != nil {
		return result{}, ctx.Err() // also for one that no test reaches: they would be more than their share of the sample
	}
	v, test, err := r.try(ctx, m, suspects)
	if err != nil {
		return result{}, err
	}
	known := result{ID: m.id, Program: program, Verdict: v, Test: test}
	return known, results.put(known)
}

// observeOnce is observe, whose result is kept for the next run with the same program.
func (r *runner) observeOnce(ctx context.Context, o options, work, path string) error {
	if content, err := os.ReadFile(path); err == nil && json.Unmarshal(content, &r.observation) == nil {
		return nil
	}
	if err := r.observe(ctx, o.workers, work); err != nil {
		return err
	}
	content, err := json.Marshal(r.observation)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// shuffle orders the mutants by a hash of the seed and their id: the same lot each time,
// whatever else is in the package.
func shuffle(mutants []mutant, seed string) {
	lot := func(m mutant) uint64 {
		h := fnv.New64a()
		_, _ = io.WriteString(h, seed+"\x00"+m.id)
		return h.Sum64()
	}
	slices.SortFunc(mutants, func(a, b mutant) int { return cmp.Compare(lot(a), lot(b)) })
}

// printScores prints a line for each package and returns an error if one is too low.
func printScores(out io.Writer, scores []score) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "package\tmutants\tequivalent\ttried\tnoticed\tendless\tsurvived\tunreached\tscore\tleast\t")
	var low []string
	for _, s := range scores {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f %%\t%.0f %%\t\n", s.path, s.mutants, s.equivalent, s.tried,
			s.verdicts[noticed], s.verdicts[endless], s.verdicts[survived], s.verdicts[unreached], 100*s.share(), 100*s.least)
		if s.isTooLow() {
			low = append(low, s.path)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(low) > 0 {
		return fmt.Errorf("too few mutants are noticed in %s", strings.Join(low, ", "))
	}
	return nil
}
