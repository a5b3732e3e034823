package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
)

// BenchmarkIdleMemory prints how much memory a bot needs that has ninety days of
// history and nothing to do, in MB as the system counts it: with and without the
// HTTP API. RssAnon is what only the process has and the system cannot take
// back; RssFile is pages of the program's file that it has touched since the
// start, most of them once, which the system drops when it needs the room.
//
//	go test -run '^$' -bench IdleMemory -benchtime 1x ./cmd/evergreen
func BenchmarkIdleMemory(b *testing.B) {
	program := filepath.Join(b.TempDir(), "evergreen")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, text)
	}
	for name, args := range map[string][]string{"run": nil, "run--api": {"--api", "--api-addr", "127.0.0.1:0"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := newRestartHarness(b)
				earlierRun(b, filepath.Join(w.folder, "data"), w.app.Token, writeHistory)
				bot := exec.Command(program, append([]string{"run"}, args...)...)
				bot.Dir, bot.Env = w.folder, []string{"HOME=" + w.folder, "DISCORD_API_URL=" + w.url, "DISCORD_TOKEN=" + w.app.Token}
				if err := bot.Start(); err != nil {
					b.Fatal(err)
				}
				w.awaitOnline(0)
				<-time.After(settleAfter + 10*time.Second)
				for _, what := range []string{"VmRSS", "RssAnon", "RssFile"} {
					b.ReportMetric(processMemory(b, bot.Process.Pid, what), what+"-MB")
				}
				_ = bot.Process.Signal(os.Interrupt)
				_ = bot.Wait()
			}
		})
	}
}

// earlierRun lets an earlier run of the bot leave something in a state folder.
func earlierRun(b *testing.B, dir, token string, leave func(*store.Store)) {
	b.Helper()
	s, err := store.Open(b.Context(), store.Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token)})
	if err != nil {
		b.Fatal(err)
	}
	s.BeginRun()
	leave(s)
	s.EndRun(store.EndSessionKept, "")
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// writeHistory leaves ninety days.
func writeHistory(s *store.Store) {
	now := time.Now()
	trips := history.Sums{Gateway: history.Spread{N: 60, Sum: 3 * time.Second, Max: 90 * time.Millisecond}, REST: history.Spread{N: 60, Sum: 9 * time.Second, Max: time.Second}}
	var past []history.Record
	for ago := 90 * 24; ago > 0; ago-- {
		past = append(past, history.Record{Kind: history.HourRecord, At: now.Add(-time.Duration(ago) * time.Hour).Truncate(time.Hour), Sums: trips})
		if ago%24 == 0 {
			past = append(past, history.Record{Kind: history.LevelRecord, At: now.Add(-time.Duration(ago) * time.Hour), Level: history.Online})
		}
	}
	for ago := 24 * 60; ago > 0; ago-- {
		past = append(past, history.Record{Kind: history.MinuteRecord, At: now.Add(-time.Duration(ago) * time.Minute).Truncate(time.Minute), Sums: trips})
	}
	s.History().Append(past)
}

// processMemory reads a line of a process's status, in MB.
func processMemory(b *testing.B, pid int, what string) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), what+":")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb * 1024 / 1e6
}
