package health

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"evergreen/gateway"
)

// Narrator turns observations into log lines in words for the operator. It is a
// [gateway.Observer]. What is routine is told at info, a loss at warning, what
// needs a human at error with the remedy, and heartbeats and states only at
// debug. Trouble that repeats is told the first, second, fifth, tenth time and
// so on, so that a night without a network does not fill the log.
//
// What Discord and the system said is passed on in full: taking secrets out of
// it and shortening it, in this order, is the business of the log.
type Narrator struct {
	log *slog.Logger

	mu    sync.Mutex
	tales map[gateway.ShardID]*tale
}

// NewNarrator makes a narrator that writes to log.
func NewNarrator(log *slog.Logger) *Narrator {
	return &Narrator{log: log, tales: make(map[gateway.ShardID]*tale)}
}

// tale is what the narrator has to remember of one shard between two lines.
type tale struct {
	heard   time.Time // when a lost connection was last heard; zero while online
	online  bool      // READY or RESUMED has been seen
	lost    int64     // events known to be missing since the last loss
	skipped int
	trouble gateway.Reason // kind and code of the trouble that repeats
	times   int            // how often it has come in a row
	quiet   bool           // nobody reads what is told at debug
}

// line is one log line.
type line struct {
	level slog.Level
	text  string
	attrs []slog.Attr
}

func debug(format string, args ...any) line {
	return line{level: slog.LevelDebug, text: fmt.Sprintf(format, args...)}
}

func info(format string, args ...any) line {
	return line{level: slog.LevelInfo, text: fmt.Sprintf(format, args...)}
}

func warn(format string, args ...any) line {
	return line{level: slog.LevelWarn, text: fmt.Sprintf(format, args...)}
}

// Observe logs one observation.
func (n *Narrator) Observe(note gateway.Observation) {
	quiet := !n.log.Enabled(context.Background(), slog.LevelDebug)
	n.mu.Lock()
	t := n.tales[note.Shard]
	if t == nil {
		t = &tale{}
		n.tales[note.Shard] = t
	}
	t.quiet = quiet
	said := t.tell(wall(note.At), note.Event)
	if lost, ok := note.Event.(gateway.SessionLost); ok && lost.Reason.Kind == gateway.ReasonStop && n.others(t) {
		said = info("The session is ended; the bot stays online on other shards")
	}
	n.mu.Unlock()
	if said.text == "" {
		return
	}
	if note.Shard.Count > 1 {
		said.attrs = append(said.attrs, slog.String("shard", note.Shard.String()))
	}
	n.log.LogAttrs(context.Background(), said.level, said.text, said.attrs...)
}

// others reports whether the bot is online without this shard, as it is when the
// old set leaves after a change of their number.
func (n *Narrator) others(t *tale) bool {
	for _, other := range n.tales {
		if other != t && other.online && other.heard.IsZero() {
			return true
		}
	}
	return false
}

