package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"

	"golang.org/x/sys/unix"
)

// small makes a disk of one megabyte.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("a small disk can only be made as root: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Given a disk that fills up, then the bot goes on, the state says that the disk
// is full, and once there is room the newest of everything is saved.
func TestFullDiskIsSurvived(t *testing.T) {
	t.Parallel()
	dir := small(t)
	l := newLogRecorder(t)
	s := open(t, filepath.Join(dir, "data"), l)
	s.BeginRun()
	k := s.Sessions(intents).SessionStore(alone)
	k.Save(session("a", 1))
	if err := s.Identifies().Commit(t.Context()); err != nil {
		t.Fatal(err)
	}

	rest, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()
	for chunk := make([]byte, 4096); err == nil; {
		_, err = rest.Write(chunk)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	began := time.Now()
	for n := range int64(200) {
		k.Save(session("a", n+2))
		s.Journal().Write(health.Incident{ID: string(rune('A' + n)), What: health.Text("what happens on a full disk"), Start: began})
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("a caller waited for the disk: %v", d)
	}
	wantIn(t, l.await("nothing is saved"), "the disk is full (no space left on device)")
	k.Save(session("a", 999))
	if err := os.Remove(rest.Name()); err != nil {
		t.Fatal(err)
	}
	if err := rest.Close(); err != nil {
		t.Fatal(err)
	}
	l.await("saved again")
	shut(t, s)
	next := open(t, filepath.Join(dir, "data"), nil)
	if got := found(t, next); got != session("a", 999) {
		t.Errorf("the session: %+v", got)
	}
	if n := len(next.Journal().Recent(1000)); n != 200 {
		t.Errorf("%d of 200 incidents", n)
	}
	if n := next.Stats().Asides; n != 0 {
		t.Error("the database did not survive")
	}
}

// Given a disk with room for the database, but not for the write-ahead log of a
// busy bot, then the log is emptied early, and everything is saved all the while.
func TestSmallDiskIsEnough(t *testing.T) {
	t.Parallel()
	dir := small(t)
	l := newLogRecorder(t)
	s := open(t, dir, l)
	s.BeginRun()
	k := s.Sessions(intents).SessionStore(alone)
	for n := range int64(1000) { // some megabytes of log
		k.Save(session("a", n+1))
		if err := s.Identifies().Commit(t.Context()); err != nil {
			t.Fatalf("commit %d: %v", n, err)
		}
	}
	if stats := s.Stats(); stats.Failures != 0 || !s.State().OK {
		t.Errorf("%+v, %+v", stats, s.State())
	}
	shut(t, s)
	if got := found(t, open(t, dir, nil)); got != session("a", 1000) {
		t.Errorf("the session: %+v", got)
	}
}

// Given a write-ahead log that may grow without end on a small disk, when the disk is full,
// then the log is moved into the database and the write succeeds.
func TestFullDiskEmptiesTheLog(t *testing.T) {
	d, _ := opened(t, small(t))
	if err := d.write(everything()); err != nil {
		t.Fatal(err)
	}
	if err := d.checkpoint(); err != nil { // the database has its pages
		t.Fatal(err)
	}
	before := d.count.syncs.Load()
	d.maxLog = 1 << 40
	for n := range 1000 {
		b := everything()
		b.history = nil
		b.sessions[0].session.Seq = int64(n + 1)
		if err := d.write(b); err != nil {
			t.Fatalf("write %d: %v", n, err)
		}
	}
	if d.count.syncs.Load() == before {
		t.Error("the log has never been moved")
	}
}

// Given a disk that is full when the bot starts, then what it holds is read all
// the same, and the session is resumed.
//
// Statements: G-053.
func TestFullDiskIsRead(t *testing.T) {
	dir := small(t)
	filled(t, dir)
	rest, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()
	// As a process that was killed on a full disk leaves it: its -shm is there.
	if err := os.WriteFile(dbPath(dir)+"-shm", make([]byte, 32<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); err == nil; {
		_, err = rest.Write(chunk)
	}
	s := open(t, dir, nil)
	if got := found(t, s); got != session("a", 42) {
		t.Errorf("the session: %+v, %v", got, s.State())
	}
	if err := os.Remove(rest.Name()); err != nil {
		t.Fatal(err)
	}
	_ = rest.Close()
}

// Given a disk that is read-only, then the bot starts without persistence, and
// has it once the disk can be written.
func TestReadOnlyDiskIsSurvived(t *testing.T) {
	t.Parallel()
	dir := small(t)
	filled(t, dir)
	// A process that another test forks has the files open until it has begun.
	err := unix.EBUSY
	for start := time.Now(); err == unix.EBUSY && time.Since(start) < 10*time.Second; {
		mounting := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
		err, _ = mounting.(unix.Errno)
	}
	if err != 0 {
		t.Fatal(err)
	}
	l := newLogRecorder(t)
	s := open(t, dir, l)
	wantIn(t, l.await("nothing is saved"), "read-only")
	for _, folder := range []string{dir, filepath.Join(dir, "missing")} { // without a crash there is nothing to tell
		if said, err := SetCrashLog(folder, tokenlock.FingerprintOf(token)); said != "" || !errors.Is(err, unix.EROFS) {
			t.Errorf("of a crash is said %q, %v", said, err)
		}
	}
	s.Sessions(intents).SessionStore(alone).Save(session("b", 7))
	if _, v := s.checkSession(alone, intents); v.reason != notRead {
		t.Errorf("check %v", v)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	l.await("saved again")
	shut(t, s)
	if got := found(t, open(t, dir, nil)); got != session("b", 7) {
		t.Errorf("the session: %+v", got)
	}
}

// Given a database that is deleted while it is in use, then a new one holds what
// the next run needs.
func TestDeletedDatabaseIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	l := newLogRecorder(t)
	s := open(t, dir, l)
	s.BeginRun()
	s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	if err := s.Identifies().Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	shut(t, s) // a stop notices it too
	l.await("was deleted or replaced")
	next := open(t, dir, nil)
	if got := found(t, next); got != session("a", 42) {
		t.Errorf("the session: %+v", got)
	}
	if p := next.BeginRun(); p.Starts != 1 {
		t.Errorf("the previous run: %+v", p)
	}
}

// Given a file that does not fit where it is to be moved, then it stays, and nothing of it is
// there.
func TestFileThatDoesNotFitStays(t *testing.T) {
	dir := small(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	err := move(from, to)
	if !errors.Is(err, unix.EXDEV) {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat(from); err != nil || info.Size() != 2<<20 {
		t.Errorf("it is gone: %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part of it is there: %v", err)
	}
	if err := move(dir, filepath.Join(t.TempDir(), "to")); err == nil {
		t.Error("a folder was moved to another file system")
	}
	if isOpen(t, from) {
		t.Error("it is still open")
	}
	private := filepath.Join(t.TempDir(), "x.db")
	if err := makePrivate(private); err != nil || isOpen(t, private) {
		t.Errorf("a file that was made is still open, %v", err)
	}
}

// isOpen reports whether this process has the file open.
func isOpen(t *testing.T, path string) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(each string) bool {
		open, err := os.Readlink(each)
		return err == nil && strings.HasPrefix(open, path)
	})
}

// Given a process that may open no further file, then the start goes on without the text of
// a crash and with an error for the log.
func TestCrashLogNeedsAFile(t *testing.T) {
	dir, of := t.TempDir(), tokenlock.FingerprintOf(token)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	next, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	free := uint64(next.Fd())
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	one := limit
	one.Cur = free + 1
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &one); err != nil {
		t.Fatal(err)
	}
	said, failed := SetCrashLog(dir, of)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if said != "" || !errors.Is(failed, unix.EMFILE) {
		t.Errorf("said %q, %v", said, failed)
	}
}
