package health

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/internal/text"
)

// EventLog logs observations in words for the operator. It is a
// [gateway.Observer]. Routine is logged at info, a loss at warning, what needs a
// person at error with the remedy, heartbeats and states at debug. Trouble that
// repeats is logged the 1st, 2nd, 5th, 10th time and so on, so that a night
// without a network does not fill the log.
//
// Text from Discord and the system is passed on in full: the handler of the log
// takes secrets out of it and shortens it, in this order.
type EventLog struct {
	log   *slog.Logger
	clock *clock.Clock

	mu     sync.Mutex
	shards map[gateway.ShardID]*shardLog
}

// NewEventLog returns an EventLog that writes to log. The clock measures; it is the one
// of the shards, or nil for the machine's.
func NewEventLog(log *slog.Logger, by *clock.Clock) *EventLog {
	if by == nil {
		by = clock.New(clock.Source{})
	}
	return &EventLog{log: log, clock: by, shards: make(map[gateway.ShardID]*shardLog)}
}

// shardLog is what is remembered of one shard between two lines.
type shardLog struct {
	clock     *clock.Clock
	lastHeard time.Time // when a lost connection was last heard; zero while online
	online    bool      // READY or RESUMED has been observed
	missing   int64     // events known to be missing since the last loss
	skipped   int
	trouble   gateway.Reason // kind and code of the trouble that repeats
	times     int            // how often it has come in a row
	debug     bool           // the log takes lines at debug
}

// line is one log line; without a sentence, none. says is constant, so that it can be
// searched for; what varies is in attrs.
type line struct {
	level slog.Level
	says  string
	attrs []slog.Attr
}

func debug(says string, attrs ...slog.Attr) line { return line{slog.LevelDebug, says, attrs} }
func info(says string, attrs ...slog.Attr) line  { return line{slog.LevelInfo, says, attrs} }
func warn(says string, attrs ...slog.Attr) line  { return line{slog.LevelWarn, says, attrs} }

// duration is an attribute such as after="3 h 12 min".
func duration(key string, d time.Duration) slog.Attr { return slog.String(key, text.Duration(d)) }

// reason is an attribute with a reason and what was said about it.
func reason(c gateway.Reason) slog.Attr {
	says := describe(c).String()
	if said := text.OneLine(detail(c)); said != "" {
		says += ": " + said
	}
	return slog.String("reason", says)
}

// Observe implements [gateway.Observer].
func (l *EventLog) Observe(n gateway.Observation) {
	wantsDebug := l.log.Enabled(context.Background(), slog.LevelDebug)
	l.mu.Lock()
	s := l.shards[n.Shard]
	if s == nil {
		s = &shardLog{clock: l.clock}
		l.shards[n.Shard] = s
	}
	s.debug = wantsDebug
	out := s.line(n.At, n.Event)
	if lost, ok := n.Event.(gateway.SessionLost); ok && lost.Reason.Kind == gateway.ReasonStop && l.isAnotherOnline(s) {
		out = info("The session is ended; the bot stays online on other shards")
	}
	l.mu.Unlock()
	if out.says == "" {
		return
	}
	if n.Shard.Count > 1 {
		out.attrs = append(out.attrs, slog.String("shard", n.Shard.String()))
	}
	l.log.LogAttrs(context.Background(), out.level, out.says, out.attrs...)
}

// isAnotherOnline reports whether the bot is online without this shard, as it is
// when the old shards stop after a change of their number.
func (l *EventLog) isAnotherOnline(s *shardLog) bool {
	for _, other := range l.shards {
		if other != s && other.online && other.lastHeard.IsZero() {
			return true
		}
	}
	return false
}

