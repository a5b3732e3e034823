package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"evergreen/gateway"
)

func event(typ, data string) gateway.Event { return gateway.Event{Type: typ, Data: []byte(data)} }

// message is a message with an ID.
func message(id string) gateway.Event { return event("MESSAGE_CREATE", `{"id":"`+id+`"}`) }

// Given what the old set delivers and what comes to the new one, in any order, then the new set
// delivers, in order, what the old one has not: each event as often as it came.
func TestEachEventIsDeliveredByOneSet(t *testing.T) {
	for _, c := range []struct {
		story string // o1: the old set delivers event 1, n1: it comes to the new one
		want  string // what is delivered when the new set takes over
		bytes int    // how many deliveries are remembered then
	}{
		{"n1 n2 n3", "1 2 3", 0}, {"o1 n1", "", 0}, {"n1 o1", "", 0}, {"n1 n2 n3 o2", "1 3", 0}, {"o1", "", 1},
		{"n1 n1 o1", "1", 0}, {"o1 n1 n1", "1", 0}, {"o1 o1 n1", "", 1}, {"o1 n1 n2 o3 n4 o2", "4", 1}, {"n1 o1 n1 o1 n1", "1", 0},
		{"n1 n1 o1 o1", "", 0}, {"o1 o1 n1 n1", "", 0}, {"n1 n1 o1 o1 o1", "", 1},
	} {
		s := newShardMigration(0)
		s.noteDelivered(readEvent("MESSAGE_CREATE", []byte(`{"id":"9"}`)).key) // before it has a session: there is no copy
		s.open()
		for step := range strings.FieldsSeq(c.story) {
			e := message(step[1:])
			if step[0] == 'o' {
				s.noteDelivered(readEvent(e.Type, e.Data).key)
			} else if s.receive(t.Context(), e) {
				t.Errorf("%s: %s is delivered at once", c.story, step)
			}
		}
		var got []string
		held := 0
		for _, b := range s.takeBuffer() {
			var id string
			if _, err := fmt.Sscanf(string(b.event.Data), `{"id":%q}`, &id); err != nil {
				t.Fatal(err)
			}
			got, held = append(got, id), held+int(b.size())
		}
		if strings.Join(got, " ") != c.want || s.full != notFull {
			t.Errorf("%s: the new set delivers %q, want %s", c.story, got, c.want)
		}
		if s.bytes != int64(held+c.bytes*deliveredSize) {
			t.Errorf("%s: %d bytes are held, want %d events and %d deliveries", c.story, s.bytes, len(got), c.bytes)
		}
	}
}

// Given a limit, then what fits is held back, a single event may be larger, and what is one
// byte too much says what has filled it; from then on nothing is held back.
func TestWhatIsHeldBackHasALimit(t *testing.T) {
	one := int64(len(message("1").Data)) + bufferedSize
	for _, c := range []struct {
		limit int64
		story string
		full  fullness
		held  int
	}{
		{1, "n1", notFull, 1}, {1, "n1 n2", fullBuffer, 1}, {2 * one, "n1 n2", notFull, 2}, {2*one - 1, "n1 n2", fullBuffer, 1},
		{1, "o1", notFull, 0}, {1, "o1 o2", fullDelivered, 0}, {2 * deliveredSize, "o1 o2", notFull, 0}, {2*deliveredSize - 1, "o1 o2", fullDelivered, 0},
		{1, "o1 n2 n3", fullBuffer, 0}, {1, "n1 o2 n3", fullDelivered, 1}, {1, "n1 o1 n2", notFull, 1},
	} {
		s := newShardMigration(c.limit)
		s.open()
		for step := range strings.FieldsSeq(c.story) {
			e := message(step[1:])
			if step[0] == 'o' {
				s.noteDelivered(readEvent(e.Type, e.Data).key)
			} else {
				s.receive(t.Context(), e)
			}
		}
		if got := len(s.takeBuffer()); s.fullness() != c.full || got != c.held {
			t.Errorf("%s within %d bytes: full %d, want %d; %d events are held, want %d", c.story, c.limit, s.full, c.full, got, c.held)
		}
	}
}

// Given what has no copy in the other set, then it is delivered by the new set once that has
// taken over, and never held back; so is a guild that READY has named.
func TestWhatHasNoCopyIsNotHeldBack(t *testing.T) {
	s := newShardMigration(0)
	s.open()
	named, other := event("GUILD_CREATE", `{"id":"5"}`), event("GUILD_CREATE", `{"id":"6"}`)
	own := []gateway.Event{event("READY", `{"guilds":[{"id":"5"},{"id":"7"}]}`), event("RESUMED", `{}`), event("GUILD_MEMBERS_CHUNK", `{"guild_id":"5"}`)}
	for _, e := range append(slices.Clone(own), named, event("GUILD_DELETE", `{"id":"7","unavailable":true}`)) {
		if s.receive(t.Context(), e) || len(s.buffer) != 0 {
			t.Errorf("%s is delivered, or %d events are held", e.Type, len(s.buffer))
		}
	}
	for n, e := range []gateway.Event{other, named} { // the second time it has joined anew
		if s.receive(t.Context(), e) || len(s.buffer) != n+1 {
			t.Errorf("%s: %d events are held", e.Data, len(s.buffer))
		}
	}
	s.takeBuffer()
	s.takenOver = true
	for _, e := range append(own, other) {
		if !s.receive(t.Context(), e) || len(s.buffer) != 0 {
			t.Errorf("after the new set took over, %s is not delivered", e.Type)
		}
	}
}

// checker answers as it is told.
type checker struct {
	next gateway.Credentials
	err  error
}

func (c checker) CheckCredentials(context.Context, gateway.Reason, gateway.Credentials) (gateway.Credentials, error) {
	return c.next, c.err
}

// Given credentials that a check has accepted, then shards that are made later have them; a
// check that failed changes nothing.
func TestAcceptedCredentialsAreForLaterShards(t *testing.T) {
	first := gateway.Credentials{Token: "first"}
	for _, failure := range []error{nil, errors.New("refused")} {
		f := &Fleet{credentials: first}
		next := gateway.Credentials{Token: "next"}
		got, err := credentialChecker{f, checker{next, failure}}.CheckCredentials(t.Context(), gateway.Reason{}, first)
		want := map[bool]gateway.Credentials{true: next, false: first}[failure == nil]
		if got != next || err != failure || f.credentials != want {
			t.Errorf("%v: kept %q", failure, f.credentials.Token)
		}
	}
}

// Given many events that the new set had first, when the old set delivers most of them, then
// what is held back shrinks.
func TestWhatTheOldSetDeliversTakesNoRoom(t *testing.T) {
	s := newShardMigration(0)
	s.open()
	for n := range 200 {
		s.receive(t.Context(), message(fmt.Sprint(n+1)))
	}
	for n := range 130 {
		e := message(fmt.Sprint(n + 1))
		s.noteDelivered(readEvent(e.Type, e.Data).key)
	}
	if n := len(s.buffer); n > 130 {
		t.Errorf("%d places are taken by 70 events", n)
	}
	if left := s.takeBuffer(); len(left) != 70 || string(left[0].event.Data) != `{"id":"131"}` {
		t.Errorf("%d events are left", len(left))
	}
}
