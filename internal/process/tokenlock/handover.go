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
	Say  string  `json:"say"`
	From *Holder `json:"from,omitempty"` // with sayTakeOver
}

const (
	sayTakeOver = "take-over" // please hand over
	sayPausing  = "pausing"   // I will, the moment everything is saved
	sayReleased = "released"  // the lock is free
)

func writeMessage(conn net.Conn, w message) error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(replyTimeout)); err != nil {
		return err
	}
	_, err = conn.Write(append(text, '\n'))
	return err
}

// readMessage reads one message until the deadline.
func readMessage(conn net.Conn, within time.Duration) (w message, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return w, err
	}
	return decodeMessage(conn)
}

// decodeMessage reads one message.
func decodeMessage(conn net.Conn) (w message, err error) {
	err = json.NewDecoder(io.LimitReader(conn, maxMessage)).Decode(&w)
	return w, err
}

// listen opens the socket on which this process can be asked to hand over. The
// caller has the lock, so a socket of that name belongs to no living process.
func (l *Lock) listen(dir string, of Fingerprint) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		l.noHandover(err)
		return
	}
	path := filepath.Join(dir, "owner-"+of.Name()+".sock")
	if len(path) > maxSocketPath {
		private, err := os.MkdirTemp("", "evergreen-") // mode 0700
		if err != nil {
			l.noHandover(err)
			return
		}
		l.socketDir, path = private, filepath.Join(private, "owner.sock")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		l.noHandover(err)
		return
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		l.noHandover(err)
		return
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = listener.Close()
		l.noHandover(err)
		return
	}
	l.listener, l.self.Socket = listener, path
}

func (l *Lock) noHandover(err error) {
	l.err = fmt.Errorf("this process cannot be asked to hand over (--take-over): %w", err)
}

// Serve answers requests for a hand-over until [Lock.Release]. At the first request
// it calls handover, once and on a goroutine that it waits for: handover starts the
// stop, and Release, when everything is saved, is the hand-over. Without a lock Serve
// first tries to make one every two seconds.
func (l *Lock) Serve(handover func(to Holder)) {
	var askers sync.WaitGroup
	defer askers.Wait()
	listener := l.awaitLock()
	if listener == nil {
		<-l.released
		return
	}
	room := make(chan struct{}, maxRequests)
	for {
		conn, err := listener.Accept()
		if err != nil {
			if !l.retryAccept(err) {
				return
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

// serveConn serves one connection until the lock is released.
func (l *Lock) serveConn(conn net.Conn, handover func(Holder)) {
	if err := conn.SetReadDeadline(time.Now().Add(replyTimeout)); err != nil {
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
	if err != nil || w.Say != sayTakeOver || w.From == nil {
		return
	}
	if err := writeMessage(conn, message{Say: sayPausing}); err != nil {
		return
	}
	l.handoverOnce.Do(func() { handover(*w.From) })
	<-l.released
	_ = writeMessage(conn, message{Say: sayReleased}) // the end of the connection means the same
}
