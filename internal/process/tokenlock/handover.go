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
	// replyTime is how long each side may take to say its next word, as opposed
	// to doing what it takes to pause. On a machine that has far too much to do,
	// as many have during a deploy, that is seconds.
	replyTime = 15 * time.Second
	// longestPath is what fits into a socket's address on every system.
	longestPath = 100
	// longestWord bounds what one side reads of the other.
	longestWord = 4096
	// mostAskers bounds how many may wait for a hand-over at once.
	mostAskers = 8
)

// word is what is said over the socket, as one line of JSON.
type word struct {
	Say  string  `json:"say"`
	From *Holder `json:"from,omitempty"` // with sayTakeOver
}

const (
	sayTakeOver = "take-over" // please hand over
	sayPausing  = "pausing"   // I will, the moment everything is saved
	sayReleased = "released"  // the lock is free
)

func say(conn net.Conn, w word) error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(replyTime)); err != nil {
		return err
	}
	_, err = conn.Write(append(text, '\n'))
	return err
}

// hear reads one word until the deadline.
func hear(conn net.Conn, within time.Duration) (w word, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return w, err
	}
	return read(conn)
}

// read reads one word.
func read(conn net.Conn) (w word, err error) {
	err = json.NewDecoder(io.LimitReader(conn, longestWord)).Decode(&w)
	return w, err
}

// listen opens the socket on which this process can be asked to hand over. The
// caller holds the lock, so whatever has the socket's name is a dead one's.
func (o *Owner) listen(dir string, of Fingerprint) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		o.unreachable(err)
		return
	}
	path := filepath.Join(dir, "owner-"+of.Name()+".sock")
	if len(path) > longestPath {
		private, err := os.MkdirTemp("", "evergreen-") // mode 0700
		if err != nil {
			o.unreachable(err)
			return
		}
		o.private, path = private, filepath.Join(private, "owner.sock")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		o.unreachable(err)
		return
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		o.unreachable(err)
		return
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		o.unreachable(err)
		return
	}
	o.listener, o.self.Socket = l, path
}

func (o *Owner) unreachable(err error) {
	o.trouble = fmt.Errorf("this process cannot be asked to hand over (--take-over): %w", err)
}

// Serve answers those who ask for a hand-over until [Owner.Release]. At the
// first request it calls handover, once and on a goroutine that it waits for:
// it is to begin the pause. The hand-over itself is the Release that follows
// when everything is saved. Without a lock it first waits for one.
func (o *Owner) Serve(handover func(to Holder)) {
	var askers sync.WaitGroup
	defer askers.Wait()
	listener := o.awaitLock()
	if listener == nil {
		<-o.released
		return
	}
	room := make(chan struct{}, mostAskers)
	for {
		conn, err := listener.Accept()
		if err != nil {
			if !o.lasting(err) {
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
			o.answer(conn, handover)
		})
	}
}

// lasting waits a moment after an accept that failed, and reports whether there
// is sense in another one.
func (o *Owner) lasting(err error) bool {
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

// answer serves one connection. It stays until the lock is free.
func (o *Owner) answer(conn net.Conn, handover func(Holder)) {
	if err := conn.SetReadDeadline(time.Now().Add(replyTime)); err != nil {
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
	w, err := read(conn)
	if err != nil || w.Say != sayTakeOver || w.From == nil {
		return
	}
	if err := say(conn, word{Say: sayPausing}); err != nil {
		return
	}
	o.asked.Do(func() { handover(*w.From) })
	<-o.released
	_ = say(conn, word{Say: sayReleased}) // the end of the connection says it too
}
