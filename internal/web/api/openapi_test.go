package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/discord/rest"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/contract"

	"github.com/getkin/kin-openapi/openapi3"
)

// loss is an incident that began some time before a moment and lasted so long;
// 0 means that it goes on.
func loss(now time.Time, ago, lasted time.Duration) health.Incident {
	start := now.Add(-ago)
	i := health.Incident{
		ID: start.UTC().Format("20060102T150405.000000") + "-0", Shard: gateway.ShardID{Count: 1}, Cause: health.HalfOpen,
		What: health.Text("the connection was half-open"), Start: start, Detected: start.Add(15 * time.Second),
		Evidence: health.Evidence{
			Kind: "dead", By: health.ByUs, LastByte: start, LastACK: start, Lasted: time.Hour, Attempts: 2,
			DialKind: gateway.ReasonDNS, DialSaid: "no such host", HTTPStatus: 502, Code: 4000,
		},
		Actions: []health.Action{{At: start, Until: start.Add(time.Second), What: health.Text("RESUME sent"), Times: 2}},
	}
	if lasted > 0 {
		i.End, i.Outcome, i.Replayed = start.Add(lasted), health.OutcomeResumed, 12
	}
	return i
}

// everything is a bot of which all is known, and its snapshot to change.
func everything(t testing.TB) (Options, *fakeBot) {
	t.Helper()
	b := online()
	now := b.snap.At
	latency := health.Latency{Last: 45 * time.Millisecond, At: now, P50: 44 * time.Millisecond, P95: 70 * time.Millisecond, P99: 90 * time.Millisecond, Samples: 9}
	open := loss(now, time.Minute, 0)
	b.snap.Latency, b.snap.SessionSince = latency, now.Add(-time.Hour)
	b.snap.Counts = health.Counts{Identifies: 1, Resumes: 2, Resumed: 2, Heartbeats: 90, ACKs: 90}
	b.snap.Work.Stats = gateway.Stats{Received: 100, Handled: 99, QueuedBytes: 512, QueuedAge: 3 * time.Millisecond, Bytes: 1 << 20}
	b.snap.Work.Activity = health.Activity{Last: now, Asked: 3, Answered: 2, Failed: 1}
	b.snap.Shards = []health.ShardSnapshot{
		{
			Shard: gateway.ShardID{ID: 0, Count: 2}, Status: health.Online, Reason: health.Text("connected"), Since: now.Add(-time.Hour), Ready: true, Connected: true,
			Latency: latency, LastACK: now, SessionSince: now.Add(-time.Hour), State: "live", StateSince: now.Add(-time.Hour),
			Interval: 41250 * time.Millisecond, Changes: []health.Change{{At: now, From: "resuming", To: "live", Cause: "closed 4000"}},
		},
		{Shard: gateway.ShardID{ID: 1, Count: 2}, Status: health.Reconnecting, Reason: health.Text("away"), Remedy: health.Text("wait"), OfflineSince: now, Open: &open},
	}
	lines := logging.NewRing(nil, nil)
	slog.New(lines).With("component", "Gateway").Info("Connected", "guilds", 3)
	journal := &health.MemoryJournal{}
	for n := range 5 {
		journal.Write(loss(now, time.Duration(10-n)*time.Hour, 16*time.Second))
	}
	b.seen = health.Check{At: now, OK: true}
	b.wanted = gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: "AI Research", Type: gateway.ActivityWatching}}}
	b.budget = identify.Usage{Hour: 1, Day: 2, Remaining: 998, Total: 1000, Reset: now}
	b.stats = rest.Stats{Requests: 7, RoundTrip: rest.Percentiles{Samples: 7, P50: time.Millisecond, P95: time.Millisecond, P99: time.Second}}
	b.handlers = []bot.HandlerTime{{Name: "help", Runs: 40, Failed: 1, P50: time.Millisecond, P95: 2 * time.Millisecond, Max: time.Second}, {Name: "ping"}}
	b.snap.Discord = statuspage.Status{Indicator: "minor", Description: "Partial outage", Incidents: []statuspage.Incident{{Name: "Gateway is slow"}}, At: now}
	past := fakeHistory{
		incidents: journal.Recent,
		uptime: func(window time.Duration) history.Uptime {
			const day = 24 * time.Hour
			cut := loss(now, time.Hour, time.Minute)
			return history.Uptime{
				From: now.Add(-window), To: now,
				Totals: history.Totals{Online: window - time.Hour, Offline: time.Minute, Degraded: time.Minute, Unknown: 58 * time.Minute},
				Days: []history.Day{
					{Date: now.Truncate(day), Totals: history.Totals{Online: day}, Incidents: 2, Worst: &cut},
					{Date: now.Truncate(day), Totals: history.Totals{Unknown: day}},
				},
			}
		},
		points: []history.Point{{At: now, Gateway: 45 * time.Millisecond, Max: 50 * time.Millisecond}, {At: now, REST: time.Second}},
		rates: []history.Rate{
			{At: now.Add(-time.Minute), Per: time.Minute, Events: history.Events{Received: 60, Handled: 59, Asked: 3, Answered: 2}},
			{At: now, Per: time.Minute},
		},
	}
	return Options{Version: "1.2.3", Bot: b, History: past, Lines: lines}, b
}

