package main

import (
	"bytes"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// result is what a move has done.
type result struct {
	from, to string
	files    int // how many were changed
}

// pathPattern is what a module path may be here: a host with a dot, then at least
// one element. A major version suffix is refused below, because bench requires
// v0.0.0.
var pathPattern = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9][A-Za-z0-9._~-]*)+$`)

var majorSuffix = regexp.MustCompile(`/v[0-9]+$`)

// move gives the module whose root is folder the path to.
func move(folder, to string) (result, error) {
	if !pathPattern.MatchString(to) || majorSuffix.MatchString(to) {
		return result{}, fmt.Errorf("%q cannot be a module path: want a host and a name without a version, such as github.com/OWNER/evergreen", to)
	}
	from, err := modulePath(filepath.Join(folder, "go.mod"))
	if err != nil {
		return result{}, err
	}
	if from == to {
		return result{}, fmt.Errorf("the module is already called %s", to)
	}
	tops, err := topFolders(folder)
	if err != nil {
		return result{}, err
	}
	r := newRewriter(from, to, tops)
	moved := result{from: from, to: to}
	err = walk(folder, func(path string) error {
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		after, err := r.rewrite(path, before)
		if err != nil || bytes.Equal(before, after) {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		moved.files++
		return os.WriteFile(path, after, info.Mode())
	})
	if err != nil {
		return moved, err
	}
	for _, module := range []string{".", "bench"} {
		sort := exec.Command("go", "mod", "edit", "-fmt")
		sort.Dir = filepath.Join(folder, module)
		if out, err := sort.CombinedOutput(); err != nil {
			return moved, fmt.Errorf("go mod edit -fmt in %s: %w\n%s", module, err, out)
		}
	}
	return moved, nil
}

// modulePath reads the module's path from its go.mod.
func modulePath(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("this is not the root of the module: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(path), nil
		}
	}
	return "", fmt.Errorf("%s names no module", file)
}

// skipped are folders with nothing of the module's text: history, results of
// measurements, and what running the bot leaves behind.
var skipped = []string{".git", "bench/results", "dist", "data", "logs"}

// extensions of the files that may name the module.
var extensions = []string{".go", ".mod", ".md", ".yml", ".yaml", ".json", ".tsv", ".txt", ".sh", ".service", ""}

// walk calls visit for each file that may name the module.
func walk(folder string, visit func(path string) error) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && slices.Contains(skipped, filepath.ToSlash(place)):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || !slices.Contains(extensions, filepath.Ext(path)):
			return nil
		}
		return visit(path)
	})
}

// topFolders lists the folders of the root that have Go packages in or below them:
// what may follow the module path in an import path.
func topFolders(folder string) ([]string, error) {
	seen := map[string]bool{}
	err := walk(folder, func(path string) error {
		place, err := filepath.Rel(folder, path)
		if top, _, below := strings.Cut(filepath.ToSlash(place), "/"); err == nil && below && filepath.Ext(path) == ".go" {
			seen[top] = true
		}
		return err
	})
	var tops []string
	for top := range seen {
		tops = append(tops, top)
	}
	slices.Sort(tops)
	return tops, err
}

// rewriter replaces one module path by another.
type rewriter struct {
	to string
	// imports matches the path with the folder of a package behind it. What stands
	// before it keeps /etc/evergreen/ and cmd/evergreen/ from matching.
	imports *regexp.Regexp
	// lines matches the path where a go.mod names it alone.
	lines *regexp.Regexp
	// alone matches the path anywhere else. It is nil for a path without a host,
	// which may be any word.
	alone *regexp.Regexp
}

func newRewriter(from, to string, tops []string) rewriter {
	quoted := regexp.QuoteMeta(from)
	r := rewriter{
		to:      to,
		imports: regexp.MustCompile(`(^|[^\w./~-])` + quoted + `/(` + strings.Join(tops, "|") + `)\b`),
		lines:   regexp.MustCompile(`(?m)^(module |replace |require |\t)` + quoted + `([/ \n])`),
	}
	if pathPattern.MatchString(from) {
		r.alone = regexp.MustCompile(`(^|[^\w./~-])` + quoted + `([^\w./~-]|$)`)
	}
	return r
}

// The part of docs/library.md between these lines says how to depend on a module
// that has no host. A move replaces it.
const (
	hostlessBegin = "<!-- begin: the module has no host -->\n"
	hostlessEnd   = "<!-- end: the module has no host -->\n"
)

// rewrite returns the text of a file with the module's new path.
func (r rewriter) rewrite(path string, text []byte) ([]byte, error) {
	if bytes.IndexByte(text, 0) >= 0 {
		return text, nil // a binary
	}
	after := r.imports.ReplaceAll(text, []byte("${1}"+r.to+"/${2}"))
	if r.alone != nil {
		after = r.alone.ReplaceAll(after, []byte("${1}"+r.to+"${2}"))
	}
	switch filepath.Ext(path) {
	case ".go":
		if bytes.Equal(text, after) {
			return text, nil
		}
		formatted, err := format.Source(after) // imports may sort differently now
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return formatted, nil
	case ".mod":
		return r.lines.ReplaceAll(after, []byte("${1}"+r.to+"${2}")), nil
	case ".md":
		before, rest, found := strings.Cut(string(after), hostlessBegin)
		if _, behind, ends := strings.Cut(rest, hostlessEnd); found && ends {
			return []byte(before + "```\ngo get " + r.to + "@latest\n```\n" + behind), nil
		}
	}
	return after, nil
}
