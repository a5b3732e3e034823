package rest

import "slices"

// boundedMap is a map that keeps its newest entries only, at most limit.
type boundedMap[V any] struct {
	limit  int
	values map[string]V
	order  []string // keys, oldest first
}

func newBoundedMap[V any](limit int) boundedMap[V] {
	return boundedMap[V]{limit: limit, values: map[string]V{}}
}

func (m *boundedMap[V]) get(key string) (V, bool) {
	v, ok := m.values[key]
	return v, ok
}

// put reports whether the key was new.
func (m *boundedMap[V]) put(key string, value V) bool {
	_, known := m.values[key]
	m.values[key] = value
	if known {
		return false
	}
	m.order = append(m.order, key)
	if len(m.order) > m.limit {
		delete(m.values, m.order[0])
		m.order = m.order[1:]
	}
	return true
}

func (m *boundedMap[V]) drop(key string) {
	delete(m.values, key)
	m.order = slices.DeleteFunc(m.order, func(k string) bool { return k == key })
}
