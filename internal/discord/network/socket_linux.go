package network

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged is how long bytes that were sent may stay without an answer of
// the other side's kernel, in milliseconds. It is longer than the shard's own
// patience (rule 3), so that it never ends a connection that would have come
// back.
const unacknowledged = 30_000

// limitUnacknowledged sets TCP_USER_TIMEOUT. A kernel that does not know it goes
// without.
func limitUnacknowledged(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, unacknowledged)
	})
}
