package tokenlock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// blocked is a state folder that cannot be made, and what makes it possible.
func blocked(t *testing.T) (dir string, mend func()) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	}
}

// heard waits for what an owner is told after its start.
func heard(t *testing.T, changes <-chan error) error {
	t.Helper()
	select {
	case trouble := <-changes:
		return trouble
	case <-time.After(4 * retryInterval):
		t.Fatal("nothing has changed")
		return nil
	}
}

// Given a state folder that cannot be written when the bot starts, when it can
// be later, then the lock is made after all, the owner is told so, and a second
// process is turned away or takes over as usual.
//
// Statements: G-155.
func TestLockIsMadeOnceTheFolderIsWell(t *testing.T) {
	t.Parallel()
	dir, mend := blocked(t)
	changes := make(chan error, 1)
	o := acquire(t, dir, Options{OnChange: func(trouble error) { changes <- trouble }})
	if o.Err() == nil {
		t.Fatal("nothing was said about the missing lock")
	}
	serve(t, o, func(Holder) { o.Release() })
	mend()
	if trouble := heard(t, changes); trouble != nil || o.Err() != nil {
		t.Fatalf("the trouble is now %v", trouble)
	}
	_, err := Acquire(t.Context(), dir, FingerprintOf(token), Options{})
	if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.PID != os.Getpid() {
		t.Errorf("a second process got %v", err)
	}
	if next := acquire(t, dir, Options{TakeOver: true}); next.TakenFrom() == nil || next.Err() != nil {
		t.Errorf("taken over from %v, trouble %v", next.TakenFrom(), next.Err())
	}
}

// Given two processes that both started while no lock could be made, when the
// folder is well, then one has the lock, and the other learns who has it, once,
// until that one ends.
func TestOwnerWithoutALockLearnsOfAnother(t *testing.T) {
	t.Parallel()
	dir, mend := blocked(t)
	changes := make(chan error, 1)
	o := acquire(t, dir, Options{OnChange: func(trouble error) { changes <- trouble }})
	mend()
	other := start(t, dir)
	serve(t, o, nil)
	trouble := heard(t, changes)
	if held, ok := errors.AsType[*HeldError](trouble); !ok || held.Holder.PID != other.cmd.Process.Pid {
		t.Fatalf("told of %v, want the other process", trouble)
	}
	other.kill()
	if trouble := heard(t, changes); trouble != nil {
		t.Errorf("the other has ended, and the trouble is %v", trouble)
	}
}

// Given a bot whose token was reset, then the lock is the same one: a process with
// the new token is turned away by the one that runs.
//
// Statements: G-155.
func TestResetTokenHasTheSameOwner(t *testing.T) {
	dir := t.TempDir()
	acquire(t, dir, Options{})
	_, err := Acquire(t.Context(), dir, FingerprintOf(token[:len(token)-1]+"9"), Options{})
	if _, ok := errors.AsType[*HeldError](err); !ok {
		t.Errorf("got %v, want a HeldError", err)
	}
}
