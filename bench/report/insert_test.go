package report

import (
	"os"
	"path/filepath"
	"testing"
)

// A text takes the place of the one before, and a page without the place stays as it is.
func TestInsertReplacesWhatIsBetweenTheMarkers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	const page = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n"
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Insert(path, "y", "new\n"); err == nil {
		t.Error("there is no place for y, and it was inserted")
	}
	if err := Insert(path, "x", "new\n"); err != nil {
		t.Fatal(err)
	}
	const want = "a\n<!-- begin: x -->\nnew\n<!-- end: x -->\nb\n"
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("the page is %q, %v; want %q", got, err, want)
	}
}

// Rows that were taken anew take the place of those before; all else stays.
func TestMergeReplacesRowsOfTheSameName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	const page = "<!-- begin: x -->\n| a | b |\n| --- | --- |\n| one | 1 |\n| two | 2 |\n\nmachine\n<!-- end: x -->\n"
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Merge(path, "x", "| a | b |\n| --- | --- |\n| two | 3 |\n\nother\n"); err != nil {
		t.Fatal(err)
	}
	const want = "<!-- begin: x -->\n| a | b |\n| --- | --- |\n| one | 1 |\n| two | 3 |\n\nmachine\n<!-- end: x -->\n"
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("the page is %q, %v; want %q", got, err, want)
	}
}
