package api

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
)

const (
	// lookEvery is how often the status is looked at while somebody watches: it
	// also changes because nothing happens.
	lookEvery = time.Second
	// refreshEvery is how often numbers alone are told.
	refreshEvery = 5 * time.Second
	// calm is the least time between two looks.
	calm = 100 * time.Millisecond
)

// sentPresence is the presence Discord was told last.
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

// Observe lets the live stream follow a shard; it comes after the tracker among
// the observers. Dispatches are not observed, so they cost nothing here. A nil
// Server observes nothing.
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
		s.feed.publish("latency", beatBody{At: moment(n.At), Shard: n.Shard.ID, GatewayMS: milliseconds(what.Latency)})
	case gateway.Transition:
		s.feed.publish("transition", transitionBody{
			At: moment(n.At), Shard: n.Shard.ID, From: what.From.String(), To: what.To.String(), Cause: causeText(what.Reason),
		})
	}
	s.stir()
}

// causeText names a cause without what peers and libraries said about it.
func causeText(c gateway.Reason) string {
	if c.Code != 0 {
		return string(c.Kind) + " " + strconv.Itoa(int(c.Code))
	}
	return string(c.Kind)
}

// stir makes the watcher look. It never waits.
func (s *Server) stir() {
	select {
	case s.stirred <- struct{}{}:
	default:
	}
}

// logged puts a line of the log into the stream.
func (s *Server) logged(l Line) { s.feed.publish("log", l.body()) }

// watcher is what was told last.
type watcher struct {
	server    *Server
	looked    bool
	key       statusKey
	told      time.Time
	incidents map[string]incidentKey
}

// watch tells the stream about changes of the status and of incidents until ctx
// ends.
func (s *Server) watch(ctx context.Context) {
	w := watcher{server: s, incidents: make(map[string]incidentKey)}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	pause := time.NewTimer(calm)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stirred:
		case <-ticker.C:
			if s.streams.Load() == 0 {
				continue
			}
		}
		w.contained(ctx)
		pause.Reset(calm)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// contained looks once; a panic of what it asks costs this look.
func (w *watcher) contained(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			w.server.opts.Log.Error("The live stream could not find out how the bot is", "panic", p)
		}
	}()
	w.look(ctx)
}

// look compares how the bot is with what was told.
func (w *watcher) look(ctx context.Context) {
	s := w.server
	snap := s.opts.Snapshot()
	body := s.statusOf(snap)
	now := time.Now()
	watched := s.streams.Load() > 0
	if key := body.key(); key != w.key || watched && now.Sub(w.told) >= refreshEvery {
		s.feed.publish("status", body)
		w.key, w.told = key, now
	}
	w.compare(s.newIncidents(ctx, snap), snap.At)
	w.looked = true
}

// compare tells which incidents are new or have changed. At the first look those
// that have long been over are no news.
func (w *watcher) compare(list []health.Incident, now time.Time) {
	seen := make(map[string]bool, len(list))
	for _, i := range list {
		if seen[i.ID] {
			continue // the first version is the youngest
		}
		seen[i.ID] = true
		if key := keyOf(i); w.incidents[i.ID] != key {
			w.incidents[i.ID] = key
			if w.looked || i.End.IsZero() || now.Sub(i.End) < time.Minute {
				w.server.feed.publish("incident", newIncidentBody(i, now))
			}
		}
	}
	if len(w.incidents) > 10*fewIncidents {
		maps.DeleteFunc(w.incidents, func(id string, _ incidentKey) bool { return !seen[id] })
	}
}

// fewIncidents is how far back changes of incidents are looked for.
const fewIncidents = 8

// newIncidents is the incidents that may have changed. Those that go on are
// told by the snapshot, which is younger than any journal.
func (s *Server) newIncidents(ctx context.Context, snap health.Snapshot) []health.Incident {
	var list []health.Incident
	if snap.Last != nil {
		list = append(list, *snap.Last)
	}
	for _, shard := range snap.Shards {
		if shard.Open != nil {
			list = append(list, *shard.Open)
		}
	}
	if s.opts.Incidents != nil {
		recent, err := s.opts.Incidents(ctx, IncidentQuery{Limit: fewIncidents})
		if err == nil {
			list = append(list, recent...)
		}
	}
	return list
}

// incidentKey is what makes two versions of an incident differ for a reader.
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

func keyOf(i health.Incident) incidentKey {
	return incidentKey{
		i.Cause, i.What, i.Then, i.Outcome, i.End.UTC(), len(i.Actions), i.Evidence.Attempts, i.Replayed, i.Lost, i.SessionLost.UTC(),
	}
}
