package alert

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"evergreen/internal/health"
)

// Options configures a [Notifier]. Snapshot is required; every other zero value
// means the default named with it.
type Options struct {
	// Snapshot tells how the bot is, such as [health.Tracker.Snapshot].
	Snapshot func() health.Snapshot
	// Channels take the messages. Default: none, and nobody is told anything.
	Channels []Channel
	// After is how long the bot has to be away before it is told, and well
	// before that is taken back. Default 60 s.
	After time.Duration
	// RemindEvery is the time between two reminders. Default 1 h;
	// [health.Never]: none.
	RemindEvery time.Duration
	// MaxPerHour is the most messages in an hour, those that something is over
	// not counted. Default 12.
	MaxPerHour int
	// Storage keeps the alert that is not over from one run to the next. Default:
	// it is forgotten with the process.
	Storage Storage
	// Runbook is where links lead; the cause is added as a fragment. Default
	// docs/runbook.md.
	Runbook string
	// Zone is the time zone of times of day. Default UTC.
	Zone *time.Location
	// Redact takes secrets out of messages and of what channels said. Default:
	// texts are left as they are.
	Redact func(string) string
	// Log takes lines about what could not be delivered. Default: none are
	// written.
	Log *slog.Logger
	// Rand returns numbers in [0,1) for the jitter of retries. Default
	// math/rand/v2.
	Rand func() float64
}

// look is the time between two looks at the bot, and lookGap the time between
// two of them from which this program did not run in between.
const (
	look    = time.Second
	lookGap = 30 * time.Second
)

// workless is how long a bot has to be green and useless before it is told.
const workless = 5 * time.Minute

// Notifier watches the bot and tells people. Make it with [New].
type Notifier struct {
	opts  Options
	words writer
	boxes []*outbox

	mu    sync.Mutex // guards what follows: Run and Tell
	judge judge
}

// judge is what the notifier remembers from look to look.
type judge struct {
	began    time.Time // the first look
	looked   time.Time
	bad      bool
	badFor   time.Duration           // time away, added up until the bot has been well for long
	well     time.Time               // since when the bot is well; zero while it is not
	raised   *Standing               // the alert that is not over
	ailing   time.Time               // since when events are not handled
	around   map[health.CauseID]bool // what is wrong beside the bot and was told
	sent     []time.Time
	held     int
	lastOver string // ID of the last incident that has been told or passed over
}

