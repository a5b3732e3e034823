package api

import (
	"net/http"
	"time"

	"evergreen/internal/health"
)

// shardsBody is the answer of /api/v1/shards.
type shardsBody struct {
	Shards []shardBody `json:"shards"`
}

type shardBody struct {
	ID           int              `json:"id"`
	Count        int              `json:"count"`
	Status       string           `json:"status"`
	StatusText   string           `json:"status_text"`
	Reason       string           `json:"reason"`
	Remedy       string           `json:"remedy"`
	Since        *time.Time       `json:"since"`
	Ready        bool             `json:"ready"`
	Connected    bool             `json:"connected"`
	OfflineSince *time.Time       `json:"offline_since"`
	LatencyMS    *float64         `json:"latency_ms"`
	Latency      *percentilesBody `json:"latency"`
	LastACK      *time.Time       `json:"last_ack"`
	SessionSince *time.Time       `json:"session_since"`
	State        string           `json:"state"`
	StateSince   *time.Time       `json:"state_since"`
	IntervalMS   *float64         `json:"interval_ms"`
	Guilds       int              `json:"guilds"`
	Counts       countsBody       `json:"counts"`
	Changes      []changeBody     `json:"changes"`
	Incident     *incidentBody    `json:"incident"`
}

type changeBody struct {
	At    *time.Time `json:"at"`
	From  string     `json:"from"`
	To    string     `json:"to"`
	Cause string     `json:"cause"`
}

// shards says how each shard is.
func (s *Server) shards(w http.ResponseWriter, _ *http.Request) {
	snap := s.opts.Bot.Snapshot()
	body := shardsBody{Shards: []shardBody{}}
	for _, shard := range snap.Shards {
		body.Shards = append(body.Shards, newShardBody(shard, snap.At))
	}
	WriteJSON(w, http.StatusOK, "application/json", body)
}

func newShardBody(s health.ShardSnapshot, now time.Time) shardBody {
	b := shardBody{
		ID: s.Shard.ID, Count: max(1, s.Shard.Count), Status: s.Status.ID(), StatusText: s.Status.String(), Reason: s.Reason.String(), Remedy: s.Remedy.String(),
		Since: timeOrNull(s.Since), Ready: s.Ready, Connected: s.Connected, OfflineSince: timeOrNull(s.OfflineSince),
		LatencyMS: msOrNull(s.Latency.Last), Latency: newPercentilesBody(s.Latency), LastACK: timeOrNull(s.LastACK), SessionSince: timeOrNull(s.SessionSince),
		State: s.State, StateSince: timeOrNull(s.StateSince), IntervalMS: msOrNull(s.Interval), Guilds: s.Guilds,
		Counts: newCountsBody(s.Counts), Changes: []changeBody{},
	}
	for _, c := range s.Changes {
		b.Changes = append(b.Changes, changeBody{timeOrNull(c.At), c.From, c.To, c.Cause})
	}
	if s.Open != nil {
		open := newIncidentBody(*s.Open, now)
		b.Incident = &open
	}
	return b
}
