//go:build unix

package tokenlock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listensAt in the environment is where a process listens that dies at a step.
const listensAt = "EVERGREEN_TEST_OWNER_LISTENS_AT"

func init() { dieAt = dieAtStep }

// The steps of a hand-over at which a process dies: those of the holder, and those of the
// one that takes over.
var (
	holderSteps = []string{"asked", "sent", "paused", "closed"}
	takerSteps  = []string{"asks", "receives", "confirms", "locks", "listens"}
)

// dieAtStep is the life of a process that dies in the middle of a hand-over.
func dieAtStep(step, dir string) {
	at := Address{"bots", os.Getenv(listensAt)}
	if slices.Contains(takerSteps, step) {
		takeUntil(step, dir, at)
	} else {
		holdUntil(step, dir, at)
	}
	os.Exit(3)
}

// holdUntil holds the token, listens, and hands over up to a step.
func holdUntil(step, dir string, at Address) {
	o, err := Acquire(context.Background(), dir, FingerprintOf(token), Options{})
	if err != nil {
		panic(err)
	}
	listener, err := o.Listen(context.Background(), at)
	if err != nil {
		panic(err)
	}
	fmt.Println("owner")
	switch step {
	case "paused":
		o.Serve(func(Holder) { os.Exit(3) })
	case "closed":
		o.Serve(func(Holder) { _ = listener.Close(); os.Exit(3) })
	}
	conn, err := o.listener.Accept()
	if err != nil {
		panic(err)
	}
	if _, err := decodeMessage(conn); err != nil {
		panic(err)
	}
	if step == "sent" {
		err := sendListeners(conn, message{Say: sayPausing, Listeners: []Address{at}}, []*net.TCPListener{listener.(*net.TCPListener)})
		if err != nil {
			panic(err)
		}
	}
}

// takeUntil takes over up to a step.
func takeUntil(step, dir string, at Address) {
	if step == "locks" || step == "listens" {
		o, err := Acquire(context.Background(), dir, FingerprintOf(token), Options{TakeOver: true, Listeners: []Address{at}})
		if err != nil {
			panic(err)
		}
		if step == "listens" {
			if _, err := o.Listen(context.Background(), at); err != nil || o.NoListeners() != nil {
				panic(fmt.Sprint(err, o.NoListeners()))
			}
		}
		return
	}
	conn, err := net.Dial("unix", readHolder(lockPath(dir, FingerprintOf(token))).Socket)
	if err != nil {
		panic(err)
	}
	if err := writeMessage(conn, message{Say: sayTakeOver, From: &Holder{PID: os.Getpid()}, Wants: []Address{at}}); err != nil || step == "asks" {
		return
	}
	if _, got, err := receiveListeners(conn); err != nil || len(got) != 1 {
		panic(fmt.Sprint(got, err))
	}
	if step == "confirms" {
		_ = writeMessage(conn, message{Say: sayReceived})
	}
}

// Given a process that listens, when another one takes over, then a connection that is
// dialled after the first has stopped to accept, and before the second has begun, is
// accepted by the second. It can be handed on in its turn.
func TestConnectionsWaitForTheProcessThatTakesOver(t *testing.T) {
	dir, at := t.TempDir(), Address{"bots", freeAddress(t)}
	holder := acquire(t, dir, Options{})
	listener := listenAs(t, holder, at)
	for range 3 {
		now, open := holder, listener
		serve(t, now, func(Holder) {
			_ = open.Close()
			dialAndSay(t, at.Addr, "waiting")
			now.Release()
		})
		dialAndSay(t, at.Addr, "early")
		accept(t, listener, "early")
		dialAndSay(t, at.Addr, "not accepted yet")
		next := acquire(t, dir, Options{TakeOver: true, Listeners: []Address{at, {"api", at.Addr}}})
		if why := next.NoListeners(); why != nil || !slices.Equal(next.receivedAddresses(), []Address{at}) {
			t.Fatalf("received %v, %v", next.receivedAddresses(), why)
		}
		dialAndSay(t, at.Addr, "late")
		holder, listener = next, listenAs(t, next, at)
		accept(t, listener, "not accepted yet")
		accept(t, listener, "waiting")
		accept(t, listener, "late")
	}
}

