package api

import (
	"math"
	"net/http"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/web/dashboard"
)

// statusBody is the answer of /api/v1/status and the data of the stream's
// status events. openapi.json explains every field.
type statusBody struct {
	At           *time.Time      `json:"at"`
	Status       string          `json:"status"`
	StatusText   string          `json:"status_text"`
	Reason       string          `json:"reason"`
	Remedy       string          `json:"remedy"`
	Since        *time.Time      `json:"since"`
	Started      *time.Time      `json:"started"`
	OfflineSince *time.Time      `json:"offline_since"`
	SessionSince *time.Time      `json:"session_since"`
	Ready        bool            `json:"ready"`
	Connected    bool            `json:"connected"`
	Bot          botBody         `json:"bot"`
	Work         workBody        `json:"work"`
	Latency      latenciesBody   `json:"latency"`
	Counts       countsBody      `json:"counts"`
	Budget       *budgetBody     `json:"budget"`
	Discord      *discordBody    `json:"discord"`
	Check        *checkBody      `json:"check"`
	Version      string          `json:"version"`
	Instance     string          `json:"instance"`
	Incident     *incidentBody   `json:"incident"`
	Conditions   []conditionBody `json:"conditions"`
	Proxy        *proxyBody      `json:"proxy"`
}

// conditionBody is something wrong beside the connection.
type conditionBody struct {
	Cause   string     `json:"cause"`
	Trouble string     `json:"trouble"`
	Says    string     `json:"says"`
	Remedy  string     `json:"remedy"`
	Since   *time.Time `json:"since"`
	// InReason: the reason of the status says it.
	InReason bool `json:"in_reason"`
}

type botBody struct {
	Username string        `json:"username"`
	Guilds   int           `json:"guilds"`
	Presence *presenceBody `json:"presence"`
}

type presenceBody struct {
	Wanted *string    `json:"wanted"`
	Sent   *string    `json:"sent"`
	SentAt *time.Time `json:"sent_at"`
}

type workBody struct {
	OK           bool          `json:"ok"`
	Reason       string        `json:"reason"`
	Cause        string        `json:"cause,omitempty"`
	Received     int64         `json:"received"`
	Handled      int64         `json:"handled"`
	Asked        int64         `json:"asked"`
	Answered     int64         `json:"answered"`
	Failed       int64         `json:"failed"`
	QueueBytes   int64         `json:"queue_bytes"`
	QueueAgeMS   float64       `json:"queue_age_ms"`
	LastActivity *time.Time    `json:"last_activity"`
	HandlerMS    []handlerBody `json:"handler_ms"`
}

type handlerBody struct {
	Name   string  `json:"name"`
	Runs   int64   `json:"runs"`
	Failed int64   `json:"failed"`
	P50    float64 `json:"p50"`
	P95    float64 `json:"p95"`
	Max    float64 `json:"max"`
}

type latenciesBody struct {
	Gateway *percentilesBody `json:"gateway_ms"`
	REST    *percentilesBody `json:"rest_ms"`
}

type percentilesBody struct {
	Last *float64 `json:"last"`
	P50  float64  `json:"p50"`
	P95  float64  `json:"p95"`
	P99  float64  `json:"p99"`
}

type countsBody struct {
	Identifies  int64 `json:"identifies"`
	Resumes     int64 `json:"resumes"`
	Resumed     int64 `json:"resumed"`
	Sessions    int64 `json:"sessions"`
	Replayed    int64 `json:"replayed"`
	Missing     int64 `json:"missing"`
	Reconnects  int64 `json:"reconnects"`
	Disconnects int64 `json:"disconnects"`
	Failures    int64 `json:"failures"`
	Requested   int64 `json:"requested"`
	Invalidated int64 `json:"invalidated"`
	Heartbeats  int64 `json:"heartbeats"`
	ACKs        int64 `json:"acks"`
	Suspicions  int64 `json:"suspicions"`
	Skipped     int64 `json:"skipped"`
	Panics      int64 `json:"panics"`
}