// line returns the line for an event.
func (s *shardLog) line(at time.Time, event gateway.ShardEvent) line {
	switch w := event.(type) {
	case gateway.Transition:
		return transitionLine(w)
	case gateway.ConnectFailed:
		return s.connectFailed(w)
	case gateway.Disconnected:
		return s.disconnected(at, w)
	case gateway.HeartbeatACK:
		if s.online && s.lastHeard.IsZero() {
			s.trouble, s.times = gateway.Reason{}, 0 // the trouble is over
		}
		return s.debugLine(event)
	case gateway.HelloReceived, gateway.HeartbeatSent, gateway.ResumeSent, gateway.PresenceSent:
		return s.debugLine(event)
	case gateway.SuspicionRaised:
		return warn("No answer from Discord; preparing a spare connection", duration("silent", w.Silent))
	case gateway.SuspicionCleared:
		return info("Discord answered after all; the connection stays", duration("after", w.After))
	case gateway.IdentifySent:
		return info("Asking for a new session (IDENTIFY)")
	case gateway.Ready:
		return s.ready(at, w)
	case gateway.Resumed:
		return s.resumed(at, w)
	case gateway.SlowReady:
		return warn("READY has not come although heartbeats are answered: trouble at Discord; waiting on", duration("waited", w.Waited))
	case gateway.ReconnectRequested:
		return info("Discord asked for a reconnect (routine)")
	case gateway.SessionInvalidated:
		if w.Resumable {
			return info("Discord refused for now (op 9); the session may still be resumed")
		}
		return warn("Discord refused the session (op 9)")
	case gateway.SessionLost:
		if w.Reason.Kind == gateway.ReasonStop {
			s.online = false
			return info("The session is ended, the dot turns grey")
		}
		return warn("The session is given up and a new one follows; events until then are not delivered", reason(w.Reason))
	case gateway.SequenceGap:
		missing := w.To - w.From + 1
		s.missing += missing
		return warn("Events never arrived", slog.Int64("events", missing), slog.Int64("from", w.From), slog.Int64("to", w.To))
	case gateway.HostSlept:
		return warn("The host slept", duration("for", w.For))
	case gateway.ProcessStalled:
		return warn("The process stood still", duration("for", w.For))
	case gateway.ClockSet:
		return clockSetLine(w)
	case gateway.AttemptsExhausted:
		return warn("Many attempts in a row have failed; the bot goes on trying", slog.Int("attempts", w.Failures))
	case gateway.IdentifyDelayed:
		return identifyDelayedLine(at, w)
	}
	return s.workLine(event)
}

// debugLine returns the line for what happens all the time. It costs nothing when
// the log takes no lines at debug.
func (s *shardLog) debugLine(event gateway.ShardEvent) line {
	if !s.debug {
		return line{}
	}
	switch w := event.(type) {
	case gateway.HelloReceived:
		if w.Odd != "" {
			return warn("HELLO asks for a heartbeat interval that makes no sense; the usual one is kept", slog.String("asks", text.OneLine(w.Odd)), duration("heartbeat_interval", w.Interval))
		}
		return debug("HELLO received", duration("took", w.Took), duration("heartbeat_interval", w.Interval))
	case gateway.HeartbeatSent:
		return debug("Heartbeat sent", slog.String("kind", w.Kind()))
	case gateway.HeartbeatACK:
		if !w.IsRoundTrip() {
			return debug("Heartbeat answered behind a large message", duration("after", w.Latency), duration("receiving", w.Receiving))
		}
		return debug("Heartbeat answered", duration("latency", w.Latency))
	case gateway.ResumeSent:
		return debug("Asking for what was missed (RESUME)", slog.Int64("since_event", w.Seq))
	case gateway.PresenceSent:
		return debug("Presence sent")
	}
	return line{}
}

// workLine returns the line for what concerns events and not the connection.
func (s *shardLog) workLine(event gateway.ShardEvent) line {
	switch w := event.(type) {
	case gateway.PayloadSkipped:
		s.skipped++
		out := debug("A payload could not be used and was skipped", slog.String("why", text.OneLine(w.Why)))
		if isWorthLogging(s.skipped) {
			out.level = slog.LevelWarn
			out.attrs = append(out.attrs, slog.Int("so_far", s.skipped))
		}
		out.attrs = append(out.attrs, slog.Int("op", int(w.Op)), slog.String("type", w.Type), slog.Int64("bytes", w.Bytes))
		return out
	case gateway.AddressRefused:
		return warn("The address that READY names to resume at is not used; the base address takes its place",
			slog.String("address", text.OneLine(w.Address)), slog.Any("error", w.Err))
	case gateway.QueueFull:
		return warn("The handlers do not keep up and the queue is full; further events wait at Discord", slog.Int64("bytes", w.Bytes))
	case gateway.QueueDrained:
		return info("The handlers have caught up; fetching the events that wait at Discord")
	case gateway.HandlerPanicked:
		return line{slog.LevelError, "A handler panicked, which costs that event only", []slog.Attr{
			slog.String("event", w.Type), slog.String("panic", text.OneLine(w.Value)), slog.String("stack", w.Stack),
		}}
	}
	return line{}
}

