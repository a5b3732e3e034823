package bot

import (
	"container/list"
	"sync"
	"time"
)

// recent remembers values by key for a while. It is bounded twice, by age and
// by number, so that nothing a user does makes it grow without end. When it is
// full the oldest entry goes first.
type recent[K comparable, V any] struct {
	age   time.Duration
	limit int

	mu      sync.Mutex
	entries map[K]*list.Element
	order   list.List // of remembered[K, V], oldest first
}

type remembered[K comparable, V any] struct {
	key   K
	value V
	at    time.Time
}

func newRecent[K comparable, V any](age time.Duration, limit int) *recent[K, V] {
	return &recent[K, V]{age: age, limit: limit, entries: make(map[K]*list.Element)}
}

// update calls change with the value remembered for the key, or the zero value
// and false, and remembers what it returns. The entry counts as new.
func (r *recent[K, V]) update(key K, now time.Time, change func(old V, known bool) V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	var old V
	element, known := r.entries[key]
	if known {
		old = element.Value.(remembered[K, V]).value
		r.order.Remove(element)
	}
	r.entries[key] = r.order.PushBack(remembered[K, V]{key, change(old, known), now})
	if len(r.entries) > r.limit {
		r.drop(r.order.Front())
	}
}

// first remembers the key and reports whether it was unknown.
func (r *recent[K, V]) first(key K, now time.Time) bool {
	first := false
	r.update(key, now, func(old V, known bool) V {
		first = !known
		return old
	})
	return first
}

// has reports whether the key is remembered, without renewing it.
func (r *recent[K, V]) has(key K, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	_, known := r.entries[key]
	return known
}

// forget drops what is too old. The caller holds mu.
func (r *recent[K, V]) forget(now time.Time) {
	for e := r.order.Front(); e != nil && now.Sub(e.Value.(remembered[K, V]).at) >= r.age; e = r.order.Front() {
		r.drop(e)
	}
}

// drop removes one entry. The caller holds mu.
func (r *recent[K, V]) drop(e *list.Element) {
	delete(r.entries, e.Value.(remembered[K, V]).key)
	r.order.Remove(e)
}
