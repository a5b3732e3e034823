package line_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/sidecar/line"
)

// Given an upgrade request, when it asks for what is served, then it is accepted as it asks;
// otherwise the answer tells the person who has set up the bot what to change.
func TestUpgrade(t *testing.T) {
	lan := func(host string) bool { return host == "bots.example" || line.IsLoopback(host) }
	for name, row := range map[string]struct {
		query, host string
		header      http.Header
		hostAllowed func(string) bool

		status      int
		answer      string // of a refusal, in part
		version     int
		compression string
		url         string
	}{
		"nothing asked for":   {status: 101, version: 10},
		"as most ask":         {query: "v=10&encoding=json", status: 101, version: 10},
		"version 9":           {query: "v=9&encoding=json", status: 101, version: 9},
		"zlib-stream":         {query: "v=10&encoding=json&compress=zlib-stream", status: 101, version: 10, compression: "zlib-stream"},
		"zstd-stream":         {query: "encoding=json&v=10&compress=zstd-stream", status: 101, version: 10, compression: "zstd-stream"},
		"no compression":      {query: "compress=", status: 101, version: 10},
		"another compression": {query: "compress=br", status: 400, answer: `"br" is unknown`},
		"ETF":                 {query: "v=10&encoding=etf", status: 400, answer: "Set the library to json"},
		"another encoding":    {query: "encoding=xml", status: 400, answer: "Set the library to json"},
		"an Origin":           {header: http.Header{"Origin": {"http://127.0.0.1:8001"}}, status: 403, answer: "Origin"},
		"an empty Origin":     {header: http.Header{"Origin": {""}}, status: 403, answer: "Origin"},
		"localhost":           {host: "LocalHost:8001", status: 101, version: 10, url: "ws://LocalHost:8001"},
		"IPv6":                {host: "[::1]:8001", status: 101, version: 10, url: "ws://[::1]:8001"},
		"IPv6 without a port": {host: "[::1]", status: 101, version: 10, url: "ws://[::1]"},
		"another loopback":    {host: "127.8.9.10", status: 101, version: 10, url: "ws://127.8.9.10"},
		"a rebound name":      {host: "evil.example:8001", status: 403, answer: `"evil.example:8001" is not one of this server's`},
		"a name like ours":    {host: "localhost.evil.example", status: 403, answer: "not one of"},
		"an address outside":  {host: "192.0.2.7:8001", status: 403, answer: "not one of"},
		"a name that is told": {host: "bots.example.:443", hostAllowed: lan, status: 101, version: 10, url: "ws://bots.example.:443"},
		"a name that is not":  {host: "bots.example.evil", hostAllowed: lan, status: 403, answer: "not one of"},
		"no host":             {host: " ", hostAllowed: func(string) bool { return true }, status: 403, answer: "not one of"},
		"no WebSocket":        {header: http.Header{"Upgrade": {"h2c"}}, status: 426, answer: "websocket"},
		"an old WebSocket":    {header: http.Header{"Sec-Websocket-Version": {"8"}}, status: 400, answer: "13"},
		"deflate is offered":  {header: http.Header{"Sec-Websocket-Extensions": {"permessage-deflate; client_max_window_bits"}}, status: 101, version: 10},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{query: row.query, host: row.host, header: row.header, options: line.Options{HostAllowed: row.hostAllowed}}, func(h *harness) {
				if h.client.response.StatusCode != row.status {
					h.Fatalf("HTTP %d, want %d", h.client.response.StatusCode, row.status)
				}
				if row.status != http.StatusSwitchingProtocols {
					body, _ := io.ReadAll(h.client.response.Body)
					if !strings.Contains(string(body), row.answer) {
						h.Errorf("the answer is %q", body)
					}
					if h.refused == nil || !strings.Contains(h.refused.Error(), "refused the upgrade") {
						h.Errorf("Accept: %v", h.refused)
					}
					return
				}
				if h.refused != nil {
					h.Fatal(h.refused)
				}
				if got := h.client.response.Header.Get("Sec-WebSocket-Extensions"); got != "" {
					h.Errorf("extensions %q were taken", got)
				}
				if row.url == "" {
					row.url = "ws://127.0.0.1:8001"
				}
				if l := h.line; l.Version() != row.version || l.Compression() != row.compression || l.LocalURL() != row.url || l.RemoteAddr() != "pipe" {
					h.Errorf("version %d, compression %q, URL %q, remote %q", l.Version(), l.Compression(), l.LocalURL(), l.RemoteAddr())
				}
			})
		})
	}
}

// Given a client that asks for a version that is not served, then it is upgraded, closed with
// 4012 and greeted with nothing.
func TestAnotherVersionIsClosedWith4012(t *testing.T) {
	for _, version := range []string{"8", "11", "abc", "010"} {
		t.Run(version, func(t *testing.T) {
			run(t, config{query: "v=" + version + "&compress=zlib-stream"}, func(h *harness) {
				h.wantClosed(0, line.CloseInvalidVersion)
				if got := h.client.take(); len(got) != 0 || h.line != nil {
					h.Errorf("received %v", got)
				}
			})
		})
	}
}

// Given a server that shuts down, when a request was there before, then its client is
// upgraded as ever. net/http alone would put "close" into the answer.
func TestUpgradeWhileTheServerShutsDown(t *testing.T) {
	var ending sync.WaitGroup
	run(t, config{beforeAccept: func(server *http.Server) {
		begun := make(chan struct{})
		server.RegisterOnShutdown(func() { close(begun) })
		ending.Go(func() { _ = server.Shutdown(context.Background()) })
		<-begun
	}}, func(h *harness) {
		if got := h.client.response.Header.Get("Connection"); h.client.response.StatusCode != http.StatusSwitchingProtocols || got != "Upgrade" {
			h.Errorf("HTTP %d, Connection: %s", h.client.response.StatusCode, got)
		}
		if got := h.client.take(); len(got) != 1 || got[0].Op != 10 {
			h.Errorf("received %v, want HELLO", got)
		}
		ending.Wait()
	})
}

// hijacked is the answer to a request of a client at the other end of conn; nil: it cannot be
// taken over.
type hijacked struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if h.conn == nil {
		return nil, nil, http.ErrNotSupported
	}
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// Given a client that is gone or does not read the answer to its upgrade, then there is no line
// after 5 s, and its connection is closed.
func TestUpgradeThatNobodyReads(t *testing.T) {
	for name, limit := range map[string]time.Duration{"no connection": 0, "gone": 0, "half gone": 0, "not reading": 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer func() { _, _ = near.Close(), far.Close() }()
			answer := hijacked{httptest.NewRecorder(), far}
			switch name {
			case "no connection":
				answer.conn = nil
			case "gone":
				_ = far.Close()
			case "half gone":
				_ = near.Close()
			}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8001/", nil)
			request.Header = http.Header{
				"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
				"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
			}
			begun := time.Now()
			l, err := line.Accept(answer, request, line.Options{})
			if l != nil || err == nil || time.Since(begun) != limit {
				t.Errorf("%s: after %v Accept returns %v, %v", name, time.Since(begun), l, err)
			}
			if answer.conn == nil {
				return
			}
			if _, err := far.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: the connection is open: %v", name, err)
			}
		})
	}
}
