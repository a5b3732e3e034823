package history

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
)

// Options configures a [History]. Snapshot is required; every other zero value
// means the default named with it.
type Options struct {
	// Snapshot tells how the bot is, such as [health.Tracker.Summary]; its round
	// trips are not looked at.
	Snapshot func() health.Snapshot
	// Incidents returns the newest incidents, such as [health.Tracker.Incidents].
	// Default: days tell of none.
	Incidents func(limit int) []health.Incident
	// REST returns how many requests were made and how long they take of late.
	// Default: not known.
	REST func() (sent int64, took time.Duration)
	// Storage keeps the past over restarts. Default: it ends with the process.
	Storage Storage
	// LastAlive is the last sign of life of the previous run, if that is later
	// than the newest record. Default: the time of that record.
	LastAlive time.Time
	// Log takes lines for the operator. Default: none are written.
	Log *slog.Logger
	// Now reads the clock. Default time.Now.
	Now func() time.Time
}

// work is the line on which stands whether events are handled, beside those of
// the shards.
const work = -1

// raw is how long round trips are kept as they came, and mostRaw how many.
const (
	raw     = time.Hour
	mostRaw = 2000
)

// lookEvery is how often a bot that is well is looked at anew while all that
// comes are answers to its heartbeats.
const lookEvery = time.Minute

// sample is one round trip: of a heartbeat, or of requests.
type sample struct {
	at            time.Time
	gateway, rest time.Duration
}

// History remembers. It is a [gateway.Observer] that has to stand behind the
// tracker whose Snapshot it takes; all methods may be called from several
// goroutines. Call [History.Close] at the end.
type History struct {
	opts Options

	mu       sync.Mutex
	lines    map[int]line             // by shard, and work
	losses   map[int]*health.Incident // by shard: the loss that goes on, as last seen
	seen     time.Time                // the newest snapshot taken in
	restated time.Time                // the day on which the levels were last recorded
	raw      []sample
	minutes  series
	hours    series
	counted  Events
	since    time.Time // of counted
	sent     int64     // requests, as of the last look
	presence gateway.Presence
	showed   time.Time // when presence was sent
	pending  []Record
}

