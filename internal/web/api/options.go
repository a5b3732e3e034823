package api

import (
	"context"
	"log/slog"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
)

// Options configures a [Server]. Snapshot is required. A function that is nil
// means that nothing is known of its subject: the fields it would fill are null
// in every answer. All functions are called by many goroutines at once; those
// without a context must not block.
type Options struct {
	// Addr is host:port; an empty host means every interface. Default
	// 127.0.0.1:8000.
	Addr string
	// Token is what clients have to present for all but the probes, the badges
	// and the public status page. Without one an address beyond loopback serves
	// nothing else.
	Token string
	// StatusPage offers the status page at /status to everybody. Default: it is
	// not there.
	StatusPage bool
	// Version is that of this program.
	Version string

	// Snapshot tells how the bot is.
	Snapshot func() health.Snapshot
	// Check tells what the periodic monitor saw last. Default: it never looked.
	Check func() health.Check
	// Presence is the dot and activity the bot wants to have. What was sent, and
	// when, the server learns as an observer.
	Presence func() gateway.Presence
	// Budget tells how many session starts are left.
	Budget func() identify.Usage
	// REST tells how requests to Discord fare.
	REST func() rest.Stats
	// Handlers tells how the bot's handlers fare, each by its name. There have to
	// be few of them: each makes metrics of its own.
	Handlers func() []HandlerTime
	// Discord tells what Discord says about itself; ok is false as long as
	// that is not known.
	Discord func() (said Discord, ok bool)

	// Operator pauses, resumes, restarts and moves shards and changes their number
	// for those who have shown the token. Default: nobody can.
	Operator Operator

	// Incidents looks up incidents, the newest first, for the pages and the live
	// stream: what is at hand is enough. [RecentIncidents] makes one from a journal.
	Incidents func(context.Context, IncidentQuery) ([]health.Incident, error)
	// Archive looks up incidents for those who turn the pages of the list back,
	// such as [health.Archive.Find]. Default: Incidents.
	Archive func(context.Context, IncidentQuery) ([]health.Incident, error)
	// Uptime adds up how the bot has been over the time before now.
	Uptime func(context.Context, time.Duration) (Uptime, error)
	// Latencies tells how long Discord took to answer over the time before now,
	// the oldest first, in at most about a thousand points.
	Latencies func(context.Context, time.Duration) ([]LatencyPoint, error)
	// Rates tells what was asked and done over the time before now, the oldest
	// first, in at most about 2200 points. Stretches in which nothing happened may
	// be missing.
	Rates func(context.Context, time.Duration) ([]Rate, error)
	// Lines holds the last lines of the log.
	Lines *LogRing

	// Log takes lines for the operator. Default: none are written.
	Log    *slog.Logger
	Limits Limits
}

// HandlerTime is how one of the bot's handlers fares.
type HandlerTime struct {
	Name string // of a command
	// Runs counts its runs, Failed those that ended in an error, a panic or at
	// the time limit.
	Runs, Failed int64
	// P50 and P95 are of the recent runs, Max is of all of them.
	P50, P95, Max time.Duration
}

// Discord is what Discord says about itself.
type Discord struct {
	// Indicator is none, minor, major or critical.
	Indicator   string
	Description string
	// Incident is the title of what is wrong at Discord; empty if nothing is.
	Incident string
}

// IncidentQuery says which incidents are wanted, at most 200 of them and one
// that tells whether there are more.
type IncidentQuery = health.Query

// Uptime is how the bot has been between two moments. The four durations add up
// to the time between them.
type Uptime struct {
	From, To                           time.Time
	Online, Degraded, Offline, Unknown time.Duration
	// Share is the part of the known time, 0 to 1, in which the bot was online
	// or degraded; negative if nothing is known.
	Share float64
	// Days are the days of UTC that the time touches, the oldest first.
	Days []Day
}

// Day is one day of an [Uptime].
type Day struct {
	// Date is its midnight in UTC.
	Date                               time.Time
	Online, Degraded, Offline, Unknown time.Duration
	// Incidents is how many began on it.
	Incidents int
	// Worst tells the worst of them in a sentence; empty if there was none.
	Worst string
}

// LatencyPoint is how long Discord took to answer at one moment, or in the
// time up to the next one. Zero means that it is not known.
type LatencyPoint struct {
	At time.Time
	// Gateway is the round trip of a heartbeat, Max the longest one of the time
	// the point stands for, REST the round trip of a request.
	Gateway, REST, Max time.Duration
}

// Rate is what was asked and done from At on, for as long as Per: events
// received and handled, commands asked and answered.
type Rate struct {
	At                                 time.Time
	Per                                time.Duration
	Received, Handled, Asked, Answered int64
}

// Limits bounds what clients can cost. Zero values mean the defaults named with
// each field.
type Limits struct {
	Header time.Duration // to read the head of a request. Default 5 s
	Read   time.Duration // to read a whole request. Default 10 s
	Write  time.Duration // to write an answer, or one piece of a stream. Default 10 s
	Idle   time.Duration // between two requests of one connection. Default 60 s
	Drain  time.Duration // for running requests when the server stops. Default 5 s
	Beat   time.Duration // between two signs of life on a quiet stream. Default 15 s
	// Session is how long a login lasts after it was last used. Default 24 h.
	Session time.Duration
	// HeaderBytes is the size of a request's head. Default 16 KiB.
	HeaderBytes int
	// Conns is how many connections wait for a request and how many are being
	// answered, each. When more wait, the one that has waited longest gives way;
	// when more are at work, the newest request does. Default 128.
	Conns int
	// Streams is how many live streams are served at once. Default half of
	// Conns.
	Streams int
	// Guesses is how often one address may present a wrong token in a minute.
	// Default 20.
	Guesses int
}

func (l Limits) orDefaults() Limits {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&l.Header, 5 * time.Second}, {&l.Read, 10 * time.Second}, {&l.Write, 10 * time.Second}, {&l.Idle, time.Minute},
		{&l.Drain, 5 * time.Second}, {&l.Beat, 15 * time.Second}, {&l.Session, 24 * time.Hour},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = 16 << 10
	}
	if l.Conns <= 0 {
		l.Conns = 128
	}
	if l.Streams <= 0 {
		l.Streams = max(1, l.Conns/2)
	}
	if l.Guesses <= 0 {
		l.Guesses = 20
	}
	return l
}
