package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
)

// filled makes a database with something of everything in it.
func filled(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir, nil)
	s.BeginRun()
	s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	for id := range int64(500) {
		s.Identifies().Put(identify.Entry{ID: id, At: time.Now(), State: identify.Ready})
	}
	shut(t, s)
}

// asides are the databases in the folder that were set aside.
func asides(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.damaged-*.db"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Given a database that is not what it was written as, then it is set aside as
// it is, a new one is begun, the log says so, and the account is careful once.
func TestDamagedDatabaseIsSetAside(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for name, harm := range map[string]func(text []byte) []byte{
		"text":         func([]byte) []byte { return []byte(strings.Repeat("this is no database\n", 300)) },
		"header":       func(text []byte) []byte { copy(text, "SQLite format 2"); return text },
		"first page":   func(text []byte) []byte { return harm(text, chance, 100, 4096) },
		"other pages":  func(text []byte) []byte { return harm(text, chance, 4096, len(text)) },
		"cut short":    func(text []byte) []byte { return text[:len(text)/2] },
		"other schema": nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			filled(t, dir)
			path := dbPath(dir)
			if harm == nil {
				run(t, path, "DROP TABLE sessions")
			} else {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, harm(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			harmed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}

			l := newLogRecorder(t)
			s := open(t, dir, l)
			if state := s.State(); !state.OK || s.Stats().Asides != 1 {
				t.Fatalf("state %+v, %+v", state, s.Stats())
			}
			l.await("was damaged; it is set aside")
			found := asides(t, dir)
			if len(found) != 1 {
				t.Fatalf("set aside: %v", found)
			}
			if kept, err := os.ReadFile(found[0]); err != nil || harm != nil && !bytes.Equal(kept, harmed) {
				t.Errorf("what was set aside is not what there was: %v", err)
			}
			if _, v := s.checkSession(alone, intents); v.reason != noneSaved {
				t.Errorf("check %v", v)
			}
			if _, err := s.Identifies().Entries(t.Context(), time.Time{}); !errors.Is(err, errIdentifiesLost) {
				t.Errorf("the account was lost, and the ledger is told %v", err)
			}
			if _, err := s.Identifies().Entries(t.Context(), time.Time{}); err != nil {
				t.Errorf("and again: %v", err)
			}
			s.Sessions(intents).SessionStore(alone).Save(session("b", 1))
			shut(t, s)
			if got, v := open(t, dir, nil).checkSession(alone, intents); got != session("b", 1) {
				t.Errorf("the new database has %+v, %v", got, v)
			}
		})
	}
}

func harm(text []byte, chance *rand.Rand, from, to int) []byte {
	for at := from; at < to; at++ {
		text[at] = byte(chance.Uint32())
	}
	return text
}

// run changes a database behind the store's back.
func run(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", address(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

// A flipped bit in a value, which SQLite does not notice, costs the session and
// not the database.
//
// Statements: G-051.
func TestFlippedBitCostsTheSession(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir)
	run(t, dbPath(dir), "UPDATE sessions SET seq = seq + 64")
	s := open(t, dir, nil)
	if _, v := s.checkSession(alone, intents); v.reason != damagedSession {
		t.Errorf("check %v", v)
	}
	if s.Stats().Asides != 0 {
		t.Error("the database was set aside for it")
	}
}

// A disk that damages whatever is written is not filled up with what is set
// aside.
func TestSettingAsideHasAnEnd(t *testing.T) {
	dir := t.TempDir()
	f := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, now: time.Now}
	for n := range 5 {
		v, _, err := f.open(true)
		if got, want := err == nil, n < maxAsides; got != want {
			t.Fatalf("try %d: %v", n, err)
		}
		if v != nil {
			if err := v.close(); err != nil {
				t.Error(err)
			}
		}
		<-time.After(2 * time.Millisecond) // the names differ by their time
	}
}

// A database of a later version is refused with a clear error and not touched.
func TestNewerDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir)
	run(t, dbPath(dir), "PRAGMA user_version = 99")
	before, err := os.ReadFile(dbPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	l := newLogRecorder(t)
	s, err := Open(t.Context(), Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token), Logger: slog.New(l)})
	if newer, ok := errors.AsType[*NewerError](err); s != nil || !ok || newer.Schema != 99 || newer.Known != len(steps) || newer.ExitCode() != 78 {
		t.Fatalf("got %v", err)
	}
	if line, said := l.said("stays online"); said {
		t.Errorf("the log says %q of a bot that does not start", line)
	}
	wantIn(t, err.Error(), dbPath(dir), "its schema is 99", "this version knows", "Start the later version again")
	if after, err := os.ReadFile(dbPath(dir)); err != nil || !bytes.Equal(before, after) || len(asides(t, dir)) != 0 {
		t.Errorf("the database was touched: %v", err)
	}
}