// unreadable is an archive on a broken disk.
type unreadable struct{ health.Journal }

func (unreadable) Find(context.Context, health.Query) ([]health.Incident, error) {
	return nil, errors.New("disk I/O error")
}

func readContract(t *testing.T) contract.Contract {
	t.Helper()
	return contract.Read(t, document, "./")
}

// holds fails unless the answer to a GET is as the document says.
func holds(t *testing.T, c contract.Contract, path string, a reply) {
	t.Helper()
	c.Holds(t, http.MethodGet, path, a.Status, a.Header, a.Body)
}

// The document is valid, names every path that is served to programs and no
// other, and explains every field.
func TestDocumentIsWhole(t *testing.T) {
	c := readContract(t)
	served := map[string]bool{}
	for _, r := range routes {
		if r.path == "/login" || r.path == "/logout" {
			continue // for people
		}
		path := r.path
		if path == "/api/v1/shards/" {
			path = "/api/v1/shards/{shard}/{operation}"
		}
		served[path] = true
		if c.Doc.Paths.Find(path) == nil {
			t.Errorf("%s is served and not in the document", path)
		}
	}
	for path, item := range c.Doc.Paths.Map() {
		if !served[path] {
			t.Errorf("%s is in the document and not served", path)
		}
		for _, operation := range item.Operations() {
			for _, p := range operation.Parameters {
				if p.Value.Description == "" {
					t.Errorf("%s: %s is not explained", path, p.Value.Name)
				}
			}
		}
	}
	for name, s := range c.Doc.Components.Schemas {
		explained(t, name, s)
	}
}

// explained fails for each field without a description and each object that
// leaves open what stands in it.
func explained(t *testing.T, name string, s *openapi3.SchemaRef) {
	t.Helper()
	if s.Ref != "" {
		return
	}
	if s.Value.Description == "" {
		t.Errorf("%s is not explained", name)
	}
	for field, of := range s.Value.Properties {
		explained(t, name+"."+field, of)
	}
	if s.Value.Items != nil {
		explained(t, name+"[]", s.Value.Items)
	}
	if s.Value.Type.Is("object") && s.Value.AdditionalProperties.Schema == nil && (s.Value.AdditionalProperties.Has == nil || *s.Value.AdditionalProperties.Has) {
		t.Errorf("%s may hold anything", name)
	}
}

// Whether all is known of a bot, nothing, or only bad news, each answer is as
// the document says, field by field.
func TestAnswersKeepTheContract(t *testing.T) {
	c := readContract(t)
	full, _ := everything(t)
	full.Addr, full.Token, full.Proxy = "0.0.0.0:0", "a-long-token", twoBots(time.Now())
	bad, b := everything(t)
	b.set(func(b *fakeBot) {
		now := b.snap.At
		open := loss(now, time.Hour, 0)
		b.snap.Status, b.snap.Reason, b.snap.Remedy, b.snap.OfflineSince = health.Offline, health.Text("away"), health.Text("look"), now.Add(-time.Hour)
		b.snap.Last, b.snap.Shards, b.snap.Latency = &open, nil, health.Latency{}
	})
	bad.Archive = unreadable{}
	for name, o := range map[string]Options{"all is known": full, "nothing is known": {Bot: reading(func() health.Snapshot { return health.Snapshot{At: time.Now()} })}, "bad news": bad} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, o)
			for _, path := range []string{
				"/livez", "/readyz", "/readyz/bot", "/startupz", "/health", "/metrics", "/openapi.json", "/badge/state.svg", "/badge/uptime.svg",
				"/badge/uptime.svg?window=7d", "/badge/uptime.svg?window=1s", "/api/v1/status", "/api/v1/incidents", "/api/v1/incidents?limit=2",
				"/api/v1/incidents?limit=0", "/api/v1/incidents?cause=half-open&open=false", "/api/v1/incidents?cause=boredom",
				"/api/v1/incidents?open=perhaps", "/api/v1/uptime", "/api/v1/uptime?window=90d", "/api/v1/uptime?window=1y", "/api/v1/latency",
				"/api/v1/latency?window=7d", "/api/v1/latency?window=", "/api/v1/latency?window=1y", "/api/v1/rates", "/api/v1/rates?window=90d",
				"/api/v1/rates?window=1y", "/api/v1/shards", "/api/v1/logs",
				"/api/v1/logs?limit=1", "/api/v1/logs?limit=1000000",
			} {
				holds(t, c, path, ask(t, s, "GET", path, bearer("Bearer a-long-token")))
				holds(t, c, path, ask(t, s, "GET", path))
			}
			holds(t, c, "/api/v1/events", ask(t, s, "GET", "/api/v1/events", func(r *http.Request) { r.Method = "HEAD"; bearer("Bearer a-long-token")(r) }))
		})
	}
}

