package store

import (
	"slices"
	"testing"
	"time"

	"evergreen/internal/process/tokenlock"
)

// What it takes until a session is safe from a power cut: the write that an
// IDENTIFY waits for.
func BenchmarkCommit(b *testing.B) {
	s, err := Open(b.Context(), Options{Dir: b.TempDir(), Fingerprint: tokenlock.FingerprintOf(token)})
	if err != nil {
		b.Fatal(err)
	}
	k := s.Sessions(intents).SessionStore(alone)
	now := session("a", 0)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		now.Seq++
		k.Save(now)
		if err := s.Identifies().Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
