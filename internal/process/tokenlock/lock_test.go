package tokenlock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Given a process that owns a token, when a second one with the same token
// starts, then it is told who holds it and since when, and what to do; and once
// the first has been killed, however rudely, the token is free at once.
//
// Statements: G-155.
func TestSecondProcessIsToldWhoOwnsTheToken(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	_, err := Acquire(t.Context(), dir, FingerprintOf(token), Options{})
	held, ok := errors.AsType[*HeldError](err)
	if !ok {
		t.Fatalf("got %v, want a HeldError", err)
	}
	if held.Holder.PID != first.cmd.Process.Pid || time.Since(held.Holder.Since) > time.Minute || held.ExitCode() != 78 {
		t.Errorf("holder %+v, exit code %d", held.Holder, held.ExitCode())
	}
	wantIn(t, err.Error(), fmt.Sprintf("process %d", first.cmd.Process.Pid), "version 1.0", "since "+held.Holder.Since.UTC().Format("2006-01-02"), "--take-over")
	if strings.Contains(err.Error(), token) {
		t.Error("the error shows the token")
	}

	first.kill()
	acquire(t, dir, Options{})
}

// A bot with another token is nobody's business.
func TestOtherTokensAreFree(t *testing.T) {
	dir := t.TempDir()
	acquire(t, dir, Options{})
	other, err := Acquire(t.Context(), dir, FingerprintOf("another token"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	other.Release()
}

// After a release the token is free, and releasing twice does no harm.
func TestReleaseFreesTheToken(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		o := acquire(t, dir, Options{})
		if o.Err() != nil || o.TakenFrom() != nil {
			t.Fatalf("trouble %v, from %v", o.Err(), o.TakenFrom())
		}
		o.Release()
		o.Release()
	}
}

// Given a state folder in which nothing can be made, then the bot starts all the
// same and is told what it lacks.
func TestFolderWithoutALockCostsNoBot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := acquire(t, filepath.Join(file, "data"), Options{TakeOver: true})
	if o.Err() == nil {
		t.Fatal("nothing was said about the missing lock")
	}
	wantIn(t, o.Err().Error(), "would not be noticed", "not a directory")
	serve(t, o, nil)
}

// Nobody else on the machine can read the lock or ask for a hand-over.
func TestOnlyTheOwnersAccountIsLetIn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := filepath.Join(t.TempDir(), "data")
	o := acquire(t, dir, Options{})
	for path, want := range map[string]os.FileMode{dir: 0o700, o.file.Name(): 0o600, o.self.Socket: 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	o.Release()
	if _, err := os.Stat(o.self.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// The fingerprint stands for the token and does not lead back to it; what is
// stored today is found by every later version.
func TestFingerprintIsNotTheToken(t *testing.T) {
	f := FingerprintOf(token)
	if f != FingerprintOf(token) || f == FingerprintOf(token+"x") || f == (Fingerprint{}) {
		t.Error("fingerprints do not tell tokens apart")
	}
	if got, want := f.String(), "dd742f9772888840e1fee5814fd94d8f"; got != want {
		t.Errorf("fingerprint %s, want %s as ever", got, want)
	}
	if got := f.Bot(); got != "123456789012345678" || f.Name() != got {
		t.Errorf("bot %q, name %q", got, f.Name())
	}
	for _, odd := range []string{"", "x", "a.b.c", "....", "MTIz.x.y", "Li4vLi4vLi4vZXRjL3Bhc3N3ZA.x.y"} {
		f := FingerprintOf(odd)
		if f.Bot() != "" || len(f.Name()) != 16 || filepath.Base(f.Name()) != f.Name() {
			t.Errorf("%q: bot %q, name %q", odd, f.Bot(), f.Name())
		}
	}
	for _, part := range strings.Split(token, ".") {
		for _, printed := range []string{f.String(), fmt.Sprintf("%+v %#v", f, f)} {
			if strings.Contains(printed, part) {
				t.Errorf("%q shows a part of the token", printed)
			}
		}
	}
}

// A start that is given up while it waits for a hand-over ends at once.
func TestTakeOverEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	serve(t, acquire(t, dir, Options{}), func(Holder) { cancel() })
	if _, err := Acquire(ctx, dir, FingerprintOf(token), Options{TakeOver: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Given a holder whose socket is gone, then its lock alone turns a second process away.
//
// Statements: G-155.
func TestLockHoldsWithoutASocket(t *testing.T) {
	dir := t.TempDir()
	o := acquire(t, dir, Options{})
	_ = o.listener.Close()
	_, err := Acquire(t.Context(), dir, FingerprintOf(token), Options{})
	if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.ID != o.ID() {
		t.Errorf("got %v, want a HeldError", err)
	}
}
