package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Every mutation finds the text it breaks, exactly once, and every rule of the
// architecture has one.
func TestMutationsAreUpToDate(t *testing.T) {
	for _, m := range mutations {
		if _, broken, err := m.read(filepath.Join("..", "..", m.file)); err != nil || broken == "" {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	for rule := range 13 {
		prefix := fmt.Sprintf("rule-%d-", rule+1)
		found := false
		for _, m := range mutations {
			found = found || strings.HasPrefix(m.name, prefix)
		}
		if !found {
			t.Errorf("no mutation breaks rule %d", rule+1)
		}
	}
}
