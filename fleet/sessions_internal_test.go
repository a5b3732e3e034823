package fleet

import (
	"slices"
	"testing"

	"evergreen/gateway"
)

// recorder is a store that remembers what was saved.
type recorder struct{ saved []string }

func (r *recorder) Save(session gateway.Session) { r.saved = append(r.saved, session.ID) }

// Given a shard whose session is to be saved later, then nothing of it is saved before, the
// newest is saved in that moment if there is one, and from then on each; once it is forgotten,
// what is handled later does not bring it back.
func TestSessionIsSavedFromTheMomentOn(t *testing.T) {
	for _, before := range [][]string{nil, {"a", "b"}} {
		r := &recorder{}
		s := &savedSession{store: r, mode: sessionsLater}
		for _, id := range before {
			s.Save(gateway.Session{ID: id})
		}
		if len(r.saved) != 0 {
			t.Errorf("saved too soon: %q", r.saved)
		}
		s.begin()
		s.Save(gateway.Session{ID: "c"})
		s.forget()
		s.Save(gateway.Session{ID: "d"})
		want := []string{"c", ""}
		if len(before) > 0 {
			want = []string{"b", "c", ""}
		}
		if !slices.Equal(r.saved, want) {
			t.Errorf("saved %q, want %q", r.saved, want)
		}
	}
	none := &savedSession{} // keeps nothing
	none.Save(gateway.Session{ID: "a"})
	none.forget()
}
