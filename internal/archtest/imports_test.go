// Package archtest holds the rules of this module that no compiler checks: who may
// import whom, how files and packages are written, which pages are up to date. It
// has only tests.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is the import path of this module, from go.mod.
var module = modulePath()

func modulePath() string {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		panic(err)
	}
	_, path, _ := strings.Cut(string(text), "module ")
	path, _, _ = strings.Cut(path, "\n")
	return strings.TrimSpace(path)
}

// root is where the module stands, seen from this package.
var root = filepath.Join("..", "..")

// allowedDeps has the packages that may depend, directly or through others, only on
// the standard library and on these.
var allowedDeps = map[string][]string{
	"identify":          {module + "/internal/bounds"},
	"gateway":           {module + "/identify", "github.com/coder/websocket", "github.com/klauspost/compress", module + "/internal/lifecycle", module + "/clock", module + "/internal/bounds", "golang.org/x/sys"},
	"discordsim":        {"github.com/coder/websocket", "github.com/klauspost/compress", module + "/discordsim/internal/etf", module + "/discordsim/internal/netsim"},
	"tools/conformance": {},
}

// disgoGatewayUsers may import disgo's gateway: the package that binds it, and the
// examples of disgo bots.
var disgoGatewayUsers = []string{"disgogateway", "examples/smallest", "examples/slash", "examples/moved", "examples/tested"}

// restricted has the packages that only some may import.
var restricted = []struct {
	imported string
	by       []string
}{
	{"database/sql", []string{"internal/store"}},
	{"modernc.org/sqlite", []string{"internal/store"}},
	{"github.com/prometheus", []string{"internal/web/api"}},
	{"github.com/disgoorg/disgo/gateway", disgoGatewayUsers},
	{"github.com/disgoorg/disgo/sharding", []string{"disgogateway"}},
	{"github.com/disgoorg/disgo/bot", disgoGatewayUsers},
	{"github.com/alecthomas/kong", []string{"cmd/evergreen"}},
	{"flag", []string{"tools/conformance", "tools/deterministic", "tools/mutationscore", "tools/release", "tools/year", "internal/testmode"}},
}

// forbiddenDeps has what a program must not have in it, directly or through others.
var forbiddenDeps = map[string][]string{
	"cmd/evergreen": {"testing", "flag"}, // flag would be there only for testing: the command line is kong's
}

// vagueNames do not say what a package is for.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "manager"}

// goPackage is a package in the output of go list.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// listed caches the output of go list by operating system.
var listed = map[string][]goPackage{}

// listPackages returns all packages of the module and all they depend on, as built
// for an operating system.
func listPackages(t *testing.T, system string) []goPackage {
	t.Helper()
	if all := listed[system]; all != nil {
		return all
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v\n%s", system, err, stderr.String())
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	listed[system] = all
	return all
}

// inModule returns a package's path inside this module.
func inModule(importPath string) (place string, ok bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// within reports whether a package is root or below it.
func within(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

// tableRow is a row of the tables in docs/architecture.md.
type tableRow struct {
	number  int // 0 is the top
	planned bool
}

var quoted = regexp.MustCompile("`([^`]+)`")

// readPackageTables reads the tables of docs/architecture.md, as if they were one.
func readPackageTables(t *testing.T) map[string]tableRow {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## Packages\n")
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string]tableRow{}
	number := -2 // the heading and the line below it
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		if number++; number < 0 {
			continue
		}
		first := strings.Split(line, "|")[1]
		for _, name := range quoted.FindAllStringSubmatch(first, -1) {
			rows[name[1]] = tableRow{number: number, planned: strings.Contains(first, "not there yet")}
		}
	}
	if !found || len(rows) < 5 {
		t.Fatalf("docs/architecture.md has no table of packages that can be read: %v", rows)
	}
	return rows
}

// Given the tables of docs/architecture.md, every package has a row, and imports run
// down only, on every operating system.
func TestImportsRunDownward(t *testing.T) {
	rows := readPackageTables(t)
	there := map[string]bool{module + "/internal/archtest": true} // only tests, so never listed
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range listPackages(t, system) {
			place, ok := inModule(p.ImportPath)
			if !ok {
				continue
			}
			there[p.ImportPath] = true
			row, known := rows[place]
			if !known {
				t.Errorf("%s has no line in the table of docs/architecture.md", place)
				continue
			}
			for _, i := range p.Imports {
				if below, ok := inModule(i); ok && rows[below].number <= row.number {
					t.Errorf("%s (%s) imports %s, which does not stand below it in the table of docs/architecture.md", place, system, below)
				}
			}
		}
	}
	for place, r := range rows {
		switch is := there[module+"/"+place]; {
		case is && r.planned:
			t.Errorf("%s is there: strike \"(not there yet)\" from its line in docs/architecture.md", place)
		case !is && !r.planned:
			t.Errorf("docs/architecture.md shows %s, which is not there", place)
		}
	}
}

// gateway, identify and the simulator reach no disgo, database, metrics, REST or other
// package of this module, not even through others.
func TestGatewayAndSimulatorStandAlone(t *testing.T) {
	seen := map[string]bool{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		all := listPackages(t, system)
		standard := map[string]bool{}
		for _, p := range all {
			standard[p.ImportPath] = p.Standard
		}
		for _, p := range all {
			place, _ := inModule(p.ImportPath)
			allowed, held := allowedDeps[place]
			if !held {
				continue
			}
			seen[place] = true
			for _, dep := range p.Deps {
				if standard[dep] || slices.ContainsFunc(allowed, func(rule string) bool { return within(dep, rule) }) {
					continue
				}
				t.Errorf("%s (%s) reaches %s: it may depend on the standard library and %v alone", place, system, dep, allowed)
			}
		}
	}
	for place := range allowedDeps {
		if !seen[place] {
			t.Errorf("%s was not found", place)
		}
	}
}

// SQL, metrics, disgo's gateway and the command line are imported only by the packages
// they are for.
func TestRestrictedImports(t *testing.T) {
	for _, p := range listPackages(t, "linux") {
		place, ok := inModule(p.ImportPath)
		if !ok {
			continue
		}
		for _, rule := range restricted {
			for _, i := range p.Imports {
				if within(i, rule.imported) && !slices.Contains(rule.by, place) {
					t.Errorf("%s imports %s, which only %v may", place, i, rule.by)
				}
			}
		}
	}
}

// The program has no package in it that is only for tests.
func TestProgramHasNoTestPackages(t *testing.T) {
	seen := 0
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range listPackages(t, system) {
			place, _ := inModule(p.ImportPath)
			for _, what := range forbiddenDeps[place] {
				seen++
				if slices.Contains(p.Deps, what) {
					t.Errorf("%s (%s) has %s in it", place, system, what)
				}
			}
		}
	}
	if want := 3 * len(forbiddenDeps["cmd/evergreen"]); seen != want {
		t.Errorf("%d pairs of a program and a package were looked at, want %d", seen, want)
	}
}

func TestPackageNamesSayWhatTheyAreFor(t *testing.T) {
	for _, p := range listPackages(t, "linux") {
		place, ok := inModule(p.ImportPath)
		if !ok {
			continue
		}
		if slices.Contains(vagueNames, path.Base(place)) {
			t.Errorf("%s: the name does not say what the package is for", place)
		}
	}
}