func newCountsBody(c health.Counts) countsBody { return countsBody(c) }

type budgetBody struct {
	Total       int        `json:"total"`
	Remaining   int        `json:"remaining"`
	ResetAt     *time.Time `json:"reset_at"`
	Used1h      int        `json:"used_1h"`
	Used24h     int        `json:"used_24h"`
	FromDiscord bool       `json:"from_discord"`
}

type discordBody struct {
	Indicator   string  `json:"indicator"`
	Description string  `json:"description"`
	Incident    *string `json:"incident"`
}

type checkBody struct {
	At       *time.Time `json:"at"`
	OK       bool       `json:"ok"`
	Failures int        `json:"failures_in_a_row"`
}

// heartbeatBody is the data of the stream's latency events.
type heartbeatBody struct {
	At        *time.Time `json:"at"`
	Shard     int        `json:"shard"`
	GatewayMS float64    `json:"gateway_ms"`
}

// transitionBody is the data of the stream's transition events.
type transitionBody struct {
	At    *time.Time `json:"at"`
	Shard int        `json:"shard"`
	From  string     `json:"from"`
	To    string     `json:"to"`
	Cause string     `json:"cause"`
}

// status serves /api/v1/status.
func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, "application/json", s.statusNow())
}

func (s *Server) statusNow() statusBody { return s.statusOf(s.opts.Bot.Snapshot()) }

// statusOf makes the answer for a snapshot.
func (s *Server) statusOf(snap health.Snapshot) statusBody {
	b := statusBody{
		At: timeOrNull(snap.At), Status: snap.Status.ID(), StatusText: snap.Status.String(), Reason: snap.Reason.String(), Remedy: snap.Remedy.String(),
		Since: timeOrNull(snap.Since), Started: timeOrNull(snap.Started),
		OfflineSince: timeOrNull(snap.OfflineSince), SessionSince: timeOrNull(snap.SessionSince),
		Ready: snap.Ready, Connected: snap.Connected,
		Bot: botBody{Username: snap.Username, Guilds: snap.Guilds, Presence: newPresenceBody(s.presenceNow())},
		Work: workBody{
			OK: snap.Work.OK, Reason: snap.Work.Reason.String(), Cause: string(snap.Work.Cause), Received: snap.Work.Stats.Received, Handled: snap.Work.Stats.Handled,
			Asked: snap.Work.Activity.Asked, Answered: snap.Work.Activity.Answered, Failed: snap.Work.Activity.Failed,
			QueueBytes: snap.Work.Stats.QueuedBytes, QueueAgeMS: milliseconds(snap.Work.Stats.QueuedAge),
			LastActivity: timeOrNull(snap.Work.Activity.Last),
		},
		Latency: latenciesBody{Gateway: newPercentilesBody(snap.Latency)},
		Counts:  newCountsBody(snap.Counts), Version: s.opts.Version, Instance: s.opts.Instance, Conditions: []conditionBody{},
	}
	for _, c := range snap.Conditions {
		b.Conditions = append(b.Conditions, conditionBody{string(c.Cause), c.Trouble, c.Says().String(), health.Lookup(c.Cause).Do, timeOrNull(c.Since), snap.IsReason(c)})
	}
	if snap.Last != nil && snap.Last.Outcome == health.OutcomeOpen {
		open := newIncidentBody(*snap.Last, snap.At)
		b.Incident = &open
	}
	if said := snap.Discord; said.Known() {
		b.Discord = &discordBody{Indicator: string(said.Indicator), Description: said.Description}
		if name := said.IncidentName(); name != "" {
			b.Discord.Incident = &name
		}
	}
	s.addRest(&b)
	return b
}

