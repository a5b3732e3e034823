package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// claim is a test that says it proves a statement.
type claim struct {
	id   string
	test string // package and name, such as gateway.TestPause
	at   string // file and line
}

const keyword = "Statements:"

// list is what may follow the keyword.
var list = regexp.MustCompile(`^[GS]-\d{3}(, [GS]-\d{3})*\.$`)

// findClaims reads every test file of the tree. A claim that is not in the doc
// comment of a test, or has another form, is an error: it would not be counted.
func findClaims(tree fs.FS) ([]claim, error) {
	var (
		claims []claim
		wrong  []error
	)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			// The go command ignores these folders.
			if base := entry.Name(); name != "." && (base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		found, err := claimsOf(name, source)
		claims = append(claims, found...)
		if err != nil {
			wrong = append(wrong, err)
		}
		return nil
	})
	return claims, errors.Join(append(wrong, err)...)
}

// claimsOf reads one test file.
func claimsOf(name string, source []byte) ([]claim, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	tests := map[*ast.CommentGroup]string{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Doc != nil && f.Recv == nil && isTest(f.Name.Name) {
			tests[f.Doc] = strings.TrimPrefix(path.Dir(name)+".", "./") + f.Name.Name
		}
	}
	var (
		claims []claim
		wrong  []error
	)
	for _, comment := range file.Comments {
		lines := strings.Split(strings.TrimSpace(comment.Text()), "\n")
		start := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, keyword) })
		if start < 0 {
			continue
		}
		at := fmt.Sprintf("%s:%d", name, lineOf(files, comment))
		test, ok := tests[comment]
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s: %q does not stand in the doc comment of a test", at, keyword))
			continue
		}
		// A list too long for one line goes on to the end of the comment.
		ids := strings.TrimSpace(strings.TrimPrefix(strings.Join(lines[start:], " "), keyword))
		if !list.MatchString(ids) {
			wrong = append(wrong, fmt.Errorf(`%s: want a last line such as "Statements: G-024, S-035."`, at))
			continue
		}
		seen := map[string]bool{}
		for id := range strings.SplitSeq(strings.TrimSuffix(ids, "."), ", ") {
			if seen[id] {
				wrong = append(wrong, fmt.Errorf("%s: %s is named twice", at, id))
				continue
			}
			seen[id] = true
			claims = append(claims, claim{id: id, test: test, at: at})
		}
	}
	return claims, errors.Join(wrong...)
}

// lineOf returns the line of the keyword. Text drops blank lines and directives,
// so the lines have to be found again in the source.
func lineOf(files *token.FileSet, comment *ast.CommentGroup) int {
	for _, c := range comment.List {
		for n, line := range strings.Split(c.Text, "\n") {
			if strings.HasPrefix(strings.TrimLeft(line, "/* \t"), keyword) {
				return files.Position(c.Pos()).Line + n
			}
		}
	}
	return files.Position(comment.Pos()).Line
}

// isTest reports whether go test runs a function of this name.
func isTest(name string) bool {
	for _, prefix := range []string{"Test", "Fuzz"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && (rest == "" || !('a' <= rest[0] && rest[0] <= 'z')) {
			return true
		}
	}
	return false
}
