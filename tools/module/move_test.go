package main

import (
	"bytes"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evergreen/internal/testmode"
)

// Only the module path is rewritten: words that look like it are not.
func TestRewriteChangesOnlyTheModulePath(t *testing.T) {
	r := newRewriter("bot", "example.org/me/bot", []string{"cmd", "gateway", "internal"})
	for _, c := range []struct{ file, before, after string }{
		{"a.go", "package a\n\nimport \"bot/gateway\"\n", "package a\n\nimport \"example.org/me/bot/gateway\"\n"},
		{"a.go", "package a\n\n// See [bot/internal/app] and cmd/bot/main.go.\n", "package a\n\n// See [example.org/me/bot/internal/app] and cmd/bot/main.go.\n"},
		{"a.go", "package a\n\nvar a = \"/etc/bot/gateway\"\n", "package a\n\nvar a = \"/etc/bot/gateway\"\n"},
		{
			"a.go", "package a\n\nimport (\n\t\"bot/gateway\"\n\t\"example.com/x\"\n)\n",
			"package a\n\nimport (\n\t\"example.com/x\"\n\t\"example.org/me/bot/gateway\"\n)\n",
		},
		{"go.mod", "module bot\n\ngo 1.26.0\n", "module example.org/me/bot\n\ngo 1.26.0\n"},
		{
			"go.mod", "module bot/bench\n\nreplace bot => ../\n\nrequire (\n\tbot v0.0.0\n\tbottle v1.0.0\n)\n",
			"module example.org/me/bot/bench\n\nreplace example.org/me/bot => ../\n\nrequire (\n\texample.org/me/bot v0.0.0\n\tbottle v1.0.0\n)\n",
		},
		{"a.md", "`bot/gateway` of `bot run`, ../bot/gateway, bot/gateways", "`example.org/me/bot/gateway` of `bot run`, ../bot/gateway, bot/gateways"},
		{"a.md", "x\n" + hostlessBegin + "long\n" + hostlessEnd + "y\n", "x\n```\ngo get example.org/me/bot@latest\n```\ny\n"},
	} {
		got, err := r.rewrite(c.file, []byte(c.before))
		if err != nil || string(got) != c.after {
			t.Errorf("%q became %q, want %q (%v)", c.before, got, c.after, err)
		}
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	for _, path := range []string{"", "bot", "github.com", "github.com/", "github.com/me/bot/", "github.com/me/bot/v2", "https://github.com/me/bot", "github.com/me bot", "-h"} {
		if _, err := move(t.TempDir(), path); err == nil {
			t.Errorf("%q was accepted", path)
		}
	}
}

// Given a copy of this tree, when it is moved, then no file names the old path, all
// are formatted, and docs/library.md says how to get it. In full, when it is moved
// again, the same, and everything still compiles.
func TestThisModuleMoves(t *testing.T) {
	from, err := modulePath(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	copyTree(t, filepath.Join("..", ".."), folder)
	tops, err := topFolders(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"github.com/OWNER/evergreen-moved", "git.example.org/zoo/moved.again"} {
		moved, err := move(folder, to)
		if err != nil || moved.from != from || moved.files < 100 {
			t.Fatalf("moved %+v: %v", moved, err)
		}
		checkMoved(t, folder, newRewriter(from, to, tops))
		from = to
		if !testmode.Full() {
			return
		}
	}
	for _, args := range [][]string{
		{"mod", "tidy", "-diff"},
		{"-C", "bench", "mod", "tidy", "-diff"},
		{"vet", "./..."},
		{"build", "-o", os.DevNull, "./cmd/evergreen"},
		{"vet", "-C", "bench", "./..."},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// checkMoved holds every file below folder to the new path.
func checkMoved(t *testing.T, folder string, r rewriter) {
	t.Helper()
	err := walk(folder, func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if at := r.imports.FindIndex(text); at != nil {
			t.Errorf("%s still has %q", path, text[at[0]:at[1]])
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
			t.Errorf("%s is not formatted: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "docs", "library.md"))
	if err != nil || !strings.Contains(string(page), "\ngo get "+r.to+"@latest\n") {
		t.Errorf("docs/library.md does not say how to get the module: %v", err)
	}
}

// copyTree copies the tree without the folders that a move skips.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place, err := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case slices.Contains(skipped, filepath.ToSlash(place)) && entry.IsDir():
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, place), 0o700)
		case !entry.Type().IsRegular() || place == "evergreen": // what go build leaves in the root
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, place), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