// tell puts an observation into words. The empty line says nothing.
func (t *tale) tell(at time.Time, what gateway.ShardEvent) line {
	switch w := what.(type) {
	case gateway.Transition:
		return tellTransition(w)
	case gateway.ConnectFailed:
		return t.connectFailed(w)
	case gateway.Disconnected:
		return t.disconnected(at, w)
	case gateway.HeartbeatACK:
		if t.online && t.heard.IsZero() {
			t.trouble, t.times = gateway.Reason{}, 0 // it is really over
		}
		return t.tellRoutine(what)
	case gateway.HelloReceived, gateway.HeartbeatSent, gateway.ResumeSent, gateway.PresenceSent:
		return t.tellRoutine(what)
	case gateway.SuspicionRaised:
		return warn("No answer from Discord, silence for %s; preparing a spare connection", span(w.Silent))
	case gateway.SuspicionCleared:
		return info("Discord answered after all, %s after the suspicion; the connection stays", span(w.After))
	case gateway.IdentifySent:
		return info("Asking for a new session (IDENTIFY)")
	case gateway.Ready:
		return t.ready(at, w)
	case gateway.Resumed:
		return t.resumed(at, w)
	case gateway.SlowReady:
		return warn("READY has not come for %s although heartbeats are answered: trouble at Discord; waiting on", span(w.Waited))
	case gateway.ReconnectRequested:
		return info("Discord asked for a reconnect (routine)")
	case gateway.SessionInvalidated:
		if w.Resumable {
			return info("Discord refused for now (op 9); the session may still be resumed")
		}
		return warn("Discord refused the session (op 9)")
	case gateway.SessionLost:
		if w.Reason.Kind == gateway.ReasonStop {
			t.online = false
			return info("The session is ended, the dot turns grey")
		}
		return warn("The session is given up and a new one follows; events until then are not delivered: %s", full(w.Reason))
	case gateway.SequenceGap:
		lost := w.To - w.From + 1
		t.lost += lost
		return warn("%s never arrived (%d to %d)", sentence(count(lost, "event")), w.From, w.To)
	case gateway.HostSlept:
		return warn("The host slept for %s", span(w.For))
	case gateway.AttemptsExhausted:
		return warn("%s in a row have failed; the bot goes on trying", sentence(count(w.Failures, "attempt")))
	case gateway.IdentifyDelayed:
		return permitLine(at, w)
	}
	return t.tellWork(what)
}

// tellRoutine puts into words what happens all the time and is told at debug
// alone: not at all where nobody would read it.
func (t *tale) tellRoutine(what gateway.ShardEvent) line {
	if t.quiet {
		return line{}
	}
	switch w := what.(type) {
	case gateway.HelloReceived:
		return debug("HELLO after %s, heartbeat every %s", span(w.Took), span(w.Interval))
	case gateway.HeartbeatSent:
		return debug("Heartbeat sent (%s)", w.Kind)
	case gateway.HeartbeatACK:
		return debug("Heartbeat answered in %s", span(w.Latency))
	case gateway.ResumeSent:
		return debug("Asking for what was missed since event %d (RESUME)", w.Seq)
	case gateway.PresenceSent:
		return debug("Presence sent")
	}
	return line{}
}

// tellWork puts into words what concerns events rather than the connection.
func (t *tale) tellWork(what gateway.ShardEvent) line {
	switch w := what.(type) {
	case gateway.PayloadSkipped:
		t.skipped++
		l := debug("A payload could not be used and was skipped: %s", oneLine(w.Why))
		if worthSaying(t.skipped) {
			l.level = slog.LevelWarn
			l.attrs = append(l.attrs, slog.Int("so_far", t.skipped))
		}
		l.attrs = append(l.attrs, slog.Int("op", int(w.Op)), slog.String("type", w.Type), slog.Int64("bytes", w.Bytes))
		return l
	case gateway.QueueFull:
		return warn("The handlers do not keep up and the queue is full (%.1f MiB); further events wait at Discord", float64(w.Bytes)/(1<<20))
	case gateway.QueueDrained:
		return info("The handlers have caught up; fetching the events that wait at Discord")
	case gateway.HandlerPanicked:
		l := line{level: slog.LevelError, text: "A handler panicked over " + w.Type + ", which costs that event only: " + oneLine(w.Value)}
		l.attrs = append(l.attrs, slog.String("stack", w.Stack))
		return l
	}
	return line{}
}

func tellTransition(w gateway.Transition) line {
	switch to := w.To.(type) {
	case gateway.Parked:
		l := line{level: slog.LevelError, text: "Offline until somebody helps: " + full(to.Reason)}
		if do := remedy(to.Reason).String(); do != "" {
			l.text += ". What to do: " + do
		}
		return l
	case gateway.Draining:
		return info("Stopping; finishing what was begun")
	case gateway.Stopped:
		return info("Stopped")
	}
	if _, parked := w.From.(gateway.Parked); parked {
		return info("The credentials look good again; connecting")
	}
	l := debug("%s, then %s", sentence(name(w.From)), name(w.To))
	if w.Reason.Kind != gateway.ReasonNone {
		l.text += ": " + full(w.Reason)
	}
	return l
}

