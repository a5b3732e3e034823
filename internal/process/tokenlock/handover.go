package tokenlock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// replyTimeout is how long each side may take to send its next message. During a
	// deploy a busy machine needs seconds for that.
	replyTimeout = 15 * time.Second
	// maxSocketPath fits into a socket's address on every system, in bytes.
	maxSocketPath = 100
	// maxMessage bounds a message, in bytes.
	maxMessage = 4096
	// maxRequests bounds how many processes may wait for a hand-over at once.
	maxRequests = 8
)

// message is one line of JSON on the socket.
type message struct {
	Say   string    `json:"say"`
	From  *Holder   `json:"from,omitempty"`  // with sayTakeOver and sayHolder
	Wants []Address `json:"wants,omitempty"` // with sayTakeOver: hand over what listens there
	// Listeners is with sayPausing what comes with the message, in this order. A version
	// that hands over no listeners has no list.
	Listeners []Address `json:"listeners,omitzero"`
}

const (
	sayTakeOver = "take-over" // please hand over
	sayPausing  = "pausing"   // I will, the moment everything is saved
	sayReceived = "received"  // I have the listeners; only then does the other one pause
	sayReleased = "released"  // the lock is free
	sayWho      = "who"       // who are you?
	sayHolder   = "holder"    // the answer: From
)

func writeMessage(conn net.Conn, w message) error {
	text, err := encodeMessage(w)
	if err != nil {
		return err
	}
	if err := setWriteDeadline(conn); err != nil {
		return err
	}
	_, err = conn.Write(text)
	return err
}

func encodeMessage(w message) ([]byte, error) {
	text, err := json.Marshal(w)
	return append(text, '\n'), err
}

func setWriteDeadline(conn net.Conn) error {
	return conn.SetWriteDeadline(time.Now().Add(replyTimeout))
}

// readMessage reads one message until the deadline.
func readMessage(conn net.Conn, within time.Duration) (w message, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return w, err
	}
	return decodeMessage(conn)
}

// decodeMessage reads one message.
func decodeMessage(from io.Reader) (w message, err error) {
	err = json.NewDecoder(io.LimitReader(from, maxMessage)).Decode(&w)
	return w, err
}

// HandoverError means that there is a lock, but no socket on which this process could be
// asked to hand over.
type HandoverError struct{ Err error }

// Error says what that means.
func (e *HandoverError) Error() string {
	return fmt.Sprintf("this process cannot be asked to hand over (--take-over): %v", e.Err)
}

// Unwrap returns why there is no socket.
func (e *HandoverError) Unwrap() error { return e.Err }

// listen opens the socket on which this process can be asked who it is and to hand over:
// beside the lock, or else in a folder of its own. The caller has the lock, so a socket
// of that name belongs to no living process.
func (l *Lock) listen() {
	path, err := socketPath(lockPath(l.dir, l.of))
	var listener net.Listener
	private := ""
	if err == nil {
		listener, err = listenAt(path)
	}
	if err != nil {
		if private, err = os.MkdirTemp("", "evergreen-"); err == nil { // mode 0700
			path = filepath.Join(private, "owner.sock")
			if listener, err = listenAt(path); err != nil {
				_ = os.Remove(private)
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.err = &HandoverError{err}
		return
	case l.closed:
		_ = listener.Close()
		_ = os.Remove(private)
		return
	}
	if old, ok := l.listener.(*net.UnixListener); ok {
		old.SetUnlinkOnClose(false) // its name may be that of the new one
		_ = old.Close()
	}
	if l.socketDir != "" {
		_ = os.Remove(l.socketDir)
	}
	l.listener, l.self.Socket, l.socketDir = listener, path, private
	select {
	case l.listening <- struct{}{}:
	default:
	}
}

// listenAt listens on a socket in the place of what is left of an earlier one.
func listenAt(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

// Serve answers requests for a hand-over until [Lock.Release]. At the first request
// it calls handover, once and on a goroutine that it waits for: handover starts the
// stop, and Release, when everything is saved, is the hand-over. Every second Serve
// looks whether the lock is still there, and makes it again if not.
func (l *Lock) Serve(handover func(to Holder)) {
	var askers sync.WaitGroup
	defer askers.Wait()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		l.watch()
	}()
	defer l.waitDisk(watched)
	room := make(chan struct{}, maxRequests)
	listener := l.waitListener(nil)
	for listener != nil {
		conn, err := listener.Accept()
		if err != nil {
			if !l.retryAccept(err) {
				listener = l.waitListener(listener)
			}
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			_ = conn.Close()
			continue
		}
		askers.Go(func() {
			defer func() { <-room }()
			defer conn.Close()
			l.serveConn(conn, handover)
		})
	}
}

// retryAccept waits a moment after an accept that failed, and reports whether to try
// another one.
func (l *Lock) retryAccept(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	wait := time.NewTimer(100 * time.Millisecond) // too many open files, mostly
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-l.released:
		return false
	}
}

// waitDisk waits for work on the disk, which a dead one can keep for ever.
func (l *Lock) waitDisk(done <-chan struct{}) {
	<-l.released
	limit := time.NewTimer(diskTimeout)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	}
}

// serveConn serves one connection until the lock is released.
func (l *Lock) serveConn(conn net.Conn, handover func(Holder)) {
	if err := conn.SetReadDeadline(time.Now().Add(replyTimeout)); err != nil { // of all that it says
		return
	}
	answered := make(chan struct{})
	defer close(answered)
	go func() {
		select {
		case <-l.released: // a silent peer must not delay the end
			_ = conn.SetReadDeadline(time.Now())
		case <-answered:
		}
	}()
	w, err := decodeMessage(conn)
	if err == nil && w.Say == sayWho {
		l.mu.Lock()
		self := l.self
		l.mu.Unlock()
		_ = writeMessage(conn, message{Say: sayHolder, From: &self})
		return
	}
	if err != nil || w.Say != sayTakeOver || w.From == nil || !isTrusted(conn) {
		return
	}
	if l.agree(conn, w.Wants) != nil {
		return // it has gone, and this process goes on
	}
	l.handoverOnce.Do(func() { handover(*w.From) })
	<-l.released
	_ = writeMessage(conn, message{Say: sayReleased}) // the end of the connection means the same
}
