package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"evergreen/bench/trial"
)

// sample is a small run with a bot that did not come back, and one that was not
// run.
func sample() Run {
	return Run{
		Machine: Machine{CPU: "a CPU <&>", Cores: 2, Date: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)},
		Seed:    7, Rules: trial.Short, Command: "sidebyside",
		Peers: []Peer{{Name: "Ours", Ours: true, Version: "1"}, {Name: "Theirs & co", Version: "v2, Node 20"}, {Name: "Absent", Missing: "it is not installed"}},
		Scenarios: []trial.Scenario{
			{Name: "cut link", Says: "the connection is reset"}, {Name: "idle", Says: "nothing happens"}, {Name: "burst of 20,000", Says: "many events"},
		},
		Figures: []trial.Figures{
			{Scenario: "cut link", Peer: "Ours", Back: true, Green: 300 * time.Millisecond, Asked: 5, Exit: "0"},
			{Scenario: "cut link", Peer: "Theirs & co", Watched: time.Minute, Green: time.Minute, Risk: time.Minute, Grey: time.Second, Asked: 3, Lost: 1, Unheard: 2, Broken: []string{"G-038 IDENTIFY came 2.001s after the last one of its key"}, Exit: "1, by itself"},
			{Scenario: "burst of 20,000", Peer: "Ours", Back: true, PerEvent: 2 * time.Microsecond},
			{Scenario: "burst of 20,000", Peer: "Theirs & co", Back: true, PerEvent: 50 * time.Microsecond},
		},
	}
}

// The table says what was measured, what was not, and how.
func TestMarkdownTellsEverything(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| cut link | 300 ms | not in 60.0 s |", "| cut link | 0 | 60.0 s (1.0 s) |", "| cut link | 0 of 5 | 3 of 5 (2) |",
		"**Absent** was not run: it is not installed", "**Shortened**", "Seed 7", "25.0", "IDENTIFY came N after the last one", "1, by itself",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
}

// The chart is XML, whatever the names are.
func TestChartIsXML(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// What was written for machines can be read again.
func TestJSONComesBack(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	r, err := ReadJSON(&b)
	if err != nil || len(r.Figures) != 4 || r.Peers[2].Missing == "" || r.Figures[0].Green != 300*time.Millisecond {
		t.Errorf("%+v, %v", r, err)
	}
}

// A later run replaces whole rows, and the report says so; one that measured
// something else does not.
func TestLaterRunReplacesRows(t *testing.T) {
	r, later := sample(), sample()
	later.Figures = []trial.Figures{{Scenario: "cut link", Peer: "Ours", Back: true, Green: 5 * time.Second, Exit: "0"}}
	if err := r.Replace(later); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| cut link | 5.0 s | - |", "Rows from a later run: cut link", "25.0"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	later.Seed = 8
	if r.Replace(later) == nil {
		t.Error("a run with another seed was taken")
	}
}
