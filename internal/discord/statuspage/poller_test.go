package statuspage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fine = `{"page":{"id":"x"},"status":{"indicator":"none","description":"All Systems Operational"},
	"components":[{"name":"API","status":"operational"},{"name":"Gateway","status":"operational"},{"name":"API","status":"major_outage","group":true}],"incidents":[]}`

const partial = `{"status":{"indicator":"major","description":"Partial System Outage"},
	"components":[{"name":"API","status":"operational"},{"name":"gateway","status":"partial_outage"}],
	"incidents":[{"name":"Old","status":"resolved"},{"name":"Gateway\ntrouble","status":"investigating","impact":"major","shortlink":"https://stspg.io/x","updated_at":"2026-11-24T22:00:00.000-08:00"},
		{"name":"Other","status":"identified","impact":"minor","shortlink":"javascript:alert(1)"}]}`

// fakePage answers like a status page, as its fields say, and notes what was asked.
type fakePage struct {
	mu     sync.Mutex
	status int
	body   string
	header http.Header
	err    error
	asked  []time.Time
	last   *http.Request
}

// change changes how the page answers.
func (p *fakePage) change(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *fakePage) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.last = append(p.asked, time.Now()), r
	if p.err != nil {
		return nil, p.err
	}
	header := p.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: p.status, Header: header, Body: io.NopCloser(strings.NewReader(p.body)), Request: r}, nil
}

