package health

import (
	"errors"
	"net/url"
	"slices"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/network"
)

const (
	// maxChanges bounds the remembered changes of a shard's state.
	maxChanges = 50
	// maxHandlerPanics in panicWindow are a handler that does not work; fewer are
	// bad events.
	maxHandlerPanics = 3
	panicWindow      = 10 * time.Minute
	// sameTroubleWithin is how soon after coming back another loss counts as the
	// same trouble going on; loopAfter such losses are a loop.
	sameTroubleWithin = time.Minute
	loopAfter         = 3
	// onlyHelloAfter connections that bring HELLO and nothing else are no accident.
	onlyHelloAfter = 2
	// longIdentifyWait is the wait for an identify grant that is an incident of its
	// own; a shorter one is a place in a queue.
	longIdentifyWait = time.Minute
)

// shard is what is known of one shard. The tracker's lock guards it.
type shard struct {
	id     gateway.ShardID
	redact func(string) string

	state        gateway.State
	stateSince   time.Time
	created      time.Time // first observation
	onlineSince  time.Time // last READY or RESUMED; zero if never
	session      time.Time // when the session began, as far as observed
	lostSession  time.Time // when a session was last lost
	lastACK      time.Time
	interval     time.Duration
	username     string
	guilds       int
	identifyWait string // why IDENTIFY has to wait
	readyLate    bool
	queueFull    bool
	panics       []time.Time
	lastPanic    Panic
	latency      latencyWindow
	counts       Counts
	changes      []Change

	// pending are actions taken while the connection was only suspected, and
	// spareFailure why a spare connection failed meanwhile. They become part of the
	// next incident, or are dropped when an answer comes.
	pending      []Action
	spareFailure *gateway.ConnectFailed
	slept        time.Duration // a sleep that belongs to no incident yet
	stalled      time.Duration // the same of a process that stood still

	open    *Incident
	ended   *Incident // the last one that ended, while READY or RESUMED may still add to it
	changed []Incident
	loss    loss
}

// loss counts the signs of loops around the open incident.
type loss struct {
	resuming  bool                   // a RESUME is outstanding
	dropped   int                    // RESUMEs in this incident that were never answered
	onlyHello int                    // connections in this incident that brought HELLO and nothing else
	endings   map[gateway.Reason]int // how connections ended in this incident
	signature gateway.Reason         // how this incident began
	streak    int                    // incidents in a row that began so, each soon after the last
	spare     bool                   // the connection in use began as a spare
}

func newShard(id gateway.ShardID, at time.Time, redact func(string) string) *shard {
	return &shard{id: id, redact: redact, state: gateway.Idle{}, stateSince: at, created: at}
}

// sanitize does what [Tracker.sanitize] does.
func (s *shard) sanitize(foreign string) string { return sanitize(foreign, s.redact) }

// observe takes in one observation.
func (s *shard) observe(n gateway.Observation) {
	at := n.At
	switch w := n.Event.(type) {
	case gateway.Transition:
		s.transition(at, w)
	case gateway.ConnectFailed:
		s.connectFailed(at, w)
	case gateway.Disconnected:
		s.disconnected(at, w)
	case gateway.HelloReceived:
		s.interval = w.Interval
		_, s.loss.spare = s.state.(gateway.Suspect)
		s.recordAction(at, NewMessage("action.connected"))
	case gateway.HeartbeatSent:
		s.counts.Heartbeats++
		if w.Probe {
			s.recordAction(at, NewMessage("action.probe"))
		}
	case gateway.HeartbeatACK:
		s.counts.ACKs++
		s.lastACK = at
		if w.IsRoundTrip() {
			s.latency.add(Sample{At: at, Took: w.Latency})
		}
		if _, live := s.state.(gateway.Live); live {
			s.dropPending()
		}
	case gateway.SuspicionRaised:
		s.counts.Suspicions++
		s.recordAction(at, NewMessage("action.suspect"))
	case gateway.SuspicionCleared:
		s.dropPending()
	case gateway.HostSlept:
		s.absent(at, HostSlept, w.For)
	case gateway.ProcessStalled:
		s.absent(at, ProcessStalled, w.For)
	case gateway.AttemptsExhausted:
		s.recordAction(at, NewMessage("action.failed-in-a-row", number(w.Failures, "attempt")))
	default:
		s.observeSession(at, n.Event)
	}
}

