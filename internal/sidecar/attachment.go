package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/internal/sidecar/backlog"
	"evergreen/internal/sidecar/line"
)

// phase is how far a line is.
type phase int

const (
	phaseGreeted  phase = iota // neither IDENTIFY nor RESUME has come
	phaseWaiting               // upstream has never been READY
	phaseSnapshot              // READY and the guilds are being written
	phaseSettling              // the library becomes ready with them
	phaseReplay                // what a RESUME has missed is being written
	phaseLive                  // events go as they come
	phaseStandby               // a newer line of the consumer gets the events
)

// attachment is one line and what it is used for.
type attachment struct {
	sidecar *Sidecar
	line    *line.Line    // the lock guards it until Run
	woken   chan struct{} // capacity 1
	agent   string        // the client's User-Agent
	sends   chan send     // to upstream

	feeding sync.WaitGroup
	endFeed func() // ends the feeder that runs and waits for it; nil without one

	// The lock of the Sidecar guards the rest.
	phase      phase
	phaseSince time.Time
	consumer   *consumer
	session    *session
	older      *attachment // whose last events are waited for before this line begins; nil: none
	// unconfirmedSince is when the oldest event was given that is not confirmed.
	unconfirmedSince time.Time
	began            int64             // where the line's events have begun
	position         int64             // of the next event to look at
	liveFrom         int64             // what is of no use later is given from this position on
	direct           []directive       // members that this line has asked for
	directBytes      int               // of direct
	asked            time.Time         // when members were asked for last that have not come; zero: none
	refused          gateway.CloseCode // the line is closed with it instead of READY; 0: it is not
	loaded           loadedEvent       // the data of the next event, if it was moved
	resumed          int64             // RESUMED is due once position is here; 0: it is not
}

// directive is an event for one line alone, which jumps the backlog.
type directive struct {
	event string
	data  []byte
}

// sendQueue is how many payloads of one line may wait for Discord's send limit.
const sendQueue = 240

// serveLine serves one WebSocket of a bot until it ends.
func (s *Sidecar) serveLine(w http.ResponseWriter, r *http.Request) {
	a := &attachment{sidecar: s, agent: r.UserAgent(), woken: make(chan struct{}, 1), sends: make(chan send, sendQueue)}
	if !s.admit(a) {
		http.Error(w, fmt.Sprintf("Evergreen stops, or serves %d connections of bots already.", maxLines), http.StatusServiceUnavailable)
		return
	}
	defer s.work.Done()
	defer s.dismiss(a)
	accepted, err := line.Accept(w, r, line.Options{HostAllowed: s.hostAllowed, ACKDelay: s.latency, Log: s.log})
	if err != nil {
		s.logRefusal(&s.refusals.connection, "A connection of a bot was refused", "from", r.RemoteAddr, "error", err)
		return
	}
	s.mu.Lock()
	a.line = accepted
	if s.closing { // closeLines may have missed it
		accepted.Close(line.CloseGoingAway, "Evergreen stops.")
	}
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a.feeding.Go(func() { a.sendUpstream(ctx) })
	err = a.line.Run(ctx, func(op int, d json.RawMessage) error { return a.handle(ctx, op, d) })
	s.leave(a, err)
	cancel()
	a.feeding.Wait()
}

// admit counts a line in, unless there are too many, or the end has come.
func (s *Sidecar) admit(a *attachment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || len(s.lines) >= maxLines {
		return false
	}
	s.work.Add(1)
	s.lines[a] = true
	return true
}

// dismiss forgets a line that has ended, and what it has asked for.
func (s *Sidecar) dismiss(a *attachment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lines, a)
	maps.DeleteFunc(s.requests, func(_ string, r request) bool { return r.from == a })
}

// latency returns the round trip to Discord: so long the answer to a heartbeat waits, so
// that the bot shows what is true.
func (s *Sidecar) latency() time.Duration {
	s.mu.Lock()
	upstream := s.upstream
	s.mu.Unlock()
	if upstream == nil {
		return 0
	}
	return upstream.Latency()
}

// setPhase says how far the line is. The caller holds the lock.
func (a *attachment) setPhase(p phase) {
	if a.phase != p {
		a.phase, a.phaseSince = p, time.Now()
	}
}

// notify wakes the feeder.
func (a *attachment) notify() {
	select {
	case a.woken <- struct{}{}:
	default:
	}
}

// Opcodes that clients send (G-010).
const (
	opIdentify = 2
	opPresence = 3
	opResume   = 6
)

// handle does what the client asks for.
func (a *attachment) handle(ctx context.Context, op int, d json.RawMessage) error {
	switch op {
	case opIdentify:
		return a.identify(ctx, d)
	case opResume:
		return a.resume(ctx, d)
	case opPresence:
		a.setPresence(d)
		return nil
	case int(gateway.OpVoiceStateUpdate), int(gateway.OpRequestGuildMembers), int(gateway.OpRequestSoundboardSounds), int(gateway.OpRequestChannelInfo):
		return a.forward(gateway.Opcode(op), d)
	}
	return nil // Discord closes for an unknown opcode; here it costs nothing to go on
}

