package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/internal/text"
)

// Outcome is how an incident ended.
type Outcome int

const (
	// OutcomeOpen: not back yet.
	OutcomeOpen Outcome = iota
	// OutcomeResumed: the session went on and Discord replayed what was missed.
	OutcomeResumed
	// OutcomeNewSession: READY; what happened in between was not delivered.
	OutcomeNewSession
	// OutcomeEnded: the shard was stopped before it was back.
	OutcomeEnded
	// OutcomeUnobserved: the shard is back, but the observation of how was dropped.
	OutcomeUnobserved
	// OutcomeMended: what was wrong while the bot was connected is over.
	OutcomeMended
)

// Closer is who ended a connection.
type Closer string

const (
	ByNone    Closer = ""        // there was no connection to end
	ByDiscord Closer = "Discord" // a close frame, or an op that asks to reconnect
	ByUs      Closer = "us"      // this program gave the connection up
	ByNetwork Closer = "network" // it ended without a close frame
)

// Evidence is what was seen around a loss, from which the cause was concluded.
type Evidence struct {
	// Kind and Code are how the first connection of the incident ended; Code
	// is 0 without a close frame. Said is the close reason or error text.
	Kind gateway.ReasonKind
	Code gateway.CloseCode
	Said string
	By   Closer
	// LastByte is when anything last arrived, LastACK when a heartbeat was last
	// answered.
	LastByte, LastACK time.Time
	// Lasted is how long the connection had been live.
	Lasted time.Duration
	// Attempts counts the attempts that did not reach HELLO. DialKind, DialSaid
	// and HTTPStatus belong to the last of them.
	Attempts   int
	DialKind   gateway.ReasonKind
	DialSaid   string
	HTTPStatus int
	// Address is the host and port that the last of them tried; empty if not known.
	Address string
	// Slept is how long the host slept, Stalled how long the process stood still although
	// the host ran.
	Slept, Stalled time.Duration
}

// Incident is one loss, from the last sign of life to RESUMED or READY.
type Incident struct {
	// ID identifies the incident, also across restarts.
	ID    string
	Shard gateway.ShardID `json:"Pair"` // the stored name; do not change it
	// Cause is the deepest cause that showed up. What is what happened first;
	// Then, which may be zero, what turned out to be behind it or kept it going.
	// [Incident.Happened] puts them together.
	Cause      CauseID
	What, Then Message
	Evidence   Evidence
	Actions    []Action
	// Start is when Discord was last heard, or when the shard was
	// started if it had not been online yet. End is the time of RESUMED, READY or
	// the stop; zero while the incident is open.
	Start, End time.Time
	// Detected is when the loss was noticed.
	Detected time.Time
	Outcome  Outcome
	// SessionLost is when the session was given up or ended by Discord; zero
	// while it was kept.
	SessionLost time.Time
	// Replayed counts the events that Discord sent again, Lost those known to be
	// missing. After an OutcomeNewSession it is not known how many were lost.
	Replayed int
	Lost     int64
	// AtStart marks an incident in which the shard had not been online yet.
	AtStart bool
	// BeganWithPreviousRun marks an incident that began with the end of the previous run of
	// this program, see [Downtime].
	BeganWithPreviousRun bool `json:"Gap"` // the stored name; do not change it
	// Connected marks the incident of a [Condition]: no connection was lost.
	Connected bool
}

// incidentTime is the format in which an ID begins, so that IDs sort by time.
const incidentTime = "20060102T150405.000000"

func incidentID(start time.Time, shard gateway.ShardID) string {
	return fmt.Sprintf("%s-%d", start.UTC().Format(incidentTime), shard.ID)
}

// Duration is how long the incident has lasted at now, or lasted in all.
func (i Incident) Duration(now time.Time) time.Duration {
	if !i.End.IsZero() {
		now = i.End
	}
	return max(0, now.Sub(i.Start))
}

// ShownOffline is for how much of the incident Discord showed the bot as offline,
// as far as that can be concluded: from the end of the session, or from when
// Discord stops waiting for a lost connection ([PresenceTimeout]), whichever came
// first.
func (i Incident) ShownOffline(now time.Time) time.Duration {
	if !i.End.IsZero() {
		now = i.End
	}
	if i.Connected {
		return 0
	}
	from := i.Start.Add(PresenceTimeout)
	if !i.SessionLost.IsZero() && i.SessionLost.Before(from) {
		from = i.SessionLost
	}
	if i.AtStart && i.Outcome != OutcomeResumed {
		from = i.Start // there was no session
	}
	if from.Before(i.Start) {
		from = i.Start
	}
	return max(0, now.Sub(from))
}

