package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// longest is how many lines a file may have.
const longest = 600

// walk calls visit with the path, as seen from the root, and the content of
// every file of the tree whose name ends in one of the suffixes.
func walk(t *testing.T, visit func(name string, content []byte), suffixes ...string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			if base := entry.Name(); base == ".git" || name == "data" || name == "logs" {
				return fs.SkipDir
			}
			return nil
		}
		for _, suffix := range suffixes {
			if strings.HasSuffix(name, suffix) {
				content, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				found++
				visit(name, content)
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Fatalf("no file %v was found", suffixes)
	}
}

// A file is one word of its package's idea; one that has grown long holds two.
func TestFilesStayShort(t *testing.T) {
	walk(t, func(name string, content []byte) {
		if n := strings.Count(string(content), "\n"); n > longest {
			t.Errorf("%s has %d lines: more than %d are perhaps two ideas", name, n, longest)
		}
	}, ".go")
}

// A reader who opens a package is told first what it is at heart.
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	walk(t, func(name string, content []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		folder := filepath.ToSlash(filepath.Dir(name))
		said[folder] = said[folder] || isPackageComment(file)
	}, ".go")
	for folder, ok := range said {
		if !ok {
			t.Errorf("%s: no file has a package comment", folder)
		}
	}
}

func isPackageComment(file *ast.File) bool {
	text := file.Doc.Text()
	return strings.HasPrefix(text, "Package "+strings.TrimSuffix(file.Name.Name, "_test")+" ") || strings.HasPrefix(text, "Command ")
}

// unfinished are the words that leave work behind, put together here so that
// this file does not contain them.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

// Work that is left to do stands in an issue, where somebody will find it.
func TestNothingIsLeftOpen(t *testing.T) {
	walk(t, func(name string, content []byte) {
		for n, line := range strings.Split(string(content), "\n") {
			if word := unfinished.FindString(line); word != "" {
				t.Errorf("%s:%d: %s", name, n+1, word)
			}
		}
	}, ".go", ".mod", ".ci/run", ".sh", ".js", ".css", ".html")
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// A link to a file of this repository leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	walk(t, func(name string, content []byte) {
		for n, line := range strings.Split(string(content), "\n") {
			for _, found := range link.FindAllStringSubmatch(line, -1) {
				target := found[1]
				if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), filepath.FromSlash(target))); err != nil {
					t.Errorf("%s:%d: the link to %s leads nowhere", name, n+1, target)
				}
			}
		}
	}, ".md")
}
