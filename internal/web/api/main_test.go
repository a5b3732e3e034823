package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/simtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBot is a [Bot] that a test may change. Of a zero fakeBot nothing is known.
type fakeBot struct {
	mu       sync.Mutex
	snap     health.Snapshot
	seen     health.Check
	wanted   gateway.Presence
	budget   identify.Usage
	stats    rest.Stats
	handlers []bot.HandlerTime
	read     func() health.Snapshot // replaces snap
}

// reading is a bot of which nothing is known but the snapshot, and that is made
// at each reading.
func reading(snapshot func() health.Snapshot) *fakeBot { return &fakeBot{read: snapshot} }

func (b *fakeBot) Snapshot() health.Snapshot {
	if b.read != nil {
		return b.read()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.snap
}

func (b *fakeBot) Check() health.Check {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

func (b *fakeBot) Presence() gateway.Presence  { return b.wanted }
func (b *fakeBot) Budget() identify.Usage      { return b.budget }
func (b *fakeBot) REST() rest.Stats            { return b.stats }
func (b *fakeBot) Handlers() []bot.HandlerTime { return b.handlers }

// fakeHistory is a history that is not computed.
type fakeHistory struct {
	incidents func(limit int) []health.Incident
	uptime    func(window time.Duration) history.Uptime
	points    []history.Point
	rates     []history.Rate
}

func (h fakeHistory) Incidents(limit int) []health.Incident {
	if h.incidents == nil {
		return nil
	}
	return h.incidents(limit)
}

func (h fakeHistory) Uptime(_ int, window time.Duration) history.Uptime { return h.uptime(window) }
func (h fakeHistory) Latency(time.Duration) []history.Point             { return h.points }
func (h fakeHistory) Rates(time.Duration) []history.Rate                { return h.rates }

func (b *fakeBot) set(change func(*fakeBot)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// online is a bot that is well.
func online() *fakeBot {
	at := time.Date(2026, 11, 24, 3, 44, 17, 0, time.UTC)
	snap := health.Snapshot{
		At: at, Started: at.Add(-time.Hour), Since: at.Add(-time.Minute), Status: health.Online,
		Reason: health.Text("connected, and Discord answers"), Ready: true, Connected: true, Username: "ResearchBot", Guilds: 3,
		Latency: health.Latency{Last: 45200 * time.Microsecond, Samples: 1}, Shards: make([]health.ShardSnapshot, 1),
	}
	snap.Work.OK = true
	snap.Work.Activity.Last = at.Add(-2 * time.Minute)
	return &fakeBot{snap: snap}
}

// serve runs a server on a free loopback port until the test ends.
func serve(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Bot == nil {
		o.Bot = online()
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	simtest.Serve(t, s)
	return s
}

// reply is an answer; fields is its body if that is a JSON object.
type reply struct {
	simtest.Reply
	fields map[string]any
}

// ask sends one request on a connection of its own.
func ask(t *testing.T, s *Server, method, path string, change ...func(*http.Request)) reply {
	t.Helper()
	a := reply{Reply: simtest.Request(t, s.Addr().String(), method, path, change...)}
	if strings.Contains(a.Header.Get("Content-Type"), "json") && a.Body != "" {
		if err := json.Unmarshal([]byte(a.Body), &a.fields); err != nil {
			t.Fatalf("%v in %s", err, a.Body)
		}
	}
	return a
}

func bearer(value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add("Authorization", value) }
}

// logTo collects log lines.
func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
