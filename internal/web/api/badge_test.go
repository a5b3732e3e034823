package api

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/health/history"
)

// isXML fails unless a text is XML to its end.
func isXML(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}

// Anybody may see the badges, also on other sites and for a minute from a cache,
// in every state of the bot.
func TestStateBadge(t *testing.T) {
	b := online()
	s := serve(t, Options{Addr: "0.0.0.0:0", Token: "a-long-token", Bot: b})
	for status := health.Online; status <= health.NeedsYou; status++ {
		b.set(func(b *fakeBot) { b.snap.Status = status })
		a := ask(t, s, "GET", "/badge/state.svg")
		isXML(t, a.Body)
		if a.Status != http.StatusOK || !strings.Contains(a.Body, ">"+strings.ToLower(status.String())+"<") || !strings.Contains(a.Body, stateColours[status]) ||
			a.Header.Get("Content-Type") != "image/svg+xml" || a.Header.Get("Cache-Control") != "public, max-age=60" ||
			a.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: %d %v %s", status, a.Status, a.Header, a.Body)
		}
	}
}

// What is not whole is not 100 %.
func TestPercentNeverRoundsUp(t *testing.T) {
	for share, want := range map[float64]string{
		1: "100.00%", 0.999999: "99.99%", 0.99995: "99.99%", 0.9995: "99.95%", 0.5: "50.00%", 0: "0.00%", 0.29: "29.00%", 1.0000001: "100.00%",
	} {
		if got := percent(share); got != want {
			t.Errorf("%v: %s, want %s", share, got, want)
		}
	}
}

// However many ask for the uptime badge, the record is read once a minute for
// each window.
func TestUptimeBadge(t *testing.T) {
	var reads atomic.Int64
	of := history.Totals{Online: 99954 * time.Second, Offline: 46 * time.Second}
	s := serve(t, Options{History: fakeHistory{uptime: func(time.Duration) history.Uptime {
		reads.Add(1)
		return history.Uptime{Totals: of}
	}}})
	for range 20 {
		a := ask(t, s, "GET", "/badge/uptime.svg")
		isXML(t, a.Body)
		if !strings.Contains(a.Body, ">99.95%<") || !strings.Contains(a.Body, "uptime 30d") || !strings.Contains(a.Body, badgeGreen) {
			t.Fatalf("got %s", a.Body)
		}
	}
	if n := reads.Load(); n != 1 {
		t.Errorf("the record was read %d times", n)
	}
	of = history.Totals{Online: time.Hour, Offline: time.Hour}
	if a := ask(t, s, "GET", "/badge/uptime.svg?window=90d"); !strings.Contains(a.Body, badgeRed) {
		t.Errorf("got %s", a.Body)
	}
	of = history.Totals{}
	if a := ask(t, s, "GET", "/badge/uptime.svg?window=24h"); !strings.Contains(a.Body, ">unknown<") {
		t.Errorf("got %s", a.Body)
	}
	if a := ask(t, serve(t, Options{}), "GET", "/badge/uptime.svg"); !strings.Contains(a.Body, ">unknown<") {
		t.Errorf("without a record: %s", a.Body)
	}
	if a := ask(t, s, "GET", "/badge/uptime.svg?window=%3Cscript%3E"); a.Status != http.StatusBadRequest || strings.Contains(a.Body, "script") {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}
