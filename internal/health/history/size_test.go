package history

import (
	"encoding/json"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
)

// Given ninety days of an ordinary life with a loss every few hours, then memory
// and storage stay small, and the days at the beginning are still known although
// the storage has deleted what it may.
func TestNinetyDaysAreSmall(t *testing.T) {
	s := newHarness(t)
	s.ready()
	s.beatFor(time.Hour)
	rng := rand.New(rand.NewPCG(1, 2))
	for s.now.Before(noon.Add(100 * 24 * time.Hour)) {
		for range 60 {
			s.after(5 * time.Minute)
			s.stats.Received += 20
			s.observe(gateway.HeartbeatACK{Latency: time.Duration(30+rng.IntN(60)) * time.Millisecond})
		}
		s.down(false)
		s.after(time.Duration(rng.IntN(300)) * time.Second)
		s.up()
		if rng.IntN(10) == 0 {
			s.storage.deleteOld(s.now)
		}
	}
	s.storage.deleteOld(s.now)
	s.history.Close()
	text, err := json.Marshal(s.storage.records)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 2<<20 {
		t.Errorf("%d records are %d bytes", len(s.storage.records), len(text))
	}
	before := heapSize()
	h := New(Options{Snapshot: s.tracker.Snapshot, Storage: s.storage, Now: func() time.Time { return s.now }})
	if used := heapSize() - before; used > 1<<20 {
		t.Errorf("ninety days are %d bytes of memory", used)
	}
	u := h.Uptime(All, 90*24*time.Hour)
	if u.Unknown != 0 || len(u.Days) != 91 || u.Share() < 0.9 || u.Days[0].Online == 0 {
		t.Errorf("got %+v, first day %+v", u.Totals, u.Days[0])
	}
	runtime.KeepAlive(h)
}

func heapSize() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Many may look, feed and ask at once.
func TestManyAtOnce(t *testing.T) {
	tracker := health.NewTracker(health.Options{})
	h := New(Options{Snapshot: tracker.Snapshot, Incidents: tracker.Incidents})
	var work sync.WaitGroup
	for id := range 4 {
		work.Go(func() {
			both := health.Observers{tracker, h}
			for n := range 50 {
				note := gateway.Observation{Shard: gateway.ShardID{ID: id, Count: 4}, At: time.Now()}
				note.Event = gateway.HeartbeatACK{Latency: time.Millisecond}
				if n%10 == 0 {
					note.Event = gateway.Transition{From: gateway.Resuming{}, To: gateway.Live{}}
				}
				both.Observe(note)
			}
		})
		work.Go(func() {
			for range 10 {
				h.Uptime(All, 90*24*time.Hour)
				h.Latency(time.Hour)
				h.Rates(time.Hour)
			}
		})
	}
	work.Wait()
	h.Close()
}
