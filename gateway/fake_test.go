package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// fakeDiscord is the smallest server that a test can script: it hands out
// in-memory sockets and leaves every answer to the test.
type fakeDiscord struct {
	mu      sync.Mutex
	dials   []string
	refuse  error
	onDial  func(*fakeSocket)
	sockets []*fakeSocket
}

func (f *fakeDiscord) Dial(ctx context.Context, url string) (Socket, error) {
	f.mu.Lock()
	f.dials = append(f.dials, url)
	err := f.refuse
	s := &fakeSocket{url: url, in: make(chan []byte, 1024), ended: make(chan struct{})}
	if err == nil {
		f.sockets = append(f.sockets, s)
	}
	onDial := f.onDial
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if onDial != nil {
		onDial(s)
	}
	return s, nil
}

func (f *fakeDiscord) dialled() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.dials)
}

type fakeSocket struct {
	url string
	in  chan []byte

	mu      sync.Mutex
	onWrite func(s *fakeSocket, op Opcode, raw string)
	written []string
	closed  CloseCode // sent by the client
	end     error
	once    sync.Once
	ended   chan struct{}
}

func (s *fakeSocket) Read(buf []byte, limit int64, alive func()) ([]byte, int64, bool, error) {
	take := func(m []byte) ([]byte, int64, bool, error) {
		alive()
		kept := min(int64(len(m)), limit)
		return append(buf, m[:kept]...), int64(len(m)), false, nil
	}
	select {
	case m := <-s.in:
		return take(m)
	case <-s.ended:
		select {
		case m := <-s.in:
			return take(m)
		default:
			return buf, 0, false, s.end
		}
	}
}

func (s *fakeSocket) Write(_ context.Context, m []byte) error {
	select {
	case <-s.ended:
		return errors.New("write on a closed socket")
	default:
	}
	env, err := scanEnvelope(m, nil)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.written = append(s.written, string(m))
	onWrite := s.onWrite
	s.mu.Unlock()
	if onWrite != nil {
		onWrite(s, env.op, string(m))
	}
	return nil
}

func (s *fakeSocket) Close(_ context.Context, code CloseCode, _ string) {
	s.mu.Lock()
	s.closed = code
	s.mu.Unlock()
	s.finish(&CloseError{Code: code})
}

func (s *fakeSocket) Drop() { s.finish(errors.New("dropped")) }

func (s *fakeSocket) finish(err error) {
	s.once.Do(func() {
		s.end = err
		close(s.ended)
	})
}

func (s *fakeSocket) say(format string, args ...any) { s.in <- fmt.Appendf(nil, format, args...) }

func (s *fakeSocket) hello(interval time.Duration) {
	s.say(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":%d}}`, interval.Milliseconds())
}

func (s *fakeSocket) closedWith() CloseCode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *fakeSocket) wrote(part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, w := range s.written {
		if strings.Contains(w, part) {
			n++
		}
	}
	return n
}

// obliging answers heartbeats, IDENTIFY and RESUME as Discord does.
func obliging(s *fakeSocket) {
	s.onWrite = func(s *fakeSocket, op Opcode, _ string) {
		switch op {
		case OpHeartbeat:
			s.say(`{"op":11}`)
		case OpIdentify:
			s.say(`{"t":"READY","s":1,"op":0,"d":{"session_id":"one","resume_gateway_url":"wss://resume.test","user":{"id":"1","username":"bot"},"guilds":[],"application":{"id":"2","flags":565248}}}`)
		case OpResume:
			s.say(`{"t":"RESUMED","s":2,"op":0,"d":{}}`)
		}
	}
	s.hello(41250 * time.Millisecond)
}

// diary is an observer that a test reads afterwards.
type diary struct {
	mu    sync.Mutex
	notes []Note
}

func (d *diary) Observe(n Note) {
	d.mu.Lock()
	d.notes = append(d.notes, n)
	d.mu.Unlock()
}

func count[T Observation](d *diary) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, note := range d.notes {
		if _, ok := note.What.(T); ok {
			n++
		}
	}
	return n
}
