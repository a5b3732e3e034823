package history

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when the tests begin.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// memoryStorage is a storage in memory that outlives a run.
type memoryStorage struct {
	mu      sync.Mutex
	records []Record
	fails   error
	lost    bool
	loaded  int // records of earlier runs
}

// lose drops all records.
func (s *memoryStorage) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records, s.lost = nil, true
}

func (s *memoryStorage) Lost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := s.lost
	s.lost = false
	return lost
}

func (s *memoryStorage) Append(r []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r...)
}

func (s *memoryStorage) Replace(r []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records[:s.loaded:s.loaded], r...)
}

func (s *memoryStorage) Load(since time.Time) ([]Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = len(s.records)
	var list []Record
	for _, r := range s.records {
		if !r.At.Before(since) {
			list = append(list, r)
		}
	}
	return list, s.fails
}

// deleteOld deletes old records, as a storage does.
func (s *memoryStorage) deleteOld(now time.Time) {
	var kept []Record
	for _, r := range s.records {
		if now.Sub(r.At) <= r.Kind.Keep() {
			kept = append(kept, r)
		}
	}
	s.records = kept
}

// harness is a bot with a tracker and a history, on a clock of its own.
type harness struct {
	t        *testing.T
	now      time.Time
	storage  *memoryStorage
	stats    gateway.Stats
	activity health.Activity
	sent     int64
	tracker  *health.Tracker
	history  *History
	pair     gateway.ShardID
}

func (s *harness) Stats() gateway.Stats           { return s.stats }
func (s *harness) Activity() health.Activity      { return s.activity }
func (s *harness) Conditions() []health.Condition { return nil }

func newHarness(t *testing.T) *harness {
	t.Helper()
	s := &harness{t: t, now: noon, storage: &memoryStorage{}}
	return s.run(nil)
}

// run begins a run of the program, after a downtime if there is one.
func (s *harness) run(downtime *health.Incident) *harness {
	s.tracker = health.NewTracker(health.Options{
		Now: func() time.Time { return s.now }, PreviousDowntime: downtime,
		Source: s,
	})
	var alive time.Time
	if downtime != nil {
		alive = downtime.Start
	}
	s.history = New(Options{
		LastAlive: alive,
		Snapshot:  s.tracker.Snapshot, Incidents: s.tracker.Incidents, Storage: s.storage, Now: func() time.Time { return s.now },
		REST: func() (int64, time.Duration) { return s.sent, 80 * time.Millisecond },
	})
	return s
}

func (s *harness) observe(what ...gateway.ShardEvent) {
	for _, w := range what {
		n := gateway.Observation{Shard: s.pair, At: s.now, Event: w}
		health.Observers{s.tracker, s.history}.Observe(n)
	}
}

func (s *harness) after(d time.Duration) *harness {
	s.now = s.now.Add(d)
	return s
}

func (s *harness) up() {
	s.observe(gateway.Transition{From: gateway.Resuming{}, To: gateway.Live{}}, gateway.Resumed{})
}

func (s *harness) ready() {
	s.observe(gateway.Transition{From: gateway.Identifying{}, To: gateway.Live{}}, gateway.Ready{Guilds: 1})
}

func (s *harness) down(lost bool) {
	c := gateway.Reason{Kind: gateway.ReasonSilent, Elapsed: 25 * time.Second}
	s.observe(gateway.Disconnected{Reason: c, LastByte: s.now.Add(-25 * time.Second), LastACK: s.now.Add(-25 * time.Second), Session: !lost},
		gateway.Transition{From: gateway.Live{}, To: gateway.Connecting{Resuming: true}, Reason: c})
}

// beatFor lets time pass on a healthy connection.
func (s *harness) beatFor(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.after(min(40*time.Second, end.Sub(s.now)))
		s.observe(gateway.HeartbeatSent{}, gateway.HeartbeatACK{Latency: 45 * time.Millisecond})
	}
}

