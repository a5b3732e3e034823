//go:build unix

package tokenlock

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// canSendListeners: a socket of this system passes descriptors on.
const canSendListeners = true

// errAddrInUse is the error of an address that another socket has.
const errAddrInUse = unix.EADDRINUSE

// sendListeners writes a message and passes the descriptors of the listeners on with it.
// An error means that nothing was written, or that the connection is lost.
func sendListeners(conn net.Conn, w message, listeners []*net.TCPListener) error {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return errors.ErrUnsupported
	}
	text, err := encodeMessage(w)
	if err != nil {
		return err
	}
	fds := make([]int, 0, len(listeners))
	defer func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}()
	for _, listener := range listeners {
		fd, err := duplicate(listener)
		if err != nil {
			return err
		}
		fds = append(fds, fd)
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if err := setWriteDeadline(conn); err != nil {
		return err
	}
	_, _, err = socket.WriteMsgUnix(text, rights, nil)
	return err
}

// duplicate returns another descriptor of a listener. [net.TCPListener.File] would do the
// same, but the descriptor of an [os.File] is given away only in blocking mode, and the
// mode belongs to all descriptors of the socket.
func duplicate(listener *net.TCPListener) (fd int, err error) {
	raw, err := listener.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(controlErr, err)
}

// receiveListeners reads one message and the listeners that come with it. The caller
// closes the listeners, also after an error.
func receiveListeners(conn net.Conn) (w message, listeners []net.Listener, err error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		w, err = decodeMessage(conn)
		return w, nil, err
	}
	from := &descriptorReader{conn: socket}
	w, err = decodeMessage(from)
	for _, fd := range from.fds {
		if listener := listenerOf(fd); listener != nil {
			listeners = append(listeners, listener)
		}
	}
	return w, listeners, err
}

// listenerOf makes a listener of a descriptor, which it takes; nil if it is none.
func listenerOf(fd int) net.Listener {
	file := os.NewFile(uintptr(fd), "listener")
	defer func() { _ = file.Close() }()
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return nil
	}
	listener, err := net.FileListener(file)
	if err != nil {
		return nil
	}
	return listener
}

// descriptorReader reads from a connection and keeps the descriptors that come with what
// is read.
type descriptorReader struct {
	conn *net.UnixConn
	fds  []int
}

// Read implements [io.Reader].
func (r *descriptorReader) Read(p []byte) (int, error) {
	const bytesOfFD = 4
	rights := make([]byte, unix.CmsgSpace(maxListeners*bytesOfFD))
	n, size, _, _, err := r.conn.ReadMsgUnix(p, rights)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:size])
	if err != nil {
		return n, err
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			r.fds = append(r.fds, fds...)
		}
	}
	return n, nil
}
