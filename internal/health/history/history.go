package history

import (
	"log/slog"
	"slices"
	"sync"
	"time"

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

	mu           sync.Mutex
	timelines    map[int]timeline         // by shard, and workLine
	openLosses   map[int]*health.Incident // by shard: the open loss, as of the last snapshot
	lastSnapshot time.Time                // its time
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
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &History{
		opts: o, timelines: make(map[int]timeline), openLosses: make(map[int]*health.Incident),
		minutes: series{kind: MinuteRecord, length: time.Minute}, hours: series{kind: HourRecord, length: time.Hour},
	}
	h.load()
	return h
}

// load reads the storage. From the last sign of life on the bot was offline.
func (h *History) load() {
	now := wall(h.opts.Now())
	records, err := h.opts.Storage.Load(now.Add(-LevelRecord.Keep()))
	if err != nil {
		h.opts.Log.Warn("The history of uptime and latency could not be read and begins anew", "error", err)
	}
	alive := wall(h.opts.LastAlive)
	known := map[time.Time]bool{} // hours
	for _, r := range records {
		if r.At = wall(r.At); r.At.After(now) {
			continue // written by a clock that was wrong
		}
		switch r.Kind {
		case LevelRecord:
			h.timelines[r.Shard] = h.timelines[r.Shard].add(levelChange{r.At, r.Level})
		case MinuteRecord:
			h.minutes.add(r.At, r.Sums)
		case HourRecord:
			h.hours.add(r.At, r.Sums)
			known[r.At.UTC().Truncate(time.Hour)] = true
		}
		if r.At.After(alive) {
			alive = r.At
		}
	}
	h.minutes.handedOut = len(h.minutes.buckets)
	h.completeHours(known, now)
	for shard, l := range h.timelines {
		if shard == workLine || l.level() == Unknown {
			continue
		}
		h.record(shard, []levelChange{{alive, Offline}})
	}
	h.flush(now)
}

// completeHours adds up from its minutes the hour in which the previous run ended.
func (h *History) completeHours(known map[time.Time]bool, now time.Time) {
	for _, m := range h.minutes.buckets {
		if hour := m.at.Truncate(time.Hour); !known[hour] {
			h.hours.add(hour, m.Sums)
		}
	}
	for n, b := range h.hours.buckets {
		if b.at.Add(time.Hour).After(now) {
			break
		}
		h.hours.handedOut = n + 1
		if !known[b.at] {
			h.pending = append(h.pending, h.hours.record(n))
		}
	}
}

// wall strips the monotonic reading, which stands still while a host sleeps.
func wall(t time.Time) time.Time { return t.Round(0) }

// Observe implements [gateway.Observer].
func (h *History) Observe(n gateway.Observation) {
	switch w := n.Event.(type) {
	case gateway.HeartbeatACK:
		h.mu.Lock()
		h.addRoundTrip(roundTrip{at: wall(n.At), gateway: w.Latency})
		lately := wall(n.At).Sub(h.lastSnapshot)
		h.mu.Unlock()
		if lately >= 0 && lately < updateInterval {
			return // an answered heartbeat changes nothing else that cannot wait
		}
	case gateway.PresenceSent:
		h.mu.Lock()
		h.presence, h.presenceAt = w.Presence, wall(n.At)
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

// update takes in a snapshot.
func (h *History) update() {
	s := h.opts.Snapshot()
	var sent int64
	var took time.Duration
	if h.opts.REST != nil {
		sent, took = h.opts.REST()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := wall(s.At)
	if now.Before(h.lastSnapshot) && h.lastSnapshot.Sub(now) < maxCorrection {
		return // another call was faster
	}
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
	for id, l := range h.timelines {
		if id >= count && l.level() != Unknown { // the shard is gone
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
	for _, m := range changes {
		m.at = wall(m.at)
		next = next.add(m)
	}
	if slices.EqualFunc(was, next, func(a, b levelChange) bool { return a.level == b.level && a.at.Equal(b.at) }) {
		return
	}
	h.timelines[id] = next
	for _, m := range changes {
		h.pending = append(h.pending, Record{Kind: LevelRecord, At: wall(m.at), Shard: id, Level: m.level})
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
	for id, l := range h.timelines {
		for _, m := range l {
			all = append(all, Record{Kind: LevelRecord, At: m.at, Shard: id, Level: m.level})
		}
	}
	for _, s := range []*series{&h.minutes, &h.hours} {
		for n := range s.handedOut {
			all = append(all, s.record(n))
		}
	}
	return all
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
