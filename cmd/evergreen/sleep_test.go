//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
)

// stopFor names the variable that makes the test of SIGSTOP last as long as one
// likes, in seconds, with Discord's own heartbeat interval:
//
//	EVERGREEN_TEST_STOP=60 go test ./cmd/evergreen -run Asleep -v
const stopFor = "EVERGREEN_TEST_STOP"

// sleepFor is how long the process sleeps in the test, and the heartbeat interval
// that it misses.
func sleepFor(t *testing.T) (sleep, interval time.Duration) {
	t.Helper()
	if text := os.Getenv(stopFor); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 {
			t.Fatalf("%s is %q, want seconds", stopFor, text)
		}
		return time.Duration(seconds) * time.Second, 0
	}
	return 10 * time.Second, 3 * time.Second
}

// Given a bot under load, when its process is stopped with SIGSTOP for longer
// than a heartbeat and goes on with SIGCONT, then it notices at once, is resumed
// within three seconds, says for how long it slept, and loses and repeats
// nothing.
//
// Statements: G-032, G-091.
func TestAsleepUnderLoad(t *testing.T) {
	t.Parallel()
	sleep, interval := sleepFor(t)
	sim := discordsim.New(discordsim.Config{Heartbeat: discordsim.HeartbeatConfig{Interval: interval}, REST: discordsim.RESTConfig{GlobalLimit: -1}, AnswerGrace: sleep + 2*time.Minute})
	t.Cleanup(sim.Close)
	w := &restartHarness{t: t, sim: sim, folder: t.TempDir(), stopAsking: make(chan struct{}), asked: make(chan struct{})}
	names := make([]string, 40)
	for i := range names {
		names[i] = fmt.Sprint("room-", i)
	}
	guild := sim.AddGuild("sleepy place", names...)
	person := sim.AddUser("ada")
	sim.AddMembers(guild, person)
	w.app = sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = listener.APIURL()
	program := w.start()
	w.awaitOnline(0)
	go func() {
		defer close(w.asked)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-ticker.C:
				sim.Say(guild.Channels[i%len(names)].ID, person.ID, "!ping", discordsim.Expect())
			case <-w.stopAsking:
				return
			}
		}
	}()
	// The load has begun when the first of it was answered.
	eventually(t, "an answer", func() (int, bool) { v := sim.Verdict(w.app); return v.Answered, v.Answered > 5 })

	if err := program.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	asleep := time.Now()
	<-time.After(sleep)
	if err := program.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	slept := time.Since(asleep)
	back := w.awaitOnline(1)
	if back > 3*time.Second {
		t.Errorf("resumed %s after SIGCONT, want 3 s at most", back)
	}

	close(w.stopAsking)
	<-w.asked
	v := eventually(t, "every answer", func() (discordsim.Verdict, bool) { v := sim.Verdict(w.app); return v, v.Waiting == 0 })
	if v.Answered != v.Asked || v.Lost != 0 || v.Twice != 0 || v.Unheard != 0 || v.Identifies != 1 || v.Resumed != 1 {
		t.Errorf("%d asked, %d answered, %d lost, %d twice, %d unheard, %d IDENTIFYs, %d resumed",
			v.Asked, v.Answered, v.Lost, v.Twice, v.Unheard, v.Identifies, v.Resumed)
	}
	for _, broken := range v.Violations {
		// A heartbeat that was due while nothing ran could not be sent.
		if broken.At.Before(asleep) || broken.At.After(asleep.Add(slept+time.Second)) {
			t.Errorf("the bot broke %s: %s", broken.Statement, broken.What)
		}
	}
	t.Logf("asleep for %s; resumed %s after SIGCONT; %d commands, %d of them replayed", slept.Round(time.Millisecond), back.Round(time.Millisecond), v.Asked, v.Redelivered)

	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(filepath.Join(w.folder, "console.log"))
	if err != nil || !strings.Contains(string(log), "The process stood still") || strings.Contains(string(log), "slept") {
		t.Errorf("the log does not say that the process stood still: %v\n%s", err, log)
	}
}
