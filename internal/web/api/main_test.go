package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/internal/health"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bot stands in for the bot: a snapshot that a test may change.
type bot struct {
	mu   sync.Mutex
	snap health.Snapshot
	seen health.Check
}

func (b *bot) snapshot() health.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.snap
}

func (b *bot) check() health.Check {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

func (b *bot) set(change func(*bot)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// online is a bot that is well.
func online() *bot {
	at := time.Date(2026, 11, 24, 3, 44, 17, 0, time.UTC)
	snap := health.Snapshot{
		At: at, Started: at.Add(-time.Hour), Since: at.Add(-time.Minute), Status: health.Online,
		Reason: health.Text("connected, and Discord answers"), Ready: true, Connected: true, Username: "ResearchBot", Guilds: 3,
		Latency: health.Latency{Last: 45200 * time.Microsecond, Samples: 1}, Shards: make([]health.ShardSnapshot, 1),
	}
	snap.Work.OK = true
	snap.Work.Activity.Last = at.Add(-2 * time.Minute)
	return &bot{snap: snap}
}

// serve runs a server on a free loopback port until the test ends.
func serve(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Snapshot == nil {
		o.Snapshot = online().snapshot
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
	fields map[string]any
}

// ask sends one request on a connection of its own.
func ask(t *testing.T, s *Server, method, path string, change ...func(*http.Request)) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path // exactly this path, whatever it is
	r.Close = true
	for _, c := range change {
		c(r)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := reply{status: response.StatusCode, header: response.Header, body: string(body)}
	if strings.Contains(response.Header.Get("Content-Type"), "json") && len(body) > 0 {
		if err := json.Unmarshal(body, &a.fields); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
	}
	return a
}

func bearer(value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add("Authorization", value) }
}

// logTo collects log lines.
func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
