package store

import (
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"

	"modernc.org/sqlite"
)

// rootPage is the first page of a table or an index.
func rootPage(t *testing.T, path, name string) (page int) {
	t.Helper()
	db, err := sql.Open("sqlite", address(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_schema WHERE name = ?", name).Scan(&page); err != nil {
		t.Fatal(err)
	}
	return page
}

// Given damage in a page that nothing reads at the start, such as an index of IDs, then
// doctor and status find it, and the next start sets the database aside.
func TestDamageOfAnIndexIsFound(t *testing.T) {
	dir, of := quick(t), tokenlock.FingerprintOf(token)
	filled(t, dir)
	page := rootPage(t, dbPath(dir), "sqlite_autoindex_incidents_1")
	f, err := os.OpenFile(dbPath(dir), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4096), int64(page-1)*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if g, err := Inspect(t.Context(), dir, of); !errors.Is(err, ErrDamaged) {
		t.Errorf("%+v, %v", g, err)
	}
	if s := open(t, dir, nil); s.Stats().Asides != 1 || !s.State().OK {
		t.Errorf("%+v, %+v", s.Stats(), s.State())
	}
}

// Given an index that leads to rows that are not there, which SQLite notices only when it
// deletes by it, then the database is set aside at the start.
func TestDamageThatShowsWhenRowsAreDeletedIsFound(t *testing.T) {
	dir := quick(t)
	d, _ := opened(t, dir)
	old := time.Now().Add(-1000 * day)
	if err := d.write(&batch{history: []history.Record{{Kind: history.MinuteRecord, At: old}, {Kind: history.MinuteRecord, At: old}}}); err != nil {
		t.Fatal(err)
	}
	run(t, dbPath(dir), `CREATE TABLE other AS SELECT id + 1000 AS id, kind, at FROM history; CREATE TABLE more (id INTEGER PRIMARY KEY, kind, at);
		INSERT INTO more SELECT * FROM other; CREATE INDEX more_by_age ON more (kind, at); PRAGMA writable_schema = ON;
		UPDATE sqlite_schema SET rootpage = (SELECT sum(rootpage) FROM sqlite_schema WHERE name IN ('history_by_age', 'more_by_age')) - rootpage
		WHERE name IN ('history_by_age', 'more_by_age')`)
	s := open(t, dir, nil)
	if s.Stats().Asides != 1 || !s.State().OK {
		t.Errorf("%+v, %+v", s.Stats(), s.State())
	}
}

// Given a new database that counts as damaged too, then only the first is set aside, and the
// error says why.
func TestNewDatabaseThatIsDamagedTooIsLeft(t *testing.T) {
	dir := quick(t)
	if err := os.WriteFile(dbPath(dir), []byte("nonsense, and more of it than a header has: nonsense, nonsense, nonsense, nonsense, nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	sd := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: time.Now}
	refuses(t, sd.path, &refusal{action: sqlite.AuthDelete}) // what compiles fails, as in a table that is not what it should be
	if v, _, err := sd.open(false); v != nil || !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if found := asides(t, dir); len(found) != 1 {
		t.Errorf("set aside: %v", found)
	}
}