// expectTotals checks the totals of the window before now.
func (s *harness) expectTotals(window time.Duration, want Totals) Uptime {
	s.t.Helper()
	u := s.history.Uptime(All, window)
	if u.Totals != want {
		s.t.Errorf("%s was spent as %+v, want %+v", window, u.Totals, want)
	}
	var days Totals
	for _, d := range u.Days {
		for level, part := range map[Level]time.Duration{Online: d.Online, Degraded: d.Degraded, Offline: d.Offline, Unknown: d.Unknown} {
			days.add(level, part)
		}
	}
	if days != u.Totals || u.Online+u.Degraded+u.Offline+u.Unknown != window {
		s.t.Errorf("the days add up to %+v, not to %+v", days, u.Totals)
	}
	return u
}

// Given a bot that is online for an hour, loses its link for twenty seconds and
// later for ten minutes, then the first loss is degraded, and the second one
// degraded for as long as Discord waits and offline from then on, each from the
// last sign of life; before the start nothing is known.
//
// Statements: G-160.
func TestUptime(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(time.Hour)
	s.after(25 * time.Second)
	s.down(false)
	s.after(5 * time.Second)
	s.up()
	s.beatFor(time.Hour)
	s.after(25 * time.Second)
	s.down(false)
	s.after(9*time.Minute + 35*time.Second) // and nobody asks meanwhile
	s.up()
	s.beatFor(time.Hour)
	u := s.expectTotals(24*time.Hour, Totals{
		Online: 3 * time.Hour, Degraded: 30*time.Second + health.PresenceTimeout, Offline: 10*time.Minute - health.PresenceTimeout,
		Unknown: 21*time.Hour - 10*time.Minute - 30*time.Second,
	})
	if len(u.Days) != 2 || u.Days[1].Incidents != 2 || u.Days[1].Worst == nil || u.Days[1].Worst.Duration(s.now) != 10*time.Minute {
		t.Errorf("days are %+v", u.Days)
	}
	if share := u.Share(); share < 0.95 || share > 0.96 {
		t.Errorf("uptime is %f", share)
	}
	spans := s.history.Spans(0, 2*time.Hour+20*time.Minute)
	var levels []Level
	for _, span := range spans {
		levels = append(levels, span.Level)
	}
	if len(levels) != 6 || levels[1] != Degraded || levels[4] != Offline || levels[5] != Online {
		t.Errorf("spans are %v", spans)
	}
}

// Given an outage that goes on while people look at the page, then each look
// shows it as it is so far, and the looks leave no trace of their own.
func TestLooksDoNotMatter(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(10 * time.Minute)
	s.down(false)
	s.after(time.Minute)
	s.expectTotals(11*time.Minute, Totals{Online: 9*time.Minute + 35*time.Second, Degraded: 85 * time.Second})
	for range 10 {
		s.after(time.Minute)
		s.history.Uptime(All, time.Hour)
	}
	s.expectTotals(21*time.Minute, Totals{Online: 9*time.Minute + 35*time.Second, Degraded: health.PresenceTimeout, Offline: 9*time.Minute + 55*time.Second})
	marks := 0
	for _, r := range s.storage.records {
		if r.Kind == LevelRecord && r.Shard == 0 {
			marks++
		}
	}
	if marks > 8 {
		t.Errorf("%d marks for one outage: %+v", marks, s.storage.records)
	}
}

// Given a refused token, then the dot is grey and the time is offline, until
// somebody has mended it.
func TestParkedIsOffline(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(10 * time.Minute)
	c := gateway.Reason{Kind: gateway.ReasonFatal, Code: 4004}
	s.observe(gateway.Disconnected{Reason: c, LastByte: s.now, LastACK: s.now},
		gateway.Transition{From: gateway.Live{}, To: gateway.Parked{Reason: c}, Reason: c})
	s.after(time.Hour)
	s.ready()
	s.beatFor(10 * time.Minute)
	s.expectTotals(80*time.Minute, Totals{Online: 20 * time.Minute, Offline: time.Hour})
}