// Given a database of the first schema with something in it, when later steps
// come along, then they are taken one by one and nothing is lost; one that fails
// leaves the schema before it.
func TestSchemaMovesForward(t *testing.T) {
	dir := t.TempDir()
	path := dbPath(dir)
	at := func(steps []string) (volume, *contents, error) {
		f := &stateDir{dir: dir, path: path, steps: steps, count: &counters{}, now: time.Now}
		return f.open(false)
	}
	v, _, err := at(steps)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.write(&batch{entries: []identify.Entry{{ID: 7, At: time.Now(), State: identify.Ready}}}); err != nil {
		t.Fatal(err)
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}

	later := append(slices.Clone(steps), "CREATE TABLE samples (at INTEGER) STRICT; INSERT INTO samples VALUES (1)", "CREATE TABLE samples (again INTEGER)")
	if _, _, err := at(later); err == nil {
		t.Fatal("a step that cannot work has worked")
	}
	wantIn(t, schema(t, path), "samples")
	v, i, err := at(later[:len(later)-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
	if len(i.entries) != 1 || i.entries[0].ID != 7 || i.aside != "" {
		t.Errorf("after the steps: %+v", i)
	}
	if _, _, err := at(steps); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("an earlier version opened it: %v", err)
	}
}

// The first schema is what has been released: it does not change any more.
func TestFirstSchemaStands(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", address(dbPath(dir)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(steps[0]); err != nil {
		t.Fatal(err)
	}
	for table, columns := range map[string]int{"sessions": 10, "identifies": 6, "incidents": 4, "runs": 11} {
		text := schema(t, dbPath(dir))
		_, text, ok := strings.Cut(text, "CREATE TABLE "+table+" (")
		text, _, _ = strings.Cut(text, "STRICT")
		if n := strings.Count(text, " INTEGER") + strings.Count(text, " TEXT"); !ok || n != columns {
			t.Errorf("%s has %d columns, want %d: a change is a new step", table, n, columns)
		}
	}
}

func schema(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", address(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var text string
	if err := db.QueryRowContext(context.Background(), "SELECT group_concat(sql, ';') FROM sqlite_schema").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// Given a state folder that cannot be made, then the bot starts without
// persistence, says why, and saves everything once the folder can be made.
func TestMissingFolderIsMadeLater(t *testing.T) {
	t.Parallel()
	place := filepath.Join(t.TempDir(), "place")
	if err := os.WriteFile(place, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(place, "data")
	l := newLogRecorder(t)
	s := open(t, dir, l)
	wantIn(t, l.await("nothing is saved"), "mkdir ", "not a directory")
	s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	if state := s.State(); state.OK {
		t.Errorf("state %+v", state)
	}
	if err := os.Remove(place); err != nil {
		t.Fatal(err)
	}
	l.await("saved again")
	shut(t, s)
	if got := found(t, open(t, dir, nil)); got != session("a", 42) {
		t.Errorf("the session: %+v", got)
	}
}

// A program that has the database open and locked, such as the sqlite3 shell,
// delays what is saved and no more.
func TestLockedDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := newLogRecorder(t)
	s := open(t, dir, l)
	db, err := sql.Open("sqlite", address(dbPath(dir)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	l.await("another program has locked the database")
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	l.await("saved again")
	shut(t, s)
	if got := found(t, open(t, dir, nil)); got != session("a", 42) {
		t.Errorf("the session: %+v", got)
	}
}

// Given batches of every size, when the process is killed after each, then the
// next one finds what was written: a row that is a transaction by itself as much
// as several together.
func TestBatchesOfEverySize(t *testing.T) {
	dir := quick(t)
	at := time.Now()
	row := sessionRow{shard: gateway.ShardID{Count: 1}, session: gateway.Session{ID: "s", Seq: 1}, saved: at}
	entry := identify.Entry{ID: 7, At: at}
	for n, b := range []*batch{
		{sessions: []sessionRow{row}},
		{entries: []identify.Entry{entry}, durable: true},
		{history: []history.Record{{Kind: history.MinuteRecord, At: at}}},
		{run: &runRow{Run: Run{Started: at}}},
		{sessions: []sessionRow{{shard: row.shard, session: gateway.Session{ID: "s", Seq: 2}, saved: at}}, history: []history.Record{{Kind: history.MinuteRecord, At: at}}},
		{entries: []identify.Entry{{ID: 7, At: at, State: identify.Unsent}}},
	} {
		f := stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: time.Now}
		v, _, err := f.open(false)
		if err != nil {
			t.Fatal(err)
		}
		writes := f.count.writes.Load()
		if err := v.write(b); err != nil || f.count.writes.Load() != writes+1 {
			t.Fatalf("batch %d: %v", n, err)
		}
		// Another process reads it while this one still has it open.
		other := f
		w, i, err := other.open(false)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(len(i.sessions), len(i.entries), len(i.history), len(i.runs))
		if want := []string{"1 0 0 0", "1 1 0 0", "1 1 1 0", "1 1 1 1", "1 1 2 1", "1 0 2 1"}[n]; got != want {
			t.Errorf("after batch %d there are %s, want %s", n, got, want)
		}
		for _, each := range []volume{v, w} {
			if err := each.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Given a mode of the database that is stricter than its own, then it stays.
func TestStricterModeStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(filepath.Join(filepath.Dir(path), "missing", "x.db")); err == nil {
		t.Error("a file in a folder that is not there was made")
	}
	if err := makePrivate(path); err != nil {
		t.Skip("this user cannot open it: ", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o400 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
