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
