package health

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"evergreen/gateway"
)

// Options configures a [Tracker]. The zero value of each field means the
// default named with it.
type Options struct {
	// Shards is how many shards to expect. Default: what the pairs say.
	Shards int
	// Stats returns the sum of what the shards count, for judging whether
	// events are handled. Default: not judged.
	Stats func() gateway.Stats
	// Activity returns what the bot did with its events. Default: nothing.
	Activity func() Activity
	// Saving returns whether what the bot knows is being saved. Default: not
	// judged.
	Saving func() Saving
	// Memory returns whether memory runs short. Default: not judged.
	Memory func() Short
	// Rival returns whether another program uses the token. Default: not judged.
	Rival func() Rival
	// Journal keeps the incidents. Default: the last 200, in memory.
	Journal Journal
	// SlowAfter is the age of the oldest unhandled event from which the bot
	// counts as connected but not working. Default 2 min.
	SlowAfter time.Duration
	// ACKDeadline is how long beyond an interval an answer may be old.
	// Default [ACKDeadline].
	ACKDeadline time.Duration
	// Gap is the incident between the previous run and this one, as [Gap] makes
	// it: it ends when the shard is back. Default: there was no previous run.
	Gap *Incident
	// Redact takes secrets out of text that came from elsewhere before it is
	// kept. Default: texts are kept as they are.
	Redact func(string) string
	// Now reads the clock. Default time.Now.
	Now func() time.Time
}

// Tracker watches shards and knows how they are. It is a [gateway.Observer];
// all methods may be called from several goroutines.
type Tracker struct {
	opts    Options
	started time.Time

	mu     sync.Mutex
	shards map[gateway.ShardID]*shard
	count  int       // of the shards that matter; 0: all that report
	here   int       // how many of them there are to be
	last   *Incident // the newest; never changed once it stands here
	said   Elsewhere // what Discord says of itself
	ailing map[CauseID]*ailment
}

// NewTracker makes a tracker that has seen nothing yet.
func NewTracker(o Options) *Tracker {
	if o.Journal == nil {
		o.Journal = &Memory{}
	}
	if o.SlowAfter <= 0 {
		o.SlowAfter = 2 * time.Minute
	}
	if o.ACKDeadline <= 0 {
		o.ACKDeadline = ACKDeadline
	}
	if o.Redact == nil {
		o.Redact = func(text string) string { return text }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Tracker{opts: o, started: wall(o.Now()), shards: make(map[gateway.ShardID]*shard), ailing: make(map[CauseID]*ailment)}
}

// wall strips the monotonic reading, which stands still while a host sleeps:
// a night asleep is a night offline.
func wall(t time.Time) time.Time { return t.Round(0) }

// Expect names the number of shards the bot has and how many of them run here.
// Shards of another number no longer matter: a set that is on its way, or one
// that was replaced.
func (t *Tracker) Expect(count, here int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count != 0 && t.count != count {
		for pair := range t.shards {
			if max(1, pair.Count) == t.count {
				delete(t.shards, pair)
			}
		}
	}
	t.count, t.here = count, here
}

// Forget drops a shard that runs elsewhere from now on.
func (t *Tracker) Forget(pair gateway.ShardID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.shards, pair)
}

// counts reports whether a shard matters. The caller holds the lock.
func (t *Tracker) counts(pair gateway.ShardID) bool {
	return t.count == 0 || max(1, pair.Count) == t.count
}

// Observe takes in one observation (G-158).
func (t *Tracker) Observe(n gateway.Observation) {
	n.At = wall(n.At)
	t.mu.Lock()
	s := t.shards[n.Shard]
	if s == nil {
		s = newShard(n.Shard, n.At, t.opts.Redact)
		s.follow(t.opts.Gap)
		t.shards[n.Shard] = s
	}
	s.observe(n)
	s.blameDiscord(n.At, t.said)
	changed := t.takeChanged(s)
	t.mu.Unlock()
	t.write(changed)
}

// takeChanged returns the shard's incidents that are new or have changed. The
// caller holds the lock.
func (t *Tracker) takeChanged(s *shard) []Incident {
	changed := s.takeChanged()
	for _, i := range changed {
		if t.last == nil || !i.Start.Before(t.last.Start) {
			t.last = &i
		}
	}
	return changed
}

// write puts incidents into the journal. The caller does not hold the lock.
func (t *Tracker) write(changed []Incident) {
	for _, i := range changed {
		t.opts.Journal.Write(i)
	}
}

// Incidents returns up to limit incidents, the newest first.
func (t *Tracker) Incidents(limit int) []Incident { return t.opts.Journal.Recent(limit) }

// Snapshot returns how the bot is now.
func (t *Tracker) Snapshot() Snapshot { return t.look(true) }

// Standing returns the same without its round trips and its changes of state,
// which are most of the work, and with a newest incident that is not the caller's
// to change. It is for whoever looks at every turn.
func (t *Tracker) Standing() Snapshot { return t.look(false) }

