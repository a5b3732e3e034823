package tokenlock

import (
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Given a running bot, when another is started with --take-over, then the first
// pauses and lets go, the second owns the token a moment later and can be asked
// in its turn.
//
// Statements: G-155.
func TestTakeOverHandsTheTokenOn(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	began := time.Now()
	o := acquire(t, dir, Options{TakeOver: true})
	took := time.Since(began)
	first.expect("pausing")
	first.expect("released")
	if o.TakenFrom() == nil || o.TakenFrom().PID != first.cmd.Process.Pid {
		t.Errorf("taken over from %v", o.TakenFrom())
	}
	if o.Err() != nil {
		t.Error(o.Err())
	}
	t.Logf("the token changed hands in %v", took)
	if took > 2*time.Second {
		t.Errorf("the token changed hands in %v, want well under a second", took)
	}

	serve(t, o, func(Holder) { o.Release() })
	third := acquire(t, dir, Options{TakeOver: true})
	if third.TakenFrom() == nil || third.TakenFrom().PID != os.Getpid() {
		t.Errorf("the third took over from %v", third.TakenFrom())
	}
}

// Taking over a token that nobody holds is taking it.
func TestTakeOverOfAFreeToken(t *testing.T) {
	dir := t.TempDir()
	dead := start(t, dir)
	dead.kill() // its name and its socket are still there
	if o := acquire(t, dir, Options{TakeOver: true}); o.TakenFrom() != nil || o.Err() != nil {
		t.Errorf("from %v, trouble %v", o.TakenFrom(), o.Err())
	}
}

// Given a holder that dies while it pauses, then the token goes to the one that
// asked.
func TestTakeOverFromAHolderThatDies(t *testing.T) {
	dir := t.TempDir()
	dying := start(t, dir, dies)
	o := acquire(t, dir, Options{TakeOver: true})
	if o.TakenFrom() == nil || o.TakenFrom().PID != dying.cmd.Process.Pid || o.Err() != nil {
		t.Errorf("taken over from %v, trouble %v", o.TakenFrom(), o.Err())
	}
}

// Given a holder that cannot hand over, then the one that asked gives up in time
// and says why.
func TestTakeOverThatFailsSaysWhy(t *testing.T) {
	tests := []struct {
		name   string
		holder func(*testing.T, *Lock)
		want   string
	}{
		{"never pauses", func(t *testing.T, o *Lock) { serve(t, o, func(Holder) {}) }, "it has not done so within 200ms"},
		{"does not answer", func(*testing.T, *Lock) {}, "it does not answer"},
		{"is gone from its socket", func(_ *testing.T, o *Lock) { _ = o.listener.Close() }, "it cannot be reached"},
		{"talks nonsense", func(t *testing.T, o *Lock) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := o.listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = conn.Write([]byte(`{"say":"` + strings.Repeat("x", maxMessage) + "\"}\n"))
			}()
			t.Cleanup(func() { o.Release(); <-done })
		}, "it does not answer"},
		{"has no socket", func(t *testing.T, o *Lock) {
			o.self.Socket = ""
			if err := o.self.write(o.file); err != nil {
				t.Fatal(err)
			}
		}, "it does not listen"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.holder(t, acquire(t, dir, Options{}))
			began := time.Now()
			_, err := Acquire(t.Context(), dir, FingerprintOf(token), Options{TakeOver: true, TakeOverTimeout: 200 * time.Millisecond})
			if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.PID != os.Getpid() {
				t.Fatalf("got %v, want a HeldError with the holder", err)
			}
			wantIn(t, err.Error(), test.want)
			if took := time.Since(began); took > replyTimeout {
				t.Errorf("it took %v to give up", took)
			}
		})
	}
}

// Given a holder that is slow to answer, because its machine has too much to do,
// then it is waited for.
func TestSlowHolderIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	slow := acquire(t, dir, Options{})
	served := make(chan struct{})
	go func() { // begins to listen only now
		defer close(served)
		timer := time.NewTimer(3 * time.Second)
		defer timer.Stop()
		<-timer.C
		slow.Serve(func(Holder) { slow.Release() })
	}()
	defer func() { slow.Release(); <-served }()
	if next := acquire(t, dir, Options{TakeOver: true}); next.TakenFrom() == nil {
		t.Error("taken over from nobody")
	}
}

// Given two that want to take over at once, then one of them gets the token, the
// other learns who has it now, and the holder is asked to pause once.
//
// Statements: G-155.
func TestOneOfTwoTakesOver(t *testing.T) {
	dir := t.TempDir()
	holder := acquire(t, dir, Options{})
	var both sync.WaitGroup
	both.Add(2)
	pauses := 0
	serve(t, holder, func(Holder) {
		pauses++
		go func() { both.Wait(); holder.Release() }()
	})
	results := make(chan error, 2)
	for range 2 {
		go func() {
			both.Done()
			o, err := Acquire(t.Context(), dir, FingerprintOf(token), Options{TakeOver: true, TakeOverTimeout: 5 * time.Second})
			if err == nil {
				t.Cleanup(o.Release)
			}
			results <- err
		}()
	}
	won := 0
	for range 2 {
		switch err := <-results; {
		case err == nil:
			won++
		default:
			if _, ok := errors.AsType[*HeldError](err); !ok {
				t.Errorf("the loser got %v", err)
			}
		}
	}
	if won != 1 || pauses != 1 {
		t.Errorf("%d of two got the token, the holder was asked to pause %d times", won, pauses)
	}
}

// A stranger on the socket costs the holder nothing.
func TestStrangersAreShownTheDoor(t *testing.T) {
	o := acquire(t, t.TempDir(), Options{})
	serve(t, o, func(Holder) { t.Error("a stranger made the holder pause") })
	for _, said := range []string{"GET / HTTP/1.1\r\n\r\n", `{"say":"take-over"}` + "\n", ""} {
		conn, err := net.Dial("unix", o.self.Socket)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(said))
		if said == "" {
			_ = conn.Close()
			continue
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%q was answered with %d bytes", said, n)
		}
		_ = conn.Close()
	}
	// Nor does one who says nothing hold up the end.
	silent, err := net.Dial("unix", o.self.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
}

// A state folder with a long name has its socket elsewhere, in a private folder
// that is gone afterwards.
func TestLongFolderNameHasItsSocketElsewhere(t *testing.T) {
	dir := t.TempDir() + "/" + strings.Repeat("long/", 40)
	o := acquire(t, dir, Options{})
	if o.Err() != nil || o.socketDir == "" {
		t.Fatalf("trouble %v, socket %s", o.Err(), o.self.Socket)
	}
	serve(t, o, func(Holder) { o.Release() })
	acquire(t, dir, Options{TakeOver: true})
	if _, err := os.Stat(o.socketDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the private folder is left behind: %v", err)
	}
}
