package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"evergreen/gateway"
)

// scriptedSocket is a socket whose other side is a test. It answers heartbeats.
type scriptedSocket struct {
	reads chan func(received func(n int)) (string, error) // each a message that comes, in time
	gone  chan struct{}
	drop  sync.Once
	deaf  atomic.Bool // it answers no heartbeats
	stuck atomic.Bool // it takes no payload

	mu     sync.Mutex
	taken  []string          // payloads
	closed gateway.CloseCode // of the client
}

// newSilentSocket is one that has not even said HELLO.
func newSilentSocket() *scriptedSocket {
	return &scriptedSocket{reads: make(chan func(func(int)) (string, error), 1000), gone: make(chan struct{})}
}

func newScriptedSocket() *scriptedSocket {
	s := newSilentSocket()
	s.send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
	return s
}

// send lets a message come in one piece.
func (s *scriptedSocket) send(message string) {
	s.reads <- func(received func(n int)) (string, error) {
		received(len(message))
		return message, nil
	}
}

// fail lets the connection end.
func (s *scriptedSocket) fail(err error) {
	s.reads <- func(func(int)) (string, error) { return "", err }
}

// sendSlowly lets a message come in so many parts of 1000 bytes, with a pause before each.
func (s *scriptedSocket) sendSlowly(message string, parts int, pause time.Duration) {
	s.reads <- func(received func(n int)) (string, error) {
		for range parts {
			time.Sleep(pause)
			received(1000)
		}
		return message, nil
	}
}

func (s *scriptedSocket) Dial(context.Context, string) (gateway.Socket, error) {
	select {
	case <-s.gone:
		return nil, errors.New("there is only one")
	default:
		return s, nil
	}
}

func (s *scriptedSocket) Read(buf []byte, _ int64, received func(n int)) ([]byte, int64, bool, error) {
	select {
	case read := <-s.reads:
		message, err := read(received)
		return append(buf, message...), int64(len(message)), false, err
	case <-s.gone:
		return buf, 0, false, io.EOF
	}
}

func (s *scriptedSocket) Write(_ context.Context, raw []byte) error {
	if s.stuck.Load() {
		<-s.gone
		return io.ErrClosedPipe
	}
	s.mu.Lock()
	s.taken = append(s.taken, string(raw))
	s.mu.Unlock()
	if strings.Contains(string(raw), `"op":1,`) && !s.deaf.Load() {
		s.send(`{"op":11}`)
	}
	return nil
}

func (s *scriptedSocket) Close(_ context.Context, code gateway.CloseCode, _ string) {
	s.mu.Lock()
	s.closed = code
	s.mu.Unlock()
	s.Drop()
}

func (s *scriptedSocket) Drop() { s.drop.Do(func() { close(s.gone) }) }

// isGone reports whether the connection has ended.
func (s *scriptedSocket) isGone() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// payloads lists what the client has sent with an opcode.
func (s *scriptedSocket) payloads(op gateway.Opcode) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, raw := range s.taken {
		if strings.HasPrefix(raw, fmt.Sprintf(`{"op":%d,`, int(op))) {
			all = append(all, raw)
		}
	}
	return all
}

// scriptedServer is a Discord whose every connection is played by a test.
type scriptedServer struct {
	mute atomic.Bool // new connections get no HELLO

	mu      sync.Mutex
	refused string // in an address; empty: none is refused
	sockets []*scriptedSocket
}

// refuse has connections refused to addresses with a text in them.
func (s *scriptedServer) refuse(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = text
}

func (s *scriptedServer) Dial(_ context.Context, url string) (gateway.Socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != "" && strings.Contains(url, s.refused) {
		return nil, &gateway.ConnectError{Kind: gateway.ReasonDial, Err: errors.New("connection refused")}
	}
	socket := newScriptedSocket()
	if s.mute.Load() {
		<-socket.reads
	}
	s.sockets = append(s.sockets, socket)
	return socket, nil
}

// conn is a connection, the first one is 0. It fails the test if there is none.
func (s *scriptedServer) conn(h *harness, i int) *scriptedSocket {
	h.T.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.sockets) {
		h.T.Fatalf("there are %d connections only", len(s.sockets))
	}
	return s.sockets[i]
}

// count is how many connections were opened.
func (s *scriptedServer) count() int {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

const (
	scriptedReady   = `{"op":0,"t":"READY","s":1,"d":{"v":10,"session_id":"a","resume_gateway_url":"ws://resume.discord.sim","user":{"id":"1"},"guilds":[]}}`
	scriptedResumed = `{"op":0,"t":"RESUMED","s":2,"d":{}}`
)

// startLive runs the shard until READY has come on the first connection.
func (s *scriptedServer) startLive(h *harness) *scriptedSocket {
	h.T.Helper()
	h.start()
	h.Advance(time.Second)
	socket := s.conn(h, 0)
	socket.send(scriptedReady)
	h.Until(time.Second, "the shard is live", h.isLive)
	return socket
}
