package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"

	codes "modernc.org/sqlite/lib"
)

// logSize is how long the write-ahead log is, in bytes.
func logSize(t *testing.T, d *database) int64 {
	t.Helper()
	info, err := os.Stat(d.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Given batches that are to survive a power cut and others, then SQLite waits for the disk
// with those and only those, in whatever order they come.
//
// Statements: G-051.
func TestOnlyADurableBatchWaitsForTheDisk(t *testing.T) {
	d, _ := opened(t, quick(t))
	for n, durable := range []bool{false, true, true, false, false, true, false} {
		b := everything()
		b.durable = durable
		syncs := d.count.syncs.Load()
		if err := d.write(b); err != nil {
			t.Fatal(err)
		}
		var level int
		if err := d.conn.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&level); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{false: 1, true: 2}[durable]; level != want {
			t.Errorf("batch %d: synchronous is %d, want %d", n, level, want)
		}
		if got := d.count.syncs.Load() - syncs; got != map[bool]int64{true: 1}[durable] {
			t.Errorf("batch %d: %d syncs are counted", n, got)
		}
	}
}

// Given two rows of any two kinds, when the second cannot be written, then the first is
// not there.
func TestTwoRowsAreOneTransaction(t *testing.T) {
	row := everything()
	two := append(row.sessions, savedRow(1, 2, intents, 0))
	for name, test := range map[string]struct {
		fails string
		batch *batch
	}{
		"two sessions":         {"INSERT ON sessions WHEN NEW.shards = 2", &batch{sessions: two}},
		"two and a sample":     {"INSERT ON history", &batch{sessions: two, history: row.history}},
		"two and an entry":     {"INSERT ON identifies", &batch{sessions: two, entries: row.entries}},
		"session and entry":    {"INSERT ON identifies", &batch{sessions: row.sessions, entries: row.entries}},
		"session and sample":   {"INSERT ON history", &batch{sessions: row.sessions, history: row.history}},
		"session and run":      {"INSERT ON runs", &batch{sessions: row.sessions, run: row.run}},
		"entry and sample":     {"INSERT ON history", &batch{entries: row.entries, history: row.history}},
		"entry and run":        {"INSERT ON runs", &batch{entries: row.entries, run: row.run}},
		"sample and run":       {"INSERT ON runs", &batch{history: row.history, run: row.run}},
		"two samples":          {"INSERT ON history WHEN NEW.shard = 5", &batch{history: append(row.history, history.Record{Kind: history.MinuteRecord, At: time.Now(), Shard: 5})}},
		"two entries":          {"INSERT ON identifies WHEN NEW.id = 2", &batch{entries: append(row.entries, identify.Entry{ID: 2, At: time.Now()})}},
		"incident and run":     {"INSERT ON runs", &batch{incidents: row.incidents, run: row.run}},
		"session and limits":   {"INSERT ON limits", &batch{sessions: row.sessions, limits: row.limits}},
		"session and alert":    {"INSERT ON alerts", &batch{sessions: row.sessions, alert: row.alert}},
		"moved and run":        {"INSERT ON runs", &batch{moved: &movedSamples{}, run: row.run, sessions: row.sessions}},
		"limits and run":       {"INSERT ON runs", &batch{limits: row.limits, run: row.run}},
		"alert and a run":      {"INSERT ON runs", &batch{alert: row.alert, run: row.run}},
		"one of each":          {"INSERT ON runs", everything()},
		"session and replaced": {"DELETE ON history", &batch{sessions: row.sessions, replaced: new(int64)}},
	} {
		dir := quick(t)
		d, _ := opened(t, dir)
		if test.fails == "DELETE ON history" {
			run(t, dbPath(dir), "INSERT INTO history VALUES (1,'mark',1,0,0,0,0,0,0,0,0,0,0,0,0)")
		}
		run(t, dbPath(dir), "CREATE TRIGGER fails BEFORE "+test.fails+" BEGIN SELECT RAISE(ABORT, 'it fails'); END")
		if err := d.write(test.batch); err == nil {
			t.Errorf("%s: the second row was written", name)
		}
		_, c := opened(t, dir)
		if c.history = nil; c.held() != heldNone {
			t.Errorf("%s: there are %s", name, c.held())
		}
	}
}

// Given a write-ahead log that grows, then it is moved into the database once it is long,
// and not before; while another program reads, that is tried again after ten seconds.
func TestLogIsMovedWhenItIsLong(t *testing.T) {
	dir := quick(t)
	d, _ := opened(t, dir)
	write := func() (moves int64) {
		t.Helper()
		before := d.count.syncs.Load()
		if err := d.write(everything()); err != nil {
			t.Fatal(err)
		}
		return (d.count.syncs.Load() - before) / 3
	}
	if moves := write(); moves != 0 || logSize(t, d) == 0 {
		t.Errorf("a short log was moved %d times", moves)
	}
	d.maxLog = 1
	if moves := write(); moves != 1 || logSize(t, d) != 0 {
		t.Errorf("a long log was moved %d times, %d bytes are left", moves, logSize(t, d))
	}

	reader, err := sql.Open("sqlite", address(dbPath(dir)))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	reader.SetMaxOpenConns(1)
	if _, err := reader.Exec("BEGIN; SELECT count(*) FROM runs"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	d.maxLog = 1
	before := time.Now()
	if moves := write(); moves != 1 || d.checkpointAfter.Before(before.Add(checkpointRetry)) {
		t.Errorf("held up, the log was moved %d times, and the next try is at %s", moves, d.checkpointAfter)
	}
	if moves := write(); moves != 0 {
		t.Errorf("held up a moment ago, the log was moved %d times", moves)
	}
	if _, err := reader.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	d.checkpointAfter = time.Time{}
	if moves := write(); moves != 1 || logSize(t, d) != 0 {
		t.Errorf("afterwards the log was moved %d times, %d bytes are left", moves, logSize(t, d))
	}
	d.maxLog = 1 << 30
	write()
	d.maxLog = logSize(t, d)
	if err := d.write(&batch{}); err != nil || logSize(t, d) != 0 {
		t.Errorf("as long as it may be, the log has %d bytes, %v", logSize(t, d), err)
	}
}

// Given another program that writes, then a write fails as one that may succeed later.
func TestWriteWhileAnotherProgramWrites(t *testing.T) {
	dir := quick(t)
	d, _ := opened(t, dir)
	if _, err := d.conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", address(dbPath(dir)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*batch{everything(), {sessions: everything().sessions}} {
		if err := d.write(b); codeOf(err) != codes.SQLITE_BUSY || !isTemporary(err) {
			t.Errorf("got %v", err)
		}
	}
	if err := d.deleteOld(time.Now()); codeOf(err) != codes.SQLITE_BUSY {
		t.Errorf("deleting: %v", err)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := d.write(everything()); err != nil {
		t.Error(err)
	}
}

// Given a database whose file is moved away, and another in its place, then neither is the
// one that is open.
func TestOpenFileIsToldFromOthers(t *testing.T) {
	dir := quick(t)
	d, _ := opened(t, dir)
	if !d.present() {
		t.Error("it is not there")
	}
	if err := os.Rename(d.path, d.path+".away"); err != nil {
		t.Fatal(err)
	}
	if d.present() {
		t.Error("it is there, although it was moved away")
	}
	if err := os.WriteFile(d.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d.present() {
		t.Error("another file counts as it")
	}
	if err := os.Rename(d.path+".away", d.path); err != nil {
		t.Fatal(err)
	}
	if !d.present() {
		t.Error("it is not there again")
	}
}

// Given incidents in memory and on the disk, then a search finds those of its cause, those
// that go on, and those before another, each once.
func TestSearchFindsWhatIsOnTheDisk(t *testing.T) {
	dir := quick(t)
	first := open(t, dir, nil)
	began := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	const many = 2 * health.MemoryJournalSize
	for n := range many {
		i := health.Incident{
			ID: began.Add(time.Duration(n)*time.Second).Format("20060102T150405.000000") + "-0", Start: began.Add(time.Duration(n) * time.Second),
			Cause: health.NetworkDown, Outcome: health.OutcomeResumed,
		}
		if i.End = i.Start; n%2 == 0 {
			i.Cause = health.DNSFailure
		}
		switch n {
		case 0:
			i.Cause = health.OutOfMemory
		case 1:
			i.Outcome, i.End = health.OutcomeOpen, time.Time{}
		}
		first.Journal().Write(i)
	}
	if err := first.Identifies().Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	closed, going := false, true
	for name, test := range map[string]struct {
		q    health.Query
		want int
	}{
		"all":              {health.Query{Limit: many + 10}, many},
		"the newest":       {health.Query{Limit: 5}, 5},
		"of a cause":       {health.Query{Limit: many, Cause: health.DNSFailure}, many/2 - 1},
		"of a rare cause":  {health.Query{Limit: 1, Cause: health.OutOfMemory}, 1},
		"one that goes on": {health.Query{Limit: 1, Open: &going}, 1},
		"of no incident":   {health.Query{Limit: many, Cause: health.HostSlept}, 0},
		"that are over":    {health.Query{Limit: many, Open: &closed}, many - 1},
		"that go on":       {health.Query{Limit: many, Open: &going}, 1},
		"before the tenth": {health.Query{Limit: many, Before: began.Add(10*time.Second).Format("20060102T150405.000000") + "-0"}, 10},
	} {
		got, err := first.Journal().Find(t.Context(), test.q)
		seen := map[string]bool{}
		for _, i := range got {
			seen[i.ID] = true
		}
		if err != nil || len(got) != test.want || len(seen) != len(got) {
			t.Errorf("%s: %d incidents, %d of them different, want %d, %v", name, len(got), len(seen), test.want, err)
		}
	}
	// One that cannot be decoded costs itself.
	run(t, dbPath(dir), fmt.Sprintf("INSERT INTO incidents VALUES ('odd', %d, 0, '{\"Cause\": 7}')", nanos(began.Add(-time.Second))))
	if got, err := first.Journal().Find(t.Context(), health.Query{Limit: many + 10}); err != nil || len(got) != many {
		t.Errorf("with an odd one: %d incidents, %v", len(got), err)
	}
}

// Given a session that is damaged or of another shard, then status and doctor tell of the
// youngest that is whole; a run that said how it ended is told so.
func TestLookTellsOfTheYoungestSession(t *testing.T) {
	dir, of := quick(t), tokenlock.FingerprintOf(token)
	d, _ := opened(t, dir)
	rows := []sessionRow{savedRow(0, 3, intents, time.Minute), savedRow(1, 3, intents, 10*time.Second), savedRow(2, 3, intents, time.Hour)}
	if err := d.write(&batch{sessions: rows}); err != nil {
		t.Fatal(err)
	}
	g, err := Inspect(t.Context(), dir, of)
	if err != nil || !g.SessionAlive.Equal(rows[1].saved) || g.Runs != 0 || g.End != EndNone {
		t.Errorf("%+v, %v", g, err)
	}
	run(t, dbPath(dir), "UPDATE sessions SET seq = 1 WHERE shard = 1")
	if g, err := Inspect(t.Context(), dir, of); err != nil || !g.SessionAlive.Equal(rows[0].saved) {
		t.Errorf("with a damaged one: %+v, %v", g, err)
	}
	run(t, dbPath(dir), fmt.Sprintf("PRAGMA user_version = %d", len(steps)+1))
	_, err = Inspect(t.Context(), dir, of)
	if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Schema != len(steps)+1 {
		t.Errorf("of a later version: %v", err)
	}
	run(t, dbPath(dir), fmt.Sprintf("PRAGMA user_version = %d", len(steps)-1))
	if g, err := Inspect(t.Context(), dir, of); err != nil || !g.Exists || !g.SessionAlive.IsZero() {
		t.Errorf("of an earlier version: %+v, %v", g, err)
	}
}

// Given damage in a page of the database, then the look says that it is damaged, whether
// the header or an inner page is.
func TestLookFindsDamage(t *testing.T) {
	of := tokenlock.FingerprintOf(token)
	for name, from := range map[string]int{"header": 0, "inner pages": 4096} {
		dir := quick(t)
		filled(t, dir)
		text, err := os.ReadFile(dbPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		for at := from; at < min(len(text), from+4096); at++ {
			text[at] ^= 0x5a
		}
		if err := os.WriteFile(dbPath(dir), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Inspect(t.Context(), dir, of); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Given errors of the disk, then they are told in words, with what the operating system
// says if it says something, and without the path of a probe.
func TestErrorsOfTheDiskAreExplained(t *testing.T) {
	wantFull(t)
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	if got := explain(dir, errDisk); got != errDisk.Error() {
		t.Errorf("an error that is not SQLite's: %q", got)
	}
	if got := explain(dir, errFull()); got != "the disk is full ("+errFull().Error()+")" {
		t.Errorf("in a folder that can be written: %q", got)
	}
	if got := explain(missing, errFull()); got != "the disk is full (no such file or directory)" && os.PathSeparator == '/' {
		t.Errorf("in a folder that is missing: %q", got)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, "<nil>"}, {errDisk, errDisk.Error()},
		{&os.PathError{Op: "open", Path: filepath.Join(dir, "probe-1"), Err: errDisk}, errDisk.Error()},
		{&os.PathError{Op: "open", Path: "probe", Err: errDisk}, "open probe: " + errDisk.Error()},
	} {
		if got := fmt.Sprint(withoutPath(test.err)); got != test.want {
			t.Errorf("%v became %q", test.err, got)
		}
	}
	for _, test := range []struct {
		err                error
		damaged, temporary bool
	}{
		{nil, false, false}, {errDisk, false, false}, {errFull(), false, true},
		{errDamaged, true, false}, {fmt.Errorf("so: %w", errDamaged), true, false},
	} {
		if isDamaged(test.err) != test.damaged || isTemporary(test.err) != test.temporary {
			t.Errorf("%v: damaged %t, temporary %t", test.err, isDamaged(test.err), isTemporary(test.err))
		}
	}
}

// Given a file that is to get another name, then it has it afterwards and not the old one;
// if that fails, it keeps the old one, and what has the new name stays.
func TestFileThatCannotBeMovedStays(t *testing.T) {
	here, elsewhere := t.TempDir(), quick(t) // another file system, where there is one
	write := func(path, text string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			return ""
		}
		return string(text)
	}
	for n, dir := range []string{here, elsewhere} {
		from := write(filepath.Join(here, fmt.Sprint("from", n)), "text")
		to := filepath.Join(dir, fmt.Sprint("to", n))
		if err := move(from, to); err != nil || read(to) != "text" || read(from) != "" {
			t.Errorf("to %s: %v, %q there, %q here", dir, err, read(to), read(from))
		}
	}
	if err := move(filepath.Join(here, "missing"), filepath.Join(here, "to")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	from := write(filepath.Join(here, "from"), "text")
	taken := filepath.Join(here, "taken")
	write(filepath.Join(must(t, os.Mkdir(taken, 0o700), taken), "inner"), "inner")
	if err := move(from, taken); err == nil || read(from) != "text" || read(filepath.Join(taken, "inner")) != "inner" {
		t.Errorf("to a folder: %v", err)
	}
	if err := move(from, filepath.Join(here, "no folder", "to")); err == nil || read(from) != "text" {
		t.Errorf("to nowhere: %v", err)
	}
	other := write(filepath.Join(elsewhere, "other"), "other")
	if err := move(from, other); err != nil && (read(from) != "text" || read(other) != "other") {
		t.Errorf("to a file of another file system: %v, %q there, %q here", err, read(other), read(from))
	}
}

// must fails the test over an error.
func must(t *testing.T, err error, path string) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Given a damaged database that cannot be set aside, then the error says so, and the
// database stays.
func TestDamagedDatabaseThatCannotBeSetAsideStays(t *testing.T) {
	dir := t.TempDir()
	text := []byte(strings.Repeat("nonsense ", 1000))
	if err := os.WriteFile(dbPath(dir), text, 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	f := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: func() time.Time { return now }}
	aside := strings.TrimSuffix(dbPath(dir), ".db") + ".damaged-" + now.UTC().Format("20060102T150405.000") + ".db"
	if err := os.MkdirAll(filepath.Join(aside, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if v, _, err := f.open(false); v != nil || err == nil || !strings.Contains(err.Error(), "setting the damaged database aside") {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(dbPath(dir)); err != nil || string(got) != string(text) {
		t.Errorf("the database has %d bytes, %v", len(got), err)
	}
}

// Given a folder that is named from where the process stands, or whose name has characters
// with a meaning to SQLite, then the database is there.
func TestAddressIsAPlainPath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if os.PathSeparator == '/' {
		if got := address("/a b/c?d#e.db"); got != "file:///a%20b/c%3Fd%23e.db" {
			t.Errorf("got %s", got)
		}
		if got := address("x.db"); got != "file://"+here+"/x.db" {
			t.Errorf("got %s", got)
		}
	}
	s := open(t, "data", nil)
	s.Sessions(intents).SessionStore(alone).Save(session("a", 1))
	shut(t, s)
	if _, err := os.Stat(dbPath(filepath.Join(dir, "data"))); err != nil {
		t.Error(err)
	}
}

// Given the text of a crash, then it is told once and kept until the next crash; without
// room for it the error says so, and the crash is told all the same.
func TestCrashIsToldOnceAndKept(t *testing.T) {
	dir, of := t.TempDir(), tokenlock.FingerprintOf(token)
	path := strings.TrimSuffix(Path(dir, of), ".db") + ".crash"
	starts := func(want string, fails bool) {
		t.Helper()
		if said, err := SetCrashLog(dir, of); said != want || (err != nil) != fails {
			t.Errorf("said %q, %v; want %q", said, err, want)
		}
	}
	kept := func(want string) {
		t.Helper()
		if text, err := os.ReadFile(path + ".txt"); err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("kept %q, %v; want %q", text, err, want)
		}
	}
	crash := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	starts("", false)
	crash("\npanic: one\ngoroutine 1\n")
	starts("panic: one", false)
	kept("\npanic: one")
	starts("", false)
	crash(" \n")
	starts("", false)
	kept("\npanic: one")
	crash("panic: two")
	starts("panic: two", false)
	kept("panic: two")
	if err := os.Remove(path + ".txt"); err != nil {
		t.Fatal(err)
	}
	must(t, os.MkdirAll(filepath.Join(path+".txt", "full"), 0o700), path)
	crash("panic: three")
	starts("panic: three", true)
}

// Given steps of a schema of which one fails, then the error names it.
func TestStepThatFailsIsNamed(t *testing.T) {
	dir := quick(t)
	f := &stateDir{dir: dir, path: dbPath(dir), steps: append(append([]string{}, steps...), "nonsense"), count: &counters{}, now: time.Now}
	if _, _, err := f.open(false); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("to schema %d:", len(steps)+1)) {
		t.Errorf("got %v", err)
	}
}

// Given rows that were written without waiting for the disk, when nothing else is to be
// written, then a batch that is to survive a power cut has SQLite wait for it all the same:
// it waits only behind something that it has written.
//
// Statements: G-153.
func TestDurableBatchWithoutRowsWaitsForTheDisk(t *testing.T) {
	d, _ := opened(t, quick(t))
	for _, durable := range []bool{false, true} {
		if err := d.write(everything()); err != nil {
			t.Fatal(err)
		}
		before := logSize(t, d)
		if err := d.write(&batch{durable: durable}); err != nil {
			t.Fatal(err)
		}
		if grew := logSize(t, d) > before; grew != durable {
			t.Errorf("durable: %t, the log grew: %t", durable, grew)
		}
	}
}
