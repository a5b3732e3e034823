// Package archtest is at heart the list of rules that no compiler holds: who may
// import whom, how large a file may grow, what has to be said where. It has no
// code, only tests.
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

// alone names the packages that depend on nothing outside the standard library
// but what stands here, directly or through others.
var alone = map[string][]string{
	"identify":          {},
	"gateway":           {module + "/identify", "github.com/coder/websocket", "github.com/klauspost/compress", module + "/internal/lifecycle"},
	"discordsim":        {"github.com/coder/websocket", "github.com/klauspost/compress", "go.yaml.in/yaml/v3", module + "/internal/text", module + "/discordsim/internal/netsim"}, // scenario files
	"tools/conformance": {},
}

// disgos may import disgo's gateway: the package that binds it, and the bots
// that show how disgo's users use that.
var disgos = []string{"disgogateway", "examples/smallest", "examples/slash", "examples/moved", "examples/tested"}

// bound names what only certain packages may import: what it is, and who.
var bound = []struct {
	what string
	by   []string
}{
	{"database/sql", []string{"internal/store"}},
	{"modernc.org/sqlite", []string{"internal/store"}},
	{"github.com/prometheus", []string{"internal/web/api"}},
	{"github.com/disgoorg/disgo/gateway", disgos},
	{"github.com/disgoorg/disgo/sharding", []string{"disgogateway"}},
	{"github.com/disgoorg/disgo/bot", disgos},
	{"github.com/alecthomas/kong", []string{"cmd/evergreen"}},
	{"flag", []string{"tools/conformance", "tools/deterministic", "tools/release", "tools/year", "internal/testmode"}},
}

// absent names what a program must not have in it, not even through others.
var absent = map[string][]string{
	"cmd/evergreen": {"testing", "flag"}, // flag would be there only for testing: the command line is kong's
}

// crowded are names that say nothing of what a package is for.
var crowded = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "manager"}

// goPackage is what the go command says about a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// listed holds what the go command has said, by operating system.
var listed = map[string][]goPackage{}

// listPackages asks the go command, once, for all packages of the module and
// all they depend on, as built for an operating system.
func listPackages(t *testing.T, system string) []goPackage {
	t.Helper()
	if all := listed[system]; all != nil {
		return all
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var complaints bytes.Buffer
	list.Stderr = &complaints
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v\n%s", system, err, complaints.String())
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

// own returns the place of a package inside this module.
func own(importPath string) (place string, ok bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// within reports whether a package is what stands in a rule, or below it.
func within(importPath, rule string) bool {
	return importPath == rule || strings.HasPrefix(importPath, rule+"/")
}

// room is a line of the table in docs/architecture.md.
type room struct {
	floor  int // 0 is the top
	vacant bool
}

var quoted = regexp.MustCompile("`([^`]+)`")

// readHouse reads the table of the house.
func readHouse(t *testing.T) map[string]room {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## Packages\n")
	text, _, _ = strings.Cut(text, "\n## ")
	rooms := map[string]room{}
	floor := -2 // the heading and the line below it
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		if floor++; floor < 0 {
			continue
		}
		first := strings.Split(line, "|")[1]
		for _, name := range quoted.FindAllStringSubmatch(first, -1) {
			rooms[name[1]] = room{floor: floor, vacant: strings.Contains(first, "not there yet")}
		}
	}
	if !found || len(rooms) < 5 {
		t.Fatalf("docs/architecture.md has no table of the house that can be read: %v", rooms)
	}
	return rooms
}

// Given the table of the house, every package has a place in it, and imports
// run downward only, on every operating system.
func TestImportsRunDownward(t *testing.T) {
	rooms := readHouse(t)
	there := map[string]bool{module + "/internal/archtest": true} // only tests, so never listed
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range listPackages(t, system) {
			place, ok := own(p.ImportPath)
			if !ok {
				continue
			}
			there[p.ImportPath] = true
			at, known := rooms[place]
			if !known {
				t.Errorf("%s has no line in the table of docs/architecture.md", place)
				continue
			}
			for _, i := range p.Imports {
				if below, ok := own(i); ok && rooms[below].floor <= at.floor {
					t.Errorf("%s (%s) imports %s, which does not stand below it in the table of docs/architecture.md", place, system, below)
				}
			}
		}
	}
	for place, r := range rooms {
		switch is := there[module+"/"+place]; {
		case is && r.vacant:
			t.Errorf("%s is there: strike \"(not there yet)\" from its line in docs/architecture.md", place)
		case !is && !r.vacant:
			t.Errorf("docs/architecture.md shows %s, which is not there", place)
		}
	}
}

// The heart and the simulator stand alone: neither reaches disgo, a database,
// metrics, REST or any other package of ours, not even through others.
func TestHeartStandsAlone(t *testing.T) {
	seen := map[string]bool{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		all := listPackages(t, system)
		standard := map[string]bool{}
		for _, p := range all {
			standard[p.ImportPath] = p.Standard
		}
		for _, p := range all {
			place, _ := own(p.ImportPath)
			allowed, held := alone[place]
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
	for place := range alone {
		if !seen[place] {
			t.Errorf("%s was not found", place)
		}
	}
}

// What belongs to one place is not imported from another: SQL, metrics, disgo's
// gateway, the command line.
func TestWhatIsBoundToAPlaceStaysThere(t *testing.T) {
	for _, p := range listPackages(t, "linux") {
		place, ok := own(p.ImportPath)
		if !ok {
			continue
		}
		for _, rule := range bound {
			for _, i := range p.Imports {
				if within(i, rule.what) && !slices.Contains(rule.by, place) {
					t.Errorf("%s imports %s, which only %v may", place, i, rule.by)
				}
			}
		}
	}
}

// Given what goes into the product's binary, then nothing of it is there for tests.
func TestProgramHasNothingOfTests(t *testing.T) {
	seen := 0
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range listPackages(t, system) {
			place, _ := own(p.ImportPath)
			for _, what := range absent[place] {
				seen++
				if slices.Contains(p.Deps, what) {
					t.Errorf("%s (%s) has %s in it", place, system, what)
				}
			}
		}
	}
	if want := 3 * len(absent["cmd/evergreen"]); seen != want {
		t.Errorf("%d pairs of a program and a package were looked at, want %d", seen, want)
	}
}

// A package's name says what it is for.
func TestPackagesAreNamedAfterAnIdea(t *testing.T) {
	for _, p := range listPackages(t, "linux") {
		place, ok := own(p.ImportPath)
		if !ok {
			continue
		}
		if slices.Contains(crowded, path.Base(place)) {
			t.Errorf("%s: a package is one idea, and this name holds any", place)
		}
	}
}
