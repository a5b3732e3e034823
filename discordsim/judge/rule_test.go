package judge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each rule is about one statement there is, no statement has two rules, and
// the number of statements is right.
func TestRulesAreAboutStatements(t *testing.T) {
	list, err := os.ReadFile(filepath.Join("..", "..", "docs", "statements.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	there, all := map[string]bool{}, 0
	for line := range strings.SplitSeq(string(list), "\n") {
		if id, _, ok := strings.Cut(line, "\t"); ok && (strings.HasPrefix(id, "G-") || strings.HasPrefix(id, "S-")) {
			there[id] = true
			if strings.HasPrefix(id, "G-") {
				all++
			}
		}
	}
	if all != statements {
		t.Errorf("there are %d statements about clients, not %d", all, statements)
	}
	judged := map[string]bool{}
	for _, r := range rules {
		if !there[r.statement] || judged[r.statement] || !strings.HasSuffix(r.says, ".") {
			t.Errorf("the rule of %s: not a statement, there twice, or no sentence: %q", r.statement, r.says)
		}
		judged[r.statement] = true
		for _, b := range r.breaches {
			if !there[b] {
				t.Errorf("the rule of %s names %s, which is no statement", r.statement, b)
			}
		}
	}
	names := map[string]bool{}
	for _, s := range Programme() {
		if names[s.Name] || s.Says == "" || len(s.Exercises) == 0 {
			t.Errorf("the step %q is there twice or says too little", s.Name)
		}
		names[s.Name] = true
		for _, id := range s.Exercises {
			if !judged[id] {
				t.Errorf("the step %q is there for %s, which nothing judges", s.Name, id)
			}
		}
	}
}
