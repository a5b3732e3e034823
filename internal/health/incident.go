package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evergreen/gateway"
)

// Outcome is how an incident ended.
type Outcome int

// The outcomes.
const (
	// OutcomeOpen: not back yet.
	OutcomeOpen Outcome = iota
	// OutcomeResumed: the session went on and Discord replayed what was missed.
	OutcomeResumed
	// OutcomeNewSession: READY; what happened in between was not delivered.
	OutcomeNewSession
	// OutcomeEnded: the shard was stopped before it was back.
	OutcomeEnded
	// OutcomeUnobserved: it is back, but the observation of how was dropped.
	OutcomeUnobserved
	// OutcomeMended: what was wrong while the bot was connected is not any more.
	OutcomeMended
)

// Closer says who ended a connection.
type Closer string

// The closers.
const (
	ByNobody  Closer = ""        // there was no connection to end
	ByDiscord Closer = "Discord" // a close frame, or an op that asks to go
	ByUs      Closer = "us"      // this program gave the connection up
	ByNetwork Closer = "network" // it ended without a word
)

// Evidence is what was seen around a loss, for those who doubt the verdict.
type Evidence struct {
	// Kind and Code are how the first connection of the incident ended; Code
	// is 0 without a close frame. Said is the close reason or error text.
	Kind gateway.ReasonKind
	Code gateway.CloseCode
	Said string
	By   Closer
	// LastByte and LastACK are when Discord was last heard and last answered.
	LastByte, LastACK time.Time
	// Lasted is how long the connection had been live.
	Lasted time.Duration
	// Attempts counts the attempts that did not reach HELLO. DialKind, DialSaid
	// and HTTPStatus are of the last of them.
	Attempts   int
	DialKind   gateway.ReasonKind
	DialSaid   string
	HTTPStatus int
	// Slept is how long the host did not run.
	Slept time.Duration
}

// Action is one thing that was done, in words. The same thing done several
// times in a row is one action: Times counts, Until is when it was last done.
type Action struct {
	At, Until time.Time
	What      Message
	Times     int
}

// Message says the action, and how often it was done.
func (a Action) Message() Message {
	if a.Times > 1 {
		return Say("action.again", a.What, int64(a.Times))
	}
	return a.What
}

// String says the action in English.
func (a Action) String() string { return a.Message().String() }

// The bounds of the actions of one incident: how many there are, and how long
// a round of them may be to be recognised when it comes again.
const (
	maxActions = 50
	maxRound   = 6
)

func addAction(list []Action, at time.Time, what Message) []Action {
	if n := len(list); n > 0 && list[n-1].What == what {
		list[n-1].Times++
		list[n-1].Until = at
		return fold(list)
	}
	if len(list) == maxActions {
		list = slices.Delete(list, maxActions/2, maxActions/2+1) // the ends tell the most
	}
	return fold(append(list, Action{At: at, Until: at, What: what, Times: 1}))
}

// fold makes one round out of two equal ones at the end of the list, so that a
// loop of dial, RESUME, refusal reads as three actions done many times and not
// as a page of them.
func fold(list []Action) []Action {
	for round := 2; round <= maxRound && 2*round <= len(list); round++ {
		earlier, later := list[len(list)-2*round:len(list)-round], list[len(list)-round:]
		if !slices.EqualFunc(earlier, later, func(a, b Action) bool { return a.What == b.What }) {
			continue
		}
		for n := range earlier {
			earlier[n].Times += later[n].Times
			earlier[n].Until = later[n].Until
		}
		return list[:len(list)-round]
	}
	return list
}

// Incident is one loss, from the last sign of life to RESUMED or READY.
type Incident struct {
	// ID names the incident for good, also across restarts.
	ID   string
	Pair gateway.ShardID
	// Cause is the deepest cause that showed up; What says what happened first
	// and Then, where it is not empty, what turned out to be behind it or kept
	// it going.
	Cause      CauseID
	What, Then Message
	Evidence   Evidence
	Actions    []Action
	// Start is when Discord was last heard (G-160), or when the shard was
	// started if it had not been online yet. End is RESUMED, READY or the stop;
	// zero while the incident is open.
	Start, End time.Time
	// Detected is when the loss was noticed.
	Detected time.Time
	Outcome  Outcome
	// SessionLost is when the session was given up or ended by Discord; zero
	// while it was kept.
	SessionLost time.Time
	// Replayed counts the events that came again, Lost those known to be
	// missing. After an OutcomeNewSession nobody knows how many were lost.
	Replayed int
	Lost     int64
	// AtStart marks an incident in which the shard had not been online yet.
	AtStart bool
	// Gap marks an incident that began with the end of the previous run of this
	// program, see [Gap].
	Gap bool
	// Connected marks an incident in which no connection was lost: only what the
	// bot does with its events, or keeps of them, was in question.
	Connected bool
}

