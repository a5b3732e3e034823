package tokenlock

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// askTimeout is how long a process may take to say who it is. One that takes longer is
// there all the same.
const askTimeout = 2 * time.Second

// socketPath is the socket beside a lock file; it may be elsewhere if the path is long.
func socketPath(lock string) (string, error) {
	path, err := filepath.Abs(strings.TrimSuffix(lock, lockSuffix) + ".sock")
	if err == nil && len(path) > maxSocketPath {
		err = errors.New("the path of the folder is too long for a socket")
	}
	return path, err
}

// ask asks the process that listens on the holder's socket who it is, and reports whether
// there is one that is not self. It is the second sign of a holder beside the locked
// file: it stays when the file is deleted, and where files cannot be locked.
func (h Holder) ask(self Holder) (other Holder, alive bool) {
	if h.Socket == "" {
		return h, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", h.Socket)
	if err != nil {
		return h, ctx.Err() != nil
	}
	defer conn.Close()
	if writeMessage(conn, message{Say: sayWho}) == nil {
		if answer, err := readMessage(conn, askTimeout); err == nil && answer.From != nil {
			return *answer.From, answer.From.ID != self.ID
		}
	}
	// A version that does not know the question closes the connection, and so does self
	// when it serves too many others.
	return h, h.Socket != self.Socket
}

// rival returns the living process that claims the lock file by its socket, though the
// file is not locked; nil if there is none.
func rival(path string, self Holder) *Holder {
	named := readHolder(path)
	if beside, err := socketPath(path); err == nil && beside != named.Socket {
		if other, alive := (Holder{Socket: beside}).ask(self); alive {
			return &other
		}
	}
	if other, alive := named.ask(self); alive {
		return &other
	}
	return nil
}