// pollFake polls a page in virtual time until the story is told.
func pollFake(t *testing.T, p *fakePage, tell func(poller *Poller, changes *[]Status, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var changes []Status
		var log bytes.Buffer
		poller := New(Options{
			URL: "https://status.example/api/v2/summary.json", Client: &http.Client{Transport: p}, UserAgent: "Evergreen",
			Changed: func(s Status) { changes = append(changes, s) }, Log: slog.New(slog.NewTextHandler(&log, nil)), Rand: func() float64 { return 0 },
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- poller.Run(ctx) }()
		synctest.Wait()
		tell(poller, &changes, &log)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Given trouble at the gateway, when Discord says so and later that it is over,
// then each is told once, in words, and the page is asked once a minute and
// only for news.
func TestTroubleComesAndGoes(t *testing.T) {
	p := &fakePage{status: 200, body: fine, header: http.Header{"Etag": {`"1"`}, "Last-Modified": {"yesterday"}}}
	pollFake(t, p, func(poller *Poller, changes *[]Status, _ *bytes.Buffer) {
		if s := poller.Status(); !s.Known() || s.Trouble() || s.Says() != "All Systems Operational" || s.API != Operational {
			t.Errorf("got %+v", s)
		}
		p.change(func() { p.status, p.body = http.StatusNotModified, "" })
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		if p.last.Header.Get("If-None-Match") != `"1"` || p.last.Header.Get("If-Modified-Since") != "yesterday" || p.last.Header.Get("User-Agent") != "Evergreen" {
			t.Errorf("asked with %v", p.last.Header)
		}
		if len(p.asked) != 6 || len(*changes) != 1 || time.Since(poller.Status().At) > time.Minute {
			t.Errorf("asked %d times, told %d times, %s old", len(p.asked), len(*changes), time.Since(poller.Status().At))
		}
		p.change(func() { p.status, p.body = 200, partial })
		time.Sleep(time.Minute)
		synctest.Wait()
		s := poller.Status()
		if !s.Trouble() || s.Says() != "Partial System Outage; Gateway: partial outage; Gateway trouble" || len(s.Incidents) != 2 || s.Incidents[1].Link != "" {
			t.Errorf("got %q %+v", s.Says(), s)
		}
		p.change(func() { p.body = fine })
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(*changes) != 3 || !(*changes)[1].Trouble() || (*changes)[2].Trouble() {
			t.Errorf("told %+v", *changes)
		}
	})
}

// Given a page that fails, then it is asked less and less, one line is logged,
// and after ten minutes nothing is known any more: it is as if it were not
// there. When it answers again, all is as before.
func TestPageFails(t *testing.T) {
	p := &fakePage{status: 200, body: partial}
	pollFake(t, p, func(poller *Poller, changes *[]Status, log *bytes.Buffer) {
		p.change(func() { p.err = errors.New("connection refused") })
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if !poller.Status().Trouble() {
			t.Error("nine minutes later it is forgotten")
		}
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if s := poller.Status(); s.Known() || s.Trouble() || s.Says() != "" {
			t.Errorf("got %+v", s)
		}
		if len(*changes) != 2 || (*changes)[1].Known() {
			t.Errorf("told %+v", *changes)
		}
		if len(p.asked) > 6 || strings.Count(log.String(), "\n") != 1 || strings.Contains(log.String(), "status.example") {
			t.Errorf("asked %d times, log:\n%s", len(p.asked), log)
		}
		p.change(func() { p.err = nil })
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if !poller.Status().Trouble() || len(*changes) != 3 || !strings.Contains(log.String(), "can be read again") {
			t.Errorf("got %+v, log:\n%s", poller.Status(), log)
		}
	})
}

// Whatever else answers in the page's place is nothing known: HTML, JSON of
// something else, too much of it, an error, an answer to nothing asked.
func TestNotAPage(t *testing.T) {
	for name, p := range map[string]*fakePage{
		"html":         {status: 200, body: "<html>log in</html>"},
		"other JSON":   {status: 200, body: `{"status":{}}`},
		"another type": {status: 200, body: `[]`},
		"too much":     {status: 200, body: fine + strings.Repeat(" ", maxBody)},
		"error":        {status: 503, body: fine},
		"redirect":     {status: 304},
	} {
		pollFake(t, p, func(poller *Poller, changes *[]Status, log *bytes.Buffer) {
			if s := poller.Status(); s.Known() || len(*changes) != 0 || log.Len() == 0 {
				t.Errorf("%s: %+v", name, s)
			}
		})
	}
}

// A page that asks to be left alone for a while is left alone.
func TestRetryAfter(t *testing.T) {
	p := &fakePage{status: 429, header: http.Header{"Retry-After": {"3600"}}}
	pollFake(t, p, func(*Poller, *[]Status, *bytes.Buffer) {
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if len(p.asked) != 1 {
			t.Errorf("asked %d times", len(p.asked))
		}
		p.change(func() { p.header = http.Header{"Retry-After": {"Fri, 31 Dec 1999 23:59:59 GMT"}} })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(p.asked) != 2 {
			t.Errorf("asked %d times", len(p.asked))
		}
	})
}

// A body that breaks off, and an address that is none, are failures like
// others.
func TestAskFails(t *testing.T) {
	p := New(Options{URL: "http://\x00"})
	if err := p.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "DISCORD_STATUS_URL") {
		t.Errorf("got %v", err)
	}
	broken := New(Options{URL: "http://x/", Client: &http.Client{Transport: brokenTransport{}}})
	if err := broken.fetch(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx); err != nil {
		t.Error(err)
	}
}

type brokenTransport struct{}

func (brokenTransport) RoundTrip(*http.Request) (*http.Response, error) {
	broken := io.MultiReader(strings.NewReader("{"), errorReader{})
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(broken)}, nil
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Without its components the page counts only when it says major or worse;
// maintenance is no trouble.
func TestTroubleWithoutComponents(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		status Status
		want   bool
	}{
		{Status{}, false},
		{Status{Indicator: Critical}, false}, // never said
		{Status{At: now, Indicator: Minor}, false},
		{Status{At: now, Indicator: Major}, true},
		{Status{At: now, Indicator: Critical}, true},
		{Status{At: now, Indicator: Critical, API: Operational}, false},
		{Status{At: now, Indicator: "maintenance", API: Maintenance, Gateway: Operational}, false},
		{Status{At: now, Indicator: Minor, API: "degraded_performance"}, true},
	} {
		if got := c.status.Trouble(); got != c.want {
			t.Errorf("%+v: %t", c.status, got)
		}
	}
	if got := (Status{At: now, Indicator: Minor, API: "degraded_performance"}).Says(); got != "API: degraded performance" {
		t.Errorf("says %q", got)
	}
	many := `{"status":{"indicator":"none"},"incidents":[` + strings.Repeat(`{"name":"`+strings.Repeat("ö", 200)+`"},`, 50) + `{}]}`
	s, err := parse([]byte(many), now)
	if err != nil || len(s.Incidents) != maxIncidents || len(s.Incidents[0].Name) > maxText+3 {
		t.Errorf("%v: %d incidents", err, len(s.Incidents))
	}
}

// Given the simulated Discord with an outage, when its status page says so, the
// poller reads it as it reads the real one.
func TestSimulatedPage(t *testing.T) {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	transport := sim.Transport()
	defer transport.CloseIdleConnections()
	p := New(Options{URL: strings.TrimSuffix(sim.APIURL(), "/api/v10") + "/api/v2/summary.json", Client: &http.Client{Transport: transport}})
	if err := p.fetch(t.Context()); err != nil || p.Status().Trouble() {
		t.Fatalf("%v: %+v", err, p.Status())
	}
	if _, err := sim.Inject(discordsim.Fault{Name: "no-ready"}); err != nil {
		t.Fatal(err)
	}
	if err := p.fetch(t.Context()); err != nil || !p.Status().Trouble() {
		t.Errorf("%v: %+v", err, p.Status())
	}
}