// Given a run that ends and one that begins ten minutes later, then the time in
// between is offline, and what was before is still known; so it is when the run
// crashed before it could say anything.
func TestGapBetweenRuns(t *testing.T) {
	for _, crash := range []bool{false, true} {
		s := newHarness(t)
		s.ready()
		s.beatFor(30 * time.Minute)
		if !crash {
			s.history.Close()
		}
		ended := s.now
		s.after(10 * time.Minute)
		gap, ok := health.Downtime(health.PreviousRun{LastAlive: ended}, health.ThisRun{Started: s.now})
		if !ok {
			t.Fatal("there is no gap")
		}
		s.run(&gap)
		s.observe(gateway.Transition{From: gateway.Idle{}, To: gateway.Connecting{}})
		s.after(5 * time.Second)
		s.ready()
		s.beatFor(20 * time.Minute)
		s.expectTotals(time.Hour+5*time.Second, Totals{Online: 50 * time.Minute, Offline: 10*time.Minute + 5*time.Second})
		s.history.Close()
		s.after(9 * time.Minute)
		s.run(nil)
		s.after(time.Minute)
		s.up()
		s.expectTotals(30*time.Minute, Totals{Online: 20 * time.Minute, Offline: 10 * time.Minute})
	}
}

// Given several shards, then some away are degraded and all away are offline;
// each has a line of its own, and a shard that is there no more does not count.
func TestSeveralShards(t *testing.T) {
	s := newHarness(t)
	a, b := *s, *s
	a.pair, b.pair = gateway.ShardID{ID: 0, Count: 2}, gateway.ShardID{ID: 1, Count: 2}
	each := func(do func(*harness), who ...*harness) {
		for _, w := range who {
			w.now = s.now
			do(w)
		}
	}
	each((*harness).ready, &a, &b)
	s.after(time.Minute)
	gone := func(w *harness) {
		w.observe(gateway.Disconnected{Reason: gateway.Reason{Kind: gateway.ReasonClosed, Code: 4009}, LastByte: w.now, LastACK: w.now},
			gateway.Transition{From: gateway.Live{}, To: gateway.Waiting{}, Reason: gateway.Reason{Kind: gateway.ReasonClosed, Code: 4009}})
	}
	each(gone, &b)
	s.after(time.Minute)
	each(gone, &a)
	s.after(time.Minute)
	each((*harness).ready, &a, &b)
	s.after(time.Minute)
	s.expectTotals(4*time.Minute, Totals{Online: 2 * time.Minute, Degraded: time.Minute, Offline: time.Minute})
	if u := s.history.Uptime(1, 4*time.Minute); u.Totals != (Totals{Online: 2 * time.Minute, Offline: 2 * time.Minute}) || u.Days[0].Incidents != 1 {
		t.Errorf("shard 1: %+v", u)
	}
	if u := s.history.Uptime(7, 4*time.Minute); u.Unknown != 4*time.Minute || u.Share() != -1 {
		t.Errorf("a shard there never was: %+v", u)
	}
	s.history.Close()
	s.run(nil)
	s.ready()
	s.after(time.Minute)
	s.expectTotals(time.Minute, Totals{Online: time.Minute})
}

// Given handlers that do not keep up, then the bot is degraded although its
// shards are online.
func TestNotWorkingIsDegraded(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(time.Minute)
	s.stats.QueuedAge = 5 * time.Minute
	s.beatFor(time.Minute)
	s.stats.QueuedAge = 0
	s.beatFor(time.Minute)
	u := s.history.Uptime(All, 3*time.Minute)
	if u.Degraded != time.Minute || u.Online != 2*time.Minute {
		t.Errorf("got %+v", u.Totals)
	}
}

// The presence that was last sent is known with its time.
func TestPresence(t *testing.T) {
	s := newHarness(t)
	if _, at := s.history.Presence(); !at.IsZero() {
		t.Errorf("sent at %s", at)
	}
	s.ready()
	s.observe(gateway.PresenceSent{Presence: gateway.Presence{Status: gateway.StatusIdle}})
	if p, at := s.history.Presence(); p.Status != gateway.StatusIdle || !at.Equal(noon) {
		t.Errorf("%+v at %s", p, at)
	}
}

// Given a clock that is set back and forth, then nothing panics, times add up,
// and a correction of some seconds changes nothing that was known.
func TestClockIsSet(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(3 * time.Hour)
	s.after(-5 * time.Second)
	s.beatFor(time.Hour)
	s.expectTotals(4*time.Hour-5*time.Second, Totals{Online: 4*time.Hour - 5*time.Second})
	s.after(-2 * time.Hour)
	s.beatFor(30 * time.Minute)
	s.down(false)
	s.after(30 * time.Second)
	s.up()
	s.after(12 * time.Hour)
	u := s.history.Uptime(All, 24*time.Hour)
	if u.Online+u.Degraded+u.Offline+u.Unknown != 24*time.Hour {
		t.Errorf("got %+v", u.Totals)
	}
	// What a wrong clock wrote into the future is not believed.
	s.storage.records = append(s.storage.records, Record{Kind: LevelRecord, At: s.now.Add(1000 * time.Hour), Level: Offline})
	s.run(nil)
	s.up()
	s.after(time.Minute)
	s.expectTotals(time.Minute, Totals{Online: time.Minute})
}

