package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
)

// openStream opens a stream on a bare connection whose window is as small as the
// system allows, and reads nothing.
func openStream(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c := dial(t, s)
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(1 << 10)
	}
	send(t, c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	return c
}

// settled waits until so many streams are served.
func settled(t *testing.T, s *Server, want int64) {
	t.Helper()
	for deadline := time.Now().Add(patience); s.streams.Load() != want; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are served, want %d", s.streams.Load(), want)
		}
	}
}

// Given fifty clients of the live stream that read nothing, when far more is sent than
// their windows hold, then the observer never waits, a fifty-first client gets every
// event, probes are answered, and the fifty are disconnected.
func TestFiftySlowReaders(t *testing.T) {
	s := serve(t, Options{Limits: Limits{Write: 500 * time.Millisecond}})
	for range 50 {
		openStream(t, s)
	}
	settled(t, s, 50)
	quick := follow(t, s, "")
	quick.until("status")
	// Told in portions, each when the quick client has read the one before: what
	// is to be seen is that the slow ones do not hold up others.
	const portions, portion = 60, 50
	big := note(gateway.Transition{
		From: gateway.Waiting{For: strings.Repeat("x", 500)}, To: gateway.Live{}, Reason: gateway.Reason{Kind: gateway.ReasonDNS},
	})
	var slowest time.Duration
	for range portions {
		for range portion {
			before := time.Now()
			s.Observe(big)
			slowest = max(slowest, time.Since(before))
		}
		for range portion {
			quick.until("transition")
		}
		if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
			t.Fatalf("a probe gets %d", a.Status)
		}
	}
	if slowest > time.Second {
		t.Errorf("telling took %v", slowest)
	}
	settled(t, s, 1)
}

// Given clients that open streams and drop them, every other one before it has an
// answer, again and again, then
// every probe is answered, a proper client is served afterwards, and nothing is
// left behind.
func TestReconnectStorm(t *testing.T) {
	s := serve(t, Options{})
	var storm sync.WaitGroup
	for range 10 {
		storm.Go(func() {
			for n := range 60 {
				c, err := net.Dial("tcp", s.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\r\n\r\n")
				if n%2 == 0 {
					_, _ = c.Read(make([]byte, 100))
				}
				_ = c.Close()
			}
		})
	}
	for range 20 {
		if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
			t.Fatalf("a probe gets %d", a.Status)
		}
		s.Observe(note(lost))
	}
	storm.Wait()
	settled(t, s, 0)
	follow(t, s, "").until("status")
}

// Only so many streams are served; one more is told to come back later, and
// there is room again when one has ended.
func TestStreamsAreLimited(t *testing.T) {
	s := serve(t, Options{Limits: Limits{Streams: 2}})
	first := follow(t, s, "")
	follow(t, s, "").until("status")
	a := ask(t, s, "GET", "/api/v1/events")
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "30" || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %v", a.Status, a.Header)
	}
	first.stop()
	settled(t, s, 1)
	follow(t, s, "").until("status")
}

// Given strangers who post forms and never finish them, more than the server
// answers at once, then the probes and those with a token are answered as ever.
func TestStrangersDoNotTakeEveryConnection(t *testing.T) {
	s := serve(t, Options{Token: "a-long-token", Limits: Limits{Conns: 16, Read: time.Hour, Header: time.Hour}})
	for range 40 {
		c := dial(t, s)
		send(t, c, "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken=")
	}
	for deadline := time.Now().Add(patience); len(s.anonymous) < cap(s.anonymous); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d strangers are being answered", len(s.anonymous))
		}
	}
	if a := ask(t, s, "GET", "/livez"); a.Status != http.StatusOK {
		t.Errorf("a probe gets %d", a.Status)
	}
	if a := ask(t, s, "GET", "/health", bearer("Bearer a-long-token")); a.Status != http.StatusOK {
		t.Errorf("with the token: %d", a.Status)
	}
	if a := ask(t, s, "GET", "/badge/state.svg"); a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("one more stranger gets %d", a.Status)
	}
}

// Whatever strange thing is asked for, no answer is a 5xx, none is long, and
// none repeats what was asked.
func TestStrangeQuestions(t *testing.T) {
	o, _ := everything(t)
	s := serve(t, o)
	for _, path := range []string{"/api/v1/incidents", "/api/v1/uptime", "/api/v1/latency", "/api/v1/logs", "/badge/uptime.svg", "/api/v1/events/", "/api/v1", "/api/v2/status"} {
		for _, query := range []string{
			"limit=-1", "limit=99999999999999999999", "limit=1e3", "before=" + strings.Repeat("%F0", 2000), "before=%00", "before=marker'--", "cause=%0d%0amarker",
			"cause=marker%3Cscript%3E", "window=marker", "window=30d%00", "open=marker", ";;;", "%zz=%zz", strings.Repeat("limit=1&", 500), "limit=1&limit=marker",
		} {
			a := ask(t, s, "GET", path+"?"+query)
			if a.Status >= 500 || strings.Contains(a.Body, "marker") || len(a.Body) > 64<<10 {
				t.Errorf("%s?%.40s: %d, %d bytes", path, query, a.Status, len(a.Body))
			}
		}
	}
}

// BenchmarkScrape measures one scrape of the metrics. Nothing is counted for
// them while the bot works, so this is their whole cost.
func BenchmarkScrape(b *testing.B) {
	o, _ := everything(b)
	s, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.serveMetrics(&nowhere{header: http.Header{}}, r)
	}
}

// nowhere is an answer that is thrown away.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(int)             {}
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkObserve measures what an observation costs the shard's observer with
// so many clients of the live stream on real connections, each of which reads
// every event.
func BenchmarkObserve(b *testing.B) {
	for _, clients := range []int{0, 1, 50} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			s := serve(b, Options{})
			for range clients {
				f := follow(b, s, "")
				go func() { _, _ = io.Copy(io.Discard, f.in) }()
			}
			beat := note(gateway.HeartbeatACK{Latency: 45 * time.Millisecond})
			b.ReportAllocs()
			for b.Loop() {
				s.Observe(beat)
			}
		})
	}
}

// BenchmarkFanOut measures an event on its way to fifty clients, until the last
// one has it.
func BenchmarkFanOut(b *testing.B) {
	s := serve(b, Options{})
	const clients = 50
	arrived := make(chan struct{}, clients)
	for range clients {
		f := follow(b, s, "")
		f.until("status")
		go func() {
			for {
				e, ok := f.next()
				if !ok {
					return
				}
				if e.kind == "latency" {
					arrived <- struct{}{}
				}
			}
		}()
	}
	beat := note(gateway.HeartbeatACK{Latency: 45 * time.Millisecond})
	for b.Loop() {
		s.Observe(beat)
		for range clients {
			<-arrived
		}
	}
}
