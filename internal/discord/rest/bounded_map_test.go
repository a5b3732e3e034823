package rest

import (
	"maps"
	"testing"
)

// The newest keys are kept, as many as allowed; a key that is put again keeps its place, and
// one that was dropped takes none.
func TestBoundedMapKeepsTheNewest(t *testing.T) {
	m := newBoundedMap[int](3)
	for n, c := range []struct {
		key   string
		isNew bool
		want  map[string]int
	}{
		{"a", true, map[string]int{"a": 0}},
		{"b", true, map[string]int{"a": 0, "b": 1}},
		{"c", true, map[string]int{"a": 0, "b": 1, "c": 2}},
		{"a", false, map[string]int{"a": 3, "b": 1, "c": 2}},
		{"d", true, map[string]int{"b": 1, "c": 2, "d": 4}},
		{"a", true, map[string]int{"c": 2, "d": 4, "a": 5}},
		{"-d", false, map[string]int{"c": 2, "a": 5}},
		{"-none", false, map[string]int{"c": 2, "a": 5}},
		{"e", true, map[string]int{"c": 2, "a": 5, "e": 8}},
		{"d", true, map[string]int{"a": 5, "e": 8, "d": 9}},
	} {
		if c.key[0] == '-' {
			m.drop(c.key[1:])
		} else if isNew := m.put(c.key, n); isNew != c.isNew {
			t.Errorf("step %d: new %v", n, isNew)
		}
		if !maps.Equal(m.values, c.want) || len(m.order) != len(c.want) {
			t.Errorf("step %d: %v in the order %v, want %v", n, m.values, m.order, c.want)
		}
	}
}
