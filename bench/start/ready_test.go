// Package start measures the time from the start of the process to READY.
//
//	go test -C bench -run '^$' -bench Ready -benchtime 20x ./start
package start

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"evergreen/bench/peer"
	"evergreen/discordsim"
)

// BenchmarkReady starts the product, as it is released, in an empty folder and
// waits for READY. A simulated Discord answers at once, so what is measured is
// the program: its settings, its store, the questions it asks over REST before
// it identifies.
func BenchmarkReady(b *testing.B) {
	here, err := os.Getwd()
	if err != nil {
		b.Fatal(err)
	}
	evergreen := peer.All()[0]
	(&peer.Builder{Bench: filepath.Dir(here), Work: b.TempDir()}).Build(context.Background(), evergreen)
	if evergreen.Missing != "" {
		b.Fatal(evergreen.Missing)
	}
	if file, err := os.Stat(evergreen.Command.Path); err == nil {
		b.ReportMetric(float64(file.Size())/1e6, "binary-MB")
	}
	sim := discordsim.New(discordsim.Config{Identify: discordsim.IdentifyConfig{Window: -1}})
	defer sim.Close()
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	guild := sim.AddGuild("a guild")
	var took []time.Duration
	for b.Loop() {
		app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
		proc, err := evergreen.Command.Start(b.TempDir(), "DISCORD_API_URL="+listener.APIURL(), "DISCORD_TOKEN="+app.Token)
		if err != nil {
			b.Fatal(err)
		}
		for !sim.Attached(app) {
			select {
			case <-proc.Ended():
				b.Fatal("it ended: ", proc.Exit())
			case <-time.After(time.Millisecond):
			}
		}
		took = append(took, time.Since(proc.Began))
		proc.Kill()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, "p95-ms")
}