// The descriptor of a listener that was handed over is closed in programs that are started.
func TestListenerIsNotInherited(t *testing.T) {
	dir, at := t.TempDir(), Address{"bots", freeAddress(t)}
	holder := acquire(t, dir, Options{})
	listener := listenAs(t, holder, at)
	serve(t, holder, func(Holder) { _ = listener.Close(); holder.Release() })
	next := acquire(t, dir, Options{TakeOver: true, Listeners: []Address{at}})
	raw, err := listenAs(t, next, at).(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	if failed := raw.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFD, 0) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	if flags&unix.FD_CLOEXEC == 0 {
		t.Error("a program that is started has the listener too")
	}
}

// Given that a setting has changed, then the listener of the old address is not handed
// over, and the new address is opened.
func TestAnotherAddressIsNotHandedOver(t *testing.T) {
	dir, before, after := t.TempDir(), Address{"bots", freeAddress(t)}, Address{"bots", freeAddress(t)}
	holder := acquire(t, dir, Options{})
	listener := listenAs(t, holder, before)
	serve(t, holder, func(Holder) { _ = listener.Close(); holder.Release() })
	next := acquire(t, dir, Options{TakeOver: true, Listeners: []Address{after}})
	if got := next.receivedAddresses(); len(got) != 0 || next.NoListeners() != nil {
		t.Errorf("received %v, %v", got, next.NoListeners())
	}
	if conn, err := net.Dial("tcp", before.Addr); err == nil {
		_ = conn.Close()
		t.Error("the old address is still open")
	}
	listenAs(t, next, after)
	dialAndSay(t, after.Addr, "hello")
}

// A listener that nothing has taken up, or that its owner has closed before, is not left open.
func TestListenersThatAreNotUsedAreClosed(t *testing.T) {
	dir, bots, api := t.TempDir(), Address{"bots", freeAddress(t)}, Address{"api", freeAddress(t)}
	holder := acquire(t, dir, Options{})
	first, failed := listenAs(t, holder, bots), listenAs(t, holder, api)
	_ = failed.Close()
	serve(t, holder, func(Holder) { _ = first.Close(); holder.Release() })
	next := acquire(t, dir, Options{TakeOver: true, Listeners: []Address{bots, api}})
	if got := next.receivedAddresses(); !slices.Equal(got, []Address{bots}) {
		t.Errorf("received %v", got)
	}
	next.Release()
	if conn, err := net.Dial("tcp", bots.Addr); err == nil {
		_ = conn.Close()
		t.Error("the address is still open")
	}
}

// Given a holder that dies at any step of the hand-over, then the one that asked listens on
// the same address. Once the listener was sent, no connection is refused or lost.
func TestHolderThatDiesCostsNoConnection(t *testing.T) {
	for _, step := range holderSteps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			dir, at := t.TempDir(), Address{"bots", freeAddress(t)}
			dying := start(t, dir, diesAt+"="+step, listensAt+"="+at.Addr)
			dialAndSay(t, at.Addr, "before")
			next := acquire(t, dir, Options{TakeOver: true, Listeners: []Address{at}})
			_ = dying.cmd.Wait()
			sent := step != "asked"
			if sent {
				dialAndSay(t, at.Addr, "between")
			}
			if why := next.NoListeners(); (why == nil) != sent {
				t.Errorf("listeners: %v", why)
			}
			listener := listenAs(t, next, at)
			dialAndSay(t, at.Addr, "after")
			if sent {
				accept(t, listener, "before")
				accept(t, listener, "between")
			}
			accept(t, listener, "after")
		})
	}
}

// Given a process that dies while it takes over, then the holder goes on as if it had not
// been asked, until that process has said that it has the listeners. Later the holder pauses,
// and another process can take its place at the same address.
func TestTakerThatDiesCostsNoMoreThanARestart(t *testing.T) {
	for _, step := range takerSteps {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			dir, at := t.TempDir(), Address{"bots", freeAddress(t)}
			holder := acquire(t, dir, Options{})
			listener := listenAs(t, holder, at)
			paused := make(chan struct{})
			serve(t, holder, func(Holder) {
				_ = listener.Close()
				holder.Release()
				close(paused)
			})
			_ = launch(t, dir, diesAt+"="+step, listensAt+"="+at.Addr).cmd.Wait()
			if step == "asks" || step == "receives" {
				dialAndSay(t, at.Addr, "still there")
				accept(t, listener, "still there")
				holder.Release()
				select {
				case <-paused:
					t.Error("the holder has paused for a process that is gone")
				default:
				}
				return
			}
			select {
			case <-paused:
			case <-time.After(10 * time.Second):
				t.Fatal("the holder has not paused")
			}
			third := listenAs(t, acquire(t, dir, Options{}), at)
			dialAndSay(t, at.Addr, "hello")
			accept(t, third, "hello")
		})
	}
}

