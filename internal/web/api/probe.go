package api

import (
	"net/http"

	"evergreen/internal/health"
)

// condition is what a probe that is well answers.
type condition struct {
	Status string `json:"status"`
}

func (c condition) write(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, "application/json", c)
}

// livez says that the process serves. It asks nobody.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) { condition{"alive"}.write(w) }

// readyz says whether the bot is online: connected, answered and working. What
// is wrong with a bot that is all of that, such as that nothing can be saved, is
// no reason to take it away, or even to restart it.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	snap := s.opts.Bot.Snapshot()
	if snap.Status == health.Online || snap.Status == health.Degraded && snap.Ready && snap.Connected && snap.Work.OK {
		condition{snap.Status.ID()}.write(w)
		return
	}
	problem{
		Title: "Not ready", Status: http.StatusServiceUnavailable,
		Detail: snap.Reason.String(), Bot: snap.Status.ID(), Remedy: snap.Remedy.String(),
	}.write(w)
}

// startupz says whether the program is at work, which is when a shard has begun
// to connect; from then on always. It does not wait for Discord: a supervisor
// that restarts what does not start would make an outage longer.
func (s *Server) startupz(w http.ResponseWriter, _ *http.Request) {
	if !s.started.Load() {
		if snap := s.opts.Bot.Snapshot(); len(snap.Shards) == 0 {
			problem{
				Title: "Not started", Status: http.StatusServiceUnavailable,
				Detail: snap.Reason.String(), Bot: snap.Status.ID(),
			}.write(w)
			return
		}
		s.started.Store(true)
	}
	condition{"started"}.write(w)
}
