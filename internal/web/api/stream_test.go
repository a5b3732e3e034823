package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/web/sse"
)

// follower reads a live stream.
type follower struct {
	t    testing.TB
	body io.ReadCloser
	in   *bufio.Reader
	stop func()
	last string // id of the last event
}

// streamed is one event of a stream.
type streamed struct{ id, kind, data string }

// follow opens a stream, from the event after the last one that was seen.
func follow(t testing.TB, s *Server, last string, change ...func(*http.Request)) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr().String()+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	for _, c := range change {
		c(r)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream says %d %v", response.StatusCode, response.Header)
	}
	f := &follower{t: t, body: response.Body, in: bufio.NewReader(response.Body), last: last, stop: func() {
		cancel()
		response.Body.Close()
	}}
	t.Cleanup(f.stop)
	return f
}

// next is the next event; ok is false when the stream has ended.
func (f *follower) next() (e streamed, ok bool) {
	f.t.Helper()
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return streamed{}, false
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case name == "id":
			e.id, f.last = value, value
		case name == "event":
			e.kind = value
		case name == "data":
			e.data = value
		case line == "" && e.data != "":
			return e, true
		}
	}
}

// until is the next event of a kind, whatever comes before it.
func (f *follower) until(kind string) streamed {
	f.t.Helper()
	for {
		e, ok := f.next()
		if !ok {
			f.t.Fatalf("the stream ended before a %s", kind)
		}
		if e.kind == kind {
			return e
		}
	}
}

// ended fails unless the stream ends.
func (f *follower) ended() {
	f.t.Helper()
	for {
		if _, ok := f.next(); !ok {
			return
		}
	}
}

func note(what gateway.ShardEvent) gateway.Observation {
	return gateway.Observation{Shard: gateway.ShardID{Count: 1}, At: time.Now(), Event: what}
}

var lost = gateway.Transition{From: gateway.Live{}, To: gateway.Connecting{Resuming: true}, Reason: gateway.Reason{Kind: gateway.ReasonDNS}}

// Given a client that watches, when a connection is lost, then it is told the
// transition, the status with its reason, and the incident; then what each
// heartbeat took, and each line of the log; all as the document says.
func TestStreamTellsAStory(t *testing.T) {
	c := readContract(t)
	o, b := everything(t)
	s := serve(t, o)
	f := follow(t, s, "")
	first := f.until("status")
	c.Fits(t, "Status", []byte(first.data))
	if !strings.Contains(first.data, `"status":"online"`) {
		t.Errorf("it begins with %s", first.data)
	}

	b.set(func(b *fakeBot) {
		open := loss(b.snap.At, 10*time.Second, 0)
		open.Cause = health.DNSFailure
		b.snap.Status, b.snap.Reason, b.snap.Last = health.Reconnecting, health.Text("the name did not resolve"), &open
	})
	s.Observe(note(lost))
	moved := f.until("transition")
	c.Fits(t, "Transition", []byte(moved.data))
	if !strings.Contains(moved.data, `"from":"live","to":"connecting to resume","cause":"dns"`) {
		t.Errorf("got %s", moved.data)
	}
	status := f.until("status")
	c.Fits(t, "Status", []byte(status.data))
	if !strings.Contains(status.data, `"reason":"the name did not resolve"`) || !strings.Contains(status.data, `"cause":"dns-failure"`) {
		t.Errorf("got %s", status.data)
	}
	incident := f.until("incident")
	for !strings.Contains(incident.data, `"cause":"dns-failure"`) {
		incident = f.until("incident")
	}
	c.Fits(t, "Incident", []byte(incident.data))

	s.Observe(note(gateway.HeartbeatACK{Latency: 45 * time.Millisecond}))
	c.Fits(t, "Beat", []byte(f.until("latency").data))
	slog.New(o.Lines).Warn("No activity for 30.0 minutes", "component", "ResearchBot")
	line := f.until("log")
	c.Fits(t, "Line", []byte(line.data))
	if !strings.Contains(line.data, "30.0 minutes") || !strings.Contains(line.data, `"level":"warning"`) {
		t.Errorf("got %s", line.data)
	}
	s.Observe(note(gateway.PresenceSent{Presence: gateway.Presence{Status: gateway.StatusIdle}}))
	if a := ask(t, s, "GET", "/api/v1/status"); !strings.Contains(a.Body, `"presence":{"wanted":"online, watching AI Research","sent":"idle"`) {
		t.Errorf("got %s", a.Body)
	}
	var ids []int64
	for _, e := range []streamed{first, moved, status, incident, line} {
		id, err := strconv.ParseInt(e.id, 10, 64)
		if err != nil || len(ids) > 0 && id <= ids[len(ids)-1] {
			t.Errorf("after %v comes %q", ids, e.id)
		}
		ids = append(ids, id)
	}
}

