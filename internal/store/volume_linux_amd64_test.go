package store

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/testmode"
)

const refuseRules = "EVERGREEN_TEST_REFUSE"

func init() {
	refuse = func() {
		if err := testmode.RefuseCalls(os.Getenv(refuseRules)); err != nil {
			panic(err)
		}
	}
}

// Given a volume that shares no memory, waits for no disk, locks no part of a file or
// renames nothing, as FUSE, 9p, SMB and NFS do, and a database that was written on a
// better one, then the bot saves there all the same, through kill -9; doctor and status
// read what it writes meanwhile; and on a better volume the next run goes on with it.
//
// Statements: G-050.
func TestOddVolumesKeepWhatIsSaved(t *testing.T) {
	for _, rules := range []string{"mmap=19", "fsync=22", "fcntl=37", "mmap=19 fsync=22 fcntl=37 rename=18"} {
		t.Run(rules, func(t *testing.T) {
			t.Parallel()
			dir, of := quick(t), tokenlock.FingerprintOf(token)
			crash(t, dir, 100*time.Millisecond) // and leaves a write-ahead log
			var seen Summary
			var failed error
			looked := make(chan struct{})
			go func() {
				defer close(looked)
				for start := time.Now(); time.Since(start) < 10*time.Second; {
					if seen, failed = Inspect(t.Context(), dir, of); seen.Runs == 2 && failed == nil {
						return
					}
					<-time.After(10 * time.Millisecond)
				}
			}()
			c := crash(t, dir, 700*time.Millisecond, refuseRules+"="+rules)
			<-looked
			if failed != nil || seen.Runs != 2 || seen.SessionAlive.IsZero() {
				t.Errorf("what was looked at: %+v, %v", seen, failed)
			}
			s := open(t, dir, nil)
			if n := s.Stats().Asides; n != 0 || !s.State().OK {
				t.Fatalf("the database did not survive: %v", s.State())
			}
			saved, check := s.checkSession(alone, intents)
			if age, err := c.behind(saved, gateway.Session{}); err != nil || age > 500*time.Millisecond {
				t.Errorf("%v, %v: %v", check, age, err)
			}
			entries, err := s.Identifies().Entries(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range c.entries {
				if !slices.ContainsFunc(entries, func(e identify.Entry) bool { return e.ID == id }) {
					t.Errorf("the committed entry %d is not there", id)
				}
			}
		})
	}
}

// Given a damaged database on a volume that renames nothing, then it is set aside as a
// copy.
func TestDamagedDatabaseIsCopiedWhereNothingIsRenamed(t *testing.T) {
	t.Parallel()
	dir := quick(t)
	if err := os.WriteFile(dbPath(dir), []byte(strings.Repeat("nonsense ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	crash(t, dir, 100*time.Millisecond, refuseRules+"=rename=18")
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(names, func(e os.DirEntry) bool { return strings.Contains(e.Name(), ".damaged-") }) {
		t.Errorf("there are %v", names)
	}
	if s := open(t, dir, nil); !s.State().OK || s.BeginRun().End != EndKilled {
		t.Errorf("the state of the disk is %+v", s.State())
	}
}