// observeSession takes in what concerns the session.
func (s *shard) observeSession(at time.Time, event gateway.ShardEvent) {
	switch w := event.(type) {
	case gateway.IdentifyDelayed:
		s.identifyDelayed(at, w)
	case gateway.IdentifySent:
		s.counts.Identifies++
		s.recordAction(at, NewMessage("action.identify"))
	case gateway.ResumeSent:
		s.counts.Resumes++
		s.loss.resuming = true
		s.recordAction(at, NewMessage("action.resume"))
	case gateway.Ready:
		s.ready(at, w)
	case gateway.Resumed:
		s.resumed(at, w)
	case gateway.SlowReady:
		s.readyLate = true
		i := s.openIncident(at, gateway.Reason{Kind: gateway.ReasonNoReady, Elapsed: w.Waited})
		s.refineCause(i, DiscordOutage, NewMessage("ready-late"))
		s.recordAction(at, NewMessage("action.ready-late"))
	case gateway.ReconnectRequested:
		s.counts.Requested++
		s.recordAction(at, NewMessage("action.reconnect"))
	case gateway.SessionInvalidated:
		s.counts.Invalidated++
		s.recordAction(at, sessionInvalidated(w))
	case gateway.SessionLost:
		s.sessionLost(at, w.Reason)
	default:
		s.observeQueue(at, event)
	}
}

// observeQueue takes in what concerns events on their way to the handlers.
func (s *shard) observeQueue(at time.Time, event gateway.ShardEvent) {
	switch w := event.(type) {
	case gateway.PayloadSkipped:
		s.counts.Skipped++
	case gateway.SequenceGap:
		s.addMissing(w.To - w.From + 1)
	case gateway.QueueFull:
		s.queueFull = true
	case gateway.QueueDrained:
		s.queueFull = false
	case gateway.HandlerPanicked:
		s.panicked(at, w)
	}
}

func sessionInvalidated(w gateway.SessionInvalidated) Message {
	if w.Resumable {
		return NewMessage("action.refused-for-now")
	}
	return NewMessage("action.refused")
}

// recordAction records what was done: in the open incident, or for the one that may follow.
func (s *shard) recordAction(at time.Time, what Message) {
	if s.open != nil {
		s.open.Actions = addAction(s.open.Actions, at, what)
		return
	}
	if !s.onlineSince.IsZero() {
		s.pending = addAction(s.pending, at, what)
	}
}

// dropPending drops what pointed to a loss that did not happen.
func (s *shard) dropPending() {
	s.pending, s.spareFailure, s.slept, s.stalled = nil, nil, 0, 0
}

func (s *shard) transition(at time.Time, t gateway.Transition) {
	s.changes = append(s.changes, Change{At: at, From: stateName(t.From), To: stateName(t.To), Cause: s.sanitize(t.Reason.String())})
	if len(s.changes) > maxChanges {
		s.changes = slices.Delete(s.changes, 0, 1)
	}
	// An online state whose beginning was not observed: observations were dropped,
	// and with them the end of the incident.
	if s.open != nil && gateway.Online(t.From) && stateName(t.From) != stateName(s.state) && !gateway.Online(s.state) {
		s.endIncident(at, OutcomeUnobserved)
	}
	s.state, s.stateSince = t.To, at
	switch to := t.To.(type) {
	case gateway.Live:
		s.identifyWait, s.readyLate = "", false
		if s.open != nil {
			s.endIncident(at, OutcomeUnobserved) // the numbers follow with READY or RESUMED
		}
		if s.onlineSince.IsZero() {
			s.onlineSince = at
		}
		if _, suspect := t.From.(gateway.Suspect); suspect {
			s.dropPending()
		}
	case gateway.Parked:
		i := s.openIncident(at, to.Reason)
		i.Cause = Diagnose(to.Reason)
		if says := describe(to.Reason); says != i.What {
			i.Then = says
		}
		s.recordAction(at, NewMessage("action.parked"))
		s.queueIncident(i)
	case gateway.Stopped:
		if s.open != nil {
			s.endIncident(at, OutcomeEnded)
		}
	case gateway.Waiting, gateway.Connecting, gateway.Identifying, gateway.Resuming:
		if gateway.Online(t.From) && t.Reason.Kind != gateway.ReasonStop {
			s.openIncident(at, t.Reason)
		}
		if _, parked := t.From.(gateway.Parked); parked {
			s.recordAction(at, NewMessage("action.unparked"))
		}
	}
}

// stateName returns the name of a state without its details.
func stateName(state gateway.State) string {
	switch v := state.(type) {
	case nil:
		return "unknown"
	case gateway.Waiting:
		return "waiting"
	default:
		return v.String()
	}
}

func (s *shard) connectFailed(at time.Time, f gateway.ConnectFailed) {
	s.counts.Failures++
	if gateway.Online(s.state) && s.open == nil {
		s.spareFailure = &f
		s.recordAction(at, NewMessage("action.spare-failed", describe(f.Reason)))
		return
	}
	i := s.openIncident(at, f.Reason)
	s.addFailure(i, f)
	s.recordAction(at, NewMessage("action.failed", describe(f.Reason)))
}

