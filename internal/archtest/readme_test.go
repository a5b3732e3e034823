package archtest

import (
	"os"
	"strings"
	"testing"
)

// Given the table of the README that compares Evergreen with its peers, then it is
// the one that the last full run has made.
func TestReadmeComparesAsMeasured(t *testing.T) {
	measured, err := os.ReadFile("../../bench/results/summary.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "<!-- sidebyside -->\n")
	shown, _, found := strings.Cut(rest, "\n<!-- /sidebyside -->")
	if !found || strings.TrimSpace(shown) != strings.TrimSpace(string(measured)) {
		t.Error("README.md does not show bench/results/summary.md between its marks for sidebyside")
	}
}
