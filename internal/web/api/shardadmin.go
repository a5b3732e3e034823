package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
)

// Operator pauses, resumes, restarts, moves and re-shards. An error tells the
// client why it was not done; [fleet.ErrNoShard] becomes 404.
type Operator interface {
	Snapshot() fleet.Snapshot
	Pause(ctx context.Context, shard int) error
	Resume(ctx context.Context, shard int) error
	Restart(ctx context.Context, shard int, mode gateway.StopMode) error
	MoveOut(ctx context.Context, shard int) (fleet.Handover, error)
	// Reshard begins to change the number of shards. It returns once that is under
	// way, or why it cannot be.
	Reshard(ctx context.Context, count int) error
}

// operationTimeout is how long one operation may take, which is also the time that
// handlers get to finish. It is less than Limits.Write.
const operationTimeout = 8 * time.Second

// fleetBody is the answer of /api/v1/fleet.
type fleetBody struct {
	Shards   string           `json:"shards"` // as SHARDS is written
	Progress progressBody     `json:"progress"`
	Reshard  *reshardBody     `json:"reshard"`
	Failed   *failedBody      `json:"failed_reshard"`
	Each     []fleetShardBody `json:"each"`
}

// fleetShardBody is one shard in a fleetBody.
type fleetShardBody struct {
	ID        int      `json:"id"`
	Standing  string   `json:"standing"`
	State     string   `json:"state"`
	Queued    bool     `json:"queued"`
	LatencyMS *float64 `json:"latency_ms"`
}

type progressBody struct {
	Total            int     `json:"total"`
	Online           int     `json:"online"`
	Resuming         int     `json:"resuming"`
	Identifying      int     `json:"identifying"`
	Queued           int     `json:"queued"`
	Parked           int     `json:"parked"`
	Failing          int     `json:"failing"`
	Paused           int     `json:"paused"`
	MovedOut         int     `json:"moved_out"`
	RemainingSeconds float64 `json:"remaining_seconds"`
	Says             string  `json:"says"`
}

type reshardBody struct {
	From     int          `json:"from"`
	To       int          `json:"to"`
	Waits    string       `json:"waits"`
	Progress progressBody `json:"progress"`
}

// failedBody is a change of the number of shards that has failed.
type failedBody struct {
	To    int       `json:"to"`
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// handoverBody is the answer to move-out: a session that has left this process.
type handoverBody struct {
	Shard     int    `json:"shard"`
	Count     int    `json:"count"`
	SessionID string `json:"session_id"`
	ResumeURL string `json:"resume_url"`
	Seq       int64  `json:"seq"`
	Intents   uint64 `json:"intents"`
}

func newProgressBody(p fleet.Progress) progressBody {
	return progressBody{
		Total: p.Total, Online: p.Online, Resuming: p.Resuming, Identifying: p.Identifying, Queued: p.Queued, Parked: p.Parked,
		Failing: p.Failing, Paused: p.Paused, MovedOut: p.MovedOut, RemainingSeconds: p.Remaining.Seconds(), Says: p.String(),
	}
}

func newFleetBody(s fleet.Snapshot) fleetBody {
	b := fleetBody{Shards: s.Assignment.String(), Progress: newProgressBody(s.Progress), Each: []fleetShardBody{}}
	for _, shard := range s.Shards {
		b.Each = append(b.Each, fleetShardBody{
			ID: shard.Shard.ID, Standing: string(shard.Mode), State: shard.State.String(), Queued: shard.Queued, LatencyMS: msOrNull(shard.Latency),
		})
	}
	if r := s.Reshard; r != nil {
		b.Reshard = &reshardBody{From: r.From, To: r.To, Waits: r.Waits, Progress: newProgressBody(r.Progress)}
	}
	if r := s.FailedReshard; r != nil {
		b.Failed = &failedBody{To: r.To, At: r.At, Error: r.Err.Error()}
	}
	return b
}

func (s *Server) hasOperator() bool { return s.opts.Operator != nil }

// fleet serves /api/v1/fleet.
func (s *Server) fleet(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, "application/json", newFleetBody(s.opts.Operator.Snapshot()))
}

// operations are what can be done with one shard, by the last part of the path.
var operations = map[string]func(context.Context, Operator, int) (any, error){
	"pause":  func(ctx context.Context, o Operator, id int) (any, error) { return nil, o.Pause(ctx, id) },
	"resume": func(ctx context.Context, o Operator, id int) (any, error) { return nil, o.Resume(ctx, id) },
	"restart": func(ctx context.Context, o Operator, id int) (any, error) {
		return nil, o.Restart(ctx, id, gateway.KeepSession)
	},
	"restart-fresh": func(ctx context.Context, o Operator, id int) (any, error) {
		return nil, o.Restart(ctx, id, gateway.EndSession)
	},
	"move-out": func(ctx context.Context, o Operator, id int) (any, error) {
		h, err := o.MoveOut(ctx, id)
		return handoverBody{
			Shard: h.Shard.ID, Count: h.Shard.Count, SessionID: h.Session.ID, ResumeURL: h.Session.ResumeURL, Seq: h.Session.Seq,
			Intents: uint64(h.Intents),
		}, err
	},
}

// operateShard serves POST /api/v1/shards/{id}/{operation}.
func (s *Server) operateShard(w http.ResponseWriter, r *http.Request) {
	number, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/shards/"), "/")
	do, known := operations[what]
	id, err := strconv.Atoi(number)
	if !known || err != nil {
		notFound.Write(w)
		return
	}
	// A client that goes away must not leave a shard half paused.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), operationTimeout)
	defer cancel()
	answer, err := do(ctx, s.opts.Operator, id)
	if err != nil {
		s.writeConflict(w, err)
		return
	}
	s.opts.Log.Info("A shard was operated over the HTTP API", "shard", id, "operation", what, "from", r.RemoteAddr)
	if answer == nil {
		answer = newFleetBody(s.opts.Operator.Snapshot())
	}
	WriteJSON(w, http.StatusOK, "application/json", answer)
}

// reshard serves POST /api/v1/fleet/reshard?count=N. It only begins to change the
// number of shards; /api/v1/fleet says how far that is.
func (s *Server) reshard(w http.ResponseWriter, r *http.Request) {
	count, err := strconv.Atoi(r.URL.Query().Get("count"))
	if err != nil || count < 1 || count > fleet.MaxHere {
		BadRequest(fmt.Sprintf("count: want a whole number of shards, 1 to %d", fleet.MaxHere)).Write(w)
		return
	}
	if err := s.opts.Operator.Reshard(r.Context(), count); err != nil {
		s.writeConflict(w, err)
		return
	}
	WriteJSON(w, http.StatusAccepted, "application/json", newFleetBody(s.opts.Operator.Snapshot()))
}

// writeConflict answers why an operation failed.
func (s *Server) writeConflict(w http.ResponseWriter, err error) {
	p := Problem{Title: "Conflict", Status: http.StatusConflict, Detail: err.Error()}
	if errors.Is(err, fleet.ErrNoShard) {
		p.Title, p.Status = "Not found", http.StatusNotFound
	}
	p.Write(w)
}
