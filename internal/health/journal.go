package health

import (
	"slices"
	"sync"
)

// Journal keeps incidents. A store on disk attaches here, so that incidents
// survive the process; [Memory] is the default. Both methods may be called
// from several goroutines.
type Journal interface {
	// Write keeps the incident, replacing an earlier version with the same ID:
	// it is called when an incident opens, when its cause becomes clearer and
	// when it ends. It must return at once; what it cannot write now it has to
	// queue.
	Write(Incident)
	// Recent returns up to limit incidents, the newest first.
	Recent(limit int) []Incident
}

// Remembered is how many incidents [Memory] keeps.
const Remembered = 200

// Memory is a [Journal] that forgets at the end of the process. It keeps the
// last 200 incidents; when it is full, the oldest routine one gives way first,
// so that the daily reconnects do not push out what somebody will ask about.
// The zero value is ready to use.
type Memory struct {
	mu   sync.Mutex
	list []Incident // oldest first
}

// Write keeps the incident.
func (m *Memory) Write(i Incident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := len(m.list) - 1; at >= 0; at-- {
		if m.list[at].ID == i.ID {
			m.list[at] = i
			return
		}
	}
	if len(m.list) == Remembered {
		oldest := max(0, slices.IndexFunc(m.list, Incident.Routine))
		m.list = slices.Delete(m.list, oldest, oldest+1)
	}
	m.list = append(m.list, i)
}

// Recent returns up to limit incidents, the newest first.
func (m *Memory) Recent(limit int) []Incident {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(max(limit, 0), len(m.list))
	recent := make([]Incident, 0, n)
	for at := len(m.list) - 1; len(recent) < n; at-- {
		recent = append(recent, m.list[at].clone())
	}
	return recent
}