func transitionLine(w gateway.Transition) line {
	switch to := w.To.(type) {
	case gateway.Parked:
		out := line{slog.LevelError, "Offline until a person helps", []slog.Attr{reason(to.Reason)}}
		if do := remedy(to.Reason); do != (Message{}) {
			out.attrs = append(out.attrs, slog.String("do", do.String()))
		}
		return out
	case gateway.Draining:
		return info("Stopping; finishing what was begun")
	case gateway.Stopped:
		return info("Stopped")
	}
	if _, parked := w.From.(gateway.Parked); parked {
		return info("The credentials look good again; connecting")
	}
	out := debug("State changed", slog.String("from", stateName(w.From)), slog.String("to", stateName(w.To)))
	if w.Reason.Kind != "" {
		out.attrs = append(out.attrs, reason(w.Reason))
	}
	return out
}

// repeated returns the line for trouble, at debug where it has come so often in a
// row that it is no news.
func (s *shardLog) repeated(c gateway.Reason, says string) line {
	key := gateway.Reason{Kind: c.Kind, Code: c.Code}
	if key != s.trouble {
		s.trouble, s.times = key, 0
	}
	s.times++
	out := debug(says, reason(c))
	if isWorthLogging(s.times) {
		out.level = slog.LevelWarn
	}
	if s.times > 1 {
		out.attrs = append(out.attrs, slog.Int("times_in_a_row", s.times))
	}
	return out
}

// isWorthLogging reports whether n is 1, 2, 5, 10, 20, 50 and so on.
func isWorthLogging(n int) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1 || n == 2 || n == 5
}

func (s *shardLog) connectFailed(w gateway.ConnectFailed) line {
	out := s.repeated(w.Reason, "No connection")
	out.attrs = append(out.attrs, duration("next_attempt_in", w.Next))
	return out
}

func (s *shardLog) disconnected(at time.Time, w gateway.Disconnected) line {
	if s.lastHeard.IsZero() && s.online {
		s.lastHeard, s.missing = latest(w.LastByte, w.LastACK), 0
	}
	switch w.Reason.Kind {
	case gateway.ReasonStop:
		return info("Connection closed as asked")
	case gateway.ReasonReconnect:
		return info("Moving to another connection, as Discord asked")
	case gateway.ReasonOverflow:
		return info("Reconnecting for the events that wait at Discord")
	}
	what := "Connection lost"
	if w.OnlyHello {
		what = "Connection lost: nothing came after HELLO, not even the answer to a heartbeat"
	}
	out := s.repeated(w.Reason, what)
	if w.Lasted > 0 {
		out.attrs = append(out.attrs, duration("lasted", w.Lasted))
	}
	if silent := s.clock.Between(w.LastByte, at); !w.LastByte.IsZero() && silent >= time.Second {
		out.attrs = append(out.attrs, duration("silent", silent))
	}
	return out
}

func (s *shardLog) ready(at time.Time, w gateway.Ready) line {
	out := info("Online with a new session")
	if s.online && !s.lastHeard.IsZero() {
		out = info("Online again with a new session; events in between were not delivered", duration("away", s.clock.Between(s.lastHeard, at)))
	}
	out.attrs = append(out.attrs, slog.String("user", text.OneLine(w.Username)), slog.Int("guilds", w.Guilds), duration("took", w.Took))
	s.online, s.lastHeard, s.missing = true, time.Time{}, 0
	return out
}

func (s *shardLog) resumed(at time.Time, w gateway.Resumed) line {
	away := w.Gap
	if s.online && !s.lastHeard.IsZero() {
		away = s.clock.Between(s.lastHeard, at)
	}
	out := info("Resumed the session of an earlier run")
	if away > 0 {
		out = info("Resumed", duration("away", away))
	}
	out.attrs = append(out.attrs, slog.Int("replayed", w.Replayed), slog.Int64("missing", s.missing))
	s.online, s.lastHeard, s.missing = true, time.Time{}, 0
	return out
}

func clockSetLine(w gateway.ClockSet) line {
	says := "The clock of this machine was set forward; the connection and uptimes do not count it"
	if w.By < 0 {
		says = "The clock of this machine was set back; the connection and uptimes do not count it"
	}
	return warn(says, duration("by", w.By.Abs()))
}

func identifyDelayedLine(at time.Time, w gateway.IdentifyDelayed) line {
	out := info("Waiting to identify")
	wait := w.Until.Sub(at)
	if wait > 0 {
		out.attrs = append(out.attrs, duration("for", wait))
	}
	if wait >= longIdentifyWait {
		out.level = slog.LevelWarn
		out.attrs = append(out.attrs, slog.String("until", w.Until.UTC().Format("15:04:05 MST")))
	}
	if why := text.OneLine(w.Why); why != "" {
		out.attrs = append(out.attrs, slog.String("why", why))
	}
	return out
}
