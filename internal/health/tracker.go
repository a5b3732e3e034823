package health

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/text"
)

// slowAfter is the age of the oldest unhandled event from which the bot counts as
// connected but not working.
const slowAfter = 2 * time.Minute

// Source tells a [Tracker] what no observation tells.
type Source interface {
	// Stats returns the sum of what the shards count.
	Stats() gateway.Stats
	// Activity returns what the bot has done with its events.
	Activity() Activity
	// Conditions returns what is wrong beside the connection, in any order. The
	// tracker keeps the list.
	Conditions() []Condition
}

// Options configures a [Tracker].
type Options struct {
	// Source tells what no observation tells. Default: nothing.
	Source Source
	// Journal keeps the incidents. Default: a [MemoryJournal].
	Journal Journal
	// PreviousDowntime is the incident between the previous run and this one, see
	// [Downtime]. It ends when the shard is back. Default: there was no previous
	// run.
	PreviousDowntime *Incident
	// Redact takes secrets out of text from elsewhere before it is kept. Default:
	// texts are kept as they are.
	Redact func(string) string
	// Now reads the clock. Default time.Now.
	Now func() time.Time
	// Clock tells when the wall clock was set. Default: one that reads Now.
	Clock *clock.Clock
}

// Tracker computes from observations how the bot is. It is a [gateway.Observer].
// All methods may be called at the same time.
type Tracker struct {
	opts  Options
	clock *clock.Clock

	mu          sync.Mutex
	started     time.Time
	clockSet    time.Duration // by how much the clock had been set that all moments are told by
	moves       []move        // of the journal, not yet made
	shards      map[gateway.ShardID]*shard
	shardCount  int               // the count that current shards have; 0: any
	runningHere int               // how many shards are to run in this process; 0: not known
	last        *Incident         // the newest; never changed once it is here
	discord     statuspage.Status // what Discord's status page says
	conditions  map[CauseID]*conditionIncident
}

// NewTracker returns a tracker without observations.
func NewTracker(o Options) *Tracker {
	if o.Journal == nil {
		o.Journal = &MemoryJournal{}
	}
	if o.Redact == nil {
		o.Redact = func(foreign string) string { return foreign }
	}
	if o.Clock == nil {
		o.Clock = clock.New(clock.Source{Now: o.Now})
	}
	now, set := o.Clock.Now()
	return &Tracker{
		opts: o, clock: o.Clock, started: now, clockSet: set, shards: make(map[gateway.ShardID]*shard), conditions: make(map[CauseID]*conditionIncident),
	}
}

// Expect sets the number of shards the bot has and how many of them run here.
// Shards of another number no longer count: they are a set that is starting, or
// one that was replaced.
func (t *Tracker) Expect(count, here int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shardCount != 0 && t.shardCount != count {
		for id := range t.shards {
			if max(1, id.Count) == t.shardCount {
				delete(t.shards, id)
			}
		}
	}
	t.shardCount, t.runningHere = count, here
}

// Forget drops a shard that runs elsewhere from now on.
func (t *Tracker) Forget(id gateway.ShardID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.shards, id)
}

// isCurrent reports whether a shard is one of the number expected. The caller
// holds the lock.
func (t *Tracker) isCurrent(id gateway.ShardID) bool {
	return t.shardCount == 0 || max(1, id.Count) == t.shardCount
}

// Observe implements [gateway.Observer] (G-158).
func (t *Tracker) Observe(n gateway.Observation) {
	t.mu.Lock()
	t.now()
	n = t.localise(n)
	s := t.shards[n.Shard]
	if s == nil {
		s = newShard(n.Shard, n.At, t.opts.Redact)
		s.continueDowntime(t.opts.PreviousDowntime)
		t.shards[n.Shard] = s
	}
	s.observe(n)
	s.attributeToDiscord(n.At, t.discord)
	changed := t.takeChanged(s)
	t.mu.Unlock()
	t.writeJournal(changed)
}

// takeChanged returns the shard's incidents that are new or have changed since
// the last call. The caller holds the lock.
func (t *Tracker) takeChanged(s *shard) []Incident {
	changed := s.takeChanged()
	for _, i := range changed {
		if t.last == nil || !i.Start.Before(t.last.Start) {
			t.last = &i
		}
	}
	return changed
}

// writeJournal writes incidents to the journal. The caller does not hold the lock.
func (t *Tracker) writeJournal(changed []Incident) {
	t.moveJournal()
	for _, i := range changed {
		t.opts.Journal.Write(i)
	}
}

