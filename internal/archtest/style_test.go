package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"evergreen/internal/text"
)

const (
	maxLines = 600 // of a file
	maxFiles = 60  // of a package, without its tests
)

// manyFiles are packages with more files, and how many they may have. The simulator has a
// file for each resource of Discord's API, all of which share one world and one mutex.
var manyFiles = map[string]int{"discordsim": 140}

// walk calls visit with the path, as seen from the root, and the content of
// every file of the tree whose name ends in one of the suffixes.
func walk(t *testing.T, visit func(name string, content []byte), suffixes ...string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
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
				content, err := os.ReadFile(file)
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

func TestFilesAreShort(t *testing.T) {
	walk(t, func(name string, content []byte) {
		if n := strings.Count(string(content), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, more than %d", name, n, maxLines)
		}
	}, ".go")
}

func TestEveryPackageHasAComment(t *testing.T) {
	documented := map[string]bool{}
	walk(t, func(name string, content []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		folder := filepath.ToSlash(filepath.Dir(name))
		documented[folder] = documented[folder] || isPackageComment(file)
	}, ".go")
	for folder, ok := range documented {
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

// Work that is left to do stands in an issue, not in the code.
func TestNothingIsLeftOpen(t *testing.T) {
	walk(t, func(name string, content []byte) {
		for n, line := range strings.Split(string(content), "\n") {
			if word := unfinished.FindString(line); word != "" {
				t.Errorf("%s:%d: %s", name, n+1, word)
			}
		}
	}, ".go", ".mod", ".ci/run", ".sh", ".js", ".css", ".html")
}

// A package with more files is split.
func TestPackagesAreSmall(t *testing.T) {
	files := map[string]int{}
	walk(t, func(name string, _ []byte) {
		if !strings.HasSuffix(name, "_test.go") {
			files[path.Dir(name)]++
		}
	}, ".go")
	for folder, n := range files {
		if most := max(maxFiles, manyFiles[folder]); n > most {
			t.Errorf("%s has %d files, more than %d", folder, n, most)
		}
	}
}

// public are the packages that others may import. What they export is documented.
var public = []string{"clock", "identify", "gateway", "fleet", "disgogateway", "discordsim", "discordsim/judge", "discordsim/scenario"}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	walk(t, func(name string, content []byte) {
		if !slices.Contains(public, path.Dir(name)) || strings.HasSuffix(name, "_test.go") {
			return
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, content, parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		for _, n := range undocumented(file) {
			t.Errorf("%s: %s has no comment", files.Position(n.Pos()), n.Name)
		}
	}, ".go")
}

// undocumented returns the exported names of a file that have no comment of their
// own and none of their group. String and Error need none.
func undocumented(file *ast.File) (names []*ast.Ident) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Name.Name != "String" && d.Name.Name != "Error" && d.Doc == nil && (d.Recv == nil || exportedReceiver(d.Recv)) {
				names = append(names, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						names = append(names, spec.Name)
					}
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						if n.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
							names = append(names, n)
						}
					}
				}
			}
		}
	}
	return names
}

// exportedReceiver reports whether a method's type is exported.
func exportedReceiver(recv *ast.FieldList) bool {
	of := recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	return ok && name.IsExported()
}

// oldWay is put together here so that this file does not contain it.
var oldWay = regexp.MustCompile(`\berrors\.` + `As\(`)

// errors.AsType finds an error by its type without a variable for it.
func TestErrorsAreInspectedWithAsType(t *testing.T) {
	walk(t, func(name string, content []byte) {
		for n, line := range strings.Split(string(content), "\n") {
			if oldWay.MatchString(line) {
				t.Errorf("%s:%d: use errors.AsType", name, n+1)
			}
		}
	}, ".go")
}

// plainWords are phrases that comments do without, with what to write instead. They
// are put together here so that this file does not contain them.
var plainWords = []struct {
	phrase  *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\bat he` + `art\b`), "say what it is"},
	{regexp.MustCompile(`(?i)\bwho` + `ever\b`), "name who it is: the caller, the observer, the operator"},
}

func TestCommentsUsePlainWords(t *testing.T) {
	walk(t, func(name string, content []byte) {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return
		}
		for _, group := range file.Comments {
			// Without line ends, for a phrase may stand on two lines.
			comment := strings.Join(strings.Fields(group.Text()), " ")
			for _, w := range plainWords {
				if found := w.phrase.FindString(comment); found != "" {
					t.Errorf("%s: %q: %s", files.Position(group.Pos()), found, w.instead)
				}
			}
		}
	}, ".go")
}

// statementID is the id of a statement in docs/statements.tsv; anyStatement names one
// as an example.
var (
	statementID  = regexp.MustCompile(`\b[GS]-\d{3}\b`)
	anyStatement = regexp.MustCompile(`such as "?[GS]-\d{3}"?( or "?[GS]-\d{3}"?)?`)
)

// A statement is cited at most once in a package: where it is enforced.
func TestStatementsAreCitedOnce(t *testing.T) {
	cited := map[string]string{} // package and id: where
	walk(t, func(name string, content []byte) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "tools/") {
			return
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return
		}
		for _, group := range file.Comments {
			for _, c := range group.List {
				for _, id := range statementID.FindAllString(anyStatement.ReplaceAllString(c.Text, ""), -1) {
					key, at := path.Dir(name)+" "+id, files.Position(c.Pos()).String()
					if first := cited[key]; first != "" {
						t.Errorf("%s: %s is cited in %s already", at, id, first)
						continue
					}
					cited[key] = at
				}
			}
		}
	}, ".go")
}

// logMessage finds the message of a log line that is a literal.
var logMessage = regexp.MustCompile(`\b[lL]og(?:ger)?(?:\(\))?\.(?:Debug|Info|Warn|Error)(?:Context)?\((?:ctx, )?"([^"]*)"`)

// A log line is one sentence that begins with a capital letter.
func TestLogLinesAreSentences(t *testing.T) {
	walk(t, func(name string, content []byte) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "bench/") || strings.HasPrefix(name, "examples/") {
			return
		}
		for n, line := range strings.Split(string(content), "\n") {
			if found := logMessage.FindStringSubmatch(line); found != nil && found[1] != text.Capitalize(found[1]) {
				t.Errorf("%s:%d: %q begins with a small letter", name, n+1, found[1])
			}
		}
	}, ".go")
}
