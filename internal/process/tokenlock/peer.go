package tokenlock

import (
	"net"
	"os"
)

// isTrusted reports whether the process at the other end of a socket runs as the same user
// as this one, or as root. Where the system does not tell, the mode of the socket, 0600,
// has to do.
func isTrusted(conn net.Conn) bool {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	user, known := 0, false
	if controlErr := raw.Control(func(fd uintptr) { user, known, err = peerUser(fd) }); controlErr != nil {
		return false
	}
	return err == nil && (!known || user == 0 || user == os.Geteuid())
}
