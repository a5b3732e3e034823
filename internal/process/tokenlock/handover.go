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
	// replyTimeout is how long each side may take to say its next word, as opposed
	// to doing what it takes to pause. On a machine that has far too much to do,
	// as many have during a deploy, that is seconds.
	replyTimeout = 15 * time.Second
	// maxSocketPath is what fits into a socket's address on every system.
	maxSocketPath = 100
	// maxMessage bounds what one side reads of the other.
	maxMessage = 4096
	// maxRequests bounds how many may wait for a hand-over at once.
	maxRequests = 8
)

// message is what is said over the socket, as one line of JSON.
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

// readMessage reads one word until the deadline.
func readMessage(conn net.Conn, within time.Duration) (w message, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return w, err
	}
	return decodeMessage(conn)
}

// decodeMessage reads one word.
func decodeMessage(conn net.Conn) (w message, err error) {
	err = json.NewDecoder(io.LimitReader(conn, maxMessage)).Decode(&w)
	return w, err
}

// listen opens the socket on which this process can be asked to hand over. The
// caller holds the lock, so whatever has the socket's name is a dead one's.
func (o *Lock) listen(dir string, of Fingerprint) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		o.noHandover(err)
		return
	}
	path := filepath.Join(dir, "owner-"+of.Name()+".sock")
	if len(path) > maxSocketPath {
		private, err := os.MkdirTemp("", "evergreen-") // mode 0700
		if err != nil {
			o.noHandover(err)
			return
		}
		o.socketDir, path = private, filepath.Join(private, "owner.sock")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		o.noHandover(err)
		return
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		o.noHandover(err)
		return
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		o.noHandover(err)
		return
	}
	o.listener, o.self.Socket = l, path
}

func (o *Lock) noHandover(err error) {
	o.err = fmt.Errorf("this process cannot be asked to hand over (--take-over): %w", err)
}

// Serve answers those who ask for a hand-over until [Lock.Release]. At the
// first request it calls handover, once and on a goroutine that it waits for:
// it is to begin the pause. The hand-over itself is the Release that follows
// when everything is saved. Without a lock it first waits for one.
func (o *Lock) Serve(handover func(to Holder)) {
	var askers sync.WaitGroup
	defer askers.Wait()
	listener := o.awaitLock()
	if listener == nil {
		<-o.released
		return
	}
	room := make(chan struct{}, maxRequests)
	for {
		conn, err := listener.Accept()
		if err != nil {
			if !o.retryAccept(err) {
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
			o.serveConn(conn, handover)
		})
	}
}

// retryAccept waits a moment after an accept that failed, and reports whether there
// is sense in another one.
func (o *Lock) retryAccept(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	pause := time.NewTimer(100 * time.Millisecond) // too many open files, mostly
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-o.released:
		return false
	}
}

// serveConn serves one connection. It stays until the lock is free.
func (o *Lock) serveConn(conn net.Conn, handover func(Holder)) {
	if err := conn.SetReadDeadline(time.Now().Add(replyTimeout)); err != nil {
		return
	}
	answered := make(chan struct{})
	defer close(answered)
	go func() {
		select {
		case <-o.released: // nobody who says nothing holds up the end
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
	o.handoverOnce.Do(func() { handover(*w.From) })
	<-o.released
	_ = writeMessage(conn, message{Say: sayReleased}) // the end of the connection says it too
}
