package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// subject is a package with all its mutants.
type subject struct {
	path    string // from the module's root, as in "internal/store"
	name    string // of the package
	dir     string
	files   []*file
	mutants []mutant
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Name, Dir, Export string
	GoFiles                       []string
	Module                        *struct{ Dir string }
}

// load finds the mutants of the package at a path from the module's root.
func load(ctx context.Context, path string) (*subject, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-json=ImportPath,Name,Dir,Export,GoFiles,Module", "./"+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	exports := map[string]string{}
	var pkg listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
		exports[p.ImportPath] = p.Export
		pkg = p // the package itself comes after all it depends on
	}
	s := &subject{path: path, name: pkg.Name, dir: pkg.Dir}
	fset := token.NewFileSet()
	var trees []*ast.File
	for _, name := range pkg.GoFiles {
		full := filepath.Join(pkg.Dir, name)
		source, err := os.ReadFile(full)
		if err != nil {
			return nil, err
		}
		tree, err := parser.ParseFile(fset, full, source, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
		s.files = append(s.files, &file{path: full, name: path + "/" + name, source: source})
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	s.mutants, err = find(fset, pkg.ImportPath, s.files, trees, importer.ForCompiler(fset, "gc", open))
	return s, err
}

// find checks the types of a package's files and collects the mutants of all of them,
// with the edits that make them.
func find(fset *token.FileSet, path string, files []*file, trees []*ast.File, imports types.Importer) ([]mutant, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: imports}
	if _, err := config.Check(path, fset, trees, info); err != nil {
		return nil, err
	}
	f := &finder{fset: fset, info: info, seen: map[string]int{}}
	for i, tree := range trees {
		if !ast.IsGenerated(tree) {
			f.find(files[i], tree)
		}
	}
	return f.mutants, nil
}

// build compiles the tests of a package with every mutant in it. It returns the program
// and a hash of all that went into it.
func (s *subject) build(ctx context.Context, work string) (program, hash string, err error) {
	replace := map[string]string{}
	put := func(original string, content []byte) error {
		path := filepath.Join(work, fmt.Sprintf("%d.go", len(replace)))
		replace[original] = path
		return os.WriteFile(path, content, 0o600)
	}
	for _, f := range s.files {
		if len(f.edits) == 0 {
			continue
		}
		if err := put(f.path, f.rewrite()); err != nil {
			return "", "", err
		}
	}
	if err := put(filepath.Join(s.dir, "mutant_chooser.go"), chooser(s.name, len(s.mutants))); err != nil {
		return "", "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", "", err
	}
	list := filepath.Join(work, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", "", err
	}
	program = filepath.Join(work, "tests")
	// Without -trimpath and -buildvcs=false the program would differ from one folder
	// and one commit to the next, and with it what is known of its tests.
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-buildvcs=false", "-vet=off", "-overlay", list, "-o", program, "./"+s.path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("%s does not compile with its mutants: %w\n%s", s.path, err, out)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(content)
	return program, hex.EncodeToString(sum[:8]), nil
}
