package api

import (
	"time"

	"evergreen/internal/sidecar"

	"github.com/prometheus/client_golang/prometheus"
)

// Proxy tells how the bots behind evergreen proxy are.
type Proxy interface {
	Status() sidecar.Status
}

// proxyMetrics are read off the status of all bots together.
var proxyMetrics = []metric[sidecar.Status]{
	newMetric(gauge, "proxy_lines", "Connections of bots.",
		func(s *sidecar.Status) float64 { return float64(s.Lines) }),
	newMetric(gauge, "proxy_backlog_bytes", "Memory of the events that are kept for bots.",
		func(s *sidecar.Status) float64 { return float64(s.Backlog) }),
	newMetric(gauge, "proxy_backlog_limit_bytes", "How much may be kept for bots.",
		func(s *sidecar.Status) float64 { return float64(s.BacklogLimit) }),
	newMetric(counter, "proxy_events_delivered_total", "Events that were written to bots.",
		func(s *sidecar.Status) float64 { return float64(s.Counts.Delivered) }),
	newMetric(counter, "proxy_events_lost_total", "Events that fell out before a bot has confirmed them.",
		func(s *sidecar.Status) float64 { return float64(s.Counts.Lost) }),
	newMetric(counter, "proxy_events_set_aside_total", "Events that ended a bot three times in a row and are not delivered again.",
		func(s *sidecar.Status) float64 { return float64(s.Counts.SetAside) }),
	newMetric(counter, "proxy_interactions_told_total", "Interactions that were answered because no bot took them.",
		func(s *sidecar.Status) float64 { return float64(s.Counts.Told) }),
	newMetric(counter, "proxy_wrong_tokens_total", "Connections and requests of bots with another token.",
		func(s *sidecar.Status) float64 { return float64(s.Counts.WrongTokens) }),
}

// consumerMetrics are those of the bot of one shard pair, which the label consumer names
// as in 0/1.
var consumerMetrics = []struct {
	desc *prometheus.Desc
	read func(sidecar.ConsumerStatus, time.Time) float64
}{
	{describe("proxy_attended", "Whether a bot is attached and reads.", "consumer"),
		func(c sidecar.ConsumerStatus, _ time.Time) float64 { return boolValue(c.Attended) }},
	{describe("proxy_waiting_events", "Events that no bot has confirmed.", "consumer"),
		func(c sidecar.ConsumerStatus, _ time.Time) float64 { return float64(c.Waiting) }},
	{describe("proxy_waiting_bytes", "Memory of the events that no bot has confirmed.", "consumer"),
		func(c sidecar.ConsumerStatus, _ time.Time) float64 { return float64(c.WaitingBytes) }},
	{describe("proxy_oldest_waiting_seconds", "Age of the oldest event that no bot has confirmed; 0 without one.", "consumer"),
		func(c sidecar.ConsumerStatus, now time.Time) float64 { return age(c.Oldest, now).Seconds() }},
	{describe("proxy_confirm_lag_seconds", "For how long the oldest event that was written to the bot has not been confirmed; 0 without one.", "consumer"),
		func(c sidecar.ConsumerStatus, _ time.Time) float64 { return c.Lag.Seconds() }},
	{describe("proxy_standby_lines", "Further connections of the bot, which get no events.", "consumer"),
		func(c sidecar.ConsumerStatus, _ time.Time) float64 { return float64(c.Standby) }},
	{describe("proxy_recent_starts", "How often the bot has identified in the last five minutes.", "consumer"),
		func(c sidecar.ConsumerStatus, now time.Time) float64 { n, _ := c.RecentStarts(now); return float64(n) }},
}

// collectProxy emits how the bots behind the proxy are.
func collectProxy(to chan<- prometheus.Metric, p Proxy) {
	s, now := p.Status(), time.Now()
	emit(to, proxyMetrics, &s)
	for _, c := range s.Consumers {
		name := c.Name()
		for _, m := range consumerMetrics {
			to <- prometheus.MustNewConstMetric(m.desc, gauge, m.read(c, now), name)
		}
	}
}
