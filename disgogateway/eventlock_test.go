package disgogateway

import (
	"context"
	"testing"
)

// Given a lock that is free and a context that has ended, then the lock is not taken, and
// stays free for others.
func TestAnEndedContextTakesNoLock(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l := newEventLock()
	for range 20 { // select draws lots
		if l.lock(ended) {
			t.Fatal("an ended context took the lock")
		}
	}
	if !l.lock(t.Context()) {
		t.Fatal("a free lock was not taken")
	}
	if l.lock(ended) {
		t.Error("a lock was taken twice")
	}
	l.unlock()
	if !l.lock(t.Context()) {
		t.Error("a lock that was given back was not taken")
	}
}
