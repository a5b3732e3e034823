package main

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every kind of change is found, under an id that names the place.
func TestMutants(t *testing.T) {
	for _, c := range []struct {
		source string
		want   []string
	}{
		{"func f(a, b func()) { a(); b() }", []string{"f: without: a()", "f: swapped: a(); b()", "f: without: b()"}},
		{"type T struct{ n int }\nfunc (t *T) reset() { t.n = 0 }", []string{"(*T).reset: without: t.n = 0"}},
		{"func f(a func()) { defer a(); a() }", []string{"f: without: defer a()", "f: without: a()"}},
		{"func f(a func()) { a(); a() }", []string{"f: without: a()", "f: swapped: a(); a()", "f: without: a() #2"}},
		{"func f(c bool) int { if c { return 1 }; return 2 }", []string{"f: always: c", "f: never: c"}},
		{"func f(c bool, a func()) { if c { a(); return }; a() }", []string{"f: without: a()", "f: always: c", "f: never: c", "f: without: a() #2", "f: without: return"}},
		{"func f(n int) { for n > 0 { n-- ; n-- } }", []string{"f: never: n > 0", "f: other border: n > 0", "f: without: n--", "f: without: n-- #2"}},
		{"func f(a, b, c bool) bool { return a && b && c }", []string{"f: not: a && b && c", "f: without operand: c", "f: without operand: a", "f: without operand: b"}},
		{"func f(a, b int) int { return a + b/2 }", []string{"f: - for +: a + b/2", "f: * for /: b/2"}},
		{"func f(e error) (int, error) { return 1, e }", []string{"f: no error: return 1, e"}},
		{"func f(n int) int { switch { case n == 1: return 1 }; return 2 }", []string{"f: always: n == 1", "f: never: n == 1"}},
		{"var v = func(a func()) { a() }", []string{"var v: without: a()"}},
		{"const c = 1 + 2\nfunc f() int { return c + 1 }", nil},
		{"func f(s string) string { return s + s }", nil},
		{"func f() { panic(1) }", nil},
	} {
		mutants, rewritten := mutate(t, c.source)
		var ids []string
		for _, m := range mutants {
			ids = append(ids, strings.TrimPrefix(m.id, "p/f.go "))
		}
		slices.Sort(ids)
		slices.Sort(c.want)
		if !slices.Equal(ids, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.source, ids, c.want)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "f.go", rewritten, 0); err != nil {
			t.Errorf("%s: %v:\n%s", c.source, err, rewritten)
		}
	}
}

// mutate returns the mutants of a file and the file with all of them in it.
func mutate(t *testing.T, source string) ([]mutant, string) {
	t.Helper()
	f := &file{name: "p/f.go", source: []byte("package p\n" + source)}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, "f.go", f.source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := find(fset, "p", []*file{f}, []*ast.File{tree}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mutants, string(f.rewrite())
}

// A whole run over a module with one package: its tests notice what they look at, and a
// second run tries only what was not tried before.
func TestRun(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.26\n",
		"p/p.go": `package p

import "log/slog"

type Lock struct{ Held, Asked int }

func (l *Lock) Release() {
	slog.Info("released")
	l.Held--
	l.Asked = 0
}

func Unused(n *int) { *n = 1; *n++ }
`,
		"p/p_test.go": `package p

import (
	"os"
	"testing"
)

func TestRelease(t *testing.T) {
	l := &Lock{Held: 1, Asked: 1}
	l.Release()
	if l.Held != 0 {
		os.WriteFile("left-behind", nil, 0o600)
		t.Fatal(l.Held)
	}
}
`,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := options{state: t.TempDir(), workers: 1, sample: 1}
	total, err := measure(t.Context(), o, "p", &bytes.Buffer{})
	if err != nil || total.mutants != 4 || total.tried != 1 {
		t.Fatalf("a sample of one: %+v, %v", total, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := (&runner{}).result(over, mutant{id: "p/p.go Unused: without: *n = 1"}, "none", &state{}); err == nil {
		t.Errorf("after the end of its time a run counts %v", r)
	}
	o.sample = 0
	var out bytes.Buffer
	if total, err = measure(t.Context(), o, "p", &out); err != nil {
		t.Fatal(err)
	}
	if total.tried != 4 || total.verdicts[noticed] != 1 || total.verdicts[survived] != 1 || total.verdicts[unreached] != 2 {
		t.Errorf("verdicts %v of %d", total.verdicts, total.tried)
	}
	if want := "p/p.go (*Lock).Release: without: l.Asked = 0"; !strings.Contains(out.String(), want) {
		t.Errorf("the report lacks %q:\n%s", want, out.String())
	}
	if _, err := os.Stat("p/left-behind"); err == nil {
		t.Error("a test that failed has left a file in the package")
	}
	results, err := openState(o.state, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = results.close() }()
	if len(results.results) != total.tried {
		t.Errorf("%d results are kept, want %d", len(results.results), total.tried)
	}
	o.survivors = true
	if total, err = measure(t.Context(), o, "p", &bytes.Buffer{}); err != nil || total.tried != 3 {
		t.Errorf("of the survivors: %+v, %v", total, err)
	}
	o.only = regexp.MustCompile("Unused")
	if total, err = measure(t.Context(), o, "p", &bytes.Buffer{}); err != nil || total.mutants != 2 || total.tried != 2 {
		t.Errorf("of the survivors in one function: %+v, %v", total, err)
	}
	known, err := filepath.Glob(filepath.Join(o.state, "p-*.json"))
	if err != nil || len(known) != 1 {
		t.Errorf("the tests were observed for the programs %v, want one: a part has the same program as all (%v)", known, err)
	}
}

func TestEquivalents(t *testing.T) {
	e, err := parseEquivalents("// a comment\np/f.go (*T).a: without: b()\n\tb is empty\n\n[any]: without: defer cancel()\n\tthe context ends with its parent\n")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{
		"p/f.go (*T).a: without: b()":            true,
		"p/f.go (*T).a: without: b() #2":         false,
		"p/f.go (*U).a: without: b()":            false,
		"p/g.go (*U).c: without: defer cancel()": true,
	} {
		if e.has(id) != want {
			t.Errorf("%q: %v, want %v", id, !want, want)
		}
	}
	for _, bad := range []string{"p/f.go f: without: b()\n", "\ta reason\n", "p/f.go f: without: b()\n\tone\n\ttwo\n"} {
		if _, err := parseEquivalents(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

// Every entry of the files of equivalents names a mutant that there is.
func TestEquivalentsAreUpToDate(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	for _, p := range packages {
		list, err := readEquivalents(p.path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := load(t.Context(), p.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if !slices.ContainsFunc(s.mutants, func(m mutant) bool { return matches(e.id, m.id) }) {
				t.Errorf("no mutant of %s is %q (line %d)", p.path, e.id, e.line)
			}
		}
	}
}

// A sample is too low only if chance does not explain it.
func TestIsTooLow(t *testing.T) {
	for _, c := range []struct {
		noticed, tried, mutants int
		want                    bool
	}{
		{0, 0, 100, false},
		{89, 100, 100, true},
		{90, 100, 100, false},
		{33, 40, 1000, false},
		{29, 40, 1000, true},
	} {
		s := score{least: 0.9, mutants: c.mutants, tried: c.tried, verdicts: map[verdict]int{noticed: c.noticed}}
		if got := s.isTooLow(); got != c.want {
			t.Errorf("%d of %d, of %d in all: %v, want %v", c.noticed, c.tried, c.mutants, got, c.want)
		}
	}
}
