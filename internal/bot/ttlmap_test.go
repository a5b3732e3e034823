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

// has reports whether the key is known. It does not change its age.
func (m *ttlMap[K, V]) has(key K, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	_, known := m.entries[key]
	return known
}
