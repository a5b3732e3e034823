package alert

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/health"
)

// watchdog is the one elsewhere, which notes each call and when it came.
type watchdog struct {
	mu    sync.Mutex
	door  door
	calls []string // path and query, and the body
}

func (w *watchdog) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer, err := w.door.RoundTrip(r)
	if err == nil {
		w.calls = append(w.calls, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+w.door.body))
	}
	return answer, err
}

func (w *watchdog) fails(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.door.err = err
}

// called takes the calls so far.
func (w *watchdog) called() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

// guard begins a story with a dead man's switch.
func guard(t *testing.T, url string, tell func(dog *watchdog, set func(health.Snapshot), log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dog := &watchdog{door: door{status: 200}}
		var log bytes.Buffer
		var mu sync.Mutex
		now := health.Snapshot{Status: health.Starting, OfflineSince: time.Now()}
		d := NewDeadMan(DeadManOptions{
			URL: url, Client: &http.Client{Transport: dog}, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Snapshot: func() health.Snapshot {
				mu.Lock()
				defer mu.Unlock()
				s := now
				s.At = time.Now().Add(s.ClockSet)
				return s
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()
		tell(dog, func(s health.Snapshot) {
			mu.Lock()
			defer mu.Unlock()
			now = s
		}, &log)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func online() health.Snapshot {
	return health.Snapshot{Status: health.Online, Reason: health.Text("connected"), Ready: true, Connected: true}
}

func away() health.Snapshot {
	return health.Snapshot{Status: health.Offline, Reason: health.Text("the connection was cut"), OfflineSince: time.Now()}
}

// Given a watchdog, when the bot is online, then it is called every minute; when
// the bot has been away for a minute, it is told so with the reason; and at once
// when the bot is back. A start and a short reconnect are not reported.
func TestDeadMan(t *testing.T) {
	guard(t, "https://hc.example/ping/very-secret", func(dog *watchdog, set func(health.Snapshot), _ *bytes.Buffer) {
		time.Sleep(30 * time.Second)
		if got := dog.called(); len(got) != 0 {
			t.Errorf("during the start: %q", got)
		}
		set(online())
		time.Sleep(5*time.Minute + 2*time.Second)
		if got := dog.called(); len(got) != 6 || got[0] != "GET /ping/very-secret" {
			t.Errorf("online: %q", got)
		}
		set(away())
		time.Sleep(50 * time.Second)
		if got := dog.called(); len(got) != 0 {
			t.Errorf("within the minute: %q", got)
		}
		time.Sleep(15 * time.Second)
		if got := dog.called(); len(got) != 1 || got[0] != "POST /ping/very-secret/fail Offline: the connection was cut" {
			t.Errorf("offline: %q", got)
		}
		time.Sleep(10 * time.Minute)
		if got := dog.called(); len(got) != 10 {
			t.Errorf("ten minutes offline: %q", got)
		}
		set(online())
		time.Sleep(15 * time.Second)
		if got := dog.called(); len(got) != 1 || got[0] != "GET /ping/very-secret" {
			t.Errorf("back: %q", got)
		}
		set(health.Snapshot{Status: health.NeedsYou, Reason: health.Text("the token is refused"), OfflineSince: time.Now()})
		time.Sleep(12 * time.Second)
		if got := dog.called(); len(got) != 1 || !strings.HasSuffix(got[0], "Needs you: the token is refused") {
			t.Errorf("needs you: %q", got)
		}
		set(health.Snapshot{Status: health.Stopping})
		time.Sleep(time.Hour)
		if got := dog.called(); len(got) != 0 {
			t.Errorf("stopped: %q", got)
		}
	})
}

// Uptime Kuma is told in its own way.
func TestDeadManOfUptimeKuma(t *testing.T) {
	guard(t, "https://kuma.example/api/push/secret?status=up&ping=", func(dog *watchdog, set func(health.Snapshot), _ *bytes.Buffer) {
		set(online())
		time.Sleep(2 * time.Second)
		set(away())
		time.Sleep(65 * time.Second)
		got := dog.called()
		if len(got) != 2 || got[0] != "GET /api/push/secret?msg=online&ping=&status=up" || got[1] != "GET /api/push/secret?msg=Offline%3A+the+connection+was+cut&ping=&status=down" {
			t.Errorf("got %q", got)
		}
	})
}

// Given a watchdog that cannot be reached, then it is tried every ten seconds,
// one line says so without its address, and another one when it is over.
//
// Statements: G-157.
func TestWatchdogIsAway(t *testing.T) {
	guard(t, "https://hc.example/ping/very-secret", func(dog *watchdog, set func(health.Snapshot), log *bytes.Buffer) {
		dog.fails(errors.New("no route"))
		set(online())
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if strings.Count(log.String(), "\n") != 1 || strings.Contains(log.String(), "secret") {
			t.Errorf("log:\n%s", log)
		}
		dog.fails(nil)
		time.Sleep(11 * time.Second)
		if got := dog.called(); len(got) != 1 || !strings.Contains(log.String(), "can be called again") {
			t.Errorf("%q, log:\n%s", got, log)
		}
	})
	guard(t, "https://hc.example/\x7f very-secret", func(_ *watchdog, set func(health.Snapshot), log *bytes.Buffer) {
		set(online())
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "address cannot be used") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// Given a clock that is set back or forward by hours, then the calls go on as before: a
// switch that falls silent over that would raise a false alarm.
func TestCallsGoOnWhenTheClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		guard(t, "https://hc.example/ping", func(dog *watchdog, set func(health.Snapshot), _ *bytes.Buffer) {
			s := health.Snapshot{Status: health.Online, Ready: true, Connected: true}
			set(s)
			time.Sleep(5 * DefaultInterval)
			before := len(dog.called())
			s.ClockSet = by
			set(s)
			time.Sleep(5 * DefaultInterval)
			if calls := len(dog.called()); calls < before-1 || calls > before+1 {
				t.Errorf("set by %s: %d calls, and %d before", by, calls, before)
			}
		})
	}
}
