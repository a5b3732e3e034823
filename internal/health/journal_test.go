package health

import (
	"testing"
	"time"

	"evergreen/gateway"
)

// The journal keeps the newest incidents, replaces one that has changed, and
// gives up routine ones first.
func TestMemory(t *testing.T) {
	var m MemoryJournal
	if got := m.Recent(10); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	id := func(n int) string { return incidentID(evening.Add(time.Duration(n)*time.Minute), gateway.ShardID{}) }
	for n := range MemoryJournalSize {
		i := Incident{ID: id(n), Cause: HalfOpen, Actions: []Action{{What: Text("x")}}}
		if n == 50 {
			i.Cause, i.Outcome = RoutineReconnect, OutcomeResumed
		}
		m.Write(i)
	}
	m.Write(Incident{ID: id(10), Cause: DNSFailure})
	m.Write(Incident{ID: id(MemoryJournalSize)})
	m.Write(Incident{ID: id(MemoryJournalSize + 1)})
	list := m.Recent(10 * MemoryJournalSize)
	if len(list) != MemoryJournalSize || list[0].ID != id(MemoryJournalSize+1) || list[MemoryJournalSize-1].ID != id(1) || list[MemoryJournalSize-10].Cause != DNSFailure {
		t.Errorf("%d incidents, %s to %s", len(list), list[0].ID, list[len(list)-1].ID)
	}
	for _, i := range list {
		if i.ID == id(50) {
			t.Error("the routine one was kept, and a real one given up")
		}
	}
	list = m.Recent(3)
	list[2].Actions[0].What = Text("mine")
	if len(list) != 3 || m.Recent(3)[2].Actions[0].What != Text("x") {
		t.Error("what is handed out can be changed from outside")
	}
	if len(m.Recent(-1)) != 0 {
		t.Error("less than none is some")
	}
}