// Given a holder of a version that hands over no listeners, then the address is opened anew,
// also when it becomes free only after the lock.
func TestOlderHolderLeavesTheAddress(t *testing.T) {
	dir, at := t.TempDir(), Address{"bots", freeAddress(t)}
	older := acquire(t, dir, Options{})
	listener, err := net.Listen("tcp", at.Addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := older.listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = decodeMessage(conn)
		_ = writeMessage(conn, message{Say: sayPausing})
		older.Release()
	}()
	next := acquire(t, dir, Options{TakeOver: true, Listeners: []Address{at}})
	<-done
	if !errors.Is(next.NoListeners(), errNotOffered) {
		t.Errorf("no listeners, because %v", next.NoListeners())
	}
	time.AfterFunc(3*bindPoll, func() { _ = listener.Close() })
	accepts := listenAs(t, next, at)
	dialAndSay(t, at.Addr, "hello")
	accept(t, accepts, "hello")
}

// Given a process of a version that asks for no listeners, then the holder pauses as ever.
func TestOlderTakerGetsTheToken(t *testing.T) {
	dir := t.TempDir()
	holder := acquire(t, dir, Options{})
	listenAs(t, holder, Address{"bots", "127.0.0.1:0"})
	serve(t, holder, func(Holder) { holder.Release() })
	if next := acquire(t, dir, Options{TakeOver: true}); next.TakenFrom() == nil || next.NoListeners() != nil {
		t.Errorf("taken over from %v, %v", next.TakenFrom(), next.NoListeners())
	}
}

// What is passed on and does not listen is closed.
func TestDescriptorThatDoesNotListenIsNoListener(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(ends[1]) }()
	if got := listenerOf(ends[0]); got != nil {
		t.Errorf("got %v", got.Addr())
	}
	if _, err := unix.FcntlInt(uintptr(ends[0]), unix.F_GETFD, 0); err == nil {
		t.Error("the descriptor is still open")
	}
}

// Only what was asked for and what fits is taken of what a holder sends, and the rest is
// closed.
func TestListenersThatAreNotWantedAreClosed(t *testing.T) {
	bots, api := listenTCP(t), listenTCP(t)
	at := func(name string, l net.Listener) Address { return Address{name, l.Addr().String()} }
	unix, err := net.Listen("unix", t.TempDir()+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		says  []Address
		sends []net.Listener
		takes int
		fails bool
	}{
		"both":                         {[]Address{at("bots", bots), at("api", api)}, []net.Listener{bots, api}, 2, false},
		"none":                         {[]Address{}, nil, 0, false},
		"one that was not asked for":   {[]Address{at("bots", bots), at("more", api)}, []net.Listener{bots, api}, 1, false},
		"one with another's name":      {[]Address{at("bots", bots), at("bots", api)}, []net.Listener{bots, api}, 1, false},
		"the same twice":               {[]Address{at("bots", bots), at("bots", bots)}, []net.Listener{bots, api}, 1, false},
		"both in the wrong order":      {[]Address{at("api", api), at("bots", bots)}, []net.Listener{bots, api}, 0, false},
		"one that is not for TCP":      {[]Address{at("bots", bots)}, []net.Listener{unix}, 0, false},
		"fewer than it says":           {[]Address{at("bots", bots), at("api", api)}, []net.Listener{bots}, 0, true},
		"some of which it has no word": {nil, []net.Listener{bots, api}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			var sent []net.Listener
			for _, one := range test.sends {
				sent = append(sent, sameSocket(t, one))
			}
			got, err := receive(message{Listeners: test.says}, []Address{at("bots", bots), at("api", api)}, sent)
			if len(got) != test.takes || (err != nil) != test.fails {
				t.Errorf("took %v, error %v", got, err)
			}
			for _, one := range sent {
				kept := false
				for _, taken := range got {
					kept = kept || net.Listener(taken) == one
				}
				if err := one.Close(); (err == nil) != kept {
					t.Errorf("%v was kept: %t, and closing it: %v", one.Addr(), kept, err)
				}
			}
		})
	}
}

// sameSocket returns another listener with the same socket.
func sameSocket(t *testing.T, of net.Listener) net.Listener {
	t.Helper()
	file, err := of.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	another, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	return another
}

// receivedAddresses returns the addresses whose listeners were handed over and wait for
// [Lock.Listen].
func (l *Lock) receivedAddresses() []Address {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Address, 0, len(l.received))
	for at := range l.received {
		all = append(all, at)
	}
	return all
}
