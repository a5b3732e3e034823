package line_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"evergreen/internal/sidecar/line"
)

// open opens lines over loopback and returns them with their clients' ends.
func open(tb testing.TB, count int, query string) (lines []*line.Line, clients []net.Conn) {
	tb.Helper()
	accepted := make(chan *line.Line)
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l, err := line.Accept(w, r, line.Options{})
		if err != nil {
			tb.Error(err)
			return
		}
		accepted <- l
		_ = l.Run(ctx, func(int, json.RawMessage) error { return nil })
	}))
	for range count {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			tb.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "GET /?%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", query)
		lines, clients = append(lines, <-accepted), append(clients, conn)
	}
	tb.Cleanup(func() {
		for _, conn := range clients {
			_ = conn.Close()
		}
		cancel()
		server.Close()
	})
	return lines, clients
}

// discard reads from a connection until its end or until n bytes were read.
func discard(conn io.Reader, n int64) { _, _ = io.CopyN(io.Discard, conn, n) }

// Given many lines of each kind that have sent a guild and a hundred messages, then none costs
// more memory than it may: 64 KB, 350 KB with zlib and 700 KB with zstd.
func TestMemoryOfALine(t *testing.T) {
	const count = 40
	guild := fmt.Appendf(nil, "%q", strings.Repeat("channel and role ", 53<<10/17))
	for query, limit := range map[string]int{"": 64, "compress=zlib-stream": 350, "compress=zstd-stream": 700} {
		before := memory()
		lines, clients := open(t, count, query)
		var readers sync.WaitGroup
		for n, l := range lines {
			readers.Go(func() { discard(clients[n], 1<<40) })
			if err := l.Dispatch(t.Context(), "GUILD_CREATE", 1, guild); err != nil {
				t.Fatal(err)
			}
			for seq := range int64(100) {
				if err := l.Dispatch(t.Context(), "MESSAGE_CREATE", seq+2, []byte(`{"content":"hello"}`)); err != nil {
					t.Fatal(err)
				}
			}
			for l.Progress().Written < 101 {
				<-l.Changed()
			}
		}
		per := (memory() - before) / count
		t.Logf("%-20s %d KB a line, with its HTTP server and the test's client", query, per>>10)
		if per > limit<<10 {
			t.Errorf("%s: %d KB a line, more than %d", query, per>>10, limit)
		}
		for _, conn := range clients {
			_ = conn.Close()
		}
		for _, l := range lines {
			<-l.Done()
		}
		readers.Wait()
	}
}

// memory is what heap and stacks take once nothing is left to collect.
func memory() int {
	for range 3 { // pools are let go after the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// BenchmarkDispatch dispatches messages of 600 bytes to a client that reads them, by
// compression.
func BenchmarkDispatch(b *testing.B) {
	d := fmt.Appendf(nil, `{"content":%q,"author":{"id":"123456789012345678"}}`, bytes.Repeat([]byte("hello you "), 55))
	for name, query := range map[string]string{"none": "", "zlib": "compress=zlib-stream", "zstd": "compress=zstd-stream"} {
		b.Run(name, func(b *testing.B) {
			lines, clients := open(b, 1, query)
			var reader sync.WaitGroup
			reader.Go(func() { discard(clients[0], 1<<40) })
			b.ReportAllocs()
			b.SetBytes(int64(len(d)))
			var seq int64
			for b.Loop() {
				seq++
				if err := lines[0].Dispatch(b.Context(), "MESSAGE_CREATE", seq, d); err != nil {
					b.Fatal(err)
				}
			}
			for lines[0].Progress().Written < seq {
				<-lines[0].Changed()
			}
			b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "dispatches/s")
			_ = clients[0].Close()
			reader.Wait()
		})
	}
}