// New makes a history and reads what is kept of the past. What cannot be read
// is logged and begins anew.
func New(o Options) *History {
	if o.Storage == nil {
		o.Storage = forgetful{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &History{
		opts: o, lines: make(map[int]line), losses: make(map[int]*health.Incident),
		minutes: series{kind: MinuteRecord, each: time.Minute}, hours: series{kind: HourRecord, each: time.Hour},
	}
	h.load()
	return h
}

// load reads the past. From the last sign of life on nothing was running.
func (h *History) load() {
	now := wall(h.opts.Now())
	records, err := h.opts.Storage.Load(now.Add(-MarkRecord.Keep()))
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
		case MarkRecord:
			h.lines[r.Shard] = h.lines[r.Shard].put(mark{r.At, r.Level})
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
	h.minutes.ended = len(h.minutes.buckets)
	h.sumUp(known, now)
	for shard, l := range h.lines {
		if shard == work || l.level() == Unknown {
			continue
		}
		h.mark(shard, []mark{{alive, Offline}})
	}
	h.flush(now)
}

// sumUp makes hours out of the minutes of those that have not been summed up
// yet: the hour in which the previous run ended.
func (h *History) sumUp(known map[time.Time]bool, now time.Time) {
	for _, m := range h.minutes.buckets {
		if hour := m.at.Truncate(time.Hour); !known[hour] {
			h.hours.add(hour, m.Sums)
		}
	}
	for n, b := range h.hours.buckets {
		if b.at.Add(time.Hour).After(now) {
			break
		}
		h.hours.ended = n + 1
		if !known[b.at] {
			h.pending = append(h.pending, h.hours.record(n))
		}
	}
}

// wall strips the monotonic reading, which stands still while a host sleeps.
func wall(t time.Time) time.Time { return t.Round(0) }

// Observe takes in one observation and what it has made of the bot's health.
func (h *History) Observe(n gateway.Observation) {
	switch w := n.Event.(type) {
	case gateway.HeartbeatACK:
		h.mu.Lock()
		h.trip(sample{at: wall(n.At), gateway: w.Latency})
		lately := wall(n.At).Sub(h.seen)
		h.mu.Unlock()
		if lately >= 0 && lately < lookEvery {
			return // an answered heartbeat tells nothing else that cannot wait
		}
	case gateway.PresenceSent:
		h.mu.Lock()
		h.presence, h.showed = w.Presence, wall(n.At)
		h.mu.Unlock()
		return
	case gateway.HeartbeatSent, gateway.PayloadSkipped, gateway.SequenceGap:
		return // they change nothing here
	}
	h.look()
}

// trip takes in one round trip. The caller holds the lock.
func (h *History) trip(s sample) {
	h.raw = append(h.raw, s)
	if len(h.raw) > mostRaw {
		h.raw = slices.Delete(h.raw, 0, mostRaw/10)
	}
	sums := Sums{}
	if s.gateway > 0 {
		sums.Gateway = Spread{1, s.gateway, s.gateway}
	}
	if s.rest > 0 {
		sums.REST = Spread{1, s.rest, s.rest}
	}
	h.sum(s.at, sums)
}

// sum adds numbers to the minute and hour of a moment.
func (h *History) sum(at time.Time, sums Sums) {
	h.minutes.add(at, sums)
	h.hours.add(at, sums)
}

// look takes in how the bot is now.
func (h *History) look() {
	s := h.opts.Snapshot()
	var sent int64
	var took time.Duration
	if h.opts.REST != nil {
		sent, took = h.opts.REST()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := wall(s.At)
	if now.Before(h.seen) && h.seen.Sub(now) < hindsight {
		return // somebody else has been here meanwhile
	}
	h.seen = now
	if sent != h.sent && took > 0 {
		h.trip(sample{at: now, rest: took})
	}
	h.sent = sent
	h.count(now, s.Work)
	h.judge(now, s)
	h.flush(now)
}

// judge takes in the levels of the shards.
func (h *History) judge(now time.Time, s health.Snapshot) {
	if len(s.Shards) == 0 {
		return
	}
	count := 1
	for _, shard := range s.Shards {
		id := shard.Shard.ID
		count = max(count, shard.Shard.Count)
		// Of a loss that is over, what happened since the last look comes first.
		if was := h.losses[id]; was != nil && (shard.Open == nil || shard.Open.ID != was.ID) {
			h.mark(id, append(lossLevels(*was, shard.Since), levels(shard, now)...))
		} else {
			h.mark(id, levels(shard, now))
		}
		h.losses[id] = shard.Open
	}
	for id, l := range h.lines {
		if id >= count && l.level() != Unknown { // a shard there is no more
			h.mark(id, []mark{{now, Unknown}})
		}
	}
	level := Online
	if s.Connected && !s.Work.OK {
		level = Degraded
	}
	if h.lines[work].level() != level {
		h.mark(work, []mark{{now, level}})
	}
}

// mark brings a line up to what is known now, and records what is new in it.
func (h *History) mark(id int, marks []mark) {
	was := h.lines[id]
	if was.endsWith(marks) {
		return
	}
	next := slices.Clone(was)
	for _, m := range marks {
		m.at = wall(m.at)
		next = next.put(m)
	}
	if slices.EqualFunc(was, next, func(a, b mark) bool { return a.level == b.level && a.at.Equal(b.at) }) {
		return
	}
	h.lines[id] = next
	for _, m := range marks {
		h.pending = append(h.pending, Record{Kind: MarkRecord, At: wall(m.at), Shard: id, Level: m.level})
	}
}

// count takes in what was asked and done since the last look, spread evenly over
// the minutes in between.
func (h *History) count(now time.Time, w health.Work) {
	total := Events{w.Stats.Received, w.Stats.Handled, w.Activity.Asked, w.Activity.Answered}
	fresh, from := total.since(h.counted), h.since
	h.counted, h.since = total, now
	if fresh == (Events{}) {
		return
	}
	took := int64(now.Sub(from))
	if from.IsZero() || took <= 0 || took > int64(raw) {
		h.sum(now, Sums{Events: fresh})
		return
	}
	var given Events
	for at := from; at.Before(now); {
		next := at.Truncate(time.Minute).Add(time.Minute)
		if next.After(now) {
			next = now
		}
		share := fresh.part(int64(next.Sub(from)), took)
		h.sum(at, Sums{Events: share.since(given)})
		given, at = share, next
	}
}

// flush hands what has ended to the storage, and forgets what is too old.
func (h *History) flush(now time.Time) {
	h.pending = append(h.pending, h.minutes.end(now)...)
	h.pending = append(h.pending, h.hours.end(now)...)
	if today := now.UTC().Truncate(24 * time.Hour); !today.Equal(h.restated) {
		h.restate(now, today)
	}
	if h.opts.Storage.Lost() {
		h.pending = h.everything()
	}
	if len(h.pending) > 0 {
		h.opts.Storage.Append(h.pending)
		h.pending = nil
	}
}

// everything returns all that a storage should have of the past.
func (h *History) everything() (all []Record) {
	for id, l := range h.lines {
		for _, m := range l {
			all = append(all, Record{Kind: MarkRecord, At: m.at, Shard: id, Level: m.level})
		}
	}
	for _, s := range []*series{&h.minutes, &h.hours} {
		for n := range s.ended {
			all = append(all, s.record(n))
		}
	}
	return all
}

// restate records once a day at which levels the lines are, so that a storage
// that forgets old records still knows, and lets go of what is too old.
func (h *History) restate(now, today time.Time) {
	h.restated = today
	for id, l := range h.lines {
		h.lines[id] = l.trim(now.Add(-horizon))
	}
	h.pending = append(h.pending, h.standing(now)...)
	h.minutes.trim(now.Add(-MinuteRecord.Keep()))
	h.hours.trim(now.Add(-HourRecord.Keep()))
	h.raw = slices.DeleteFunc(h.raw, func(s sample) bool { return now.Sub(s.at) > raw })
}

// standing returns the levels of all lines as they are now.
func (h *History) standing(now time.Time) (marks []Record) {
	for id, l := range h.lines {
		if level := l.level(); level != Unknown {
			marks = append(marks, Record{Kind: MarkRecord, At: now, Shard: id, Level: level})
		}
	}
	return marks
}

// Close hands the rest to the storage. The history goes on to answer.
func (h *History) Close() {
	h.look()
	h.mu.Lock()
	defer h.mu.Unlock()
	// The hour is summed up from its minutes by the next run.
	open := append(h.minutes.rest(), h.standing(h.seen)...)
	if len(open) > 0 {
		h.opts.Storage.Append(open)
	}
}

// Presence returns the presence that was last sent, and when; the time is zero
// if none was.
func (h *History) Presence() (gateway.Presence, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.presence, h.showed
}