// AtRisk is for how much of the incident the connection was lost while Discord
// still showed the bot as online.
func (i Incident) AtRisk(now time.Time) time.Duration {
	if i.Connected {
		return 0
	}
	return i.Duration(now) - i.ShownOffline(now)
}

// Routine reports whether the incident is a reconnect that Discord asked for and
// that cost nothing.
func (i Incident) Routine() bool {
	return i.Cause == RoutineReconnect && i.Outcome == OutcomeResumed && i.Lost == 0
}

// clone returns a copy that shares nothing with the incident.
func (i *Incident) clone() Incident {
	c := *i
	c.Actions = slices.Clone(i.Actions)
	return c
}

// Sentence says the incident in English, with times of day in the given zone;
// now matters only while the incident is open.
//
//	22:14:03 to 22:14:19 (16.2 s): the connection was half-open (nothing arrived
//	for 15 s). Resumed, 12 events replayed, none lost.
func (i Incident) Sentence(now time.Time, zone *time.Location) string {
	var b strings.Builder
	start := i.Start.In(zone)
	if i.End.IsZero() {
		fmt.Fprintf(&b, "Since %s (%s so far)", timeOfDay(start, now.In(zone)), text.Duration(i.Duration(now)))
	} else {
		end := i.End.In(zone)
		fmt.Fprintf(&b, "%s to %s (%s)", timeOfDay(start, end), timeOfDay(end, start), text.Duration(i.Duration(now)))
	}
	if i.Shard.Count > 1 {
		b.WriteString(", shard " + i.Shard.String())
	}
	b.WriteString(": " + i.Summary())
	return b.String()
}

// Summary is the part of [Incident.Sentence] without the times.
func (i Incident) Summary() string {
	return i.Happened().String() + ". " + i.Ended().String()
}

// Happened says what happened, as part of a sentence: what was seen first, what
// was behind it, and how many attempts to come back failed. Everything that puts
// an incident into words calls it.
func (i Incident) Happened() Message {
	m := i.What
	if m == (Message{}) {
		m = Lookup(i.Cause).Heading()
	}
	if i.Then != (Message{}) {
		m = NewMessage("join.then", m, i.Then)
	}
	if i.Evidence.Attempts > 1 {
		m = NewMessage("join.attempts", m, number(i.Evidence.Attempts, "attempt"))
	}
	return m
}

// Remedy is what a person has to do; zero for nothing. It names the address that was
// tried, which need not be Discord's own.
func (i Incident) Remedy() Message {
	if c := Lookup(i.Cause); c.DoAt != "" && i.Evidence.Address != "" {
		return NewMessage("do."+string(c.ID)+".at", i.Evidence.Address)
	}
	return Lookup(i.Cause).Remedy()
}

// Ended says how the incident ended, in a sentence of its own.
func (i Incident) Ended() Message {
	switch i.Outcome {
	case OutcomeResumed:
		return NewMessage("outcome.resumed", replayed(i.Replayed, i.Lost))
	case OutcomeNewSession:
		if i.AtStart {
			return NewMessage("outcome.online")
		}
		return NewMessage("outcome.new-session")
	case OutcomeEnded:
		if i.Connected {
			return NewMessage("outcome.connected-ended")
		}
		return NewMessage("outcome.ended")
	case OutcomeUnobserved:
		return NewMessage("outcome.unobserved")
	case OutcomeMended:
		return NewMessage("outcome.connected-mended")
	}
	if i.Connected {
		return NewMessage("outcome.connected-open")
	}
	return NewMessage("outcome.open")
}

// replayed says how many events a RESUME brought back.
func replayed(events int, lost int64) Message {
	switch {
	case lost > 0:
		return NewMessage("replayed.some", number(events, "event"), lost)
	case events == 0:
		return NewMessage("replayed.nothing")
	}
	return NewMessage("replayed.all", number(events, "event"))
}

// timeOfDay formats a time of day, with the date when the other end of the period
// lies on another day.
func timeOfDay(t, other time.Time) string {
	if t.YearDay() != other.YearDay() || t.Year() != other.Year() {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("15:04:05")
}
