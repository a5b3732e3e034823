package scenario_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/discordsim"
	"evergreen/discordsim/scenario"
	"evergreen/internal/text"
)

// update makes the tests write what is generated instead of comparing it:
// go test ./discordsim/scenario -run Scenario -update
var update = flag.Bool("update", false, "write docs/scenario.schema.json and the lists of docs/faults.md")

// docs/scenario.schema.json is made from the types. To write it anew:
// go test ./discordsim/scenario -run Schema -update
func TestScenarioSchemaIsUpToDate(t *testing.T) {
	schema := scenario.Schema()
	if !json.Valid(schema) {
		t.Fatal("the schema is not JSON")
	}
	checkFile(t, filepath.Join("..", "..", "docs", "scenario.schema.json"), string(schema))
}

// docs/faults.md lists every fault and every scenario of the library. To
// write the lists anew: go test ./discordsim/scenario -run Faults -update
func TestFaultsPageIsUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "faults.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var faults strings.Builder
	faults.WriteString("| fault | what happens |\n| --- | --- |\n")
	for _, name := range discordsim.Faults() {
		fmt.Fprintf(&faults, "| `%s` | %s |\n", name, discordsim.DescribeFault(name).Description)
	}
	lists := replaceMarked(t, string(page), "faults", faults.String())
	lists = replaceMarked(t, lists, "scenarios", "`"+strings.Join(scenario.Names(), "`, `")+"`\n")
	checkFile(t, path, lists)
}

// docs/simulation.md lists every route of the REST API. To write the list anew:
// go test ./discordsim/scenario -run Routes -update
func TestRoutesOnThePageAreUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "simulation.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	list.WriteString("| path | methods, and the permissions they need |\n| --- | --- |\n")
	all := discordsim.DescribeRoutes()
	for i, r := range all {
		if i == 0 || all[i-1].Path != r.Path {
			fmt.Fprintf(&list, "| `%s` | ", r.Path)
		} else {
			list.WriteString("; ")
		}
		list.WriteString(r.Method)
		if len(r.Permissions) > 0 {
			list.WriteString(" (" + strings.Join(r.Permissions, ", ") + ")")
		}
		if i == len(all)-1 || all[i+1].Path != r.Path {
			list.WriteString(" |\n")
		}
	}
	checkFile(t, path, replaceMarked(t, string(page), "routes", list.String()))
}

// docs/simulation.md lists what a speed shortens. To write the list anew:
// go test ./discordsim/scenario -run Intervals -update
func TestIntervalsOnThePageAreUpToDate(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "simulation.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	list.WriteString("| interval | Discord's own | at speed 10 | least |\n| --- | --- | --- | --- |\n")
	for _, i := range discordsim.Intervals() {
		own, faster := "none", "a tenth"
		if i.Default > 0 {
			own, faster = text.ShortDuration(i.Default), text.ShortDuration(i.At(10))
		}
		fmt.Fprintf(&list, "| %s | %s | %s | %s |\n", i.Name, own, faster, text.ShortDuration(i.Least))
	}
	checkFile(t, path, replaceMarked(t, string(page), "intervals", list.String()))
}

// What stands in docs/simulation.md as examples can be read.
func TestExamplesOnThePage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "simulation.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := strings.Split(string(page), "```yaml\n")[1:]
	if len(examples) != 2 {
		t.Errorf("there are %d examples, want 2", len(examples))
	}
	for _, example := range examples {
		example, _, _ = strings.Cut(example, "```")
		if _, err := scenario.Read("the example", []byte(example)); err != nil {
			t.Error(err)
		}
	}
}

// replaceMarked replaces what stands between two marks.
func replaceMarked(t *testing.T, page, mark, content string) string {
	t.Helper()
	before, rest, begun := strings.Cut(page, "<!-- "+mark+" -->\n")
	_, after, ended := strings.Cut(rest, "<!-- /"+mark+" -->")
	if !begun || !ended {
		t.Fatalf("the marks of %s are missing", mark)
	}
	return before + "<!-- " + mark + " -->\n" + content + "<!-- /" + mark + " -->" + after
}

// checkFile compares a file with what it should hold, or writes it.
func checkFile(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date; run: go test ./discordsim/scenario -run 'Schema|Faults|Routes|Intervals' -update", path)
	}
}
