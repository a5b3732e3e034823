package tokenlock

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"evergreen/internal/testmode"
)

const refuseRules = "EVERGREEN_TEST_REFUSE"

func init() {
	refuse = func() {
		if err := testmode.RefuseCalls(os.Getenv(refuseRules)); err != nil {
			fmt.Println("error:", err)
		}
	}
}

// Given a volume that cannot lock files, then the holder says that its lock is weak, and
// a second process, whether files can be locked for it or not, learns from the socket
// that there is one, is turned away, finds it by a look and can take over; and when the
// holder has died, the token is free.
func TestVolumeThatCannotLockFiles(t *testing.T) {
	const refused = refuseRules + "=flock=95"
	dir, of := t.TempDir(), FingerprintOf(token)
	first := start(t, dir, refused)
	first.expect("weak: lock " + lockPath(dir, of) + ": operation not supported")
	second := launch(t, dir, refused)
	if !second.lines.Scan() {
		t.Fatal("the second process says nothing")
	}
	wantIn(t, second.lines.Text(), "error: this bot is run by another process already", fmt.Sprintf("process %d", first.cmd.Process.Pid))
	_, err := Acquire(t.Context(), dir, of, Options{})
	if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.PID != first.cmd.Process.Pid {
		t.Errorf("got %v, want a HeldError", err)
	}
	if h, err := Inspect(dir, of); err != nil || h == nil || h.PID != first.cmd.Process.Pid {
		t.Errorf("a look says %v, %v", h, err)
	}
	first.kill()
	if h, err := Inspect(dir, of); err != nil || h != nil {
		t.Errorf("after its death a look says %v, %v", h, err)
	}
	third := start(t, dir, refused)
	third.expect("weak: lock " + lockPath(dir, of) + ": operation not supported")
	if o := acquire(t, dir, Options{TakeOver: true}); o.TakenFrom() == nil || o.TakenFrom().PID != third.cmd.Process.Pid {
		t.Errorf("taken over from %v", o.TakenFrom())
	}
}
