package main

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// runtimeSources is where the runtime of the Go in use is.
func runtimeSources(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src", "runtime")
}

// known reports whether the patches were made for the Go in use.
func known() bool { return strings.HasPrefix(runtime.Version(), knownVersion) }

// Given the Go in use, then every line that leaves something to chance is found
// once, and what takes its place is Go.
func TestPatchesFit(t *testing.T) {
	files, err := patchedFiles(runtimeSources(t))
	if err != nil && !known() {
		t.Skip("this Go is newer than what is known of it: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Given a Go whose runtime has other lines, then it is told which one is missing
// and what to do.
func TestPatchesDoNotFit(t *testing.T) {
	sources := t.TempDir()
	for _, p := range patches {
		if err := os.WriteFile(filepath.Join(sources, p.file), []byte("package runtime\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := writeOverlay(sources, t.TempDir())
	if err == nil {
		t.Fatal("a runtime without any of the lines was patched")
	}
	for _, want := range []string{"select.go", "cheaprandn", "GOTOOLCHAIN"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

// Given copies that are there already, then the same ones are taken again, so that
// what was built with them is too.
func TestCopiesStay(t *testing.T) {
	sources, folder := runtimeSources(t), t.TempDir()
	first, err := writeOverlay(sources, folder)
	if err != nil && !known() {
		t.Skip("this Go is newer than what is known of it: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := writeOverlay(sources, folder)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(second)
	if err != nil {
		t.Fatal(err)
	}
	if first != second || !os.SameFile(before, after) {
		t.Errorf("the copies were written anew: %s and %s", first, second)
	}
	entries, err := os.ReadDir(filepath.Dir(first))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "new") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestArguments(t *testing.T) {
	got, err := arguments("o.json", []string{"test", "./gateway", "-run", "Model"})
	if want := []string{"test", "-overlay=o.json", "-tags=deterministic", "-cpu=1", "./gateway", "-run", "Model"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
	if _, err := arguments("o.json", []string{"mod", "tidy"}); err == nil {
		t.Error("go mod tidy was taken for something that builds")
	}
}

// Given a Go that the go command has downloaded by itself, then it is reached by a
// way on which files may be replaced, the same one each time; any other Go stays
// where it is.
func TestDownloadedGo(t *testing.T) {
	modules, folder := t.TempDir(), t.TempDir()
	goroot := filepath.Join(modules, "golang.org", "toolchain@v0.0.1-go1.26.0")
	if err := os.MkdirAll(goroot, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		link, err := goRootOutside(goroot, modules, folder)
		if err != nil {
			t.Skip("no links can be made here: ", err)
		}
		if to, err := os.Readlink(link); err != nil || to != goroot || filepath.Dir(link) != folder {
			t.Errorf("%s leads to %s (%v), not to %s", link, to, err, goroot)
		}
	}
	if stays, err := goRootOutside(folder, modules, t.TempDir()); err != nil || stays != folder {
		t.Errorf("a Go of its own is looked for at %s (%v)", stays, err)
	}
}
