package store

import (
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"
)

// Given a database that a bot is writing, when it is inspected, then what is in it
// is seen and the bot notices nothing; and the same after the bot has ended.
func TestLookSeesWhatIsThere(t *testing.T) {
	dir, of := t.TempDir(), tokenlock.FingerprintOf("a token")
	if g, err := Inspect(t.Context(), dir, of); err != nil || g.Exists {
		t.Errorf("in an empty folder: %+v, %v", g, err)
	}
	s, err := Open(t.Context(), Options{Dir: dir, Fingerprint: of, Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	s.BeginRun()
	s.Journal().Write(health.Incident{ID: "one", Cause: health.HostSlept, Start: time.Now()})
	s.Sessions(1).SessionStore(gateway.ShardID{}).Save(gateway.Session{ID: "s", ResumeURL: "ws://x", Seq: 7})
	if err := s.Identifies().Commit(t.Context()); err != nil { // what came before it is there then
		t.Fatal(err)
	}
	see := func(when string) Summary {
		t.Helper()
		g, err := Inspect(t.Context(), dir, of)
		if err != nil || !g.Exists || g.Runs != 1 || len(g.Incidents) != 1 || g.SessionAlive.IsZero() || g.Last.Version != "1.0" {
			t.Errorf("%s: %+v, %v", when, g, err)
		}
		return g
	}
	see("while it runs")
	s.EndRun(EndSessionKept, "")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if g := see("afterwards"); g.End != EndSessionKept {
		t.Errorf("the run ended %q", g.End)
	}
	files, err := os.ReadDir(dir)
	if after, _ := os.ReadFile(s.Path()); err != nil || len(files) != 1 || string(after) != string(before) {
		t.Errorf("looking has changed something: %v, %v", files, err)
	}
}

// Given a file that is no database, then the look says so and leaves it alone.
func TestLookLeavesDamageAlone(t *testing.T) {
	dir, of := t.TempDir(), tokenlock.FingerprintOf("a token")
	if err := os.WriteFile(Path(dir, of), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(t.Context(), dir, of); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}

// Given a database with a rollback journal that a bot is writing in this moment, then the look
// waits for the end of the write and sees all of it.
func TestLookWaitsForTheWriter(t *testing.T) {
	dir, of := quick(t), tokenlock.FingerprintOf(token)
	filled(t, dir)
	other, err := sql.Open("sqlite", address(dbPath(dir)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("PRAGMA journal_mode = TRUNCATE; BEGIN EXCLUSIVE; DELETE FROM identifies WHERE id >= 400"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	refuses(t, dbPath(dir), &refusal{connect: func(query string) error {
		go func() {
			_, err := other.Exec("COMMIT")
			ended <- err
		}()
		if query == "immutable=1" {
			t.Error("it does not look whether the database is being written")
		}
		return nil
	}})
	g, err := Inspect(t.Context(), dir, of)
	if err != nil || len(g.Entries) != 400 {
		t.Errorf("%d entries, %v", len(g.Entries), err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
