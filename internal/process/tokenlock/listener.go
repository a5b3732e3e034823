package tokenlock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Address is where a process listens, by the name of what it listens for. Two are the same
// if both texts are: a host's name is not looked up.
type Address struct {
	Name string `json:"name"`
	Addr string `json:"addr"` // host:port
}

const (
	// maxListeners bounds how many listeners are handed over at once.
	maxListeners = 8
	// bindPatience is how long an address is tried that is in use after a hand-over
	// without listeners. A process that is killed gives its lock back first, and its
	// address a moment later.
	bindPatience = 2 * time.Second
	// bindPoll is the time between two tries of an address.
	bindPoll = 20 * time.Millisecond
)

// Why a holder has handed over no listeners.
var (
	errNotSupported = errors.New("this system cannot hand listeners over")
	errNotOffered   = errors.New("its version, or its system, cannot hand listeners over")
	errNotAgreed    = errors.New("it has not agreed to hand over")
)

// Listen listens on an address. If the process that handed over has listened there, and
// [Options.Listeners] has asked for it, its listener goes on: a connection that was dialled
// meanwhile waits in it. The caller closes the listener.
//
// The process that takes over next can have it in the same way, from when it asks to when
// the listener is closed. Closing it here does not close it there.
func (l *Lock) Listen(ctx context.Context, at Address) (net.Listener, error) {
	l.mu.Lock()
	listener := l.received[at]
	delete(l.received, at)
	l.mu.Unlock()
	if listener == nil {
		var err error
		if listener, err = l.bind(ctx, at.Addr); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[at] = listener
	return listener, nil
}

// bind opens an address.
func (l *Lock) bind(ctx context.Context, addr string) (*net.TCPListener, error) {
	if l.NoListeners() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bindPatience)
		defer cancel()
	}
	for {
		opened, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err == nil {
			return opened.(*net.TCPListener), nil // of "tcp" it is one
		}
		if l.NoListeners() == nil || !errors.Is(err, errAddrInUse) {
			return nil, err
		}
		again := time.NewTimer(bindPoll)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, err
		}
	}
}

// NoListeners returns why the process that handed over has handed over no listeners; nil
// if it has, or if none were asked for.
func (l *Lock) NoListeners() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noListeners
}

// closeReceived closes listeners that were handed over and that nothing listens on.
func (l *Lock) closeReceived() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, listener := range l.received {
		_ = listener.Close()
	}
	clear(l.received)
}

// agree tells the one that asks that this process will pause, hands over the listeners
// that are wanted, and waits until that one has them.
func (l *Lock) agree(conn net.Conn, wants []Address) error {
	if len(wants) == 0 || !canSendListeners {
		return writeMessage(conn, message{Say: sayPausing})
	}
	at, listeners := []Address{}, []*net.TCPListener{}
	l.mu.Lock()
	for _, one := range wants {
		if open := l.open[one]; open != nil && isOpen(open) && len(at) < maxListeners {
			at, listeners = append(at, one), append(listeners, open)
		}
	}
	l.mu.Unlock()
	if err := sendListeners(conn, message{Say: sayPausing, Listeners: at}, listeners); err != nil {
		// Nothing was written: a listener is closed, or the system does not pass any on.
		return writeMessage(conn, message{Say: sayPausing})
	}
	w, err := decodeMessage(conn)
	if err == nil && w.Say != sayReceived {
		err = errors.New("it answered something else")
	}
	return err
}

// receive checks the listeners that came with an answer. What does not belong to what was
// wanted is closed.
func receive(answer message, wants []Address, got []net.Listener) (received map[Address]*net.TCPListener, err error) {
	received = map[Address]*net.TCPListener{}
	if answer.Listeners == nil {
		err = errNotOffered
	} else if len(got) != len(answer.Listeners) {
		err = fmt.Errorf("of %d listeners %d have come", len(answer.Listeners), len(got))
	}
	for i, listener := range got {
		tcp, ok := listener.(*net.TCPListener)
		if ok = ok && err == nil; ok {
			at := answer.Listeners[i]
			if ok = received[at] == nil && slices.Contains(wants, at) && fits(tcp.Addr(), at.Addr); ok {
				received[at] = tcp
			}
		}
		if !ok {
			_ = listener.Close()
		}
	}
	return received, err
}

// isOpen reports whether a listener has not been closed.
func isOpen(listener *net.TCPListener) bool {
	raw, err := listener.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil
}

// fits reports whether a listener may be one for an address: the same port, and the same
// host if that is given as an IP address.
func fits(listener net.Addr, addr string) bool {
	has, ok := listener.(*net.TCPAddr)
	host, port, err := net.SplitHostPort(addr)
	if !ok || err != nil {
		return false
	}
	if number, err := net.LookupPort("tcp", cmp.Or(port, "0")); err != nil || number != 0 && number != has.Port {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || ip.Equal(has.IP) || ip.IsUnspecified() && has.IP.IsUnspecified()
}
