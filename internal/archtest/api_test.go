package archtest

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Given what the public packages export, docs/api lists it, with the first sentence
// of each comment. A change of the surface is a change there. To write it anew:
// go test ./internal/archtest -run API -update
func TestAPIListingIsUpToDate(t *testing.T) {
	folder := filepath.Join(root, "docs", "api")
	listed := map[string]bool{"README.md": true}
	for _, place := range public {
		name := strings.ReplaceAll(place, "/", ".") + ".txt"
		listed[name] = true
		want := listAPI(t, place)
		file := filepath.Join(folder, name)
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("docs/api/%s does not list what %s exports; run: go test ./internal/archtest -run API -update (%v)", name, place, err)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !listed[file.Name()] {
			t.Errorf("docs/api/%s lists no public package", file.Name())
		}
	}
}

// listAPI lists what a package exports on Linux.
func listAPI(t *testing.T, place string) string {
	t.Helper()
	l := apiLister{files: token.NewFileSet()}
	where := filepath.Join(root, filepath.FromSlash(place))
	linux := build.Default
	linux.GOOS, linux.GOARCH, linux.CgoEnabled = "linux", "amd64", false
	found, err := linux.ImportDir(where, 0)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range found.GoFiles {
		file, err := parser.ParseFile(l.files, filepath.Join(where, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	l.pkg, err = doc.NewFromFiles(l.files, files, module+"/"+place)
	if err != nil {
		t.Fatal(err)
	}
	l.values("Constants", l.pkg.Consts)
	l.values("Variables", l.pkg.Vars)
	l.heading("Functions", len(l.pkg.Funcs))
	for _, f := range l.pkg.Funcs {
		l.function(f)
	}
	l.heading("Types", len(l.pkg.Types))
	for _, typ := range l.pkg.Types {
		l.typeOf(typ)
	}
	return fmt.Sprintf("package %s\n%s\n\n%d names (types, functions, constants, variables), %d methods, %d fields.\n%s",
		path.Base(place), l.summary(l.pkg.Doc), l.names, l.methods, l.fields, l.text.String())
}

// apiLister writes the listing of one package.
type apiLister struct {
	files                  *token.FileSet
	pkg                    *doc.Package
	text                   strings.Builder
	names, methods, fields int
}

// docLink matches a link to a name in a comment, such as [Shard.Run]. An interval,
// such as [0,1), is none.
var docLink = regexp.MustCompile(`\[([A-Za-z][\w.]*)\]`)

// summary returns the first sentence of a comment, without links.
func (l *apiLister) summary(comment string) string {
	return docLink.ReplaceAllString(l.pkg.Synopsis(comment), "$1")
}

func (l *apiLister) heading(text string, n int) {
	if n > 0 {
		fmt.Fprintf(&l.text, "\n%s\n\n", text)
	}
}

// line writes one name and the first sentence of its comment.
func (l *apiLister) line(indent int, signature, comment string) {
	l.text.WriteString(strings.Repeat("\t", indent) + signature + "\n")
	if says := l.summary(comment); says != "" {
		l.text.WriteString(strings.Repeat("\t", indent+1) + "// " + says + "\n")
	}
}

// source prints a part of the source on one line.
func (l *apiLister) source(node any) string {
	var b strings.Builder
	if err := format.Node(&b, l.files, node); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (l *apiLister) values(title string, groups []*doc.Value) {
	l.heading(title, len(groups))
	for _, group := range groups {
		l.group(0, group)
	}
}

// group lists a block of constants or variables: each with its own comment, or with
// that of the block.
func (l *apiLister) group(indent int, group *doc.Value) {
	for _, spec := range group.Decl.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		comment := value.Doc.Text() + value.Comment.Text()
		if comment == "" && len(group.Decl.Specs) == 1 {
			comment = group.Doc
		}
		for i, name := range value.Names {
			if !name.IsExported() {
				continue
			}
			l.names++
			signature := group.Decl.Tok.String() + " " + name.Name
			if value.Type != nil {
				signature += " " + l.source(value.Type)
			}
			if i < len(value.Values) && group.Decl.Tok == token.CONST {
				signature += " = " + l.source(value.Values[i])
			}
			l.line(indent, signature, comment)
		}
	}
}

func (l *apiLister) function(f *doc.Func) {
	if f.Recv == "" {
		l.names++
	} else {
		l.methods++
	}
	l.line(min(len(f.Recv), 1), l.source(&ast.FuncDecl{Recv: f.Decl.Recv, Name: f.Decl.Name, Type: f.Decl.Type}), f.Doc)
}

func (l *apiLister) typeOf(typ *doc.Type) {
	l.names++
	for _, spec := range typ.Decl.Specs {
		spec, ok := spec.(*ast.TypeSpec)
		if !ok || spec.Name.Name != typ.Name {
			continue
		}
		switch of := spec.Type.(type) {
		case *ast.StructType:
			l.line(0, "type "+typ.Name+" struct", typ.Doc)
			l.members(of.Fields, true)
		case *ast.InterfaceType:
			l.line(0, "type "+typ.Name+" interface", typ.Doc)
			l.members(of.Methods, false)
		default:
			equals := ""
			if spec.Assign.IsValid() {
				equals = "= "
			}
			l.line(0, "type "+typ.Name+" "+equals+l.source(of), typ.Doc)
		}
	}
	for _, group := range append(typ.Consts, typ.Vars...) {
		l.group(1, group)
	}
	for _, f := range typ.Funcs {
		l.names++
		l.line(1, l.source(&ast.FuncDecl{Name: f.Decl.Name, Type: f.Decl.Type}), f.Doc)
	}
	for _, m := range typ.Methods {
		l.function(m)
	}
}

// members lists the exported fields of a struct, or the methods of an interface.
func (l *apiLister) members(list *ast.FieldList, fields bool) {
	for _, member := range list.List {
		comment := member.Doc.Text() + member.Comment.Text()
		if len(member.Names) == 0 { // embedded
			l.line(1, l.source(member.Type), comment)
			continue
		}
		for _, name := range member.Names {
			if !name.IsExported() {
				continue
			}
			if fields {
				l.fields++
				l.line(1, name.Name+" "+l.source(member.Type), comment)
				continue
			}
			l.line(1, name.Name+strings.TrimPrefix(l.source(member.Type), "func"), comment)
		}
	}
}
