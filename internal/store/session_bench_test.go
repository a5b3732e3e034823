package store

import (
	"testing"
	"time"

	"evergreen/internal/process/tokenlock"
)

// What persistence costs an event: less than a microsecond, no memory.
func BenchmarkKeep(b *testing.B) {
	s, err := Open(b.Context(), Options{Dir: b.TempDir(), Fingerprint: tokenlock.FingerprintOf(token)})
	if err != nil {
		b.Fatal(err)
	}
	k := s.Sessions(intents).SessionStore(alone)
	now := session("a", 0)
	k.Save(now)
	if err := s.Identifies().Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
	before, began := s.Stats(), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now.Seq++
		k.Save(now)
	}
	lasted, after := time.Since(began).Seconds(), s.Stats()
	b.ReportMetric(float64(after.Writes-before.Writes)/lasted, "writes/s")
	b.ReportMetric(float64(after.Syncs-before.Syncs)/lasted, "syncs/s")
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// Keep allocates nothing.
func TestKeepAllocatesNothing(t *testing.T) {
	s := newStore(Options{}, "", hostInfo{}) // without a writer, whose work would count too
	k := s.Sessions(intents).SessionStore(alone)
	now := session("a", 0)
	if n := testing.AllocsPerRun(1000, func() { now.Seq++; k.Save(now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
