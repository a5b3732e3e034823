package discordsim

import "time"

// SetHeartbeatInterval changes the interval that HELLO announces from now on.
// Connections that exist have been told another one: to be fair to them, cut
// them or only make it longer.
func (s *Sim) SetHeartbeatInterval(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Heartbeat.Interval = d
}

// AttachedSessions counts the sessions of a bot that have a live connection:
// one for each of its shards when all is well.
func (s *Sim) AttachedSessions(app *App) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sess := range s.bots[app.ID].sessions {
		if sess.conn != nil {
			n++
		}
	}
	return n
}