// addFailure records a failed attempt in the incident.
func (s *shard) addFailure(i *Incident, f gateway.ConnectFailed) {
	c := f.Reason
	e := &i.Evidence
	e.Attempts++
	e.DialKind, e.DialSaid = c.Kind, s.sanitize(detail(c))
	if address := s.sanitize(triedAddress(f)); address != e.Address {
		e.Address = address
		s.queueIncident(i)
	}
	if status := httpStatus(c); status != 0 {
		e.HTTPStatus = status
	}
	s.refineCause(i, Diagnose(c), describe(c))
}

// triedAddress is the host and port that an attempt tried; empty if that is not known.
func triedAddress(f gateway.ConnectFailed) string {
	if proxy, ok := errors.AsType[*network.ProxyError](f.Reason.Err); ok {
		return proxy.Target
	}
	address := f.URL
	if f.Reason.Kind == gateway.ReasonLocate {
		address = ""
		if asked, ok := errors.AsType[*url.Error](f.Reason.Err); ok {
			address = asked.URL
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	return network.HostPort(u)
}

func (s *shard) disconnected(at time.Time, d gateway.Disconnected) {
	s.counts.Disconnects++
	if d.Reason.Kind == gateway.ReasonStop || s.replaced(at, d) {
		return
	}
	first := s.open == nil || s.open.Evidence.Kind == "" && !s.open.BeganWithPreviousRun
	i := s.openIncident(at, d.Reason)
	if first {
		s.recordClose(i, d)
	} else {
		s.recordAction(at, NewMessage("action.closed-again", describe(d.Reason)))
	}
	s.refineCause(i, Diagnose(d.Reason), describe(d.Reason))
	if !d.Session && i.SessionLost.IsZero() {
		i.SessionLost = at
	}
	s.detectLoop(i, d)
}

// replaced reports whether a connection ended that another one has already
// replaced (op 7, a spare): the shard is live, and the connection that ended had
// been live for longer than the shard has been online again.
func (s *shard) replaced(at time.Time, d gateway.Disconnected) bool {
	if _, live := s.state.(gateway.Live); !live || s.open != nil {
		return false
	}
	return d.Lasted > at.Sub(s.onlineSince)+time.Second
}

// recordClose records how the first connection of the incident ended.
func (s *shard) recordClose(i *Incident, d gateway.Disconnected) {
	e := &i.Evidence
	e.Kind, e.Code, e.By = d.Reason.Kind, d.Reason.Code, closedBy(d.Reason)
	e.Said = s.sanitize(detail(d.Reason))
	e.LastByte, e.LastACK, e.Lasted = d.LastByte, d.LastACK, d.Lasted
	switch {
	case e.Slept > 0 || e.Stalled > 0:
	case d.Reason.Kind == gateway.ReasonSlept:
		e.Slept = d.Reason.Elapsed
	case d.Reason.Kind == gateway.ReasonStalled:
		e.Stalled = d.Reason.Elapsed
	}
	if !i.AtStart && !i.BeganWithPreviousRun {
		if heard := latest(e.LastByte, e.LastACK); !heard.IsZero() && !heard.After(i.Detected) {
			i.Start = heard
		}
	}
	s.queueIncident(i)
}

// closedBy returns who ended a connection.
func closedBy(c gateway.Reason) Closer {
	switch c.Kind {
	case gateway.ReasonClosed, gateway.ReasonFatal, gateway.ReasonReconnect, gateway.ReasonInvalidSession:
		return ByDiscord
	case gateway.ReasonReset, gateway.ReasonWrite:
		return ByNetwork
	}
	return ByUs
}

// detectLoop looks for endings that repeat: RESUMEs that are dropped, the same
// ending again and again, sessions that never last.
func (s *shard) detectLoop(i *Incident, d gateway.Disconnected) {
	if s.loss.resuming {
		s.loss.resuming = false
		s.loss.dropped++
		if s.loss.dropped == 2 && d.Reason.Kind != gateway.ReasonInvalidSession {
			s.refineCause(i, ResumeDropped, NewMessage("resumes-dropped"))
		}
	}
	if s.loss.endings == nil {
		s.loss.endings = make(map[gateway.Reason]int)
	}
	if d.OnlyHello {
		if s.loss.onlyHello++; s.loss.onlyHello >= onlyHelloAfter {
			s.refineCause(i, PathMTU, NewMessage("only-hello", int64(s.loss.onlyHello)))
		}
	}
	key := gateway.Reason{Kind: d.Reason.Kind, Code: d.Reason.Code}
	s.loss.endings[key]++
	if s.loss.endings[key] == loopAfter {
		s.refineCause(i, ReconnectLoop, NewMessage("same-end", int64(loopAfter)))
	}
	if s.loss.endings[key] == 1 && s.loss.signature == key && s.loss.streak >= loopAfter {
		s.refineCause(i, ReconnectLoop, NewMessage("same-start", nth(s.loss.streak)))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
