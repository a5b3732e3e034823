package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const smallTable = "# a comment\n" +
	"## Hello and heartbeat\n" +
	"G-014\tD\t-\tThe client sends nothing before HELLO arrives.\n" +
	"G-024\tD\t-\tIf no op 11 has arrived, `a|b <c>` and <d>.\n" +
	"## Identify\n" +
	"G-040\tI\tpersistence\tThe ledger is persistent.\n" +
	"G-053\tI\tpersistence\tA restart resumes.\n" +
	"## Heartbeats\n" +
	"S-034\t-\t-\tEach op 1 gets one op 11.\n"

const goodTests = `// Package gateway has a comment of its own.
package gateway

import "testing"

// TestZombie is a story: given, when, then.
//
// Statements: G-024, G-040.
func TestZombie(t *testing.T) {}

// FuzzBeats is short.
//
// Statements: G-024,
// S-034.
func FuzzBeats(f *testing.F) {}

// Testing is no test, and says nothing of statements.
func Testing() {}
`

func tree(tests string) fstest.MapFS {
	return fstest.MapFS{
		"docs/statements.tsv":            {Data: []byte(smallTable)},
		"gateway/zombie_test.go":         {Data: []byte(tests)},
		"gateway/zombie.go":              {Data: []byte("// Statements: G-999.\npackage gateway\n")},
		"gateway/testdata/other_test.go": {Data: []byte("// Statements: G-999.\npackage other\n")},
		".cache/other_test.go":           {Data: []byte("not Go at all")},
	}
}

// A page says of every statement what it says and who proves it, and counts
// them; files that are no tests are not asked.
func TestPageShowsWhoProvesWhat(t *testing.T) {
	page, summary, err := build(tree(goodTests))
	if err != nil {
		t.Fatal(err)
	}
	want := "1 of 4 G and 1 of 1 S statements are covered by tests, 1 in part; 1 come with parts that do not exist yet, 1 are open."
	if summary != want {
		t.Errorf("summary\n%s\nwant\n%s", summary, want)
	}
	for _, line := range []string{
		"**" + want + "**",
		"## The bot",
		"### Hello and heartbeat",
		"| G-014 | D | The client sends nothing before HELLO arrives. | open |",
		"| G-024 | D | If no op 11 has arrived, `a\\|b <c>` and &lt;d>. | `gateway.FuzzBeats`, `gateway.TestZombie` |",
		"| G-040 | I | The ledger is persistent. | in part: `gateway.TestZombie`; the rest comes with persistence |",
		"| G-053 | I | A restart resumes. | open: comes with persistence |",
		"## The simulated Discord",
		"| S-034 |  | Each op 1 gets one op 11. | `gateway.FuzzBeats` |",
	} {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("the page lacks the line\n%s", line)
		}
	}
}

// A claim that would be overlooked, or of something unknown, is an error that
// says where it stands.
func TestClaimsThatWouldBeOverlookedAreErrors(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"unknown id", "package gateway\n\n// TestA is a test.\n// Statements: G-014, G-777.\nfunc TestA() {}\n",
			"gateway/zombie_test.go:4: gateway.TestA names G-777, which docs/statements.tsv does not have"},
		{"wrong form", "package gateway\n\n//nolint:all\n\n// TestA is a test.\n//\n// Statements: G-014 and G-024\nfunc TestA() {}\n",
			`gateway/zombie_test.go:7: want a last line such as "Statements: G-024, S-035."`},
		{"not the last line", "package gateway\n\n// TestA is a test.\n// Statements: G-014.\n// It goes on.\nfunc TestA() {}\n",
			`gateway/zombie_test.go:4: want a last line such as "Statements: G-024, S-035."`},
		{"not a test", "package gateway\n\n// given does something.\n// Statements: G-014.\nfunc given() {}\n",
			`gateway/zombie_test.go:4: "Statements:" does not stand in the doc comment of a test`},
		{"inside a test", "package gateway\n\nfunc TestA() {\n\t// Statements: G-014.\n}\n",
			`gateway/zombie_test.go:4: "Statements:" does not stand in the doc comment of a test`},
		{"twice", "package gateway\n\n// TestA is a test.\n// Statements: G-014, G-014.\nfunc TestA() {}\n",
			"gateway/zombie_test.go:4: G-014 is named twice"},
		{"not Go", "packag gateway", "gateway/zombie_test.go:1:1: expected 'package'"},
	} {
		_, _, err := build(tree(c.source))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
}

// A broken table is refused with all its mistakes.
func TestTableIsChecked(t *testing.T) {
	_, err := parseStatements("t.tsv", "G-001\tD\t-\tToo early.\n## A\nG-001\tD\tno text\nG-1\tD\t-\tx.\nG-002\tD\t-\tx.\nG-002\tD\t-\tx.\nG-003\t\t-\tx.\n")
	if err == nil {
		t.Fatal("accepted")
	}
	want := strings.Join([]string{
		"t.tsv:1: G-001 stands before the first section",
		"t.tsv:3: want 4 columns separated by tabs, got 3",
		`t.tsv:4: "G-1" is not an id such as G-042`,
		"t.tsv:6: G-002 stands here twice",
		"t.tsv:7: column 2 of G-003 is empty or has spaces around it",
	}, "\n")
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// With -check nothing is written, and a page that is out of date is an error;
// without it the page is brought up to date.
func TestCheckNoticesAnOldPage(t *testing.T) {
	root := t.TempDir()
	for name, file := range tree(goodTests) {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run(root, true, &out); err == nil || !strings.Contains(err.Error(), "out of date; run: go run ./tools/conformance") {
		t.Fatalf("a missing page: error %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "docs", "conformance.md")); err == nil {
		t.Fatal("-check wrote the page")
	}
	if err := run(root, false, &out); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, &out); err != nil {
		t.Fatalf("right after it was written: %v", err)
	}
}

// The table of this repository is whole: 160 statements about the bot and 102
// about the simulator, in order.
func TestTableIsWhole(t *testing.T) {
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(tablePath)))
	if err != nil {
		t.Fatal(err)
	}
	sections, err := parseStatements(tablePath, string(source))
	if err != nil {
		t.Fatal(err)
	}
	count := map[byte]int{}
	last := ""
	for _, s := range sections {
		for _, st := range s.statements {
			if st.id <= last {
				t.Errorf("%s follows %s", st.id, last)
			}
			last = st.id
			count[st.id[0]]++
		}
	}
	if count['G'] != 160 || count['S'] != 102 {
		t.Errorf("the table holds %d G and %d S statements, want 160 and 102", count['G'], count['S'])
	}
}
