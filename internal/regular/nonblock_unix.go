//go:build unix

package regular

import "syscall"

// nonblock makes open(2) return at once, also for a pipe that nothing writes to.
const nonblock = syscall.O_NONBLOCK
