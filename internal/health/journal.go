package health

import (
	"slices"
	"sync"
)

// Journal keeps incidents: on disk, or in memory ([MemoryJournal]). Its methods
// may be called from several goroutines.
type Journal interface {
	// Write keeps the incident in place of an earlier version with the same ID. It
	// is called when an incident opens, when its cause becomes clearer and when it
	// ends. It must return at once, and queue what it cannot write now.
	Write(Incident)
	// Recent returns up to limit incidents, the newest first.
	Recent(limit int) []Incident
}

// MemoryJournalSize is how many incidents a [MemoryJournal] keeps.
const MemoryJournalSize = 200

// MemoryJournal is a [Journal] that ends with the process. It keeps the last 200
// incidents; when it is full, the oldest routine one is dropped first, so that
// the daily reconnects do not displace what a person will ask about. The zero
// value is ready to use.
type MemoryJournal struct {
	mu   sync.Mutex
	list []Incident // oldest first
}

// Write keeps the incident.
func (m *MemoryJournal) Write(i Incident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := len(m.list) - 1; at >= 0; at-- {
		if m.list[at].ID == i.ID {
			m.list[at] = i
			return
		}
	}
	if len(m.list) == MemoryJournalSize {
		oldest := max(0, slices.IndexFunc(m.list, Incident.Routine))
		m.list = slices.Delete(m.list, oldest, oldest+1)
	}
	m.list = append(m.list, i)
}

// Recent returns up to limit incidents, the newest first.
func (m *MemoryJournal) Recent(limit int) []Incident {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(max(limit, 0), len(m.list))
	recent := make([]Incident, 0, n)
	for at := len(m.list) - 1; len(recent) < n; at-- {
		recent = append(recent, m.list[at].clone())
	}
	return recent
}
