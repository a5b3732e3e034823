package tokenlock

import (
	"errors"
	"net"

	"golang.org/x/sys/windows"
)

// canSendListeners: a socket of this system passes no descriptors on.
const canSendListeners = false

// errAddrInUse is the error of an address that another socket has.
const errAddrInUse = windows.WSAEADDRINUSE

func sendListeners(net.Conn, message, []*net.TCPListener) error { return errors.ErrUnsupported }

// receiveListeners reads one message. No listeners come with it.
func receiveListeners(conn net.Conn) (w message, listeners []net.Listener, err error) {
	w, err = decodeMessage(conn)
	return w, nil, err
}
