package line

import (
	"crypto/tls"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// addressed is a TCP connection that has another address on its other side.
type addressed struct {
	*net.TCPConn
	remote net.Addr
}

func (c addressed) RemoteAddr() net.Addr { return c.remote }

// Given a connection to another machine, then the kernel ends it when that machine is gone for
// 30 s; one on loopback is never ended for a client that does not read.
func TestOnlyOtherMachinesHaveALimit(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	far := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}
	for name, test := range map[string]struct {
		remote net.Addr
		tls    bool
		want   int
	}{
		"loopback":             {nil, false, 0},
		"another machine":      {far, false, unacknowledged},
		"another one with TLS": {far, true, unacknowledged},
		"no TCP":               {&net.UnixAddr{Name: "x"}, false, 0},
	} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		socket := conn.(*net.TCPConn)
		if test.remote == nil {
			test.remote = socket.RemoteAddr()
		}
		var given net.Conn = addressed{socket, test.remote}
		if test.tls {
			given = tls.Client(given, &tls.Config{ServerName: "x"})
		}
		limitUnacknowledged(given)
		raw, err := socket.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		got := -1
		if err := raw.Control(func(fd uintptr) { got, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); err != nil {
			t.Error(err)
		}
		if got != test.want {
			t.Errorf("%s: the limit is %d ms, want %d", name, got, test.want)
		}
		_ = conn.Close()
		limitUnacknowledged(given) // of a connection that is closed: nothing
	}
	here, there := net.Pipe()
	limitUnacknowledged(here) // no socket: nothing
	_, _ = here.Close(), there.Close()
}
