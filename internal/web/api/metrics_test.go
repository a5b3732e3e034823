package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/sidecar"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// The metrics keep Prometheus' rules, with all known and with nothing.
func TestMetricsPassTheLinter(t *testing.T) {
	full, _ := everything(t)
	for _, o := range []Options{full, {}} {
		a := ask(t, serve(t, o), "GET", "/metrics")
		if a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", a.Status, a.Header, a.Body)
		}
		problems, err := promlint.New(strings.NewReader(a.Body)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if strings.HasPrefix(p.Metric, "evergreen_") {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
	}
}

// The numbers are those of the bot.
func TestMetricsTellTheTruth(t *testing.T) {
	o, b := everything(t)
	s := serve(t, o)
	body := ask(t, s, "GET", "/metrics").Body
	for _, line := range []string{
		"evergreen_up 1", `evergreen_status{status="online"} 1`, `evergreen_status{status="needs-you"} 0`, "evergreen_identifies_total 1",
		"evergreen_gateway_latency_seconds 0.045", `evergreen_gateway_latency_recent_seconds{percentile="95"} 0.07`, "evergreen_guilds 3",
		"evergreen_events_handled_total 99", "evergreen_commands_failed_total 1", "evergreen_queue_bytes 512", "evergreen_identify_budget_remaining 998",
		`evergreen_discord_status{indicator="minor"} 1`, `evergreen_build_info{version="1.2.3"} 1`, "evergreen_rest_requests_total 7",
		`evergreen_shard_connected{shard="1"} 0`, "evergreen_open_incidents 1", `evergreen_incident_cause{cause="half-open"} 1`,
		"evergreen_offline_seconds 0", "go_goroutines", `evergreen_handler_runs_total{handler="help"} 40`,
		`evergreen_handler_failures_total{handler="help"} 1`, `evergreen_handler_recent_seconds{handler="help",percentile="95"} 0.002`,
		`evergreen_handler_slowest_seconds{handler="help"} 1`,
	} {
		if !strings.Contains(body, "\n"+line) {
			t.Errorf("no %s", line)
		}
	}
	b.set(func(b *fakeBot) {
		b.snap.Status, b.snap.OfflineSince, b.snap.Latency = health.Offline, b.snap.At.Add(-90*time.Second), health.Latency{}
	})
	body = ask(t, s, "GET", "/metrics").Body
	for _, line := range []string{"evergreen_up 0", `evergreen_status{status="offline"} 1`, "evergreen_offline_seconds 90"} {
		if !strings.Contains(body, "\n"+line) {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(body, "\nevergreen_gateway_latency") {
		t.Error("a latency that is not known is told")
	}
}

// fakeProxy is how the bots behind a proxy are.
type fakeProxy sidecar.Status

func (p fakeProxy) Status() sidecar.Status { return sidecar.Status(p) }

// twoBots are two bots behind a proxy: one that is well, and one that is away.
func twoBots(now time.Time) fakeProxy {
	return fakeProxy{
		Gateway: "ws://127.0.0.1:8001", Addr: "127.0.0.1:8001", Known: true,
		Lines: 3, Backlog: 4096, BacklogLimit: 65536, BacklogAge: time.Hour, Counts: sidecar.Counts{Delivered: 70, Lost: 5, Told: 2, WrongTokens: 1},
		Consumers: []sidecar.ConsumerStatus{
			{
				Shard: [2]int{0, 2}, Library: "discord.py", Version: "2.2.2", From: "127.0.0.1:4711", Phase: sidecar.PhaseAttached, Since: now.Add(-time.Hour),
				Attended: true, Standby: 1, Unconfirmed: 2, Lag: 250 * time.Millisecond, Counts: sidecar.ConsumerCounts{Delivered: 70, Again: 3},
			},
			{
				Shard: [2]int{1, 2}, Phase: sidecar.PhaseAway, Since: now.Add(-2 * time.Minute), Waiting: 214, WaitingBytes: 4000, Oldest: now.Add(-time.Minute),
				Starts: []time.Time{now.Add(-30 * time.Minute), now.Add(-3 * time.Minute)}, Counts: sidecar.ConsumerCounts{Lost: 5, Told: 2},
			},
		},
	}
}

// Of bots behind the proxy the metrics tell who is attended, and keep the rules; without a
// proxy there are none.
func TestMetricsOfTheProxy(t *testing.T) {
	o, _ := everything(t)
	if body := ask(t, serve(t, o), "GET", "/metrics").Body; strings.Contains(body, "evergreen_proxy_") {
		t.Error("there are metrics of a proxy without one")
	}
	o.Proxy = twoBots(time.Now())
	body := ask(t, serve(t, o), "GET", "/metrics").Body
	for _, line := range []string{
		"evergreen_proxy_lines 3", "evergreen_proxy_backlog_bytes 4096", "evergreen_proxy_backlog_limit_bytes 65536", "evergreen_proxy_events_delivered_total 70", "evergreen_proxy_events_lost_total 5",
		"evergreen_proxy_interactions_told_total 2", "evergreen_proxy_wrong_tokens_total 1",
		`evergreen_proxy_attended{consumer="0/2"} 1`, `evergreen_proxy_attended{consumer="1/2"} 0`, `evergreen_proxy_standby_lines{consumer="0/2"} 1`,
		`evergreen_proxy_waiting_events{consumer="1/2"} 214`, `evergreen_proxy_recent_starts{consumer="1/2"} 1`,
		`evergreen_proxy_waiting_bytes{consumer="1/2"} 4000`, `evergreen_proxy_oldest_waiting_seconds{consumer="0/2"} 0`, `evergreen_proxy_confirm_lag_seconds{consumer="0/2"} 0.25`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "evergreen_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// A panic of what a scrape asks costs the scrape, not the process.
func TestMetricsContainPanics(t *testing.T) {
	var log strings.Builder
	broke := true
	s := serve(t, Options{Log: logTo(&log), Bot: reading(func() health.Snapshot {
		if broke {
			panic(errors.New("inside information"))
		}
		return online().snap
	})})
	if a := ask(t, s, "GET", "/metrics"); strings.Contains(a.Body, "inside") || strings.Contains(a.Body, "evergreen_up") || !strings.Contains(a.Body, "go_goroutines") {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	if !strings.Contains(log.String(), "inside information") {
		t.Errorf("the log says %s", log.String())
	}
	broke = false
	if a := ask(t, s, "GET", "/metrics"); !strings.Contains(a.Body, "evergreen_up 1") {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}
