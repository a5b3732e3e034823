package line

import (
	"crypto/tls"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged is how long bytes may stay without an answer of the other machine's kernel,
// in milliseconds.
const unacknowledged = 30_000

// limitUnacknowledged has the kernel end a connection to another machine that is gone. On
// loopback the other side cannot be gone unnoticed, and a client that does not read must not
// be closed for it.
func limitUnacknowledged(conn net.Conn) {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	address, isTCP := conn.RemoteAddr().(*net.TCPAddr)
	if !ok || !isTCP || address.IP.IsLoopback() {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		// A kernel that does not know it goes without.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, unacknowledged)
	})
}
