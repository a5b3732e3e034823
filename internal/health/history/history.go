package history

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/internal/health"
)

// Options configures a [History]. Snapshot is required.
type Options struct {
	// Snapshot returns how the bot is, such as [health.Tracker.Summary]; round trips
	// are not used.
	Snapshot func() health.Snapshot
	// Incidents returns the newest incidents, such as [health.Tracker.Incidents].
	// Default: none.
	Incidents func(limit int) []health.Incident
	// REST returns how many requests were made and how long they take lately.
	// Default: not known.
	REST func() (sent int64, took time.Duration)
	// Storage keeps the history over restarts. Default: it ends with the process.
	Storage Storage
	// LastAlive is the previous run's last sign of life, if that is later than the
	// newest record. Default: the time of that record.
	LastAlive time.Time
	// Log takes lines for the operator. Default: none are written.
	Log *slog.Logger
	// Now reads the clock. Default time.Now.
	Now func() time.Time
	// Clock is the one by which the moments of the snapshots are told. Default: one that
	// reads Now.
	Clock *clock.Clock
}

// workLine is the number of the timeline for whether events are handled.
const workLine = -1

// sampleAge is how long single round trips are kept, and maxSamples how many.
const (
	sampleAge  = time.Hour
	maxSamples = 2000
)

// updateInterval is the time between two snapshots while only answered heartbeats
// are observed.
const updateInterval = time.Minute

// roundTrip is one of a heartbeat, or the mean one of requests.
type roundTrip struct {
	at            time.Time
	gateway, rest time.Duration
}

// History keeps how the bot has been. It is a [gateway.Observer] that has to be
// called after the tracker whose Snapshot it takes. All methods may be called at the
// same time. Call [History.Close] at the end.
type History struct {
	opts Options

	updates atomic.Int64 // calls of update that are under way

	mu           sync.Mutex
	past         past                     // what earlier runs have left
	timelines    map[int]timeline         // of this run, by shard, and workLine
	openLosses   map[int]*health.Incident // by shard: the open loss, as of the last snapshot
	lastSnapshot time.Time                // its time
	clockSet     time.Duration            // by how much the clock had been set that all moments are told by
	lastRestate  time.Time                // the day
	samples      []roundTrip
	minutes      series
	hours        series
	counts       Events
	countsSince  time.Time // the time of counts
	sent         int64     // requests, as of the last snapshot
	presence     gateway.Presence
	presenceAt   time.Time
	pending      []Record
	opening      []Record // what this run has found out about the one before
}