// sanitize makes text from elsewhere fit to be kept: one printable line, then without
// secrets, then short, because a secret is recognised neither with invisible characters
// in it nor cut in two.
func (t *Tracker) sanitize(foreign string) string { return sanitize(foreign, t.opts.Redact) }

func sanitize(foreign string, redact func(string) string) string {
	return text.Clip(redact(text.OneLine(foreign)), maxText)
}

// maxText is how much text from elsewhere (close reasons, errors) is kept, in
// bytes.
const maxText = 300

// plain makes text from elsewhere one printable line of bounded length.
func plain(foreign string) string { return text.Clip(text.OneLine(foreign), maxText) }

// Incidents returns up to limit incidents, the newest first.
func (t *Tracker) Incidents(limit int) []Incident { return t.opts.Journal.Recent(limit) }

// Snapshot returns how the bot is now.
func (t *Tracker) Snapshot() Snapshot { return t.snapshot(true) }

// Summary returns the same without round trips and changes of state, which are
// most of the work, and with a newest incident that the caller must not change.
// It is for callers that ask often.
func (t *Tracker) Summary() Snapshot { return t.snapshot(false) }

func (t *Tracker) snapshot(history bool) Snapshot {
	snap := Snapshot{}
	if source := t.opts.Source; source != nil {
		snap.Work.Stats, snap.Work.Activity, snap.Conditions = source.Stats(), source.Activity(), holdingConditions(source.Conditions())
	}

	t.mu.Lock()
	now := t.now()
	snap.At, snap.Started, snap.ClockSet = now, t.started, t.clockSet
	for n := range snap.Conditions {
		snap.Conditions[n].Since = t.clock.At(snap.Conditions[n].Since)
	}
	if activity := &snap.Work.Activity; !activity.Last.IsZero() {
		activity.Last = t.clock.At(activity.Last)
	}
	if snap.Last = t.last; history && t.last != nil {
		last := t.last.clone()
		snap.Last = &last
	}
	expected := t.runningHere
	for id, s := range t.shards {
		if t.isCurrent(id) {
			snap.Shards = append(snap.Shards, s.snapshot(now, history))
		}
	}
	t.checkWork(now, &snap.Work)
	snap.Discord = t.discord
	t.mu.Unlock()
	for i := range snap.Shards {
		// t.last is as of the last report, the shard's own incident may be newer.
		if s := &snap.Shards[i]; s.Open != nil && (snap.Last == nil || !s.Open.Start.Before(snap.Last.Start)) {
			snap.Last = s.Open
		}
	}

	slices.SortFunc(snap.Shards, func(a, b ShardSnapshot) int {
		return cmp.Or(cmp.Compare(a.Shard.Count, b.Shard.Count), cmp.Compare(a.Shard.ID, b.Shard.ID))
	})
	t.sumUp(&snap, expected)
	t.mu.Lock()
	changed := t.updateConditions(&snap)
	t.mu.Unlock()
	t.writeJournal(changed)
	return snap
}

// checkWork fills in whether events are being handled. The caller holds the lock.
func (t *Tracker) checkWork(now time.Time, w *Work) {
	w.OK = true
	fail := func(id CauseID, reason Message) {
		if w.OK {
			w.OK, w.Cause, w.Reason, w.sign, w.remedy = false, id, reason, reason, id
		}
	}
	// First: when answers do not get out, handlers may wait for them.
	if u := w.Activity.Undelivered; !u.Since.IsZero() {
		fail(AnswersBlocked, undeliveredStatus(u, time.Now()))
		w.sign, w.since, w.remedy = undeliveredSign(u), t.clock.At(u.Since), cmp.Or(undeliveredCauses[u.Reason], AnswersBlocked)
	}
	panics := 0
	for _, s := range t.shards {
		if s.queueFull {
			fail(SlowHandlers, NewMessage("queue-full"))
		}
		panics += s.recentPanics(now)
		if s.lastPanic.At.After(w.LastPanic.At) {
			w.LastPanic = s.lastPanic
		}
	}
	if age := w.Stats.QueuedAge; age >= slowAfter {
		fail(SlowHandlers, NewMessage("queue-old", age))
	}
	if panics >= maxHandlerPanics {
		fail(GreenButUseless, NewMessage("panics", int64(panics), panicWindow, w.LastPanic.Event))
	}
}