func (t *Tracker) look(whole bool) Snapshot {
	now := wall(t.opts.Now())
	snap := Snapshot{At: now, Started: t.started}
	if t.opts.Stats != nil {
		snap.Work.Stats = t.opts.Stats()
	}
	if t.opts.Activity != nil {
		snap.Work.Activity = t.opts.Activity()
	}
	if t.opts.Saving != nil {
		snap.Saving = t.opts.Saving()
	}
	if t.opts.Memory != nil {
		snap.Memory = t.opts.Memory()
	}
	if t.opts.Rival != nil {
		snap.Rival = t.opts.Rival()
	}

	t.mu.Lock()
	if snap.Last = t.last; whole && t.last != nil {
		last := t.last.clone()
		snap.Last = &last
	}
	expected := t.opts.Shards
	if t.here > 0 {
		expected = t.here
	}
	for pair, s := range t.shards {
		if t.counts(pair) {
			snap.Shards = append(snap.Shards, s.snapshot(now, t.opts.ACKDeadline, whole))
		}
	}
	snap.Work = t.judgeWork(now, snap.Work)
	snap.Discord = t.said
	t.mu.Unlock()
	for i := range snap.Shards {
		// What stands in t.last is from the last report about it.
		if s := &snap.Shards[i]; s.Open != nil && (snap.Last == nil || !s.Open.Start.Before(snap.Last.Start)) {
			snap.Last = s.Open
		}
	}

	slices.SortFunc(snap.Shards, func(a, b ShardSnapshot) int {
		return cmp.Or(cmp.Compare(a.Pair.Count, b.Pair.Count), cmp.Compare(a.Pair.ID, b.Pair.ID))
	})
	t.sum(&snap, expected)
	t.mu.Lock()
	changed := t.ails(&snap)
	t.mu.Unlock()
	t.write(changed)
	return snap
}

// judgeWork says whether events are being handled.
func (t *Tracker) judgeWork(now time.Time, w Work) Work {
	w.OK = true
	fail := func(id CauseID, reason Message) {
		if w.OK {
			w.OK, w.Cause, w.Reason = false, id, reason
		}
	}
	panics := 0
	for _, s := range t.shards {
		if s.queueFull {
			fail(SlowHandlers, Say("queue-full"))
		}
		panics += s.recentPanics(now)
		if s.lastPanic.At.After(w.LastPanic.At) {
			w.LastPanic = s.lastPanic
		}
	}
	if age := w.Stats.QueuedAge; age >= t.opts.SlowAfter {
		fail(SlowHandlers, Say("queue-old", age))
	}
	if panics >= panicsThatMatter {
		fail(GreenButUseless, Say("panics", int64(panics), panicWindow, w.LastPanic.Event))
	}
	return w
}

// sum makes one answer out of those of the shards.
func (t *Tracker) sum(snap *Snapshot, expected int) {
	if expected <= 0 {
		expected = 1
		for i := range snap.Shards {
			expected = max(expected, snap.Shards[i].Pair.Count)
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
	for i := range snap.Shards { // not by value: this is done at every turn
		s := &snap.Shards[i]
		snap.Username = cmp.Or(snap.Username, s.Username)
		snap.Counts.add(s.Counts)
		snap.Guilds += s.Guilds
		if !s.OfflineSince.IsZero() && (snap.OfflineSince.IsZero() || s.OfflineSince.Before(snap.OfflineSince)) {
			snap.OfflineSince = s.OfflineSince
		}
	}
	snap.Username = cmp.Or(snap.Username, snap.Work.Activity.Username)
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
		snap.OfflineSince = t.started
	}
	snap.Ready = all(func(s *ShardSnapshot) bool { return s.Ready })
	snap.Connected = all(func(s *ShardSnapshot) bool { return s.Connected })
	judge(snap, expected, missing)
	if snap.Status == Online && !snap.Work.OK {
		snap.Status = Degraded
		snap.Reason = Say("status.not-working", snap.Work.Reason)
		snap.Remedy = Lookup(snap.Work.Cause).Remedy()
	}
	if snap.Status == Online && snap.Saving.Trouble != "" {
		snap.Status = Degraded
		snap.Reason = Say("status.disk-trouble", snap.Saving.Trouble)
		snap.Remedy = Lookup(DiskTrouble).Remedy()
		snap.Since = latest(snap.Since, wall(snap.Saving.Since))
	}
	if snap.Status == Online && snap.Memory.Trouble != "" {
		snap.Status = Degraded
		snap.Reason = Say("status.memory-short", snap.Memory.Trouble)
		snap.Remedy = Lookup(MemoryShort).Remedy()
		snap.Since = latest(snap.Since, wall(snap.Memory.Since))
	}
	if snap.Status == Online && snap.Rival.Trouble != "" {
		snap.Status = Degraded
		snap.Reason = Say("status.two-instances", snap.Rival.Trouble)
		snap.Remedy = Lookup(TwoInstances).Remedy()
		snap.Since = latest(snap.Since, wall(snap.Rival.Since))
	}
	if snap.NotYou() {
		snap.Reason = Say("status.discord-not-you", snap.Discord.Says, snap.Reason)
		snap.Remedy = Lookup(DiscordOutage).Remedy()
	}
}

// latencyOf sums up the round trips of all shards. One shard has done so already.
func latencyOf(shards []ShardSnapshot) Latency {
	if len(shards) == 1 {
		return shards[0].Latency
	}
	var samples []Sample
	for _, s := range shards {
		samples = append(samples, s.Samples...)
	}
	return summarise(samples)
}

// judge finds the status, reason, remedy and since of the bot as a whole.
func judge(snap *Snapshot, expected, missing int) {
	if len(snap.Shards) == 0 {
		snap.Status, snap.Reason, snap.Since = Starting, Say("status.no-shard"), snap.Started
		return
	}
	// The worst shard speaks; among equals the one that has been so the longest,
	// or, when all is well, the one that became so last.
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
		snap.Reason = Say("status.shards-online", int64(online), int64(expected))
		return
	}
	if worst.Status == Online {
		snap.Reason = Say("status.shards", int64(expected))
		return
	}
	snap.Reason = Say("status.shards-worst", int64(online), int64(expected), worst.Pair.String(), worst.Reason)
	// One shard that was stopped while others go on was paused, not the bot.
	if connected > 0 && (worst.Status == Stopping || worst.Status == Reconnecting || worst.Status == Offline) {
		snap.Status = Degraded
	}
}
