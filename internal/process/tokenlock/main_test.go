package tokenlock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/internal/testmode"

	"go.uber.org/goleak"
)

// actAs makes the test binary another process: the value says which.
const actAs = "EVERGREEN_TEST_OWNER"

// dies in the environment makes that process die when it is asked to hand over.
const dies = "EVERGREEN_TEST_OWNER_DIES=1"

const token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.a-secret-part-of-thirty-eight-letters0"

func TestMain(m *testing.M) {
	if dir := os.Getenv(actAs); dir != "" {
		refuse()
		if step := os.Getenv(diesAt); step != "" {
			dieAt(step, dir)
		}
		hold(dir)
		return
	}
	testmode.Waiting()
	goleak.VerifyTestMain(m)
}

// refuse makes system calls fail as the environment says, where that can be done.
var refuse = func() {}

// diesAt in the environment names the step of a hand-over at which that process dies.
const diesAt = "EVERGREEN_TEST_OWNER_DIES_AT"

// dieAt takes part in a hand-over up to a step, where that can be done.
var dieAt = func(step, dir string) { panic("there is no step " + step) }

// hold is the life of another process: it owns the token, says so, and hands
// over when it is asked.
func hold(dir string) {
	o, err := Acquire(context.Background(), dir, FingerprintOf(token), Options{Version: "1.0"})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("owner")
	if soft, ok := errors.AsType[*SoftError](o.Err()); ok {
		fmt.Println("weak:", soft.Err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // nobody outlives the test
		os.Exit(3)
	}()
	o.Serve(func(Holder) {
		fmt.Println("pausing")
		if slices.Contains(os.Environ(), dies) {
			os.Exit(3)
		}
		o.Release()
	})
	fmt.Println("released")
}

// process is another process that owns the token.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin io.Closer
}

func start(t *testing.T, dir string, environ ...string) *process {
	t.Helper()
	p := launch(t, dir, environ...)
	p.expect("owner")
	return p
}

// launch starts another process that wants the token.
func launch(t *testing.T, dir string, environ ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(append(os.Environ(), actAs+"="+dir), environ...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	p.lines = bufio.NewScanner(out)
	return p
}

// expect waits for the process to say something.
func (p *process) expect(want string) {
	p.t.Helper()
	if !p.lines.Scan() || p.lines.Text() != want {
		p.t.Fatalf("the other process said %q (%v), want %q", p.lines.Text(), p.lines.Err(), want)
	}
}

func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // it was killed
}

// acquire must succeed, and is released at the end of the test.
func acquire(t *testing.T, dir string, opts Options) *Lock {
	t.Helper()
	o, err := Acquire(t.Context(), dir, FingerprintOf(token), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Release)
	return o
}

// serve answers requests until the owner is released.
func serve(t *testing.T, o *Lock, handover func(Holder)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Serve(handover)
	}()
	t.Cleanup(func() {
		o.Release()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Error("Serve did not end with the ownership")
		}
	})
}

// wantIn fails unless the text contains every part.
func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}