// A page of incidents leads to the next one, until there is none; the filters
// choose.
func TestIncidentPages(t *testing.T) {
	o, b := everything(t)
	journal := &health.MemoryJournal{}
	for n := range 7 {
		i := loss(b.snap.At, time.Duration(10-n)*time.Hour, time.Minute)
		if n%2 == 0 {
			i.Cause = health.DNSFailure
		}
		journal.Write(i)
	}
	journal.Write(loss(b.snap.At, time.Minute, 0))
	o.History = fakeHistory{incidents: journal.Recent}
	s := serve(t, o)
	read := func(query string) (list incidentsBody) {
		t.Helper()
		a := ask(t, s, "GET", "/api/v1/incidents?"+query)
		if err := json.Unmarshal([]byte(a.Body), &list); err != nil || a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return list
	}
	var ids []string
	query := "limit=3"
	for pages := 1; ; pages++ {
		list := read(query)
		for _, i := range list.Incidents {
			ids = append(ids, i.ID)
		}
		if list.Next == nil {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		query = "limit=3&before=" + *list.Next
	}
	for at, i := range journal.Recent(10) {
		if len(ids) != 8 || ids[at] != i.ID {
			t.Fatalf("got %v", ids)
		}
	}
	for query, want := range map[string]int{
		"cause=dns-failure": 4, "cause=half-open": 4, "open=true": 1, "open=false": 7, "open=false&cause=dns-failure&limit=1": 1,
		"before=20000101T000000.000000-0": 0, "before=29990101T000000.000000-0": 8,
	} {
		if got := len(read(query).Incidents); got != want {
			t.Errorf("%s: %d incidents, want %d", query, got, want)
		}
	}
	open := read("open=true").Incidents[0]
	if open.End != nil || open.Outcome != "open" || open.Lost != nil || open.Link != "docs/runbook.md#half-open" || open.Evidence.Code == nil {
		t.Errorf("got %+v", open)
	}
}

// An answer about the past that has not changed is not sent again.
func TestUnchangedAnswers(t *testing.T) {
	o, _ := everything(t)
	s := serve(t, o)
	for _, path := range []string{"/api/v1/incidents", "/api/v1/uptime?window=30d", "/api/v1/latency", "/api/v1/rates", "/openapi.json", "/badge/state.svg", "/badge/uptime.svg"} {
		a := ask(t, s, "GET", path)
		tag := a.Header.Get("Etag")
		if tag == "" || a.Header.Get("Cache-Control") == "no-store" {
			t.Errorf("%s: %v", path, a.Header)
		}
		same := func(r *http.Request) { r.Header.Set("If-None-Match", tag) }
		if a := ask(t, s, "GET", path, same); a.Status != http.StatusNotModified || a.Body != "" {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if a := ask(t, s, "GET", "/api/v1/status"); a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Etag") != "" {
		t.Errorf("the status may be kept: %v", a.Header)
	}
}

// The record of the past cannot be read: the client learns no more than that,
// the log learns why, once a minute.
func TestRecordsThatCannotBeRead(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, Options{Log: logTo(&log), Archive: unreadable{}})
	for range 3 {
		if a := ask(t, s, "GET", "/api/v1/incidents"); a.Status != http.StatusServiceUnavailable || strings.Contains(a.Body, "disk") {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	}
	if n := strings.Count(log.String(), "disk I/O error"); n != 1 {
		t.Errorf("the log says %s", log.String())
	}
}
