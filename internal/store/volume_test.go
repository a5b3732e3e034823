package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"evergreen/internal/process/tokenlock"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// sqliteError is SQLite's error of a code. Its driver makes none that cannot be provoked.
func sqliteError(code int) error {
	e := &sqlite.Error{}
	field := reflect.ValueOf(e).Elem().FieldByName("code")
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().SetInt(int64(code))
	return e
}

// TestCodesAreSQLites guards sqliteError against a driver that keeps the code elsewhere.
func TestCodesAreSQLites(t *testing.T) {
	for code, damaged := range map[int]bool{
		codes.SQLITE_CORRUPT: true, codes.SQLITE_NOTADB: true, codes.SQLITE_CORRUPT_INDEX: true, codes.SQLITE_IOERR: false, codes.SQLITE_AUTH: false,
	} {
		err := sqliteError(code)
		if codeOf(err) != code&0xff || isDamaged(err) != damaged || errors.Is(wrapDamage(err), ErrDamaged) != damaged {
			t.Errorf("code %d is %d, damaged: %t, wrapped: %v", code, codeOf(err), isDamaged(err), wrapDamage(err))
		}
	}
	for _, code := range []int{codes.SQLITE_FULL, codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_NOMEM} {
		if !isTemporary(sqliteError(code)) {
			t.Errorf("code %d is for good", code)
		}
	}
}

// Given what a volume lacks, then each is named with its error, and the database is set up
// to do without it.
func TestDatabaseDoesWithoutWhatTheVolumeLacks(t *testing.T) {
	odd := errors.New("odd")
	for _, test := range []struct {
		lacks       lacks
		says        []string
		log         bool
		level, vfs  string
		rollbackLog bool
	}{
		{lacks{}, nil, true, "FULL", "", false},
		{lacks{shared: odd}, []string{"no memory is shared by files, so writing takes longer (odd)"}, false, "FULL", "", true},
		{lacks{sync: odd}, []string{"nothing waits for the disk, so a power cut may cost what was saved last (odd)"}, true, "OFF", "", false},
		{lacks{locks: odd}, []string{"no part of a file can be locked, so no other program may write the database (odd)"}, false, "FULL", "?vfs=unix-none", true},
	} {
		if got := test.lacks.String(); got != strings.Join(test.says, "; ") {
			t.Errorf("says %q, want %q", got, test.says)
		}
		if got := strings.Contains(test.lacks.pragmas(), "TRUNCATE"); got != test.rollbackLog || test.lacks.hasLog() != test.log {
			t.Errorf("%v: a rollback journal: %t, a write-ahead log: %t", test.lacks, got, test.lacks.hasLog())
		}
		if test.lacks.level("FULL") != test.level || test.lacks.query() != test.vfs {
			t.Errorf("%v: level %s, query %q", test.lacks, test.lacks.level("FULL"), test.lacks.query())
		}
	}
	if got := (lacks{shared: odd, locks: odd}).String(); strings.Count(got, "(odd)") != 2 || strings.Count(got, "; ") != 1 {
		t.Errorf("two are named %q", got)
	}
}

// Given an error of SQLite on a volume that lacks nothing, then nothing is learned of the
// volume, except that it has no write-ahead log if SQLite did not make one; that stays known.
func TestGoodVolumeLacksNothing(t *testing.T) {
	dir := quick(t)
	errs := []error{nil, errDisk, errDamaged}
	for _, code := range []int{codes.SQLITE_IOERR, codes.SQLITE_BUSY, codes.SQLITE_CANTOPEN, codes.SQLITE_PROTOCOL, codes.SQLITE_FULL} {
		errs = append(errs, sqliteError(code))
	}
	var l lacks
	for _, err := range errs {
		if l.learn(dir, err) || l != (lacks{}) {
			t.Errorf("of %v is learned: %v", err, l)
		}
	}
	if l.learn(filepath.Join(dir, "missing"), errNoLog) || l != (lacks{}) {
		t.Errorf("of a folder that takes no file is learned: %v", l)
	}
	if !l.learn(dir, errNoLog) || l.hasLog() || l.shared != errNoLog {
		t.Errorf("without a log is learned: %v", l)
	}
	for _, err := range append(errs, errNoLog) {
		if l.learn(dir, err) || l.shared != errNoLog {
			t.Errorf("then of %v is learned: %v", err, l)
		}
	}
}

