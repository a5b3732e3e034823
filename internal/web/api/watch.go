package api

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/process/logging"
)

const (
	// pollEvery is how often the status is read while there are streams: it also
	// changes because nothing happens.
	pollEvery = time.Second
	// refreshEvery is how often a status is published in which only numbers have
	// changed.
	refreshEvery = 5 * time.Second
	// minInterval is the least time between two readings.
	minInterval = 100 * time.Millisecond
)

// sentPresence is the presence that was last sent to Discord, in words.
type sentPresence struct {
	mu   sync.Mutex
	text string
	at   time.Time
}

func (p *sentPresence) set(text string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.at = text, at
}

func (p *sentPresence) get() (string, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text, p.at
}

// Observe publishes on the live stream what happens to a shard. It comes after the
// tracker among the observers. A nil Server observes nothing.
func (s *Server) Observe(n gateway.Observation) {
	if s == nil {
		return
	}
	switch what := n.Event.(type) {
	case gateway.HeartbeatSent, gateway.PayloadSkipped, gateway.SequenceGap:
		return
	case gateway.PresenceSent:
		s.presence.set(presenceText(what.Presence), n.At)
	case gateway.HeartbeatACK:
		if !what.IsRoundTrip() {
			return // it says nothing of the link
		}
		s.events.Publish("latency", heartbeatBody{At: timeOrNull(n.At), Shard: n.Shard.ID, GatewayMS: milliseconds(what.Latency)})
	case gateway.Transition:
		s.events.Publish("transition", transitionBody{
			At: timeOrNull(n.At), Shard: n.Shard.ID, From: what.From.String(), To: what.To.String(), Cause: reasonText(what.Reason),
		})
	}
	s.notify()
}

// reasonText names a reason without what peers and libraries said about it.
func reasonText(c gateway.Reason) string {
	if c.Code != 0 {
		return string(c.Kind) + " " + strconv.Itoa(int(c.Code))
	}
	return string(c.Kind)
}

// notify makes the watcher read the status. It never waits.
func (s *Server) notify() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// publishLine publishes a line of the log.
func (s *Server) publishLine(l logging.Line) { s.events.Publish("log", newLineBody(l)) }

// watcher compares the status and the incidents with those published last.
type watcher struct {
	server    *Server
	checked   bool
	key       statusKey
	published time.Time // when the status was
	incidents map[string]incidentKey
}

// watch publishes changes of the status and of incidents until ctx ends.
func (s *Server) watch(ctx context.Context) {
	w := watcher{server: s, incidents: make(map[string]incidentKey)}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	interval := time.NewTimer(minInterval)
	defer interval.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		case <-ticker.C:
			if s.streams.Load() == 0 {
				continue
			}
		}
		w.checkContained()
		interval.Reset(minInterval)
		select {
		case <-ctx.Done():
			return
		case <-interval.C:
		}
	}
}

// checkContained checks once. A panic of what it asks costs this check only.
func (w *watcher) checkContained() {
	defer func() {
		if p := recover(); p != nil {
			w.server.opts.Log.Error("The live stream could not find out how the bot is", "panic", p)
		}
	}()
	w.check()
}

// check publishes what has changed.
func (w *watcher) check() {
	s := w.server
	snap := s.opts.Bot.Snapshot()
	body := s.statusOf(snap)
	now := time.Now()
	watched := s.streams.Load() > 0
	if key := body.key(); key != w.key || watched && now.Sub(w.published) >= refreshEvery {
		s.events.Publish("status", body)
		w.key, w.published = key, now
	}
	w.publishIncidents(s.newIncidents(snap), snap.At)
	w.checked = true
}

// publishIncidents publishes incidents that are new or have changed. The first
// check leaves out those that ended more than a minute ago.
func (w *watcher) publishIncidents(list []health.Incident, now time.Time) {
	seen := make(map[string]bool, len(list))
	for _, i := range list {
		if seen[i.ID] {
			continue // the first version is the youngest
		}
		seen[i.ID] = true
		if key := newIncidentKey(i); w.incidents[i.ID] != key {
			w.incidents[i.ID] = key
			if w.checked || i.End.IsZero() || now.Sub(i.End) < time.Minute {
				w.server.events.Publish("incident", newIncidentBody(i, now))
			}
		}
	}
	if len(w.incidents) > 10*fewIncidents {
		maps.DeleteFunc(w.incidents, func(id string, _ incidentKey) bool { return !seen[id] })
	}
}

// fewIncidents is how many incidents are checked for changes.
const fewIncidents = 8

// newIncidents are the incidents that may have changed. Open ones come from the
// snapshot, which is newer than any journal.
func (s *Server) newIncidents(snap health.Snapshot) []health.Incident {
	var list []health.Incident
	if snap.Last != nil {
		list = append(list, *snap.Last)
	}
	for _, shard := range snap.Shards {
		if shard.Open != nil {
			list = append(list, *shard.Open)
		}
	}
	if s.opts.History != nil {
		list = append(list, s.opts.History.Incidents(fewIncidents)...)
	}
	return list
}

// incidentKey is the part of an incident whose change is an event.
type incidentKey struct {
	cause       health.CauseID
	what, then  health.Message
	outcome     health.Outcome
	end         time.Time
	actions     int
	attempts    int
	replayed    int
	lost        int64
	sessionLost time.Time
}

func newIncidentKey(i health.Incident) incidentKey {
	return incidentKey{
		i.Cause, i.What, i.Then, i.Outcome, i.End.UTC(), len(i.Actions), i.Evidence.Attempts, i.Replayed, i.Lost, i.SessionLost.UTC(),
	}
}
