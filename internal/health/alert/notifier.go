package alert

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"evergreen/internal/health"
)

// The defaults of [Options].
const (
	DefaultAfter       = time.Minute
	DefaultRemindEvery = time.Hour
	DefaultMaxPerHour  = 12
	DefaultRunbook     = "docs/runbook.md"
)

// Options configures a [Notifier]. Snapshot is required; every other zero value
// means the default named with it.
type Options struct {
	// Snapshot reads the health of the bot, such as [health.Tracker.Snapshot].
	Snapshot func() health.Snapshot
	// Channels take the messages. Default: none.
	Channels []Channel
	// After is how long the bot has to be away before a message is sent, and well
	// before it counts as resolved. Default 1 min.
	After time.Duration
	// RemindEvery is the time between two reminders. Default 1 h;
	// [health.Never]: none.
	RemindEvery time.Duration
	// MaxPerHour is the most messages in an hour, not counting those that trouble
	// is over. Default 12.
	MaxPerHour int
	// Storage keeps the active alert from one run to the next. Default: it is
	// forgotten with the process.
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

// checkEvery is the time between two checks. From stalledAfter between two of them
// on, this program did not run in between.
const (
	checkEvery   = time.Second
	stalledAfter = 30 * time.Second
)

// notWorkingAfter is how long a connected bot has to handle no events before a
// message is sent.
const notWorkingAfter = 5 * time.Minute

// Notifier checks the bot once a second and sends messages. Make it with [New],
// call Run once; Notify may be called by many goroutines at once.
type Notifier struct {
	opts  Options
	words writer
	boxes []*outbox

	mu              sync.Mutex // guards what follows
	started         time.Time  // the first check
	checked         time.Time  // the last check
	troubled        bool
	awayFor         time.Duration           // added up until the bot has been well for Options.After
	wellSince       time.Time               // zero while the bot is not well
	notWorkingSince time.Time               // zero while events are handled
	active          *Active                 // nil: none
	conditions      map[health.CauseID]bool // the conditions that people were told of
	sent            []time.Time             // messages of the last hour
	held            int                     // messages held back since the last one
	clockSet        time.Duration           // by how much the clock had been set that all moments are told by
	lastReported    string                  // ID of the last incident that needs no notice any more
}

// New makes a notifier. It does nothing before [Notifier.Run].
func New(o Options) *Notifier {
	if o.After <= 0 {
		o.After = DefaultAfter
	}
	if o.RemindEvery == 0 {
		o.RemindEvery = DefaultRemindEvery
	}
	if o.MaxPerHour <= 0 {
		o.MaxPerHour = DefaultMaxPerHour
	}
	if o.Storage == nil {
		o.Storage = noStorage{}
	}
	if o.Runbook == "" {
		o.Runbook = DefaultRunbook
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
	n.active, n.conditions = o.Storage.LoadActive(), map[health.CauseID]bool{}
	for _, c := range o.Channels {
		n.boxes = append(n.boxes, newOutbox(c, o))
	}
	return n
}

// Run checks and sends until ctx ends; queued messages then get one last try within
// three seconds. Call it once.
func (n *Notifier) Run(ctx context.Context) error {
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	for _, box := range n.boxes {
		deliveries.Go(func() { box.run(ctx) })
	}
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		n.check(n.opts.Snapshot())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Notify sends a message that has nothing to do with the bot's status, such as
// that its session starts run low. It returns at once.
func (n *Notifier) Notify(title, text string, cause health.CauseID) {
	m := Notification{Kind: Notice, Title: n.opts.Redact(title), Text: n.opts.Redact(text), At: time.Now(), Since: time.Now(), Bot: n.opts.Snapshot().Username}
	n.words.cite(&m, cause)
	if cause != "" {
		m.Remedy = health.Lookup(cause).Do
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sendLimited(m)
}

// check checks the bot once.
func (n *Notifier) check(s health.Snapshot) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setClock(s.ClockSet)
	if n.started.IsZero() {
		n.started, n.checked = s.At, s.At
	}
	took := s.At.Sub(n.checked)
	n.checked = s.At
	if s.Status == health.Stopping {
		return // as asked
	}
	n.checkConditions(s)
	kind := n.trouble(s)
	if kind == "" {
		n.troubled = false
		n.onWell(s)
		return
	}
	n.onTrouble(s, kind, took)
}

// setClock moves all moments when the clock is set, so that none lies further back or
// ahead than before. The caller holds mu.
func (n *Notifier) setClock(set time.Duration) {
	by := set - n.clockSet
	if by == 0 {
		return
	}
	n.clockSet = set
	for _, t := range []*time.Time{&n.started, &n.checked, &n.wellSince, &n.notWorkingSince} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	for i := range n.sent {
		n.sent[i] = n.sent[i].Add(by)
	}
	if n.active != nil {
		moved := *n.active
		moved.Since, moved.LastReminder = moved.Since.Add(by), moved.LastReminder.Add(by)
		n.setActive(&moved)
	}
}

// trouble is what is wrong with the bot, empty if nothing is. The caller holds mu.
func (n *Notifier) trouble(s health.Snapshot) Kind {
	if s.Work.OK || !s.Connected {
		n.notWorkingSince = time.Time{}
	}
	switch {
	case s.Status == health.NeedsYou:
		return NeedsYou
	case !s.Ready || !s.Connected:
		return Offline
	case !s.Work.OK:
		if n.notWorkingSince.IsZero() {
			n.notWorkingSince = s.At
		}
		if s.At.Sub(n.notWorkingSince) >= max(notWorkingAfter, n.opts.After) {
			return NotWorking
		}
		if n.active != nil && n.active.Kind == NotWorking {
			return NotWorking // the alert stands until the bot works again
		}
	}
	return ""
}

// onWell handles a check that finds the bot online. After Options.After the active
// alert is resolved. The caller holds mu.
func (n *Notifier) onWell(s health.Snapshot) {
	if n.wellSince.IsZero() {
		n.wellSince = s.At
	}
	if n.active == nil {
		n.notifyOfDowntime(s)
	}
	if s.At.Sub(n.wellSince) < n.opts.After {
		return
	}
	n.awayFor = 0
	if n.active == nil {
		return
	}
	r := n.active
	n.setActive(nil)
	m := n.words.write(Resolved, s, r.Since)
	m.Thread, m.For = r.Thread, n.wellSince.Sub(r.Since)
	if s.Last != nil {
		n.lastReported = s.Last.ID
	}
	if !r.Sent {
		n.held++
		return
	}
	m.Held, n.held = n.held, 0
	n.enqueue(m)
}

// notifyOfDowntime sends a notice of a long absence during which the program or its
// host did not run. The caller holds mu.
func (n *Notifier) notifyOfDowntime(s health.Snapshot) {
	i := s.Last
	if i == nil || i.End.IsZero() || i.ID == n.lastReported {
		return
	}
	n.lastReported = i.ID
	unseen := i.BeganWithPreviousRun && i.Cause != health.PlannedStop || i.Evidence.Slept+i.Evidence.Stalled > 0
	if !unseen || i.Duration(s.At) < n.opts.After {
		return
	}
	m := n.words.write(Notice, s, i.Start)
	m.Thread, m.For = i.ID, i.Duration(s.At)
	n.sendLimited(m)
}

// severity orders the alerts: a more severe one is sent although another is active.
var severity = map[Kind]int{NotWorking: 1, Offline: 2, NeedsYou: 3}

// onTrouble handles a check that finds the bot not well; took is the time since the
// last check. After Options.After an alert is sent, and then reminders. The caller
// holds mu.
func (n *Notifier) onTrouble(s health.Snapshot, kind Kind, took time.Duration) {
	n.wellSince = time.Time{}
	switch {
	case took >= stalledAfter:
		// This program did not run meanwhile, so that does not count.
	case n.troubled:
		n.awayFor += took
	case kind == Offline && s.OfflineSince.After(n.started):
		n.awayFor += s.At.Sub(s.OfflineSince)
	}
	n.troubled = true
	if kind == NotWorking {
		n.awayFor = 0 // it is not away
	}

	if kind == Offline && s.NotYou() {
		n.awayFor = 0
		if r := n.active; r != nil && !r.NotYou {
			said := *r
			said.NotYou = true
			n.setActive(&said)
			m := n.words.write(NotYou, s, r.Since)
			m.Thread = r.Thread
			n.sendLimited(m)
		}
		return
	}
	since := s.Since
	if !s.OfflineSince.IsZero() {
		since = s.OfflineSince
	}
	if kind == NotWorking {
		since = n.notWorkingSince
	}
	r := n.active
	switch {
	case (r == nil || r.Kind == NotWorking) && kind == Offline && n.awayFor < n.opts.After:
		return
	case r == nil || severity[kind] > severity[r.Kind]:
		thread := "evergreen-" + s.At.UTC().Format("20060102T150405")
		if r != nil {
			thread, since = r.Thread, r.Since
		}
		m := n.words.write(kind, s, since)
		m.Thread = thread
		told := n.sendLimited(m)
		n.setActive(&Active{Kind: kind, Thread: thread, Since: since, LastReminder: s.At, Sent: told || r != nil && r.Sent})
	case n.opts.RemindEvery > 0 && s.At.Sub(r.LastReminder) >= n.opts.RemindEvery:
		m := n.words.write(Reminder, s, r.Since)
		m.Thread = r.Thread
		again := *r
		again.LastReminder = s.At
		again.Sent = n.sendLimited(m) || r.Sent
		n.setActive(&again)
	}
}

// setActive sets the active alert, here and in the storage. The caller holds mu.
func (n *Notifier) setActive(s *Active) {
	n.active = s
	n.opts.Storage.SaveActive(s)
}

// sendLimited queues a message unless there have been too many, and reports whether
// it did. The caller holds mu.
func (n *Notifier) sendLimited(m Notification) bool {
	kept := n.sent[:0]
	for _, at := range n.sent {
		if m.At.Sub(at) < time.Hour {
			kept = append(kept, at)
		}
	}
	n.sent = kept
	if len(n.sent) >= n.opts.MaxPerHour {
		n.held++
		return false
	}
	n.sent = append(n.sent, m.At)
	m.Held, n.held = n.held, 0
	n.enqueue(m)
	return true
}

// enqueue queues a message at every channel.
func (n *Notifier) enqueue(m Notification) {
	for _, box := range n.boxes {
		box.add(m)
	}
}
