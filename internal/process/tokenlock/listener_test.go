package tokenlock

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"evergreen/internal/freeport"
)

// freeAddress returns an address of this machine on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	addr, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func listenTCP(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.(*net.TCPListener)
}

// listenAs has a Lock listen; the listener is closed at the end of the test. A listener that
// the test has closed may be open for another moment in a process that a test beside this
// one has just forked.
func listenAs(t *testing.T, l *Lock, at Address) net.Listener {
	t.Helper()
	listener, err := l.Listen(t.Context(), at)
	for began := time.Now(); errors.Is(err, errAddrInUse) && time.Since(began) < bindPatience; {
		listener, err = l.Listen(t.Context(), at)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// dialAndSay connects, which must not be refused, and says something.
func dialAndSay(t *testing.T, addr, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// accept accepts the connection of somebody who says this.
func accept(t *testing.T, from net.Listener, text string) {
	t.Helper()
	if err := from.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	conn, err := from.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	got := make([]byte, len(text))
	if n, err := conn.Read(got); err != nil || string(got[:n]) != text {
		t.Errorf("heard %q, %v; want %q", got, err, text)
	}
}

// A listener belongs to an address if the port is the same and the host, if it is a number.
func TestListenerFitsAnAddress(t *testing.T) {
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8001}
	everywhere := &net.TCPAddr{IP: net.IPv6unspecified, Port: 8001}
	for _, test := range []struct {
		listener net.Addr
		addr     string
		want     bool
	}{
		{local, "127.0.0.1:8001", true},
		{local, "127.0.0.1:0", true},
		{local, "localhost:8001", true},
		{local, "[::ffff:127.0.0.1]:8001", true},
		{local, "127.0.0.1:8002", false},
		{local, "127.0.0.2:8001", false},
		{local, "0.0.0.0:8001", false},
		{local, "127.0.0.1", false},
		{local, "127.0.0.1:a port", false},
		{everywhere, "0.0.0.0:8001", true},
		{everywhere, "[::]:8001", true},
		{everywhere, ":8001", true},
		{everywhere, "127.0.0.1:8001", false},
		{&net.UnixAddr{Name: "socket"}, "127.0.0.1:8001", false},
	} {
		if got := fits(test.listener, test.addr); got != test.want {
			t.Errorf("%v for %s: %t", test.listener, test.addr, got)
		}
	}
}

// An address that another program has cannot be listened on, and after a hand-over without
// listeners the error comes when it has been tried for long enough.
func TestAddressThatIsTakenIsAnError(t *testing.T) {
	taken := listenTCP(t)
	o := acquire(t, t.TempDir(), Options{})
	if _, err := o.Listen(t.Context(), Address{"bots", taken.Addr().String()}); !errors.Is(err, errAddrInUse) {
		t.Errorf("got %v", err)
	}
	o.noListeners = errNotOffered
	ctx, cancel := context.WithTimeout(t.Context(), 3*bindPoll)
	defer cancel()
	if _, err := o.Listen(ctx, Address{"bots", taken.Addr().String()}); !errors.Is(err, errAddrInUse) {
		t.Errorf("tried again, got %v", err)
	}
	if ctx.Err() == nil {
		t.Error("it was not tried again")
	}
}
