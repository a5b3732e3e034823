package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/store"
)

// BenchmarkRestart prints how soon a bot that was killed is back in its session,
// counted from the start of the process: a new one, and one with ninety days behind
// it in which something went wrong five times a day.
//
//	go test -run '^$' -bench Restart -benchtime 20x ./cmd/evergreen
func BenchmarkRestart(b *testing.B) {
	for _, old := range []bool{false, true} {
		name := "new"
		if old {
			name = "old"
		}
		b.Run(name, func(b *testing.B) {
			w := newRestartHarness(b)
			if old {
				earlierRun(b, filepath.Join(w.folder, "data"), w.app.Token, func(s *store.Store) {
					writeHistory(s)
					writeIncidents(s)
				})
			}
			program := w.startWithLoad()
			var took []time.Duration
			for b.Loop() {
				_ = program.Process.Signal(syscall.SIGKILL)
				_ = program.Wait()
				program = w.start()
				took = append(took, w.awaitOnline(len(took)+1))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, "p95-ms")
			close(w.stopAsking)
			<-w.asked
		})
	}
}

// writeIncidents leaves the incidents of ninety days.
func writeIncidents(s *store.Store) {
	for n := range 450 {
		at := time.Now().Add(-time.Duration(450-n) * 24 * time.Hour / 5)
		i := health.Incident{
			ID: fmt.Sprint("old-", n), Cause: health.NetworkDown, What: health.Text("Discord's gateway could not be reached over the network"),
			Start: at, End: at.Add(time.Minute),
		}
		for attempt := range 8 {
			i.Actions = append(i.Actions, health.Action{At: at, Until: at, What: health.Text("an attempt failed: Discord's gateway could not be reached over the network"), Times: attempt})
		}
		s.Journal().Write(i)
	}
}
