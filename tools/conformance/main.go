// Command conformance writes docs/conformance.md: each statement about the protocol
// in docs/statements.tsv, with the tests that prove it.
//
//	go run ./tools/conformance          writes the page
//	go run ./tools/conformance -check   fails if the page is out of date
//
// A test names what it proves in the last line of its doc comment, such as
// "Statements: G-024, S-035."
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	tablePath = "docs/statements.tsv"
	pagePath  = "docs/conformance.md"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail if "+pagePath+" is out of date")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: go run ./tools/conformance [-check]\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	root, err := findRoot()
	if err == nil {
		err = run(root, *check, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the page for the module at root, or checks it.
func run(root string, check bool, out io.Writer) error {
	tree := os.DirFS(root)
	page, summary, err := build(tree)
	if err != nil {
		return err
	}
	old, err := fs.ReadFile(tree, pagePath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case string(old) == page:
	case check:
		return fmt.Errorf("%s is out of date; run: go run ./tools/conformance", pagePath)
	default:
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(pagePath)), []byte(page), 0o644); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, summary)
	return err
}

// build returns the page and a summary of one line.
func build(tree fs.FS) (page, summary string, err error) {
	source, err := fs.ReadFile(tree, tablePath)
	if err != nil {
		return "", "", err
	}
	sections, err := parseStatements(tablePath, string(source))
	if err != nil {
		return "", "", err
	}
	claims, err := findClaims(tree)
	if err != nil {
		return "", "", err
	}
	if err := assign(sections, claims); err != nil {
		return "", "", err
	}
	return writePage(sections), summarise(sections), nil
}

// findRoot returns the folder of the module that holds the working directory.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above: run this inside the repository")
		}
		dir = up
	}
}
