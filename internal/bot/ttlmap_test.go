package bot

import (
	"testing"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// TestTTLMapIsBounded: what the bot remembers is bounded by age and by number.
func TestTTLMapIsBounded(t *testing.T) {
	r := newTTLMap[snowflake.ID, struct{}](time.Minute, 3)
	now := time.Now()
	for id := range snowflake.ID(5) {
		if !r.add(id, now) || r.add(id, now) {
			t.Errorf("%d: not remembered exactly once", id)
		}
	}
	if r.has(1, now) || !r.has(2, now) || len(r.entries) != 3 || r.order.Len() != 3 {
		t.Errorf("%d entries are left", len(r.entries))
	}
	if r.has(4, now.Add(time.Minute)) || len(r.entries) != 0 || r.order.Len() != 0 {
		t.Errorf("%d old entries are left", len(r.entries))
	}
}

// TestTTLMapAges: an entry's age starts with its value. Adding what is there changes
// nothing; an update starts it again.
func TestTTLMapAges(t *testing.T) {
	now := time.Now()
	r := newTTLMap[snowflake.ID, int](time.Minute, 3)
	r.add(1, now)
	r.add(2, now)
	for range 5 {
		now = now.Add(10 * time.Second)
		if r.add(1, now) {
			t.Error("1 was forgotten early")
		}
		r.update(2, now, func(old int) int { return old + 1 })
	}
	now = now.Add(10 * time.Second)
	if !r.add(1, now) {
		t.Error("adding it again has kept 1 alive")
	}
	if r.add(2, now) {
		t.Error("2 was forgotten although it was updated")
	}
	r.update(2, now.Add(49*time.Second), func(old int) int {
		if old != 5 {
			t.Errorf("2 has the value %d, want 5", old)
		}
		return 0
	})
	r.update(3, now.Add(2*time.Minute), func(old int) int {
		if old != 0 || len(r.entries) != 0 {
			t.Errorf("3 has the value %d beside %d entries", old, len(r.entries))
		}
		return 0
	})
}

// has reports whether the key is known. It does not change its age.
func (m *ttlMap[K, V]) has(key K, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	_, known := m.entries[key]
	return known
}
