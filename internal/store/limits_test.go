package store

import (
	"strconv"
	"testing"
	"time"

	"evergreen/internal/discord/rest"
)

// Given limits that hold, one that is over and one that was taken back, when the process
// is gone, then the next run finds those that hold, and only so many.
func TestNextRunFindsTheLimitsThatHold(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	if got := first.Limits().Limits(); len(got) != 0 {
		t.Errorf("a new database has limits: %+v", got)
	}
	now := time.Now().Round(0)
	ban := rest.Limit{Reason: rest.ReasonBanned, Status: 403, Code: 1020, At: now, Wait: time.Hour}
	first.Limits().PutLimit(rest.Limit{Reason: rest.ReasonGlobal, Owner: "a", At: now, Wait: time.Hour})
	first.Limits().PutLimit(rest.Limit{Reason: rest.ReasonGlobal, Owner: "a", At: now})
	first.Limits().PutLimit(rest.Limit{Reason: rest.ReasonBucket, Route: "GET /old", At: now.Add(-time.Hour), Wait: time.Minute})
	first.Limits().PutLimit(ban)
	for n := range 4 * maxLimits {
		first.Limits().PutLimit(rest.Limit{Reason: rest.ReasonBucket, Resource: "channel " + strconv.Itoa(n), At: now, Wait: time.Minute + time.Duration(n)*time.Second})
		first.mu.Lock()
		remembered := len(first.limits)
		first.mu.Unlock()
		if remembered > 2*maxLimits {
			t.Fatalf("%d limits are remembered", remembered)
		}
	}
	shut(t, first)

	second := open(t, dir, nil)
	defer shut(t, second)
	got := second.Limits().Limits()
	if len(got) != maxLimits {
		t.Fatalf("%d limits", len(got))
	}
	if l := got[0]; l.Key() != ban.Key() || !l.At.Equal(ban.At) || l.Wait != ban.Wait || l.Status != 403 || l.Code != 1020 {
		t.Errorf("got %+v", l)
	}
	for _, l := range got[1:] {
		if l.Reason != rest.ReasonBucket || l.Wait < time.Minute || l.Route != "" {
			t.Errorf("got %+v", l)
		}
	}
}
