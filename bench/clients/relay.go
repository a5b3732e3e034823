package clients

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// relay passes connections on to another address, and can cut them.
type relay struct {
	listener net.Listener
	to       string
	running  sync.WaitGroup

	mu      sync.Mutex
	lines   map[net.Conn]bool // WebSockets
	conns   map[net.Conn]bool // all
	gateway []url.Values      // the query of each WebSocket
	binary  int               // messages in binary frames, which are compressed, that came over WebSockets
}

// newRelay listens. End it with close.
func newRelay(addr, to string) (*relay, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	r := &relay{listener: listener, to: to, lines: map[net.Conn]bool{}, conns: map[net.Conn]bool{}}
	// close waits for all of them.
	r.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.pass(conn) })
		}
	})
	return r, nil
}

// pass passes one connection on until one side ends it.
func (r *relay) pass(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r.mu.Lock()
	r.conns[conn] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.conns, conn)
		delete(r.lines, conn)
	}()
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(conn, io.TeeReader(server, &answers{relay: r, conn: conn}))
		_ = conn.Close()
	})
	_, _ = io.Copy(server, io.TeeReader(conn, requests{r, conn}))
	_ = server.Close()
	back.Wait()
}

// requests looks for the requests for a WebSocket in what a client writes. A library may
// make one on a connection that it has kept from an earlier request.
type requests struct {
	relay *relay
	conn  net.Conn
}

func (w requests) Write(written []byte) (int, error) {
	line, _, _ := strings.Cut(string(written), "\r\n")
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != http.MethodGet || strings.HasPrefix(words[1], "/api") {
		return len(written), nil
	}
	if address, err := url.Parse(words[1]); err == nil {
		w.relay.mu.Lock()
		defer w.relay.mu.Unlock()
		w.relay.gateway = append(w.relay.gateway, address.Query())
		w.relay.lines[w.conn] = true
	}
	return len(written), nil
}

// answers counts the binary frames in what a client is answered, once it has a WebSocket.
type answers struct {
	relay *relay
	conn  net.Conn
	open  bool   // the WebSocket is
	head  []byte // of the answer that opens it, or of a frame
	skip  uint64 // what is left of the frame
}

func (w *answers) Write(written []byte) (int, error) {
	for rest := written; len(rest) > 0; {
		switch {
		case !w.open:
			if !w.relay.isLine(w.conn) {
				return len(written), nil
			}
			w.head = append(w.head, rest...)
			_, after, ok := bytes.Cut(w.head, []byte("\r\n\r\n"))
			if !ok {
				return len(written), nil
			}
			w.open, rest, w.head = true, after, nil
		case w.skip > 0:
			n := min(w.skip, uint64(len(rest)))
			rest, w.skip = rest[n:], w.skip-n
		default:
			w.head, rest = append(w.head, rest[0]), rest[1:]
			size, ok := frameSize(w.head)
			if !ok {
				continue
			}
			if opcode := w.head[0] & 0x0f; opcode == 2 {
				w.relay.mu.Lock()
				w.relay.binary++
				w.relay.mu.Unlock()
			}
			w.skip, w.head = size, w.head[:0]
		}
	}
	return len(written), nil
}

// frameSize returns how long the payload of a frame is that a server sends; false: its head
// is not complete.
func frameSize(head []byte) (uint64, bool) {
	switch {
	case len(head) < 2:
		return 0, false
	case head[1] == 126:
		if len(head) < 4 {
			return 0, false
		}
		return uint64(binary.BigEndian.Uint16(head[2:])), true
	case head[1] == 127:
		if len(head) < 10 {
			return 0, false
		}
		return binary.BigEndian.Uint64(head[2:]), true
	}
	return uint64(head[1]), true
}

// isLine reports whether a connection is a WebSocket.
func (r *relay) isLine(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines[conn]
}

// compressed counts the messages in binary frames so far.
func (r *relay) compressed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.binary
}

// gateways returns the queries of the WebSockets so far.
func (r *relay) gateways() []url.Values {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gateway[:len(r.gateway):len(r.gateway)]
}

// cut resets the WebSockets. Connections of REST stay: a library may repeat a request whose
// answer was cut off, and the command is then answered twice.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.lines {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for conn := range r.conns {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}