// Given a client that was cut off, when it comes back with the last event it has
// seen, then it gets exactly what it has missed. When that is no longer known,
// or its event is not of this buffer, it is told so and begins anew.
func TestStreamResumes(t *testing.T) {
	o, _ := everything(t)
	s := serve(t, o)
	f := follow(t, s, "")
	f.until("status")
	s.Observe(note(lost))
	f.until("transition")
	last := f.last
	f.stop()
	for n := range 5 {
		s.Observe(note(gateway.HeartbeatACK{Latency: time.Duration(n+1) * time.Millisecond}))
	}
	f = follow(t, s, last)
	for n := 1; n <= 5; {
		e, ok := f.next()
		switch {
		case !ok:
			t.Fatal("the stream ended")
		case e.kind == "latency":
			if !strings.Contains(e.data, `"gateway_ms":`+strconv.Itoa(n)+"}") {
				t.Errorf("in place of number %d came %s", n, e.data)
			}
			n++
		case e.kind == "transition":
			t.Errorf("a transition came twice: %s", e.data)
		}
	}
	for _, stranger := range []string{"1", "0", "-5", "9000000000000000000", "x", strings.Repeat("9", 500)} {
		f := follow(t, s, stranger)
		if e, _ := f.next(); e.kind != "reset" {
			t.Errorf("%s: it begins with %+v", stranger, e)
		}
		if e, _ := f.next(); e.kind != "status" || e.id == "" {
			t.Errorf("%s: then comes %+v", stranger, e)
		}
	}
	for range 2 * sse.MaxEvents {
		s.Observe(note(gateway.HeartbeatACK{Latency: time.Millisecond}))
	}
	f = follow(t, s, last)
	if e, _ := f.next(); e.kind != "reset" {
		t.Errorf("it begins with %+v", e)
	}
}

// pipes is a listener whose connections are in memory, so that tests of long
// waits need no time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
		return net.ErrClosed
	default:
		close(p.done)
		return nil
	}
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Net: "pipe", Name: "pipe"} }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// inMemory runs a server over pipes until the test ends.
func inMemory(t *testing.T, o Options) (*Server, *pipes) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	s.listener, s.loopback = p, true
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, p
}

// A quiet stream shows every 15 seconds that it lives, for hours, and tells what
// changes although nothing happens.
func TestQuietStreamLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := online()
		_, p := inMemory(t, Options{Bot: b})
		c := p.dial()
		defer c.Close()
		go io.WriteString(c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		var beats, statuses int
		silence := time.Now()
		in := bufio.NewReader(c)
		for began := time.Now(); time.Since(began) < 2*time.Hour; {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			switch {
			case strings.HasPrefix(line, ": beat"):
				if beats++; time.Since(silence) > 16*time.Second {
					t.Fatalf("%v of silence", time.Since(silence))
				}
				silence = time.Now()
				if beats == 100 {
					b.set(func(b *fakeBot) { b.snap.Status = health.Degraded })
				}
			case strings.HasPrefix(line, "event: status"):
				statuses++
			case strings.HasPrefix(line, "data:") && beats > 102 && !strings.Contains(line, `"degraded"`):
				t.Fatalf("got %s", line)
			}
		}
		if beats < 2*60*4-2 || statuses < 1000 {
			t.Errorf("%d beats, %d statuses", beats, statuses)
		}
	})
}

// Given a client that opens a stream and never reads, then it is let go when a
// write has taken too long, and a client that reads has missed nothing.
func TestSlowReaderIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := inMemory(t, Options{Bot: online()})
		slow, quick := p.dial(), p.dial()
		defer slow.Close()
		defer quick.Close()
		for _, c := range []net.Conn{slow, quick} {
			go io.WriteString(c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
		got := make(chan int)
		go func() {
			n := 0
			for in := bufio.NewReader(quick); n < 1000; {
				line, err := in.ReadString('\n')
				if err != nil {
					break
				}
				if strings.HasPrefix(line, "event: latency") {
					n++
				}
			}
			got <- n
		}()
		synctest.Wait()
		if n := s.streams.Load(); n != 2 {
			t.Fatalf("%d streams", n)
		}
		for range 1000 {
			s.Observe(note(gateway.HeartbeatACK{Latency: time.Millisecond}))
			time.Sleep(20 * time.Millisecond)
		}
		if n := <-got; n != 1000 {
			t.Errorf("the quick client got %d of 1000 events", n)
		}
		synctest.Wait()
		if n := s.streams.Load(); n != 1 {
			t.Errorf("%d streams are left", n)
		}
	})
}

// A stream ends when the session it was opened with does.
func TestStreamEndsWithItsSession(t *testing.T) {
	o := Options{Token: "a-long-token", Limits: Limits{KeepAlive: 20 * time.Millisecond}}
	s := serve(t, o)
	carry := carrying(session(post(t, s, "/login", "token=a-long-token")))
	f := follow(t, s, "", carry)
	f.until("status")
	kept := follow(t, s, "", bearer("Bearer a-long-token"))
	post(t, s, "/logout", "", carry)
	f.ended()
	s.Observe(note(gateway.HeartbeatACK{Latency: time.Millisecond}))
	kept.until("latency")
	if a := ask(t, s, "GET", "/api/v1/events"); a.Status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", a.Status)
	}
}

// When the server stops, its streams end at once.
func TestStreamsEndAtTheStop(t *testing.T) {
	s, done, cancel := start(t, Options{Bot: online(), Limits: Limits{Drain: time.Hour}})
	f := follow(t, s, "")
	f.until("status")
	cancel()
	f.ended()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A snapshot that panics costs the live stream one look.
func TestWatcherContainsPanics(t *testing.T) {
	b := online()
	broken := make(chan struct{})
	var log strings.Builder
	s := serve(t, Options{Log: logTo(&log), Bot: reading(func() health.Snapshot {
		select {
		case <-broken:
			return b.Snapshot()
		default:
			close(broken)
			panic("inside information")
		}
	})})
	s.Observe(note(lost))
	<-broken
	f := follow(t, s, "")
	var body statusBody
	if err := json.Unmarshal([]byte(f.until("status").data), &body); err != nil || body.Status != "online" {
		t.Errorf("%+v %v", body, err)
	}
	var none *Server
	none.Observe(note(lost))
}
