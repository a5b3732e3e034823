package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/internal/process/tokenlock"

	codes "modernc.org/sqlite/lib"
)

var errDisk = errors.New("the disk is on fire")

// errFull is SQLite's error of a full disk.
var errFull = sync.OnceValue(func() error {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("PRAGMA max_page_count = 1; CREATE TABLE t (a)")
	return err
})

// wantFull fails the test unless errFull is what it says.
func wantFull(t *testing.T) {
	t.Helper()
	if codeOf(errFull()) != codes.SQLITE_FULL {
		t.Fatal(errFull())
	}
}

// fakeDisk is a disk in memory, so that a test can use virtual time.
type fakeDisk struct {
	mu       sync.Mutex
	image    contents
	openErr  error
	writeErr error
	hang     chan struct{} // calls wait for its end
	gone     bool          // the file is not there any more
	host     hostInfo      // of the store; zero: nothing is known of it but the boot
	clock    *clock.Clock  // of the store; nil: that of the test

	opens, closes, tries, tidied, looks int
	skipped                             int
	writes                              []written
}

// written is one transaction.
type written struct {
	at time.Time
	*batch
}

func (f *fakeDisk) wait() {
	f.mu.Lock()
	hang := f.hang
	f.mu.Unlock()
	if hang != nil {
		<-hang
	}
}

func (f *fakeDisk) open(skipOpen bool) (volume, *contents, error) {
	f.wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opens++
	if skipOpen {
		f.skipped++
	}
	if f.openErr != nil {
		return nil, nil, f.openErr
	}
	f.gone = false
	i := f.image
	return f, &i, nil
}

func (f *fakeDisk) write(b *batch) error {
	f.wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	if f.writeErr != nil {
		return f.writeErr
	}
	f.writes = append(f.writes, written{time.Now(), b})
	return nil
}

func (f *fakeDisk) deleteOld(time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tidied++
	return nil
}
func (f *fakeDisk) present() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	return !f.gone
}
func (f *fakeDisk) close() error { f.mu.Lock(); defer f.mu.Unlock(); f.closes++; return nil }

// set changes the disk while it is in use.
func (f *fakeDisk) set(change func(*fakeDisk)) { f.mu.Lock(); defer f.mu.Unlock(); change(f) }

// all returns the transactions so far.
func (f *fakeDisk) all() []written {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// last returns the newest session that was written.
func (f *fakeDisk) last(t *testing.T) (sessionRow, time.Time) {
	t.Helper()
	all := f.all()
	for i := len(all) - 1; i >= 0; i-- {
		if rows := all[i].sessions; len(rows) > 0 {
			return rows[0], all[i].at
		}
	}
	t.Fatal("no session was written")
	return sessionRow{}, time.Time{}
}

// sessions returns what the sessions on the disk are after all transactions, and how many
// of the shards have none because theirs ended.
func (f *fakeDisk) sessions() (kept map[gateway.ShardID]gateway.Session, ended int) {
	kept = map[gateway.ShardID]gateway.Session{}
	for _, w := range f.all() {
		for _, row := range w.sessions {
			kept[row.shard] = row.session
		}
	}
	for shard, session := range kept {
		if session.ID == "" {
			delete(kept, shard)
			ended++
		}
	}
	return kept, ended
}

// begin starts a store on the disk, for a test in a bubble.
func (f *fakeDisk) begin(t *testing.T, l *logRecorder) *Store {
	t.Helper()
	return f.beginWith(t, l, Options{})
}

// beginWith is begin with options.
func (f *fakeDisk) beginWith(t *testing.T, l *logRecorder, o Options) *Store {
	t.Helper()
	o.Fingerprint = tokenlock.FingerprintOf(token)
	if l != nil {
		o.Logger = slog.New(l)
	}
	host := f.host
	if host.pid == 0 {
		host = noHost(4711)
		host.boot = "this boot"
	}
	s := newStore(o, filepath.Join(t.TempDir(), "bot.db"), host)
	s.disk = f
	if f.clock != nil {
		s.clock = f.clock
	}
	s, err := s.start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