// New makes a notifier. It looks at nothing before [Notifier.Run].
func New(o Options) *Notifier {
	if o.After <= 0 {
		o.After = time.Minute
	}
	if o.RemindEvery == 0 {
		o.RemindEvery = time.Hour
	}
	if o.MaxPerHour <= 0 {
		o.MaxPerHour = 12
	}
	if o.Storage == nil {
		o.Storage = forgetful{}
	}
	if o.Runbook == "" {
		o.Runbook = "docs/runbook.md"
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Redact == nil {
		o.Redact = func(text string) string { return text }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	n := &Notifier{opts: o, words: writer{runbook: o.Runbook, zone: o.Zone, redact: o.Redact}}
	n.judge.raised, n.judge.around = o.Storage.Standing(), map[health.CauseID]bool{}
	for _, c := range o.Channels {
		n.boxes = append(n.boxes, newOutbox(c, o))
	}
	return n
}

// Run watches and tells until ctx ends; what is queued then gets one last try
// within three seconds. Call it once.
func (n *Notifier) Run(ctx context.Context) error {
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	for _, box := range n.boxes {
		deliveries.Go(func() { box.run(ctx) })
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		n.look(n.opts.Snapshot())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Tell sends a message that has nothing to do with the bot's status, such as
// that its session starts run low. It returns at once.
func (n *Notifier) Tell(title, text string, cause health.CauseID) {
	m := Message{Kind: Notice, Title: n.opts.Redact(title), Text: n.opts.Redact(text), At: time.Now(), Since: time.Now(), Bot: n.opts.Snapshot().Username}
	n.words.cite(&m, cause)
	if cause != "" {
		m.Remedy = health.Lookup(cause).Do
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.send(m)
}

// look judges the bot once.
func (n *Notifier) look(s health.Snapshot) {
	n.mu.Lock()
	defer n.mu.Unlock()
	j := &n.judge
	if j.began.IsZero() {
		j.began, j.looked = s.At, s.At
	}
	took := s.At.Sub(j.looked)
	j.looked = s.At
	if s.Status == health.Stopping {
		return // it goes because it was asked to
	}
	n.lookAround(s)
	kind := n.ailment(s)
	if kind == "" {
		j.bad = false
		n.isWell(s)
		return
	}
	n.isBad(s, kind, took)
}

// ailment is what is wrong with the bot, empty if nothing is.
func (n *Notifier) ailment(s health.Snapshot) Kind {
	j := &n.judge
	if s.Work.OK || !s.Connected {
		j.ailing = time.Time{}
	}
	switch {
	case s.Status == health.NeedsYou:
		return NeedsYou
	case !s.Ready || !s.Connected:
		return Offline
	case !s.Work.OK:
		if j.ailing.IsZero() {
			j.ailing = s.At
		}
		if s.At.Sub(j.ailing) >= max(workless, n.opts.After) {
			return NotWorking
		}
		if j.raised != nil && j.raised.Kind == NotWorking {
			return NotWorking // it is not well, only for less long
		}
	}
	return ""
}

// isWell is for a bot that is online: when it has been for long enough, an alert
// is taken back.
func (n *Notifier) isWell(s health.Snapshot) {
	j := &n.judge
	if j.well.IsZero() {
		j.well = s.At
	}
	if j.raised == nil {
		n.tellOfAbsence(s)
	}
	if s.At.Sub(j.well) < n.opts.After {
		return
	}
	j.badFor = 0
	if j.raised == nil {
		return
	}
	r := j.raised
	n.stand(nil)
	m := n.words.write(Resolved, s, r.Since)
	m.Thread, m.For = r.Thread, j.well.Sub(r.Since)
	if s.Last != nil {
		j.lastOver = s.Last.ID
	}
	if !r.Told {
		j.held++
		return
	}
	m.Held, j.held = j.held, 0
	n.post(m)
}

// tellOfAbsence tells of a long absence that nobody was there to tell of while
// it lasted: the program or its host did not run.
func (n *Notifier) tellOfAbsence(s health.Snapshot) {
	j := &n.judge
	i := s.Last
	if i == nil || i.End.IsZero() || i.ID == j.lastOver {
		return
	}
	j.lastOver = i.ID
	unseen := i.Downtime && i.Cause != health.PlannedStop || i.Evidence.Slept > 0
	if !unseen || i.Duration(s.At) < n.opts.After {
		return
	}
	m := n.words.write(Notice, s, i.Start)
	m.Thread, m.For = i.ID, i.Duration(s.At)
	n.send(m)
}

// gravity orders the alerts: a graver one is told although another stands.
var gravity = map[Kind]int{NotWorking: 1, Offline: 2, NeedsYou: 3}

// isBad is for a bot that is not well: when that has gone on for long enough, it
// is told.
func (n *Notifier) isBad(s health.Snapshot, kind Kind, took time.Duration) {
	j := &n.judge
	j.well = time.Time{}
	switch {
	case took >= lookGap:
		// Nobody was here to help meanwhile, so that does not count.
	case j.bad:
		j.badFor += took
	case kind == Offline && s.OfflineSince.After(j.began):
		j.badFor += s.At.Sub(s.OfflineSince)
	}
	j.bad = true
	if kind == NotWorking {
		j.badFor = 0 // it is not away
	}

	if kind == Offline && s.NotYou() {
		j.badFor = 0
		if r := j.raised; r != nil && !r.NotYou {
			said := *r
			said.NotYou = true
			n.stand(&said)
			m := n.words.write(NotYou, s, r.Since)
			m.Thread = r.Thread
			n.send(m)
		}
		return
	}
	since := s.Since
	if !s.OfflineSince.IsZero() {
		since = s.OfflineSince
	}
	if kind == NotWorking {
		since = j.ailing
	}
	r := j.raised
	switch {
	case (r == nil || r.Kind == NotWorking) && kind == Offline && j.badFor < n.opts.After:
		return
	case r == nil || gravity[kind] > gravity[r.Kind]:
		thread := "evergreen-" + s.At.UTC().Format("20060102T150405")
		if r != nil {
			thread, since = r.Thread, r.Since
		}
		m := n.words.write(kind, s, since)
		m.Thread = thread
		told := n.send(m)
		n.stand(&Standing{Kind: kind, Thread: thread, Since: since, Reminded: s.At, Told: told || r != nil && r.Told})
	case n.opts.RemindEvery > 0 && s.At.Sub(r.Reminded) >= n.opts.RemindEvery:
		m := n.words.write(Reminder, s, r.Since)
		m.Thread = r.Thread
		again := *r
		again.Reminded = s.At
		again.Told = n.send(m) || r.Told
		n.stand(&again)
	}
}

// stand remembers the alert that is not over, here and beyond the process. The
// caller holds the lock.
func (n *Notifier) stand(s *Standing) {
	n.judge.raised = s
	n.opts.Storage.Stand(s)
}

// send posts a message unless there have been too many, and reports whether it
// did.
func (n *Notifier) send(m Message) bool {
	j := &n.judge
	kept := j.sent[:0]
	for _, at := range j.sent {
		if m.At.Sub(at) < time.Hour {
			kept = append(kept, at)
		}
	}
	j.sent = kept
	if len(j.sent) >= n.opts.MaxPerHour {
		j.held++
		return false
	}
	j.sent = append(j.sent, m.At)
	m.Held, j.held = j.held, 0
	n.post(m)
	return true
}

func (n *Notifier) post(m Message) {
	for _, box := range n.boxes {
		box.put(m)
	}
}
