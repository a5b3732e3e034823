//go:build unix

package output

import (
	"os"

	"golang.org/x/sys/unix"
)

// separate returns a file of its own for the stream that f leads to. For the standard
// error divert has its descriptor lead to nowhere, and back.
func separate(f *os.File) (own *os.File, divert func(away bool), err error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, nil, err
	}
	own = os.NewFile(uintptr(fd), f.Name())
	if f.Fd() != uintptr(unix.Stderr) {
		return own, nil, nil
	}
	return own, func(away bool) {
		if !away {
			_ = replaceDescriptor(fd, unix.Stderr)
			return
		}
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer func() { _ = null.Close() }()
		_ = replaceDescriptor(int(null.Fd()), unix.Stderr)
	}, nil
}
