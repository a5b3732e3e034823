package sdnotify

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// fakeShard is a shard whose state a test sets.
type fakeShard struct {
	mu     sync.Mutex
	state  gateway.State
	checks int64
}

func (s *fakeShard) State() gateway.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *fakeShard) Stats() gateway.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return gateway.Stats{Checks: s.checks}
}

// check counts a check every five seconds until stop is closed.
func (s *fakeShard) check(stop <-chan struct{}) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			s.mu.Lock()
			s.checks++
			s.mu.Unlock()
		}
	}
}

// fakeManager is a service manager in virtual time.
type fakeManager struct {
	mu           sync.Mutex
	messages     []string
	lastWatchdog time.Time // of the last sign of life
}

func (m *fakeManager) send(message string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if message == "WATCHDOG=1" {
		m.lastWatchdog = time.Now()
		return true, nil
	}
	m.messages = append(m.messages, message)
	return true, nil
}

func (m *fakeManager) sinceWatchdog() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.lastWatchdog)
}

// newSnapshot returns a snapshot that a test may replace.
func newSnapshot(status health.Status, reason string) *atomic.Pointer[health.Snapshot] {
	var p atomic.Pointer[health.Snapshot]
	p.Store(&health.Snapshot{Status: status, Reason: health.Text(reason)})
	return &p
}

// runNotifier runs a notifier over a shard for a story in virtual time.
func runNotifier(t *testing.T, s *fakeShard, snap *atomic.Pointer[health.Snapshot], story func(*fakeManager, *bytes.Buffer)) []string {
	var said []string
	synctest.Test(t, func(t *testing.T) {
		m, log := &fakeManager{}, &bytes.Buffer{}
		n := New(Options{
			Snapshot: func() health.Snapshot { return *snap.Load() }, Shards: func() []Shard { return []Shard{s} },
			Send: m.send, Watchdog: time.Minute, Logger: slog.New(slog.NewTextHandler(log, nil)),
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.Run(ctx)
		}()
		story(m, log)
		cancel()
		<-done
		said = m.messages
	})
	return said
}

// Given a bot that starts, comes online, is lost and stops, when a service
// manager listens, then it is told each of it once and in words.
func TestManagerIsToldHowItIs(t *testing.T) {
	s := &fakeShard{state: gateway.Idle{}}
	snap := newSnapshot(health.Starting, "no shard has\nreported yet")
	said := runNotifier(t, s, snap, func(*fakeManager, *bytes.Buffer) {
		step := func(status health.Status, reason string) {
			synctest.Wait()
			snap.Store(newSnapshot(status, reason).Load())
			time.Sleep(10 * time.Second)
		}
		step(health.Online, "connected, and Discord answers")
		step(health.Reconnecting, strings.Repeat("é", 400))
		step(health.Stopping, "stopped as asked")
		synctest.Wait()
	})
	want := []string{
		"READY=1", "STATUS=Starting: no shard has reported yet", "STATUS=Online: connected, and Discord answers",
		"STATUS=Reconnecting: " + strings.Repeat("é", (maxStatus-len("Reconnecting: "))/2) + "...", "STOPPING=1", "STATUS=Stopping: stopped as asked",
	}
	if !slices.Equal(said, want) {
		t.Errorf("told:\n%s", strings.Join(said, "\n"))
	}
}

// Given a shard in each state, when it does not move any more, then the watchdog
// is left to bite, within a minute and a half; a shard that waits for Discord or
// for a person is left in peace for as long as it takes.
func TestWatchdogIsFedWhileTheShardMoves(t *testing.T) {
	stuck := map[string]gateway.State{
		"live": gateway.Live{}, "suspect": gateway.Suspect{}, "identifying": gateway.Identifying{}, "connecting": gateway.Connecting{URL: "wss://x"},
		"a wait that is over": gateway.Waiting{Until: time.Unix(1, 0)},
	}
	for name, state := range stuck {
		t.Run(name, func(t *testing.T) {
			runNotifier(t, &fakeShard{state: state}, newSnapshot(health.Online, "connected"), func(m *fakeManager, log *bytes.Buffer) {
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if quiet := m.sinceWatchdog(); quiet < 8*time.Minute {
					t.Errorf("it was fed until %s ago", quiet)
				}
				if n := strings.Count(log.String(), "A shard hangs"); n != 1 {
					t.Errorf("the log says so %d times:\n%s", n, log)
				}
			})
		})
	}
	patient := map[string]gateway.State{
		"parked": gateway.Parked{}, "idle": gateway.Idle{}, "its turn to identify": gateway.Waiting{For: "its turn to identify"},
		"a long wait": gateway.Waiting{Until: time.Now().Add(100 * 365 * 24 * time.Hour)},
	}
	for name, state := range patient {
		t.Run(name, func(t *testing.T) {
			runNotifier(t, &fakeShard{state: state}, newSnapshot(health.Online, "connected"), func(m *fakeManager, _ *bytes.Buffer) {
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if quiet := m.sinceWatchdog(); quiet > 2*time.Second {
					t.Errorf("it was not fed for %s", quiet)
				}
			})
		})
	}
	t.Run("live and turning, then stuck, then turning", func(t *testing.T) {
		s := &fakeShard{state: gateway.Live{}}
		runNotifier(t, s, newSnapshot(health.Online, "connected"), func(m *fakeManager, log *bytes.Buffer) {
			turnFor := func(d time.Duration) {
				stop := make(chan struct{})
				go s.check(stop)
				time.Sleep(d)
				close(stop)
				synctest.Wait()
			}
			turnFor(time.Hour)
			if quiet := m.sinceWatchdog(); quiet > 2*time.Second {
				t.Errorf("turning: not fed for %s", quiet)
			}
			time.Sleep(2 * time.Minute)
			if quiet := m.sinceWatchdog(); quiet < time.Minute {
				t.Errorf("stuck: fed %s ago", quiet)
			}
			turnFor(time.Minute)
			if quiet := m.sinceWatchdog(); quiet > 2*time.Second || !strings.Contains(log.String(), "make progress again") {
				t.Errorf("turning again: not fed for %s\n%s", quiet, log)
			}
		})
	})
}

// serviceManager listens where systemd would until the end of the test.
func serviceManager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return socket
}