// full says a cause and what was heard about it.
func full(c gateway.Reason) string {
	text := describe(c).String()
	if said := oneLine(detail(c)); said != "" {
		text += ": " + said
	}
	return text
}

// repeated counts trouble of the same kind and says at which level it is told,
// and the words for how often it has come.
func (t *tale) repeated(c gateway.Reason) (slog.Level, string) {
	key := gateway.Reason{Kind: c.Kind, Code: c.Code}
	if key != t.trouble {
		t.trouble, t.times = key, 0
	}
	t.times++
	level, words := slog.LevelDebug, ""
	if worthSaying(t.times) {
		level = slog.LevelWarn
	}
	if t.times > 1 {
		words = fmt.Sprintf(" (%s time in a row)", nth(t.times))
	}
	return level, words
}

// worthSaying reports whether n is 1, 2, 5, 10, 20, 50 and so on.
func worthSaying(n int) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1 || n == 2 || n == 5
}

func (t *tale) connectFailed(w gateway.ConnectFailed) line {
	level, times := t.repeated(w.Reason)
	next := "trying again at once"
	if w.Next > 0 {
		next = "trying again in " + span(w.Next)
	}
	return line{level: level, text: fmt.Sprintf("No connection%s: %s; %s", times, full(w.Reason), next)}
}

func (t *tale) disconnected(at time.Time, w gateway.Disconnected) line {
	if t.heard.IsZero() && t.online {
		t.heard, t.lost = latest(wall(w.LastByte), wall(w.LastACK)), 0
	}
	switch w.Reason.Kind {
	case gateway.ReasonStop:
		return info("Connection closed as asked")
	case gateway.ReasonReconnect:
		return info("Moving to another connection, as Discord asked")
	case gateway.ReasonOverflow:
		return info("Reconnecting for the events that wait at Discord")
	}
	level, times := t.repeated(w.Reason)
	text := "Connection lost" + times
	if w.Lasted > 0 {
		text += " after " + span(w.Lasted)
	}
	text += ": " + full(w.Reason)
	if quiet := at.Sub(wall(w.LastByte)); !w.LastByte.IsZero() && quiet >= time.Second {
		text += "; last heard " + span(quiet) + " ago"
	}
	return line{level: level, text: text}
}

func (t *tale) ready(at time.Time, w gateway.Ready) line {
	text := fmt.Sprintf("Online as %s: a new session with %s, READY after %s",
		oneLine(w.Username), count(w.Guilds, "guild"), span(w.Took))
	if t.online && !t.heard.IsZero() {
		text = fmt.Sprintf("Online again as %s after %s: a new session with %s; events in between were not delivered",
			oneLine(w.Username), span(at.Sub(t.heard)), count(w.Guilds, "guild"))
	}
	t.online, t.heard, t.lost = true, time.Time{}, 0
	return info("%s", text)
}

func (t *tale) resumed(at time.Time, w gateway.Resumed) line {
	gap := w.Gap
	if t.online && !t.heard.IsZero() {
		gap = at.Sub(t.heard) // by the wall clock, which runs on while a host sleeps
	}
	text := "Resumed the session of an earlier run"
	if gap > 0 {
		text = "Resumed after " + span(gap)
	}
	text += "; " + replayed(w.Replayed, t.lost).String()
	t.online, t.heard, t.lost = true, time.Time{}, 0
	return info("%s", text)
}

func permitLine(at time.Time, w gateway.IdentifyDelayed) line {
	l := info("Waiting to identify")
	wait := wall(w.Until).Sub(at)
	if wait > 0 {
		l.text += " for " + span(wait)
		if wait >= longPermit {
			l.text += ", until " + w.Until.UTC().Format("15:04:05 MST")
		}
	}
	if why := oneLine(w.Why); why != "" {
		l.text += ": " + why
	}
	if wait >= longPermit {
		l.level = slog.LevelWarn
	}
	return l
}