// sumUp fills in the bot as a whole from its shards.
func (t *Tracker) sumUp(snap *Snapshot, expected int) {
	if expected <= 0 {
		expected = 1
		for i := range snap.Shards {
			expected = max(expected, snap.Shards[i].Shard.Count)
		}
	}
	missing := max(0, expected-len(snap.Shards))
	all := func(is func(*ShardSnapshot) bool) bool {
		for i := range snap.Shards {
			if !is(&snap.Shards[i]) {
				return false
			}
		}
		return missing == 0
	}
	for i := range snap.Shards {
		s := &snap.Shards[i]
		snap.Username = cmp.Or(snap.Username, s.Username)
		snap.Counts.add(s.Counts)
		snap.Guilds += s.Guilds
		if !s.OfflineSince.IsZero() && (snap.OfflineSince.IsZero() || s.OfflineSince.Before(snap.OfflineSince)) {
			snap.OfflineSince = s.OfflineSince
		}
	}
	snap.Username = cmp.Or(snap.Username, plain(snap.Work.Activity.Username))
	if snap.Work.Activity.Guilds > 0 {
		snap.Guilds = snap.Work.Activity.Guilds
	}
	if all(func(s *ShardSnapshot) bool { return !s.SessionSince.IsZero() }) {
		for i := range snap.Shards {
			snap.SessionSince = latest(snap.SessionSince, snap.Shards[i].SessionSince)
		}
	}
	snap.Latency = latencyOf(snap.Shards)
	if missing > 0 && snap.OfflineSince.IsZero() {
		snap.OfflineSince = snap.Started
	}
	snap.Ready = all(func(s *ShardSnapshot) bool { return s.Ready })
	snap.Connected = all(func(s *ShardSnapshot) bool { return s.Connected })
	setStatus(snap, expected, missing)
	if snap.Status == Online && !snap.Work.OK {
		snap.Status, snap.Reason, snap.Remedy = Degraded, snap.Work.status(), Lookup(snap.Work.remedy).Remedy()
		snap.Since = latest(snap.Since, snap.Work.since)
	}
	if snap.Status == Online && len(snap.Conditions) > 0 && !snap.Conditions[0].IsNotice() {
		c := snap.Conditions[0]
		snap.Status, snap.Reason, snap.Remedy = Degraded, c.status(), Lookup(c.Cause).Remedy()
		snap.Since = latest(snap.Since, c.Since)
	}
	if snap.NotYou() {
		snap.Reason, snap.Remedy = NewMessage("status.discord-not-you", snap.Discord.Says(), snap.Reason), Lookup(DiscordOutage).Remedy()
	}
}

// status says why the bot does not work, in the reason of a status.
func (w Work) status() Message {
	if w.Cause == AnswersBlocked {
		return w.Reason
	}
	return NewMessage("status.not-working", w.Reason)
}

// latencyOf sums up the round trips of all shards.
func latencyOf(shards []ShardSnapshot) Latency {
	if len(shards) == 1 {
		return shards[0].Latency // already computed
	}
	var samples []Sample
	for _, s := range shards {
		samples = append(samples, s.Samples...)
	}
	return summarise(samples)
}

// setStatus fills in the status, reason, remedy and since of the bot as a whole:
// those of the worst shard; among equals of the one that has been so the longest
// or, when all are online, the one that became so last.
func setStatus(snap *Snapshot, expected, missing int) {
	if len(snap.Shards) == 0 {
		snap.Status, snap.Reason, snap.Since = Starting, NewMessage("status.no-shard"), snap.Started
		if snap.Work.Activity.AwaitsBot {
			snap.Reason, snap.Remedy = NewMessage("status.awaits-bot"), NewMessage("do.awaits-bot")
		}
		return
	}
	worst := &snap.Shards[0]
	online, connected := 0, 0
	for i := range snap.Shards {
		s := &snap.Shards[i]
		if s.Status == Online {
			online++
		}
		if s.Connected {
			connected++
		}
		switch {
		case s.Status > worst.Status,
			s.Status == worst.Status && s.Status == Online && s.Since.After(worst.Since),
			s.Status == worst.Status && s.Status != Online && s.Since.Before(worst.Since):
			worst = s
		}
	}
	snap.Status, snap.Reason, snap.Remedy, snap.Since = worst.Status, worst.Reason, worst.Remedy, worst.Since
	if expected == 1 {
		return
	}
	if missing > 0 && worst.Status <= Starting && worst.Status != Stopping {
		snap.Status, snap.Since = Starting, snap.Started
		snap.Reason = NewMessage("status.shards-online", int64(online), int64(expected))
		return
	}
	if worst.Status == Online {
		snap.Reason = NewMessage("status.shards", int64(expected))
		return
	}
	snap.Reason = NewMessage("status.shards-worst", int64(online), int64(expected), worst.Shard.String(), worst.Reason)
	// The bot is not stopping, reconnecting or offline while some shards are connected.
	if connected > 0 && (worst.Status == Stopping || worst.Status == Reconnecting || worst.Status == Offline) {
		snap.Status = Degraded
	}
}