// New returns a history with what the storage keeps. If that cannot be read, it logs
// so and begins anew.
func New(o Options) *History {
	if o.Storage == nil {
		o.Storage = noStorage{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.New(clock.Source{Now: o.Now})
	}
	h := &History{
		opts: o, timelines: make(map[int]timeline), openLosses: make(map[int]*health.Incident),
		minutes: newMinutes(), hours: newHours(),
	}
	h.load()
	return h
}

// load reads the storage. From the last sign of life on the bot was offline.
func (h *History) load() {
	now, set := h.opts.Clock.Now()
	h.clockSet = set
	records, err := h.opts.Storage.Load(now.Add(-LevelRecord.Keep()))
	if err != nil {
		h.opts.Log.Warn("The history of uptime and latency could not be read and begins anew", "error", err)
	}
	h.past, h.opening = newPast(records, h.opts.LastAlive.Round(0), now)
	h.pending = slices.Clone(h.opening)
	h.flush(now)
}

// localise names a moment of an observation by the clock that all moments are told by.
// The caller holds the lock.
func (h *History) localise(t time.Time) time.Time {
	_, set := h.opts.Clock.Now()
	return h.opts.Clock.At(t).Round(0).Add(h.clockSet - set)
}

// Observe implements [gateway.Observer].
func (h *History) Observe(n gateway.Observation) {
	switch w := n.Event.(type) {
	case gateway.HeartbeatACK:
		h.mu.Lock()
		at := h.localise(n.At)
		if w.IsRoundTrip() {
			h.addRoundTrip(roundTrip{at: at, gateway: w.Latency})
		}
		lately := at.Sub(h.lastSnapshot)
		h.mu.Unlock()
		if lately >= 0 && lately < updateInterval {
			return // an answered heartbeat changes nothing else that cannot wait
		}
	case gateway.PresenceSent:
		h.mu.Lock()
		h.presence, h.presenceAt = w.Presence, h.localise(n.At)
		h.mu.Unlock()
		return
	case gateway.HeartbeatSent, gateway.PayloadSkipped, gateway.SequenceGap:
		return // they change nothing
	}
	h.update()
}

// addRoundTrip adds a round trip. The caller holds the lock.
func (h *History) addRoundTrip(s roundTrip) {
	h.samples = append(h.samples, s)
	if len(h.samples) > maxSamples {
		h.samples = slices.Delete(h.samples, 0, maxSamples/10)
	}
	sums := Sums{}
	if s.gateway > 0 {
		sums.Gateway = Spread{1, s.gateway, s.gateway}
	}
	if s.rest > 0 {
		sums.REST = Spread{1, s.rest, s.rest}
	}
	h.addSums(s.at, sums)
}

// addSums adds numbers to the minute and the hour of a time.
func (h *History) addSums(at time.Time, sums Sums) {
	h.minutes.add(at, sums)
	h.hours.add(at, sums)
}

// update takes in a snapshot. While one is being taken in, another call only has the
// snapshot taken again: it goes over all shards, and thousands may change at once.
func (h *History) update() {
	if h.updates.Add(1) > 1 {
		return
	}
	for {
		before := h.updates.Load()
		h.takeSnapshot()
		if h.updates.CompareAndSwap(before, 0) {
			return
		}
	}
}

// takeSnapshot is one update.
func (h *History) takeSnapshot() {
	s := h.opts.Snapshot()
	var sent int64
	var took time.Duration
	if h.opts.REST != nil {
		sent, took = h.opts.REST()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := s.At.Round(0)
	if now.Add(-s.ClockSet).Before(h.lastSnapshot.Add(-h.clockSet)) {
		return // another call was faster
	}
	h.setClock(s.ClockSet)
	h.lastSnapshot = now
	if sent != h.sent && took > 0 {
		h.addRoundTrip(roundTrip{at: now, rest: took})
	}
	h.sent = sent
	h.updateCounts(now, s.Work)
	h.updateLevels(now, s)
	h.flush(now)
}

// updateLevels brings the timelines up to a snapshot.
func (h *History) updateLevels(now time.Time, s health.Snapshot) {
	if len(s.Shards) == 0 {
		return
	}
	count := 1
	for _, shard := range s.Shards {
		id := shard.Shard.ID
		count = max(count, shard.Shard.Count)
		// A loss that is over comes first, with what happened since the last snapshot.
		if was := h.openLosses[id]; was != nil && (shard.Open == nil || shard.Open.ID != was.ID) {
			h.record(id, append(lossChanges(*was, shard.Since), levelChanges(shard, now)...))
		} else {
			h.record(id, levelChanges(shard, now))
		}
		h.openLosses[id] = shard.Open
	}
	for _, id := range h.lines() {
		if id >= count && h.level(id) != Unknown { // the shard is gone
			h.record(id, []levelChange{{now, Unknown}})
		}
	}
	level := Online
	if s.Connected && !s.Work.OK {
		level = Degraded
	}
	if h.timelines[workLine].level() != level {
		h.record(workLine, []levelChange{{now, level}})
	}
}

// record adds changes to a timeline, and to the storage if they are new.
func (h *History) record(id int, changes []levelChange) {
	was := h.timelines[id]
	if was.endsWith(changes) {
		return
	}
	next := slices.Clone(was)
	for n, m := range changes {
		if m.at = m.at.Round(0); n == 0 && len(next) == 0 {
			next = timeline{m} // it may differ from what was before this run
			continue
		}
		next = next.add(m)
	}
	if slices.EqualFunc(was, next, func(a, b levelChange) bool { return a.level == b.level && a.at.Equal(b.at) }) {
		return
	}
	h.timelines[id] = next
	for _, m := range changes {
		h.pending = append(h.pending, Record{Kind: LevelRecord, At: m.at.Round(0), Shard: id, Level: m.level})
	}
}

// updateCounts adds the events and commands since the last snapshot, spread evenly
// over the minutes in between.
func (h *History) updateCounts(now time.Time, w health.Work) {
	total := Events{w.Stats.Received, w.Stats.Handled, w.Activity.Asked, w.Activity.Answered}
	fresh, from := total.since(h.counts), h.countsSince
	h.counts, h.countsSince = total, now
	if fresh == (Events{}) {
		return
	}
	took := int64(now.Sub(from))
	if from.IsZero() || took <= 0 || took > int64(sampleAge) {
		h.addSums(now, Sums{Events: fresh})
		return
	}
	var given Events
	for at := from; at.Before(now); {
		next := at.Truncate(time.Minute).Add(time.Minute)
		if next.After(now) {
			next = now
		}
		share := fresh.share(int64(next.Sub(from)), took)
		h.addSums(at, Sums{Events: share.since(given)})
		given, at = share, next
	}
}

// flush writes what has ended to the storage, and drops what is too old.
func (h *History) flush(now time.Time) {
	h.pending = append(h.pending, h.minutes.takeEnded(now)...)
	h.pending = append(h.pending, h.hours.takeEnded(now)...)
	if today := now.UTC().Truncate(24 * time.Hour); !today.Equal(h.lastRestate) {
		h.restate(now, today)
	}
	if h.opts.Storage.Lost() {
		h.pending = h.allRecords()
	}
	if len(h.pending) > 0 {
		h.opts.Storage.Append(h.pending)
		h.pending = nil
	}
}

// allRecords returns everything that a storage should have.
func (h *History) allRecords() (all []Record) {
	return append(h.past.records(), h.ownRecords()...)
}

// ownRecords returns what this run has given to the storage.
func (h *History) ownRecords() []Record {
	return append(slices.Clone(h.opening), recordsOf(h.timelines, &h.minutes, &h.hours)...)
}

// restate records once a day the levels of the timelines, so that a storage that
// deletes old records still has them, and drops what is too old.
func (h *History) restate(now, today time.Time) {
	h.lastRestate = today
	for id, l := range h.timelines {
		h.timelines[id] = l.trim(now.Add(-horizon))
	}
	h.pending = append(h.pending, h.currentLevels(now)...)
	h.minutes.trim(now.Add(-MinuteRecord.Keep()))
	h.hours.trim(now.Add(-HourRecord.Keep()))
	h.samples = slices.DeleteFunc(h.samples, func(s roundTrip) bool { return now.Sub(s.at) > sampleAge })
}

// currentLevels returns a record of each timeline's level.
func (h *History) currentLevels(now time.Time) (records []Record) {
	for id, l := range h.timelines {
		if level := l.level(); level != Unknown {
			records = append(records, Record{Kind: LevelRecord, At: now, Shard: id, Level: level})
		}
	}
	return records
}

// Close writes the rest to the storage. Queries may go on.
func (h *History) Close() {
	h.update()
	h.mu.Lock()
	defer h.mu.Unlock()
	// The next run adds up the hour from its minutes.
	open := append(h.minutes.takeOpen(), h.currentLevels(h.lastSnapshot)...)
	if len(open) > 0 {
		h.opts.Storage.Append(open)
	}
}

// Presence returns the presence that was sent last, and when; the time is zero if
// none was.
func (h *History) Presence() (gateway.Presence, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.presence, h.presenceAt
}
