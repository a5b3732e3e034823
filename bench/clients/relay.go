package clients

import (
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
		_, _ = io.Copy(conn, server)
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
