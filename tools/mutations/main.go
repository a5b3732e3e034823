// Command mutations breaks the code on purpose, once for each mutation in its table,
// and reports whether a test fails.
//
//	go run ./tools/mutations            every mutation
//	go run ./tools/mutations rule-3     those whose name begins so
//
// It works on a copy in a temporary folder, and first runs the tests of each package
// unbroken, which must pass. A mutation that no test notices, or whose text no longer
// exists, is printed and makes the exit code 1.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	prefix := ""
	if len(os.Args) > 1 {
		prefix = os.Args[1]
	}
	if err := run(prefix); err != nil {
		fmt.Fprintln(os.Stderr, "mutations:", err)
		os.Exit(1)
	}
}

func run(prefix string) error {
	work, err := os.MkdirTemp("", "mutations")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := copyTree(".", work); err != nil {
		return err
	}
	survived, tried := 0, 0
	sound := map[string]bool{}
	for _, m := range mutations {
		if !strings.HasPrefix(m.name, prefix) {
			continue
		}
		if !sound[m.tests] {
			if out, err := command(work, "go", "test", "-short", "-timeout", "180s", m.tests); err != nil {
				return fmt.Errorf("the tests of %s fail with nothing broken: %s", m.tests, out)
			}
			sound[m.tests] = true
		}
		tried++
		start := time.Now()
		verdict, err := m.try(work)
		if err != nil {
			verdict, m.breaks = stale, err.Error()
		}
		fmt.Printf("%-9s %-26s %5.1fs  %s\n", verdict, m.name, time.Since(start).Seconds(), m.breaks)
		if verdict != noticed {
			survived++
		}
	}
	fmt.Printf("%d passed, %d failed\n", tried-survived, survived)
	switch {
	case tried == 0:
		return fmt.Errorf("no mutation has a name that begins with %q", prefix)
	case survived > 0:
		return fmt.Errorf("%d of %d mutations were not noticed", survived, tried)
	}
	return nil
}

const (
	noticed  = "noticed"
	survives = "SURVIVES"
	stale    = "STALE"
)

// try applies the mutation, runs the tests that should fail, and undoes it.
func (m mutation) try(work string) (string, error) {
	path := filepath.Join(work, m.file)
	source, broken, err := m.read(path)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
		return "", err
	}
	defer func() { _ = os.WriteFile(path, source, 0o600) }()
	if out, err := command(work, "go", "vet", "./"+filepath.Dir(m.file)); err != nil {
		return "", fmt.Errorf("the broken code does not compile: %s", out)
	}
	args := []string{"test", "-short", "-timeout", "60s"}
	if m.run != "" {
		args = append(args, "-run", m.run)
	}
	if _, err := command(work, "go", append(args, m.tests)...); err != nil {
		return noticed, nil
	}
	return survives, nil
}

// read returns a file unbroken and broken.
func (m mutation) read(path string) (source []byte, broken string, err error) {
	if source, err = os.ReadFile(path); err != nil {
		return nil, "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return nil, "", fmt.Errorf("the text to break stands %d times in %s", n, m.file)
	}
	return source, strings.Replace(string(source), m.old, m.new, 1), nil
}

func command(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copyTree copies what the Go command needs.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, path)
		if entry.IsDir() {
			if name := entry.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "data" || name == "logs") {
				return filepath.SkipDir
			}
			return os.MkdirAll(target, 0o700)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}