// Given the socket of systemd, when a notifier runs, then what arrives there is
// in systemd's words; without one it returns at once.
func TestSystemdIsSpokenTo(t *testing.T) {
	socket := serviceManager(t)
	t.Setenv("WATCHDOG_USEC", "200000")
	t.Setenv("WATCHDOG_PID", "")
	n := New(Options{
		Snapshot: func() health.Snapshot {
			return health.Snapshot{Status: health.Online, Reason: health.Text("connected")}
		},
		Shards: func() []Shard { return []Shard{&fakeShard{state: gateway.Parked{}}} },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	read := func() string {
		buf := make([]byte, 1024)
		if err := socket.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		size, err := socket.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:size])
	}
	for _, want := range []string{"READY=1", "STATUS=Online: connected", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := read(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	cancel()
	<-done
	for got := read(); got != "STOPPING=1"; got = read() {
		if got != "WATCHDOG=1" {
			t.Errorf("told %q", got)
		}
	}
	t.Setenv("NOTIFY_SOCKET", "")
	New(Options{}).Run(t.Context())
	New(Options{Send: func(string) (bool, error) { return false, errors.New("gone") }}).Run(t.Context())
}

// Given a service manager that takes no more messages, then one is given up after a
// second, so that a stop does not wait for it.
func TestServiceManagerThatHangs(t *testing.T) {
	serviceManager(t)
	for range 100_000 { // more than its queue holds
		if _, err := send("STATUS=x"); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("the queue of the service manager has no end")
}
