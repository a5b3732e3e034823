package bot

import (
	"container/list"
	"sync"
	"time"
)

// ttlMap is a map whose entries expire. It is bounded by age and by number, so that no
// user can make it grow without end. When it is full, the oldest entry is removed. All
// methods may be called at the same time.
type ttlMap[K comparable, V any] struct {
	ttl   time.Duration
	limit int

	mu      sync.Mutex
	entries map[K]*list.Element
	order   list.List // of ttlEntry[K, V], oldest first
}

type ttlEntry[K comparable, V any] struct {
	key   K
	value V
	at    time.Time
}

func newTTLMap[K comparable, V any](ttl time.Duration, limit int) *ttlMap[K, V] {
	return &ttlMap[K, V]{ttl: ttl, limit: limit, entries: make(map[K]*list.Element)}
}

// update sets the key to what change returns for its value, which is zero if the key
// is unknown. The entry's age starts again.
func (m *ttlMap[K, V]) update(key K, now time.Time, change func(old V) V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	var old V
	if element, known := m.entries[key]; known {
		old = element.Value.(ttlEntry[K, V]).value
		m.remove(element)
	}
	m.put(key, change(old), now)
}

// add adds the key and reports whether it was unknown. An entry that was there stays as
// it is, also its age.
func (m *ttlMap[K, V]) add(key K, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	if _, known := m.entries[key]; known {
		return false
	}
	var value V
	m.put(key, value, now)
	return true
}

// put makes the newest entry, of a key that has none. The caller holds mu.
func (m *ttlMap[K, V]) put(key K, value V, now time.Time) {
	m.entries[key] = m.order.PushBack(ttlEntry[K, V]{key, value, now})
	if len(m.entries) > m.limit {
		m.remove(m.order.Front())
	}
}

// expire removes entries older than ttl. The caller holds mu.
func (m *ttlMap[K, V]) expire(now time.Time) {
	for e := m.order.Front(); e != nil && now.Sub(e.Value.(ttlEntry[K, V]).at) >= m.ttl; e = m.order.Front() {
		m.remove(e)
	}
}

// remove removes one entry. The caller holds mu.
func (m *ttlMap[K, V]) remove(e *list.Element) {
	delete(m.entries, e.Value.(ttlEntry[K, V]).key)
	m.order.Remove(e)
}
