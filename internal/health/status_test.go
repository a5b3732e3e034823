package health

import (
	"strings"
	"testing"
)

// The statuses have names for people and for machines.
func TestStatusNames(t *testing.T) {
	seen := map[string]bool{}
	for s := Online; s <= NeedsYou; s++ {
		if s.String() == "" || s.ID() == "" || seen[s.ID()] || strings.ToLower(s.ID()) != s.ID() {
			t.Errorf("%d: %q %q", s, s.String(), s.ID())
		}
		seen[s.ID()] = true
	}
}
