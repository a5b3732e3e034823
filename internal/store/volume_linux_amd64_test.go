package store

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/testmode"

	codes "modernc.org/sqlite/lib"
)

const refuseRules = "EVERGREEN_TEST_REFUSE"

func init() {
	acts["look"] = func(dir string) {
		g, err := Inspect(context.Background(), dir, tokenlock.FingerprintOf(token))
		fmt.Println(g.Runs, g.SessionAlive.IsZero(), err)
	}
	acts["learn"] = func(dir string) {
		for _, each := range errorsOfAVolume {
			var l lacks
			fmt.Println(l.learn(dir, each.err), l.shared, l.sync, l.locks)
		}
	}
	acts["begin crash log"] = func(dir string) {
		fmt.Println(SetCrashLog(dir, tokenlock.FingerprintOf(token)))
	}
	acts["crash"] = func(dir string) {
		if _, err := SetCrashLog(dir, tokenlock.FingerprintOf(token)); err != nil {
			fmt.Println(err)
			return
		}
		panic("it is over")
	}
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

// errorsOfAVolume are errors, and whether they are reason enough to ask the volume.
var errorsOfAVolume = []struct {
	err  error
	asks bool
}{
	{sqliteError(codes.SQLITE_IOERR), true}, {sqliteError(codes.SQLITE_BUSY), true}, {sqliteError(codes.SQLITE_CANTOPEN), true},
	{sqliteError(codes.SQLITE_PROTOCOL), true}, {errNoLog, true},
	{sqliteError(codes.SQLITE_FULL), false}, {sqliteError(codes.SQLITE_CORRUPT), false}, {errDisk, false}, {nil, false},
}

// Given a volume that shares no memory, waits for no disk and locks no part of a file, then
// each error that may come from that tells all three, and no other error does.
func TestErrorsTellWhatTheVolumeLacks(t *testing.T) {
	out := inAnotherProcess(t, quick(t), "learn", refuseRules+"=mmap=19 fsync=22 fcntl=37")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(errorsOfAVolume) {
		t.Fatalf("it says %q", out)
	}
	for n, each := range errorsOfAVolume {
		want := "false <nil> <nil> <nil>"
		if each.asks {
			want = "true no such device invalid argument no locks available"
		}
		if lines[n] != want {
			t.Errorf("code %d, %v: %s, want %s", codeOf(each.err), each.err, lines[n], want)
		}
	}
}

// Given a volume that fails this time, or whose locks another program holds, then it is not
// taken for one that lacks them.
func TestVolumeThatFailsNowLacksNothing(t *testing.T) {
	out := inAnotherProcess(t, quick(t), "learn", refuseRules+"=fsync=5 fcntl=11")
	for n, line := range strings.Split(strings.TrimSpace(out), "\n") {
		known := strings.HasPrefix(line, "false <nil> ") || errorsOfAVolume[n].err == errNoLog
		if !known || !strings.HasSuffix(line, " <nil> <nil>") {
			t.Errorf("code %d: %s", codeOf(errorsOfAVolume[n].err), line)
		}
	}
}

// Given a database that a bot has written, when the volume shares no memory with readers, then
// doctor and status read it all the same.
func TestLookNeedsNoSharedMemory(t *testing.T) {
	dir := quick(t)
	s := open(t, dir, nil)
	s.BeginRun()
	s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	if err := s.Identifies().Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // while it runs, and afterwards
		if got := inAnotherProcess(t, dir, "look", refuseRules+"=mmap=19"); !strings.HasSuffix(got, "<nil>\n") {
			t.Errorf("seen: %s", got)
		}
		shut(t, s)
	}
}

// Given a process that crashes, then the next one is told its first line and finds the whole
// text, also on a volume that renames nothing.
func TestCrashIsWrittenAndTold(t *testing.T) {
	for _, rules := range []string{"", "rename=18"} {
		dir := t.TempDir()
		if out := inAnotherProcess(t, dir, "crash"); out != "" {
			t.Fatal(out)
		}
		if got := inAnotherProcess(t, dir, "begin crash log", refuseRules+"="+rules); !strings.HasPrefix(got, "panic: it is over") || !strings.HasSuffix(got, " <nil>\n") {
			t.Errorf("refusing %q: said %q", rules, got)
		}
		path := strings.TrimSuffix(dbPath(dir), ".db") + ".crash"
		if text, err := os.ReadFile(path + ".txt"); err != nil || !strings.Contains(string(text), "goroutine ") {
			t.Errorf("refusing %q: kept %q, %v", rules, text, err)
		}
		if text, err := os.ReadFile(path); err != nil || len(text) != 0 {
			t.Errorf("refusing %q: the next crash comes behind %q, %v", rules, text, err)
		}
	}
}
