package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
)

// apiStatus is what the HTTP API says of the bot.
type apiStatus struct {
	Status, Reason, Remedy string
	Ready                  bool
}

// awaitStatus asks the HTTP API until what it says fits.
func awaitStatus(t *testing.T, address, what string, fits func(apiStatus) bool) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	eventually(t, what, func() (apiStatus, bool) {
		answer, err := client.Get("http://" + address + "/api/v1/status")
		if err != nil {
			return apiStatus{}, false
		}
		defer func() { _ = answer.Body.Close() }()
		var s apiStatus
		if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
			t.Error(err)
		}
		return s, fits(s)
	})
}

// fetch is what stands at an address.
func fetch(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func isOnline(s apiStatus) bool { return s.Status == "online" && s.Ready }

// Given a database that cannot be written because another program keeps it
// locked, then the bot answers on, the API says in words that nothing is saved
// and what to do; and once it can be written, the bot is online as before.
func TestLockedDatabaseIsShown(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	state := t.TempDir()
	c := startCommand(t, settings(world, listener, "API_ADDR=127.0.0.1:0", "EVERGREEN_STATE_DIR="+state), "run", "--api", "--log-file=none")
	address := c.stderr.await(t, "The HTTP API listens address=")
	awaitStatus(t, address, "online", isOnline)
	if got := fetch(t, "http://"+address+"/api/v1/logs"); !strings.Contains(got, "starts") || !strings.Contains(got, "no saved session to resume") {
		t.Errorf("the log of the API does not begin with the start: %s", got)
	}

	db, err := sql.Open("sqlite", store.Path(state, tokenlock.FingerprintOf(world.Bot.Token)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), "PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, address, "degraded because of the lock", func(s apiStatus) bool {
		return s.Status == "degraded" && s.Ready && strings.Contains(s.Reason, "nothing is saved: another program has locked the database") && s.Remedy != ""
	})
	awaitAnswer(t, world, ask(world, "!ping"))
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	awaitStatus(t, address, "online again", isOnline)
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
}

// Given a state folder that cannot be made, then the bot comes online without it
// and says so; and when it can be, everything is saved and the bot is as before.
func TestMissingStateFolderIsShown(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	state := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCommand(t, settings(world, listener, "API_ADDR=127.0.0.1:0", "EVERGREEN_STATE_DIR="+state), "run", "--api", "--log-file=none")
	address := c.stderr.await(t, "The HTTP API listens address=")
	awaitStatus(t, address, "degraded because of the folder", func(s apiStatus) bool {
		return s.Status == "degraded" && s.Ready && strings.Contains(s.Reason, "nothing is saved") && strings.Contains(s.Reason, "not a directory")
	})
	awaitAnswer(t, world, ask(world, "!ping"))
	if err := os.Remove(state); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, address, "online again", isOnline)
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
	g, err := store.Inspect(t.Context(), state, tokenlock.FingerprintOf(world.Bot.Token))
	if err != nil || g.SessionAlive.IsZero() || g.End != store.EndSessionKept {
		t.Errorf("the folder has %+v, %v", g, err)
	}
}

// Given a process that ends in one way or another, when the next one is there,
// then the time in between is an incident with its cause, what the process said,
// and that the session was resumed.
func TestGapBetweenProcessesIsTold(t *testing.T) {
	t.Parallel()
	w := newRestartHarness(t)
	program := w.start()
	w.awaitOnline(0)
	w.awaitLog("Online with a new session") // Discord knows of the session before the bot does
	for n, end := range []struct {
		signal syscall.Signal
		cause  health.CauseID
		says   string
	}{
		{syscall.SIGTERM, health.PlannedStop, "the program was stopped as asked"},
		{syscall.SIGKILL, health.ProcessGone, "the program was gone without a word"},
		{syscall.SIGQUIT, health.ProgramCrashed, "the program crashed"},
	} {
		if err := program.Process.Signal(end.signal); err != nil {
			t.Fatal(err)
		}
		_ = program.Wait()
		program = w.start()
		w.awaitOnline(n + 1)
		gap := eventually(t, "the gap in the journal", func() (health.Incident, bool) {
			return w.downtime(t.Context(), n)
		})
		if gap.Cause != end.cause || !strings.HasPrefix(gap.What.String(), end.says) || gap.Outcome != health.OutcomeResumed || gap.Duration(time.Now()) <= 0 || len(gap.Actions) == 0 {
			t.Errorf("%v: %s, %+v", end.signal, gap.Sentence(time.Now(), time.UTC), gap)
		}
		if end.signal == syscall.SIGQUIT && !strings.Contains(gap.Evidence.Said, "SIGQUIT") {
			t.Errorf("the crash said %q", gap.Evidence.Said)
		}
	}
	if traces, _ := filepath.Glob(filepath.Join(w.folder, "data", "*.crash.txt")); len(traces) != 1 {
		t.Errorf("what the runtime said is in %v", traces)
	}
	if v := w.sim.Verdict(w.app); v.Identifies != 1 {
		t.Errorf("%d IDENTIFYs", v.Identifies)
	}
}

// downtime is the incident after the given number of others that are over, as the
// disk has it.
func (w *restartHarness) downtime(ctx context.Context, earlier int) (health.Incident, bool) {
	g, err := store.Inspect(ctx, filepath.Join(w.folder, "data"), tokenlock.FingerprintOf(w.app.Token))
	if err != nil {
		return health.Incident{}, false // it is being written
	}
	gaps := slices.DeleteFunc(g.Incidents, func(i health.Incident) bool {
		// An incident ends when the shard is live; how that came is told right after.
		return !i.BeganWithPreviousRun || i.End.IsZero() || i.Outcome == health.OutcomeUnobserved
	})
	if len(gaps) <= earlier {
		return health.Incident{}, false
	}
	return gaps[earlier], true
}
