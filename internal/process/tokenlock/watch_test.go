package tokenlock

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	case <-time.After(8 * checkInterval):
		t.Fatal("nothing has changed")
		return nil
	}
}

// wantUntilItEnds fails unless an owner is told of the other process, and that there is
// no trouble any more once that one has ended.
func wantUntilItEnds(t *testing.T, changes <-chan error, other *process) {
	t.Helper()
	trouble := heard(t, changes)
	if held, ok := errors.AsType[*HeldError](trouble); !ok || held.Holder.PID != other.cmd.Process.Pid {
		t.Fatalf("told of %v, want the other process", trouble)
	}
	other.kill()
	if trouble := heard(t, changes); trouble != nil {
		t.Errorf("the other has ended, and the trouble is %v", trouble)
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
	wantUntilItEnds(t, changes, other)
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

// Given a holder whose lock file was deleted, moved away or overwritten, or whose whole
// folder was, then it makes the lock anew within seconds and says so, and a second
// process is turned away, also one that starts before that.
//
// Statements: G-155.
func TestLostLockIsMadeAnew(t *testing.T) {
	of := FingerprintOf(token)
	for name, lose := range map[string]func(dir, path string) error{
		"deleted":    func(_, path string) error { return os.Remove(path) },
		"moved away": func(_, path string) error { return os.Rename(path, path+".old") },
		"replaced": func(_, path string) error {
			// In one step: between two, the holder would make a file that is overwritten.
			return errors.Join(os.WriteFile(path+".new", []byte("{}"), 0o600), os.Rename(path+".new", path))
		},
		"overwritten": func(_, path string) error {
			// In one step: the holder would fill a file that it finds empty.
			text := []byte(`{"pid":1,"id":"x"}`)
			file, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }()
			was, err := file.Stat()
			if err != nil {
				return err
			}
			text = append(text, bytes.Repeat([]byte(" "), int(was.Size())-len(text))...)
			_, err = file.WriteAt(text, 0)
			return err
		},
		"folder deleted":  func(dir, _ string) error { return os.RemoveAll(dir) },
		"folder replaced": func(dir, _ string) error { return errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			changes := make(chan error, 1)
			o := acquire(t, dir, Options{OnChange: func(trouble error) { changes <- trouble }})
			if err := o.Announce("127.0.0.1:8000"); err != nil {
				t.Fatal(err)
			}
			serve(t, o, func(Holder) { o.Release() })
			if err := lose(dir, lockPath(dir, of)); err != nil {
				t.Skip("this system does not delete what is open: ", err)
			}
			if !strings.HasPrefix(name, "folder") {
				_, err := Acquire(t.Context(), dir, of, Options{})
				if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.PID != os.Getpid() && name != "overwritten" {
					t.Errorf("a second process got %v", err)
				}
			}
			if _, lost := errors.AsType[*LostError](heard(t, changes)); !lost {
				t.Errorf("the trouble is now %v", o.Err())
			}
			if h, err := Inspect(dir, of); err != nil || h == nil || h.ID != o.ID() || h.API != "127.0.0.1:8000" {
				t.Errorf("a look says %+v, %v", h, err)
			}
			if next := acquire(t, dir, Options{TakeOver: true}); next.TakenFrom() == nil || next.TakenFrom().ID != o.ID() || next.Err() != nil {
				t.Errorf("taken over from %v, trouble %v", next.TakenFrom(), next.Err())
			}
		})
	}
}

// Given a folder that was replaced and a second process that started with the new one,
// then the first learns of it, once, and has the lock again when that one ends.
func TestProcessThatStartedInAReplacedFolderIsTold(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	changes := make(chan error, 1)
	o := acquire(t, dir, Options{OnChange: func(trouble error) { changes <- trouble }})
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Skip(err)
	}
	other := start(t, dir)
	serve(t, o, nil)
	wantUntilItEnds(t, changes, other)
}

// Given a socket that was deleted, then the holder listens again.
func TestDeletedSocketIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := acquire(t, dir, Options{})
	socket := o.self.Socket
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	serve(t, o, func(Holder) { o.Release() })
	for start := time.Now(); ; {
		if holder, alive := (Holder{Socket: socket}).ask(Holder{}); alive && holder.ID == o.ID() {
			break
		}
		if time.Since(start) > 8*checkInterval {
			t.Fatal("there is no socket")
		}
		<-time.After(10 * time.Millisecond)
	}
	if next := acquire(t, dir, Options{TakeOver: true}); next.TakenFrom() == nil {
		t.Error("not taken over")
	}
}

// Given a holder that is released in the middle of a look at its lock, then that look does
// not touch what the next holder makes in the folder.
func TestLookDuringReleaseLeavesTheNextHolderAlone(t *testing.T) {
	for range 100 {
		dir := t.TempDir()
		first := acquire(t, dir, Options{})
		var looks sync.WaitGroup
		looking := make(chan struct{})
		looks.Go(func() {
			close(looking)
			for range 20 {
				_, _ = first.check()
			}
		})
		<-looking
		first.Release()
		next := acquire(t, dir, Options{})
		looks.Wait()
		if _, err := os.Lstat(next.self.Socket); err != nil {
			t.Fatalf("the socket of the next holder: %v", err)
		}
		if there := readHolder(lockPath(dir, next.of)); there.ID != next.ID() {
			t.Fatalf("the lock names %v", there)
		}
		next.Release()
	}
}