// A past that cannot be read is said so and begins anew; without a storage it
// ends with the process.
func TestStorageFails(t *testing.T) {
	var log bytes.Buffer
	s := newHarness(t)
	h := New(Options{Snapshot: s.tracker.Snapshot, Storage: &memoryStorage{fails: errors.New("disk is gone")}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !bytes.Contains(log.Bytes(), []byte("disk is gone")) {
		t.Errorf("log: %s", &log)
	}
	if u := h.Uptime(All, time.Hour); u.Unknown != time.Hour || u.Days[0].Incidents != 0 {
		t.Errorf("got %+v", u)
	}
	if u := New(Options{Snapshot: s.tracker.Snapshot}).Uptime(All, -time.Hour); u.Totals != (Totals{}) {
		t.Errorf("got %+v", u)
	}
}

// Given a storage that loses everything while the bot runs, then all of the past
// is written to it again, once, and the next run knows it as if nothing had been.
func TestLostPastIsWrittenAgain(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(3 * time.Hour)
	s.down(false)
	s.after(3 * time.Minute)
	s.up()
	s.beatFor(time.Hour)
	before := s.history.Uptime(All, 5*time.Hour)
	rates := s.history.Rates(24 * time.Hour)
	s.storage.lose()
	s.beatFor(10 * time.Minute)
	s.history.Close()
	s.run(nil)
	after := s.history.Uptime(All, 5*time.Hour+10*time.Minute)
	if after.Online != before.Online+10*time.Minute || after.Degraded != before.Degraded || after.Offline != before.Offline {
		t.Errorf("got %+v, before it was %+v", after.Totals, before.Totals)
	}
	again := s.history.Rates(24 * time.Hour)
	for n, r := range rates[:len(rates)-1] {
		if again[n].Events != r.Events || !again[n].At.Equal(r.At) {
			t.Errorf("minute %s: %+v, before it was %+v", r.At, again[n].Events, r.Events)
		}
	}
}

// Numbers go into the bucket of their moment, whether that is the newest, an
// earlier one or one that there is not yet.
func TestEachInItsBucket(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	s := series{length: time.Minute}
	want := map[time.Time]int64{}
	at := time.Date(2026, 3, 1, 12, 0, 30, 0, time.FixedZone("somewhere", 1800))
	for range 2000 {
		if at = at.Add(time.Duration(r.IntN(40)) * time.Second); r.IntN(20) == 0 {
			at = at.Add(-time.Duration(r.IntN(600)) * time.Second)
		}
		s.add(at, Sums{Events: Events{Asked: 1}})
		want[at.UTC().Truncate(time.Minute)]++
	}
	if len(s.buckets) != len(want) || !slices.IsSortedFunc(s.buckets, func(a, b bucket) int { return a.at.Compare(b.at) }) {
		t.Fatalf("%d buckets, want %d in order", len(s.buckets), len(want))
	}
	for _, b := range s.buckets {
		if b.Events.Asked != want[b.at] {
			t.Errorf("%s has %d, want %d", b.at, b.Events.Asked, want[b.at])
		}
	}
}

// Given very many shards that change at the same moment, then a snapshot, which goes over
// all of them, is not taken for each.
func TestManyChangesAreTakenInTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken atomic.Int64
		h := New(Options{Snapshot: func() health.Snapshot {
			taken.Add(1)
			time.Sleep(time.Second)
			return health.Snapshot{At: time.Now()}
		}})
		taken.Store(0)
		var all sync.WaitGroup
		for range 2000 {
			all.Go(func() { h.Observe(gateway.Observation{At: time.Now(), Event: gateway.Resumed{}}) })
		}
		all.Wait()
		if n := taken.Load(); n < 1 || n > 3 {
			t.Errorf("%d snapshots were taken for 2,000 changes", n)
		}
	})
}