// identify begins a new session of the line's consumer.
func (a *attachment) identify(ctx context.Context, d json.RawMessage) error {
	i, err := parseIdentify(d)
	if err != nil {
		return err
	}
	s := a.sidecar
	if err := s.authenticate(a.line.Done(), i.Token, a.line.RemoteAddr()); err != nil {
		return err
	}
	if i.Compress {
		a.line.UsePayloadCompression()
	}
	a.stopFeed()
	now := time.Now()
	s.mu.Lock()
	c := s.consumerOf(*i.Shard, now)
	c.intents, c.waiting = i.Intents, waiting{}
	c.library, c.version = nameAndVersion(i.library(), a.agent)
	c.noteStart(now)
	a.older = nil
	if older := c.active(); older != nil && older != a && older.session == c.session {
		older.line.Ping()
		a.older = older
	}
	if c.session != nil {
		delete(s.sessions, c.session.id)
	}
	c.session = newSession(c)
	s.sessions[c.session.id] = c.session
	a.session, a.resumed, a.direct, a.directBytes = c.session, 0, nil, 0
	a.setPhase(phaseWaiting)
	a.enter(c)
	s.learn(i)
	s.wake() // an older line goes on standby
	left := s.voiceOf(c)
	s.mu.Unlock()
	s.log.Info("A bot has identified", "shard", c.name(), "library", i.library(), "from", a.line.RemoteAddr())
	if len(i.Presence) > 0 && string(i.Presence) != "null" {
		a.setPresence(i.Presence)
	}
	for _, guild := range left { // Discord would have ended the voice session
		a.queue(send{op: gateway.OpVoiceStateUpdate, guild: guild, d: leaveVoice(guild)})
	}
	a.startFeed(ctx, func(ctx context.Context) error { return a.feedNew(ctx, waitsForGuilds(i.library())) })
	return nil
}

// resume goes on with a session of an earlier line.
func (a *attachment) resume(ctx context.Context, d json.RawMessage) error {
	r, err := parseResume(d)
	if err != nil {
		return err
	}
	s := a.sidecar
	if err := s.authenticate(a.line.Done(), r.Token, a.line.RemoteAddr()); err != nil {
		return err
	}
	a.stopFeed()
	s.mu.Lock()
	found, from := s.sessions[r.SessionID], int64(0)
	ok := false
	if found != nil {
		if from, ok = found.rewind(r.Seq); ok && from < s.backlog.Tail() {
			ok = false
		}
	}
	if !ok {
		s.mu.Unlock()
		s.log.Info("A bot cannot resume, and starts anew with what it has not seen", "from", a.line.RemoteAddr())
		return a.line.InvalidateSession(ctx, false)
	}
	c := found.consumer
	c.suspects = suspects{} // the bot has not ended
	older := c.active()
	c.cursor = max(c.cursor, from)
	a.session, a.began, a.position = found, from, from
	a.setPhase(phaseReplay)
	a.liveFrom, a.resumed = s.backlog.Next(), s.backlog.Next()
	a.enter(c)
	s.wake()
	s.mu.Unlock()
	if older != nil && older != a && older.session == found {
		older.line.Close(line.CloseUnknownError, "Session resumed on another connection.")
	}
	s.log.Info("A bot has resumed", "shard", c.name(), "from", a.line.RemoteAddr())
	a.startFeed(ctx, a.feed)
	return nil
}

// startFeed starts the line's feeder. An error of it ends the line.
func (a *attachment) startFeed(ctx context.Context, feed func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	a.feeding.Go(func() {
		defer close(ended)
		if err := feed(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, line.ErrEnded) {
			a.sidecar.log.Warn("A bot cannot be served any further; it resumes on another connection", "error", err)
			a.line.Close(line.CloseUnknownError, "Internal error.")
		}
	})
	a.endFeed = func() {
		cancel()
		<-ended
	}
}

// stopFeed ends the feeder that runs, so that nothing of an older session follows a newer
// one.
func (a *attachment) stopFeed() {
	if a.endFeed != nil {
		a.endFeed()
		a.endFeed = nil
	}
}

// doubtful is how long before the loss of a line a confirmation may have been too early:
// a library answers a ping before its handlers have had the event.
const doubtful = 250 * time.Millisecond

// leave follows the end of a line.
func (s *Sidecar) leave(a *attachment, err error) {
	now := time.Now()
	closed := isClientClose(err)
	var setAside *backlog.Record
	s.mu.Lock()
	c := a.consumer
	if c == nil {
		s.mu.Unlock()
		return
	}
	wasActive := c.active() == a
	switch newer := c.active(); {
	case wasActive && a.session == c.session:
		a.confirm(a.line.Progress().Confirmed)
		if !closed {
			a.doubt(now)
			setAside = s.blame(a, now)
		}
	case newer != nil && newer.older == a:
		a.bequeath()
		if !closed {
			a.doubt(now)
		}
		newer.older = nil
	}
	c.lines = slices.DeleteFunc(c.lines, func(one *attachment) bool { return one == a })
	next := c.active()
	if next == nil {
		c.away = now
		s.touch()
	}
	s.wake()
	s.mu.Unlock()
	s.log.Info("The connection of a bot has ended", "shard", c.name(), "why", err, "standby", next != nil)
	if setAside != nil {
		s.keepSetAside(*setAside)
	}
	if wasActive && next != nil {
		next.takeOver()
	}
}

// doubt moves the cursor of the consumer back to what was confirmed for certain by a line
// that has been lost. The caller holds the lock.
func (a *attachment) doubt(now time.Time) {
	c := a.consumer
	certain := max(a.began, a.cursor(a.line.ConfirmedBefore(now.Add(-doubtful))))
	c.cursor = max(min(c.cursor, certain), a.sidecar.backlog.Tail())
}

// takeOver has a line on standby identify again, because the active one has ended: what
// its library knows of the guilds is old.
func (a *attachment) takeOver() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = a.line.InvalidateSession(ctx, false) // if it fails, the line ends
}

// isClientClose reports whether the client has ended its line with a close frame.
func isClientClose(err error) bool {
	_, ok := errors.AsType[*line.ClientCloseError](err)
	return ok
}
