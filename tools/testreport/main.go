// Command testreport reads the events of go test -json and prints what a person wants
// of them. That is a line for each package, everything a failed test has written, and
// the ten slowest tests.
//
//	go test -json ./... | go run ./tools/testreport
//
// It does not repeat go test's exit code; use pipefail.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// slowest is how many tests are listed.
const slowest = 10

// event is one line of go test -json (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64 // seconds
	Output  string
}

// test is a test and how long it took.
type test struct {
	pkg, name string
	seconds   float64
}

func main() {
	if err := report(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
}

// report copies from r to w what is worth reading.
func report(r io.Reader, w io.Writer) error {
	lines := bufio.NewReader(r)
	written := map[[2]string]*strings.Builder{} // by package and test
	var tests []test
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				_, _ = w.Write(line) // not an event: the go command itself complains
				continue
			}
			key := [2]string{e.Package, e.Test}
			switch e.Action {
			case "output":
				if written[key] == nil {
					written[key] = &strings.Builder{}
				}
				written[key].WriteString(e.Output)
			case "build-output":
				fmt.Fprint(w, e.Output)
			case "pass", "fail", "skip":
				if text := written[key]; text != nil {
					fmt.Fprint(w, worthReading(e, text.String()))
				}
				delete(written, key)
				if e.Test != "" && !strings.Contains(e.Test, "/") {
					tests = append(tests, test{e.Package, e.Test, e.Elapsed})
				}
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("the events cannot be read: %w", err)
		}
	}
	for _, text := range written { // the package ended in the middle of these tests
		fmt.Fprint(w, text)
	}
	slices.SortStableFunc(tests, func(a, b test) int { return cmp.Compare(b.seconds, a.seconds) })
	fmt.Fprintln(w, "\nthe slowest tests:")
	for _, one := range tests[:min(slowest, len(tests))] {
		fmt.Fprintf(w, "%7.2f s  %s %s\n", one.seconds, one.pkg, one.name)
	}
	return nil
}

// worthReading is the part of a finished test's or package's output that go test
// prints without -v.
func worthReading(e event, text string) string {
	switch {
	case e.Action == "fail":
		return text
	case e.Test != "":
		return ""
	}
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