// addRest adds what the snapshot does not tell.
func (s *Server) addRest(b *statusBody) {
	b.Work.HandlerMS = []handlerBody{}
	for _, h := range s.opts.Bot.Handlers() {
		b.Work.HandlerMS = append(b.Work.HandlerMS, handlerBody{
			h.Name, h.Runs, h.Failed, milliseconds(h.P50), milliseconds(h.P95), milliseconds(h.Max),
		})
	}
	if t := s.opts.Bot.REST().RoundTrip; t.Samples > 0 {
		b.Latency.REST = &percentilesBody{P50: milliseconds(t.P50), P95: milliseconds(t.P95), P99: milliseconds(t.P99)}
	}
	b.Proxy = newProxyBody(s.opts.Proxy, time.Now())
	u := s.opts.Bot.Budget()
	b.Budget = &budgetBody{u.Total, u.Remaining, timeOrNull(u.Reset), u.Hour, u.Day, u.FromDiscord}
	if check := s.opts.Bot.Check(); !check.At.IsZero() {
		b.Check = &checkBody{timeOrNull(check.At), check.OK, check.Failures}
	}
}

// presenceNow is the presence as far as it is known.
func (s *Server) presenceNow() dashboard.Presence {
	var p dashboard.Presence
	if wanted := s.opts.Bot.Presence(); wanted.Status != "" {
		p.Wanted = presenceText(wanted)
	}
	p.Sent, p.SentAt = s.presence.get()
	return p
}

// newPresenceBody is nil if nothing is known.
func newPresenceBody(p dashboard.Presence) *presenceBody {
	if p == (dashboard.Presence{}) {
		return nil
	}
	b := &presenceBody{SentAt: timeOrNull(p.SentAt)}
	if p.Wanted != "" {
		b.Wanted = &p.Wanted
	}
	if p.Sent != "" {
		b.Sent = &p.Sent
	}
	return b
}

// verbs stand before the name of an activity, by its type.
var verbs = map[gateway.ActivityType]string{
	gateway.ActivityPlaying: "playing ", gateway.ActivityStreaming: "streaming ", gateway.ActivityListening: "listening to ",
	gateway.ActivityWatching: "watching ", gateway.ActivityCompeting: "competing in ",
}

// presenceText writes a presence the way Discord shows it: "online, watching AI
// Research".
func presenceText(p gateway.Presence) string {
	parts := []string{string(p.Status)}
	for _, a := range p.Activities {
		text := verbs[a.Type] + a.Name
		if a.Type == gateway.ActivityCustom {
			text = a.State
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// statusKey is the part of a status whose change is an event at once.
type statusKey struct {
	status, reason, remedy, since, user, discord, conditions, bots string
	ready, connected, working                                      bool
	guilds, remaining                                              int
}

func (b statusBody) key() statusKey {
	k := statusKey{
		status: b.Status, reason: withoutNumbers(b.Reason), remedy: b.Remedy, user: b.Bot.Username,
		ready: b.Ready, connected: b.Connected, working: b.Work.OK, guilds: b.Bot.Guilds,
	}
	for _, c := range b.Conditions {
		k.conditions += c.Cause + " " + withoutNumbers(c.Trouble) + "\n"
	}
	if b.Since != nil {
		k.since = b.Since.Format(time.RFC3339)
	}
	if b.Proxy != nil {
		for _, c := range b.Proxy.Consumers {
			k.bots += c.Consumer + " " + c.Phase + "\n"
		}
	}
	if b.Budget != nil {
		k.remaining = b.Budget.Remaining
	}
	if b.Discord != nil {
		k.discord = b.Discord.Indicator
	}
	return k
}

// withoutNumbers makes texts equal that differ only in durations and counts.
func withoutNumbers(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, text)
}

// newPercentilesBody is nil without samples.
func newPercentilesBody(l health.Latency) *percentilesBody {
	if l.Samples == 0 {
		return nil
	}
	last := milliseconds(l.Last)
	return &percentilesBody{&last, milliseconds(l.P50), milliseconds(l.P95), milliseconds(l.P99)}
}

// milliseconds is a duration in milliseconds, to a tenth.
func milliseconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e4) / 10 }

// seconds is a duration in seconds, to a thousandth.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e3) / 1e3 }
