package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// mostScrapes is how many scrapes run at once.
const mostScrapes = 3

// newMetrics makes the handler of /metrics. It costs nothing between scrapes: a
// scrape reads counts that others keep.
func (s *Server) newMetrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collector{s},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
		// What could be read is worth having without the rest.
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: mostScrapes,
		// The text is small; compressing it would take more memory than all
		// the rest of the answer.
		DisableCompression: true,
	})
}

// serveMetrics serves the metrics.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) { s.metrics.ServeHTTP(w, r) }

// metric is the description of one metric whose value is read off something.
type metric[T any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*T) float64
}

func newMetric[T any](kind prometheus.ValueType, name, help string, read func(*T) float64) metric[T] {
	return metric[T]{describe(name, help), kind, read}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("evergreen_"+name, help, labels, nil)
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

func boolValue(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// botMetrics are read off a snapshot.
var botMetrics = []metric[health.Snapshot]{
	newMetric(gauge, "up", "Whether the bot is online: connected, answered and working.",
		func(s *health.Snapshot) float64 { return boolValue(s.Status == health.Online) }),
	newMetric(gauge, "ready", "Whether every shard has a session that is attached.",
		func(s *health.Snapshot) float64 { return boolValue(s.Ready) }),
	newMetric(gauge, "connected", "Whether every shard is connected and its heartbeats are answered.",
		func(s *health.Snapshot) float64 { return boolValue(s.Connected) }),
	newMetric(gauge, "working", "Whether events are being handled, apart from whether the bot is connected.",
		func(s *health.Snapshot) float64 { return boolValue(s.Work.OK) }),
	newMetric(gauge, "offline_seconds", "How long the shard that is away the longest has not been heard; 0 while all are connected.",
		func(s *health.Snapshot) float64 {
			if s.OfflineSince.IsZero() {
				return 0
			}
			return max(0, s.At.Sub(s.OfflineSince).Seconds())
		}),
	newMetric(gauge, "status_since_timestamp_seconds", "When the status began, in seconds since 1970.",
		func(s *health.Snapshot) float64 { return unixSeconds(s.Since) }),
	newMetric(gauge, "start_timestamp_seconds", "When the bot was started, in seconds since 1970.",
		func(s *health.Snapshot) float64 { return unixSeconds(s.Started) }),
	newMetric(gauge, "last_activity_timestamp_seconds", "When a person last used the bot, in seconds since 1970; 0 if never.",
		func(s *health.Snapshot) float64 { return unixSeconds(s.Work.Activity.Last) }),
	newMetric(gauge, "guilds", "Guilds the bot is in.",
		func(s *health.Snapshot) float64 { return float64(s.Guilds) }),
	newMetric(gauge, "open_incidents", "Incidents that go on.",
		func(s *health.Snapshot) float64 {
			n := 0
			for _, count := range openIncidents(s) {
				n += count
			}
			return float64(n)
		}),

	newMetric(counter, "identifies_total", "IDENTIFYs sent; Discord allows a thousand a day.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Identifies) }),
	newMetric(counter, "resumes_total", "RESUMEs sent.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Resumes) }),
	newMetric(counter, "resumes_succeeded_total", "RESUMEs that Discord accepted.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Resumed) }),
	newMetric(counter, "sessions_total", "Sessions begun.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Sessions) }),
	newMetric(counter, "reconnects_total", "Times a shard came back online after a loss.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Reconnects) }),
	newMetric(counter, "disconnects_total", "Connections that ended after HELLO.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Disconnects) }),
	newMetric(counter, "connect_failures_total", "Attempts to connect that did not reach HELLO.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Failures) }),
	newMetric(counter, "reconnect_requests_total", "Times Discord asked for a reconnect (op 7).",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Requested) }),
	newMetric(counter, "invalid_sessions_total", "Times Discord refused a session (op 9).",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Invalidated) }),
	newMetric(counter, "heartbeats_total", "Heartbeats sent.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Heartbeats) }),
	newMetric(counter, "heartbeat_acks_total", "Heartbeats answered.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.ACKs) }),
	newMetric(counter, "suspicions_total", "Times an answer was overdue and a spare connection was dialled.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Suspicions) }),
	newMetric(counter, "events_replayed_total", "Events that came again after a loss.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Replayed) }),
	newMetric(counter, "events_missing_total", "Events that never came.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Missing) }),
	newMetric(counter, "payloads_skipped_total", "Payloads that could not be read and cost only themselves.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Skipped) }),
	newMetric(counter, "handler_panics_total", "Panics of event handlers that were contained.",
		func(s *health.Snapshot) float64 { return float64(s.Counts.Panics) }),
	newMetric(counter, "commands_total", "Commands the bot was asked.",
		func(s *health.Snapshot) float64 { return float64(s.Work.Activity.Asked) }),
	newMetric(counter, "commands_answered_total", "Commands whose answer Discord has accepted.",
		func(s *health.Snapshot) float64 { return float64(s.Work.Activity.Answered) }),
	newMetric(counter, "commands_failed_total", "Commands that were given up.",
		func(s *health.Snapshot) float64 { return float64(s.Work.Activity.Failed) }),
}

// shardMetrics are read off what the shards count.
var shardMetrics = []metric[gateway.Stats]{
	newMetric(counter, "events_received_total", "Events that Discord sent.",
		func(s *gateway.Stats) float64 { return float64(s.Received) }),
	newMetric(counter, "events_handled_total", "Events whose handling is over.",
		func(s *gateway.Stats) float64 { return float64(s.Handled) }),
	newMetric(counter, "events_duplicate_total", "Events dropped because they had been seen.",
		func(s *gateway.Stats) float64 { return float64(s.Duplicates) }),
	newMetric(gauge, "queue_bytes", "Bytes of events that wait for their handler.",
		func(s *gateway.Stats) float64 { return float64(s.QueuedBytes) }),
	newMetric(gauge, "queue_age_seconds", "Age of the oldest event whose handling is not over.",
		func(s *gateway.Stats) float64 { return s.QueuedAge.Seconds() }),
	newMetric(counter, "received_bytes_total", "Bytes of payloads from the gateway, decompressed.",
		func(s *gateway.Stats) float64 { return float64(s.Bytes) }),
	newMetric(counter, "received_wire_bytes_total", "Bytes of payloads from the gateway, as they came.",
		func(s *gateway.Stats) float64 { return float64(s.WireBytes) }),
	newMetric(counter, "payloads_sent_total", "Payloads sent to the gateway, heartbeats included.",
		func(s *gateway.Stats) float64 { return float64(s.Sent) }),
	newMetric(counter, "dials_total", "Connections to the gateway that were attempted.",
		func(s *gateway.Stats) float64 { return float64(s.Dials) }),
	newMetric(counter, "unobserved_total", "Observations that were dropped because an observer was slow.",
		func(s *gateway.Stats) float64 { return float64(s.Unobserved) }),
}

// restMetrics are read off what the REST transport counts.
var restMetrics = []metric[rest.Stats]{
	newMetric(counter, "rest_requests_total", "REST requests made.",
		func(s *rest.Stats) float64 { return float64(s.Requests) }),
	newMetric(counter, "rest_retries_total", "REST attempts after the first of a request.",
		func(s *rest.Stats) float64 { return float64(s.Retries) }),
	newMetric(counter, "rest_refused_total", "REST requests that were not sent, or no further.",
		func(s *rest.Stats) float64 { return float64(s.Refused) }),
	newMetric(counter, "rest_limited_total", "REST answers of 429 for this bot.",
		func(s *rest.Stats) float64 { return float64(s.Limited) }),
	newMetric(counter, "rest_server_errors_total", "REST answers of 5xx.",
		func(s *rest.Stats) float64 { return float64(s.ServerErrors) }),
	newMetric(counter, "rest_no_answers_total", "REST attempts without an answer.",
		func(s *rest.Stats) float64 { return float64(s.NoAnswers) }),
	newMetric(gauge, "rest_invalid_requests", "REST answers of 401, 403 and 429 in the last ten minutes; Discord blocks an address at ten thousand.",
		func(s *rest.Stats) float64 { return float64(s.Invalid) }),
}

// serverMetrics are read off this server.
var serverMetrics = []metric[Server]{
	newMetric(gauge, "api_streams", "Live streams being served.",
		func(s *Server) float64 { return float64(s.streams.Load()) }),
	newMetric(gauge, "api_connections", "Connections of clients of the HTTP API.",
		func(s *Server) float64 { return float64(s.conns.count()) }),
	newMetric(gauge, "check_failures_in_a_row", "Checks of the periodic monitor in a row that found the bot not connected.",
		func(s *Server) float64 { return float64(s.opts.Bot.Check().Failures) }),
}

// The metrics with labels, and those that are not always there.
var (
	statusMetric      = describe("status", "The status of the bot: 1 for the one it has, 0 for all others.", "status")
	causeMetric       = describe("incident_cause", "The causes of the incidents that go on, 1 for each.", "cause")
	latencyMetric     = describe("gateway_latency_seconds", "The last round trip of a heartbeat.")
	recentMetric      = describe("gateway_latency_recent_seconds", "Round trips of the last 256 heartbeats of each shard, by percentile.", "percentile")
	restRecentMetric  = describe("rest_latency_recent_seconds", "Round trips of the last 256 REST attempts, by percentile.", "percentile")
	shardStatusMetric = describe("shard_connected", "Whether a shard is connected and its heartbeats are answered.", "shard")
	shardLastMetric   = describe("shard_gateway_latency_seconds", "The last round trip of a shard's heartbeat.", "shard")
	budgetMetric      = describe("identify_budget_remaining", "Session starts left for the day.")
	budgetTotalMetric = describe("identify_budget_limit", "Session starts allowed in a day.")
	handlerRunsMetric = describe("handler_runs_total", "Runs of a command.", "handler")
	handlerFailMetric = describe("handler_failures_total", "Runs of a command that ended in an error, a panic or at the time limit.", "handler")
	handlerTimeMetric = describe("handler_recent_seconds", "Times of the last 256 runs of a command, by percentile.", "handler", "percentile")
	handlerMaxMetric  = describe("handler_slowest_seconds", "The longest run of a command since the start.", "handler")
	discordMetric     = describe("discord_status", "What Discord says about itself: 1 for what it says, 0 for all else.", "indicator")
	buildMetric       = describe("build_info", "Always 1; the label tells the version of the bot.", "version")
)

// openIncidents counts the incidents that go on by their cause, of which there
// are as many as the catalogue has.
func openIncidents(s *health.Snapshot) map[health.CauseID]int {
	open := map[health.CauseID]int{}
	for _, shard := range s.Shards {
		if shard.Open != nil {
			open[shard.Open.Cause]++
		}
	}
	return open
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// indicators are what Discord can say about itself.
var indicators = []string{"none", "minor", "major", "critical"}

// collector reads everything when it is asked.
type collector struct{ of *Server }

// Describe names no metrics: which there are depends on what is known.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads everything once. A panic of what it asks costs this scrape.
func (c collector) Collect(to chan<- prometheus.Metric) {
	defer func() {
		if p := recover(); p != nil {
			to <- prometheus.NewInvalidMetric(buildMetric, fmt.Errorf("the bot could not be asked: %v", p))
		}
	}()
	s := c.of
	snap := s.opts.Bot.Snapshot()
	constant := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, gauge, value, labels...)
	}
	emit(to, botMetrics, &snap)
	emit(to, shardMetrics, &snap.Work.Stats)
	emit(to, serverMetrics, s)
	constant(buildMetric, 1, s.opts.Version)
	for status := health.Online; status <= health.NeedsYou; status++ {
		constant(statusMetric, boolValue(status == snap.Status), status.ID())
	}
	for cause := range openIncidents(&snap) {
		constant(causeMetric, 1, string(cause))
	}
	if l := snap.Latency; l.Samples > 0 {
		constant(latencyMetric, l.Last.Seconds())
		constant(recentMetric, l.P50.Seconds(), "50")
		constant(recentMetric, l.P95.Seconds(), "95")
		constant(recentMetric, l.P99.Seconds(), "99")
	}
	for _, shard := range snap.Shards {
		id := strconv.Itoa(shard.Shard.ID)
		constant(shardStatusMetric, boolValue(shard.Connected), id)
		if shard.Latency.Samples > 0 {
			constant(shardLastMetric, shard.Latency.Last.Seconds(), id)
		}
	}
	for _, h := range s.opts.Bot.Handlers() {
		to <- prometheus.MustNewConstMetric(handlerRunsMetric, counter, float64(h.Runs), h.Name)
		to <- prometheus.MustNewConstMetric(handlerFailMetric, counter, float64(h.Failed), h.Name)
		constant(handlerTimeMetric, h.P50.Seconds(), h.Name, "50")
		constant(handlerTimeMetric, h.P95.Seconds(), h.Name, "95")
		constant(handlerMaxMetric, h.Max.Seconds(), h.Name)
	}
	budget := s.opts.Bot.Budget()
	constant(budgetMetric, float64(budget.Remaining))
	constant(budgetTotalMetric, float64(budget.Total))
	stats := s.opts.Bot.REST()
	emit(to, restMetrics, &stats)
	if t := stats.RoundTrip; t.Samples > 0 {
		constant(restRecentMetric, t.P50.Seconds(), "50")
		constant(restRecentMetric, t.P95.Seconds(), "95")
		constant(restRecentMetric, t.P99.Seconds(), "99")
	}
	if s.opts.Proxy != nil {
		collectProxy(to, s.opts.Proxy)
	}
	if said := snap.Discord; said.Known() {
		for _, indicator := range indicators {
			constant(discordMetric, boolValue(indicator == string(said.Indicator)), indicator)
		}
	}
}

func emit[T any](to chan<- prometheus.Metric, table []metric[T], of *T) {
	for _, m := range table {
		to <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(of))
	}
}
