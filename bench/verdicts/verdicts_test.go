package verdicts

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/bench/clients"
)

var builder *clients.Builder

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testAll(m))
}

func testAll(m *testing.M) int {
	work, err := os.MkdirTemp("", "verdicts-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	if builder, err = clients.NewBuilder(context.Background(), filepath.Dir(here), work); err != nil {
		panic(err)
	}
	return m.Run()
}

// resultsPath is where the results of whole judgements are.
var resultsPath = filepath.Join("..", "results", "verdicts.json")

// Given a plain bot on each library, when all are judged side by side in three steps, then
// each is led to the end of them, answers, and nothing is found broken that the whole
// judgement has not found.
func TestThreeStepsOfEachLibrary(t *testing.T) {
	steps := []string{"commands", "slash command", "close 4000"}
	known, err := Load(resultsPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients.Plain() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			if err := builder.Build(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if c.Missing != "" {
				t.Skipf("%s is left out: %s", c, c.Missing)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			var told []string
			column, err := Judge(ctx, builder.Evergreen, c, t.TempDir(), func(line string) { told = append(told, line) }, steps...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if t.Failed() {
					t.Log(strings.Join(told, "\n"))
				}
			}()
			r := column.Report
			if r.Lost != "" || r.Played != len(steps) || r.Steps != len(steps) || len(column.Ends) > 0 {
				t.Errorf("%d of %d steps were played, lost in %q, the bot ended: %v", r.Played, r.Steps, r.Lost, column.Ends)
			}
			if f, _ := r.finding("G-141"); f.Verdict != kept {
				t.Errorf("the slash command: %s: %v", f.Verdict, f.Evidence)
			}
			i := slices.IndexFunc(known.Columns, func(k Column) bool { return k.Library == c.Name && k.Version == c.Version })
			if i < 0 {
				t.Logf("nothing is known of %s %s", c, c.Version)
				return
			}
			for _, f := range r.Findings {
				if was, _ := known.Columns[i].Report.finding(f.Statement); f.Verdict == broken && was.Verdict != broken {
					t.Errorf("%s is broken, and docs/libraries.md says %s: %v", f.Statement, was.Verdict, f.Evidence)
				}
			}
		})
	}
}

// Given results, then the page has a row for each statement that was put to a library, what
// is noted and broken comes with what shows it, and a process that ended is told.
func TestPageTellsWhatWasFound(t *testing.T) {
	one := Column{Library: "one", Version: "1.0", Ends: []End{{Step: "op 7", How: "it hung, and was ended", Said: "a `line`\nof two"}}, Report: Report{
		Steps: 40, Played: 40, Seconds: 300.4, Late: 0.25, Kept: 1, Broken: 1,
		Findings: []Finding{
			{Statement: "G-002", Says: "Two.", Verdict: broken, Evidence: []Evidence{{Conn: 3, At: 12.34, Step: "op 7", What: "it did not"}}},
			{Statement: "G-001", Says: "One.", Verdict: kept},
			{Statement: "G-003", Says: "Three.", Verdict: never},
		},
	}}
	two := Column{Library: "two", Version: "2.0", Report: Report{
		Steps: 40, Played: 7, Lost: "op 9 true", Noted: 1,
		Findings: []Finding{{Statement: "G-001", Says: "One.", Verdict: noted, Evidence: []Evidence{{What: "note: it is odd"}}}},
	}}
	page := Markdown(Results{Command: "evergreen sim --check", Columns: []Column{one, two}})
	for _, want := range []string{
		"`evergreen sim --check`",
		"| one 1.0 | 40 of 40 | 1 | 1 | 0 | 0 | 5m0s | 0.2 s | 1 |\n",
		"| two 2.0 | 7 of 40, lost in op 9 true |",
		"- one, in the step \"op 7\": it hung, and was ended; its last line: `a line of two`\n",
		"| G-001 | One. | kept | noted |\n| G-002 | Two. | **broken** | - |\n",
		"None of them was put to G-003.",
		"- **G-001** One.\n  - two: at 0.0 s: it is odd\n",
		"- **G-002** Two.\n  - one: at 12.3 s (op 7), connection 3: it did not\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// Given a machine that keeps up, when several judgements want to begin, then one runs at once,
// others follow once it was seen that timers are in time, and none while they are late.
func TestGateLetsInWhatTheMachineTakes(t *testing.T) {
	g := newGate()
	entered := make(chan int)
	go func() {
		for n := range 3 {
			if g.enter(t.Context(), 2) != nil {
				return
			}
			entered <- n
		}
	}()
	<-entered
	note := func(late time.Duration) {
		for range beats {
			g.note(late)
		}
	}
	note(2 * tooLate)
	select {
	case <-entered:
		t.Error("one more has begun, and timers are late")
	default:
	}
	note(0)
	if n := <-entered; n != 1 {
		t.Errorf("number %d has begun", n)
	}
	note(0)
	select {
	case <-entered:
		t.Error("a third has begun beside two")
	default:
	}
	g.leave()
	note(0)
	<-entered
}

// Given new columns, then they take the place of those of the same libraries, in order.
func TestMergeKeepsOtherLibraries(t *testing.T) {
	merged := Merge([]Column{{Library: "eris", Version: "old"}, {Library: "disgo"}}, []Column{{Library: "eris", Version: "new"}, {Library: "discord.js"}})
	var got []string
	for _, c := range merged {
		got = append(got, c.Library+c.Version)
	}
	if want := []string{"discord.js", "erisnew", "disgo"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
