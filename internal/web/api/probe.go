package api

import (
	"net/http"
	"slices"

	"evergreen/internal/health"
)

// probeBody is the answer of a probe that is fine.
type probeBody struct {
	Status string `json:"status"`
}

func (c probeBody) write(w http.ResponseWriter) {
	WriteJSON(w, http.StatusOK, "application/json", c)
}

// livez says that the process serves. It reads nothing of the bot.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) { probeBody{"alive"}.write(w) }

// readyz says whether the bot is online: connected, answered and working. If all
// of that holds, other trouble, such as a full disk, is no reason to take the bot
// away or to restart it.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	snap := s.opts.Bot.Snapshot()
	writeReady(w, snap, isReady(snap))
}

// readyzBot says whether the bot is online and attended: a bot behind the proxy is there
// and reads. Without the proxy it says what readyz says.
func (s *Server) readyzBot(w http.ResponseWriter, _ *http.Request) {
	snap := s.opts.Bot.Snapshot()
	unattended := slices.ContainsFunc(snap.Conditions, func(c health.Condition) bool { return c.Cause.Unattended() })
	writeReady(w, snap, isReady(snap) && !unattended)
}

func isReady(snap health.Snapshot) bool {
	return snap.Status == health.Online || snap.Status == health.Degraded && snap.Ready && snap.Connected && snap.Work.OK
}

func writeReady(w http.ResponseWriter, snap health.Snapshot, ready bool) {
	if ready {
		probeBody{snap.Status.ID()}.write(w)
		return
	}
	Problem{
		Title: "Not ready", Status: http.StatusServiceUnavailable,
		Detail: snap.Reason.String(), Bot: snap.Status.ID(), Remedy: snap.Remedy.String(),
	}.Write(w)
}

// startupz says whether a shard has begun to connect; once true, it stays true. It
// does not wait for Discord: a supervisor that restarts what does not start would
// make an outage longer.
func (s *Server) startupz(w http.ResponseWriter, _ *http.Request) {
	if !s.started.Load() {
		if snap := s.opts.Bot.Snapshot(); len(snap.Shards) == 0 {
			Problem{
				Title: "Not started", Status: http.StatusServiceUnavailable,
				Detail: snap.Reason.String(), Bot: snap.Status.ID(),
			}.Write(w)
			return
		}
		s.started.Store(true)
	}
	probeBody{"started"}.write(w)
}
