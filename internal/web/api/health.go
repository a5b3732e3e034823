package api

import (
	"math"
	"net/http"
	"time"
)

// healthBody is the body of /health. Times are UTC in RFC 3339; what is not known
// is null.
type healthBody struct {
	// Status is one of online, degraded, stopping, starting, reconnecting,
	// offline and needs-you.
	Status string     `json:"status"`
	Reason string     `json:"reason"`
	Remedy string     `json:"remedy,omitempty"`
	Since  *time.Time `json:"since"`
	Bot    struct {
		Name      string `json:"name,omitempty"`
		Ready     bool   `json:"ready"`
		Connected bool   `json:"connected"`
		Working   bool   `json:"working"`
	} `json:"bot"`
	Guilds       int        `json:"guilds"`
	LatencyMS    *float64   `json:"latency_ms"`
	LastActivity *time.Time `json:"last_activity"`
	OfflineSince *time.Time `json:"offline_since"`
	// Failures counts the periodic monitor's checks in a row that found the bot
	// not connected; LastCheck is when it looked.
	Failures  int        `json:"failures_in_a_row"`
	LastCheck *time.Time `json:"last_check"`
	Started   *time.Time `json:"started"`
	UptimeS   float64    `json:"uptime_s"`
}

// health serves /health. The answer is 200 in every state; /readyz is for clients
// that look at the status code.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	snap, check := s.opts.Bot.Snapshot(), s.opts.Bot.Check()
	r := healthBody{
		Status: snap.Status.ID(), Reason: snap.Reason.String(), Remedy: snap.Remedy.String(), Since: timeOrNull(snap.Since),
		Guilds:       snap.Guilds,
		LastActivity: timeOrNull(snap.Work.Activity.Last), OfflineSince: timeOrNull(snap.OfflineSince),
		Failures: check.Failures, LastCheck: timeOrNull(check.At),
		Started: timeOrNull(snap.Started), UptimeS: math.Round(snap.At.Sub(snap.Started).Seconds()),
	}
	r.Bot.Name, r.Bot.Ready, r.Bot.Connected, r.Bot.Working = snap.Username, snap.Ready, snap.Connected, snap.Work.OK
	if snap.Latency.Samples > 0 {
		ms := math.Round(snap.Latency.Last.Seconds()*1e4) / 10
		r.LatencyMS = &ms
	}
	WriteJSON(w, http.StatusOK, "application/json", r)
}

// timeOrNull is a time as it is sent: in UTC, to the millisecond, nil for none.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}