// incidentTime is how an incident's ID begins, so that IDs sort by time.
const incidentTime = "20060102T150405.000000"

func incidentID(start time.Time, pair gateway.ShardID) string {
	return fmt.Sprintf("%s-%d", start.UTC().Format(incidentTime), pair.ID)
}

// Duration is how long the incident has lasted at now, or lasted in all.
func (i Incident) Duration(now time.Time) time.Duration {
	if !i.End.IsZero() {
		now = i.End
	}
	return max(0, now.Sub(i.Start))
}

// Grey is for how much of the incident the dot was grey, as far as can be told
// from here: from the end of the session, or from when Discord stops waiting
// for a lost connection ([DotLife]), whichever came first.
func (i Incident) Grey(now time.Time) time.Duration {
	if !i.End.IsZero() {
		now = i.End
	}
	if i.Connected {
		return 0
	}
	from := i.Start.Add(DotLife)
	if !i.SessionLost.IsZero() && i.SessionLost.Before(from) {
		from = i.SessionLost
	}
	if i.AtStart && i.Outcome != OutcomeResumed {
		from = i.Start // there was no session to keep the dot green
	}
	if from.Before(i.Start) {
		from = i.Start
	}
	return max(0, now.Sub(from))
}

// AtRisk is for how much of the incident the dot was still green, but only by
// Discord's patience.
func (i Incident) AtRisk(now time.Time) time.Duration {
	if i.Connected {
		return 0
	}
	return i.Duration(now) - i.Grey(now)
}

// Routine reports whether the incident is of the kind that happens several
// times a day and costs nothing.
func (i Incident) Routine() bool {
	return i.Cause == RoutineReconnect && i.Outcome == OutcomeResumed && i.Lost == 0
}

// clone copies the incident with what it points to.
func (i *Incident) clone() Incident {
	c := *i
	c.Actions = slices.Clone(i.Actions)
	return c
}

// Sentence tells the incident to a person, with times of day in the given
// zone; now matters only while the incident is open.
//
//	22:14:03 to 22:14:19 (16.2 s): the connection was half-open (nothing arrived
//	for 15 s). Resumed, 12 events replayed, none lost.
func (i Incident) Sentence(now time.Time, zone *time.Location) string {
	var b strings.Builder
	start := i.Start.In(zone)
	if i.End.IsZero() {
		fmt.Fprintf(&b, "Since %s (%s so far)", clock(start, now.In(zone)), span(i.Duration(now)))
	} else {
		end := i.End.In(zone)
		fmt.Fprintf(&b, "%s to %s (%s)", clock(start, end), clock(end, start), span(i.Duration(now)))
	}
	if i.Pair.Count > 1 {
		b.WriteString(", shard " + i.Pair.String())
	}
	b.WriteString(": " + i.Summary())
	return b.String()
}

// Summary is the part of [Incident.Sentence] without the times.
func (i Incident) Summary() string {
	return i.Happened().String() + ". " + i.Ended().String()
}

// Happened says what happened, as part of a sentence: what was seen first, what
// was behind it, and how many attempts to come back failed.
func (i Incident) Happened() Message {
	m := i.What
	if m == (Message{}) {
		m = Lookup(i.Cause).Heading()
	}
	if i.Then != (Message{}) {
		m = Say("join.then", m, i.Then)
	}
	if i.Evidence.Attempts > 1 {
		m = Say("join.attempts", m, number(i.Evidence.Attempts, "attempt"))
	}
	return m
}

// Ended says how the incident ended, in a sentence of its own.
func (i Incident) Ended() Message {
	switch i.Outcome {
	case OutcomeResumed:
		return Say("outcome.resumed", replayed(i.Replayed, i.Lost))
	case OutcomeNewSession:
		if i.AtStart {
			return Say("outcome.online")
		}
		return Say("outcome.new-session")
	case OutcomeEnded:
		if i.Connected {
			return Say("outcome.connected-ended")
		}
		return Say("outcome.ended")
	case OutcomeUnobserved:
		return Say("outcome.unobserved")
	case OutcomeMended:
		return Say("outcome.connected-mended")
	}
	if i.Connected {
		return Say("outcome.connected-open")
	}
	return Say("outcome.open")
}

// replayed says what a resume brought.
func replayed(events int, lost int64) Message {
	switch {
	case lost > 0:
		return Say("replayed.some", number(events, "event"), lost)
	case events == 0:
		return Say("replayed.nothing")
	}
	return Say("replayed.all", number(events, "event"))
}

// clock prints a time of day, with the date when the other end of the period
// lies on another day.
func clock(t, other time.Time) string {
	if t.YearDay() != other.YearDay() || t.Year() != other.Year() {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("15:04:05")
}
