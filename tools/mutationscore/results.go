package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// result is what is known of one mutant. The state holds one line of JSON for each.
type result struct {
	ID      string  `json:"id"`
	Program string  `json:"program"` // hash of the tests and the code they ran with
	Verdict verdict `json:"verdict"`
	Test    string  `json:"test,omitempty"` // the test that failed
}

// state keeps the results of one package in a file, so that a run which is interrupted,
// or ends because its time is over, goes on where it was.
type state struct {
	file *os.File

	mu      sync.Mutex
	results map[string]result // by id: the last one counts
	recent  map[string]string // by function: the test that last noticed a mutant of it
}

func openState(dir, pkg string) (*state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileName(pkg)+".jsonl")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	s := &state{file: f, results: map[string]result{}, recent: map[string]string{}}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r result
		if json.Unmarshal(lines.Bytes(), &r) == nil { // a line that a crash cut off is tried again
			s.results[r.ID] = r
		}
	}
	return s, nil
}

// get returns what is known of a mutant, and the tests that will notice it most likely.
func (s *state) get(m mutant) (old result, suspects []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.results[m.id]
	return old, []string{old.Test, s.recent[m.function()]}
}

// hasSurvived reports whether no test noticed the mutant when it was last tried.
func (s *state) hasSurvived(m mutant) bool {
	old, _ := s.get(m)
	return old.Verdict == survived || old.Verdict == unreached
}

func (s *state) put(r result) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results[r.ID] = r
	if r.Test != "" {
		s.recent[mutant{id: r.ID}.function()] = r.Test
	}
	_, err = s.file.Write(append(line, '\n'))
	return err
}

func (s *state) close() error { return s.file.Close() }

// equivalents holds the mutants of a package that change nothing anyone can observe.
type equivalents []equivalent

// equivalent is one entry: a line with the id of a mutant and a line with the reason,
// which begins with a tab. "[any]" in an id stands for any text.
type equivalent struct {
	id, reason string
	line       int
}

// readEquivalents reads the file of a package. A package without a file has none.
func readEquivalents(pkg string) (equivalents, error) {
	name := "equivalent/" + fileName(pkg) + ".txt"
	content, err := equivalentFiles.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e, err := parseEquivalents(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return e, nil
}

// parseEquivalents refuses an entry without a reason.
func parseEquivalents(content string) (equivalents, error) {
	var list equivalents
	for i, line := range strings.Split(content, "\n") {
		reason, isReason := strings.CutPrefix(line, "\t")
		switch n := len(list); {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "//"):
		case !isReason:
			list = append(list, equivalent{id: line, line: i + 1})
		case n == 0 || list[n-1].reason != "":
			return nil, fmt.Errorf("line %d: a reason without a mutant", i+1)
		default:
			list[n-1].reason = strings.TrimSpace(reason)
		}
	}
	for _, e := range list {
		if e.reason == "" {
			return nil, fmt.Errorf("line %d: a mutant without a reason: %s", e.line, e.id)
		}
	}
	return list, nil
}

func (e equivalents) has(id string) bool {
	return slices.ContainsFunc(e, func(e equivalent) bool { return matches(e.id, id) })
}

// matches reports whether an id is what a pattern describes.
func matches(pattern, id string) bool {
	parts := strings.Split(pattern, "[any]")
	if len(parts) == 1 {
		return pattern == id
	}
	rest, ok := strings.CutPrefix(id, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