// Given a database that gets no write-ahead log, then opening it says so; without a wish for
// one it is opened.
func TestDatabaseWithoutALogIsNoticed(t *testing.T) {
	for _, l := range []lacks{{}, {shared: errNoLog}} {
		db, err := sql.Open("sqlite", ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		d := &database{path: ":memory:", db: db, count: &counters{}, lacks: &l}
		if d.conn, err = db.Conn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.prepare(t.Context(), steps); errors.Is(err, errNoLog) != l.hasLog() || (err != nil) != l.hasLog() {
			t.Errorf("lacking %v: %v", l, err)
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}
}

// Given a folder whose size is not known, then the log may grow as long as on a large disk.
func TestLogOfAnUnknownDiskMayBeLong(t *testing.T) {
	dir := quick(t)
	for _, test := range []struct {
		dir       string
		max, want int64
	}{{filepath.Join(dir, "missing"), maxLogSize, maxLogSize}, {dir, minLogSize / 2, minLogSize / 2}} {
		if got := (&stateDir{dir: test.dir, maxLog: test.max}).logLimit(); got != test.want {
			t.Errorf("in %s: %d bytes, want %d", test.dir, got, test.want)
		}
	}
}

// Given a volume that fails a reader, as one without locks or shared memory does, then doctor
// and status read what stands in the file itself; if that fails too, the first error is told.
func TestLookReadsTheFileItselfWhereReadersFail(t *testing.T) {
	of := tokenlock.FingerprintOf(token)
	dir := quick(t)
	s := open(t, dir, nil) // it is in use: there is a log
	s.BeginRun()
	for code, fallsBack := range map[int]bool{
		codes.SQLITE_IOERR: true, codes.SQLITE_PROTOCOL: true, codes.SQLITE_CANTOPEN: false, codes.SQLITE_BUSY: false,
	} {
		for _, both := range []bool{false, true} {
			failure := sqliteError(code)
			looks := 0
			refuses(t, dbPath(dir), &refusal{connect: func(query string) error {
				if looks++; query == "mode=ro" || both {
					return failure
				}
				return nil
			}})
			g, err := Inspect(t.Context(), dir, of)
			switch want := fallsBack && !both; {
			case (err == nil) != want || want && !g.Exists:
				t.Errorf("code %d, both %t: %+v, %v", code, both, g, err)
			case !want && !errors.Is(err, failure):
				t.Errorf("code %d: %v", code, err)
			case (looks == 2) != fallsBack:
				t.Errorf("code %d: looked %d times", code, looks)
			}
		}
	}
}

// Given a connection that cannot be made, then the error is told, and the database stays.
func TestConnectionThatFailsIsAnError(t *testing.T) {
	dir := quick(t)
	failure := sqliteError(codes.SQLITE_PERM)
	sd := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: nil}
	refuses(t, sd.path, &refusal{connect: func(string) error { return failure }})
	if v, _, err := sd.open(false); v != nil || !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(sd.path); errors.Is(err, fs.ErrNotExist) || len(asides(t, dir)) != 0 {
		t.Errorf("the database was moved: %v", err)
	}
}

// Given a database that is deleted in the moment in which it is opened, then opening fails:
// nothing that is written to it would be found again.
func TestDatabaseThatIsDeletedMeanwhileIsNotOpened(t *testing.T) {
	dir := quick(t)
	sd := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: time.Now}
	refuses(t, sd.path, &refusal{meanwhile: func(action sqlite.AuthorizerActionCode, table string) {
		if action == sqlite.AuthInsert && table == "runs" { // the last statement before the file is looked at
			_ = os.Remove(sd.path)
		}
	}})
	if v, _, err := sd.open(false); v != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// Given an empty log beside a database that is not in use, as a crash in a bad moment leaves
// it, then doctor and status read the database and leave nothing behind.
func TestLookMakesNoLogOfAnEmptyOne(t *testing.T) {
	dir, of := quick(t), tokenlock.FingerprintOf(token)
	filled(t, dir)
	for _, suffix := range []string{"-wal", ""} {
		if suffix != "" {
			if err := os.WriteFile(dbPath(dir)+suffix, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if g, err := Inspect(t.Context(), dir, of); err != nil || g.Runs != 1 || g.SessionAlive.IsZero() {
			t.Errorf("%+v, %v", g, err)
		}
		if names, err := filepath.Glob(filepath.Join(dir, "*-shm")); err != nil || len(names) != 0 {
			t.Errorf("left behind: %v, %v", names, err)
		}
	}
	if got := fmt.Sprint(hasLog(dbPath(dir)), hasLog(filepath.Join(dir, "missing")), hasLog(dir)); got != "true false false" {
		t.Errorf("there is a log: %s", got)
	}
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, make([]byte, 18), 0o600); err != nil || hasLog(short) {
		t.Errorf("a header that is cut off has a log, %v", err)
	}
	run(t, dbPath(dir), "PRAGMA journal_mode = DELETE")
	if hasLog(dbPath(dir)) {
		t.Error("a database with a rollback journal has a log")
	}
}
