package health

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"evergreen/gateway"
)

// Durations are said the way a person would.
func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 ms", 45 * time.Millisecond: "45 ms", 999 * time.Millisecond: "999 ms",
		time.Second: "1 s", 16230 * time.Millisecond: "16.2 s", 59940 * time.Millisecond: "59.9 s", 59960 * time.Millisecond: "1 min",
		12*time.Minute + 5*time.Second: "12 min 5 s", time.Hour - time.Millisecond: "1 h", 3*time.Hour + 12*time.Minute: "3 h 12 min",
		24*time.Hour - time.Second: "1 d", 51 * time.Hour: "2 d 3 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// Numbers, ordinals and sentences are said in good English.
func TestWords(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 102: "102nd", 111: "111th"} {
		if got := nth(n).String(); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	if count(1, "event") != "1 event" || count(0, "event") != "0 events" || count(int64(12), "event") != "12 events" {
		t.Error("events are not counted well")
	}
	if sentence("öffnen") != "Öffnen" || sentence("") != "" {
		t.Errorf("%q %q", sentence("öffnen"), sentence(""))
	}
}

// Foreign text is one printable line of bounded length, cut between letters.
func TestPlain(t *testing.T) {
	if got := plain(" a\n\tb\x00c\x1b[31m\u202ed  "); got != "a b c [31m d" {
		t.Errorf("got %q", got)
	}
	for n := range 8 {
		got := plain(strings.Repeat("x", n) + strings.Repeat("ö€", 200))
		if len(got) > longest+3 || !utf8.ValidString(got) || !strings.HasSuffix(got, "...") {
			t.Errorf("%d: %q", n, got)
		}
	}
}

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

// The journal keeps the newest incidents, replaces one that has changed, and
// gives up routine ones first.
func TestMemory(t *testing.T) {
	var m Memory
	if got := m.Recent(10); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	id := func(n int) string { return incidentID(evening.Add(time.Duration(n)*time.Minute), gateway.ShardID{}) }
	for n := range Remembered {
		i := Incident{ID: id(n), Cause: HalfOpen, Actions: []Action{{What: Text("x")}}}
		if n == 50 {
			i.Cause, i.Outcome = RoutineReconnect, OutcomeResumed
		}
		m.Write(i)
	}
	m.Write(Incident{ID: id(10), Cause: DNSFailure})
	m.Write(Incident{ID: id(Remembered)})
	m.Write(Incident{ID: id(Remembered + 1)})
	list := m.Recent(10 * Remembered)
	if len(list) != Remembered || list[0].ID != id(Remembered+1) || list[Remembered-1].ID != id(1) || list[Remembered-10].Cause != DNSFailure {
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

// The percentiles are those of the last 256 round trips.
//
// Statements: G-031.
func TestLatency(t *testing.T) {
	var w window
	if l := summarise(w.list()); l != (Latency{}) {
		t.Errorf("got %+v", l)
	}
	w.add(Sample{At: evening, Took: time.Second})
	if l := summarise(w.list()); l != (Latency{Last: time.Second, At: evening, P50: time.Second, P95: time.Second, P99: time.Second, Samples: 1}) {
		t.Errorf("got %+v", l)
	}
	w = window{}
	for n := range 300 {
		w.add(Sample{At: evening.Add(time.Duration(n) * time.Second), Took: time.Duration(n) * time.Millisecond})
	}
	list := w.list()
	if len(list) != latencyWindow || list[0].Took != 44*time.Millisecond || list[255].Took != 299*time.Millisecond {
		t.Errorf("%d samples from %s to %s", len(list), list[0].Took, list[len(list)-1].Took)
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	l := summarise(list)
	if l.P50 != 171*time.Millisecond || l.P95 != 287*time.Millisecond || l.P99 != 297*time.Millisecond || l.Last != 299*time.Millisecond {
		t.Errorf("got %+v", l)
	}
}

// Whatever round trips come, and come again, the window's percentiles are those of
// a sort of what is in it.
func TestWindowInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	w := window{}
	for n := range 4 * latencyWindow {
		w.add(Sample{At: evening.Add(time.Duration(r.IntN(n+1)) * time.Second), Took: time.Duration(r.IntN(40)) * time.Millisecond})
		if got, want := w.sum(), summarise(w.list()); got != want {
			t.Fatalf("after %d: %+v, want %+v", n+1, got, want)
		}
	}
}
