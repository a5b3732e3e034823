package journal

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/simtest"
)

// writeTo has the writer, which is waiting, go on with another file: one that is closed takes
// nothing, as a disk that fails.
func (j *Journal) writeTo(segment *os.File) {
	j.segment = segment
	j.mu.Lock() // the writer sees it
	j.wake()
	j.mu.Unlock()
}

// A disk that fails in the middle, and comes back, is told once each time. Nothing is lost or
// out of order, and until then nothing counts as kept.
func TestDiskThatFailsIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log simtest.Log
		j, _, _, stop := beginLogging(t, dir, log.Logger())
		var kept atomic.Int64
		add := func(name string) {
			j.Append(Record{Kind: 1, Data: []byte(name), Kept: func() { kept.Add(1) }})
			synctest.Wait()
		}
		j.Checkpoint(text("c"))
		add("one")
		if log.String() != "" || kept.Load() != 1 {
			t.Errorf("while all is well %d are kept, and the log says:\n%s", kept.Load(), log.String())
		}
		for round := range int64(2) {
			good := j.segment
			bad, err := os.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			_ = bad.Close()
			j.writeTo(bad)
			add("two")
			add("three")
			time.Sleep(3 * retryAfter)
			synctest.Wait()
			if _, err := j.Trouble(); err == nil || kept.Load() != 1+2*round {
				t.Errorf("while it fails: %v, kept are %d", err, kept.Load())
			}
			j.writeTo(good)
			time.Sleep(retryAfter)
			synctest.Wait()
			if _, err := j.Trouble(); err != nil || kept.Load() != 3+2*round {
				t.Errorf("after that: %v, kept are %d", err, kept.Load())
			}
			if failed, well := strings.Count(log.String(), "cannot be kept"), strings.Count(log.String(), "is kept on the disk again"); failed != int(round)+1 || well != int(round)+1 {
				t.Errorf("told %d and %d times:\n%s", failed, well, log.String())
			}
		}
		stop()
	})
	_, loaded, _, stop := begin(t, dir)
	stop()
	if want := []string{"checkpoint c", "1 one", "1 two", "1 three", "1 two", "1 three"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %q", loaded)
	}
}

// Given records that the system has taken, when it cannot bring them to the disk, then that is
// told, and only a checkpoint ends the doubt: a later sync may succeed although they are gone.
// Meanwhile records are kept as before.
func TestFailedSyncAsksForACheckpoint(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log simtest.Log
		j, _, _, stop := beginLogging(t, dir, log.Logger())
		kept := 0
		add := func(name string) {
			j.Append(Record{Kind: 1, Data: []byte(name), Kept: func() { kept++ }})
			synctest.Wait()
		}
		wait := func() {
			time.Sleep(3 * syncEvery)
			synctest.Wait()
		}
		want := func(when string, doubt bool, told int) {
			t.Helper()
			_, incomplete := j.Written()
			_, err := j.Trouble()
			if incomplete != doubt || (err != nil) != doubt || strings.Count(log.String(), "cannot be kept") != told {
				t.Errorf("%s: incomplete %t, trouble %v, and the log says:\n%s", when, incomplete, err, log.String())
			}
		}
		j.Checkpoint(text("first"))
		add("synced")
		wait()
		want("a disk that works", false, 0)
		add("lost")
		good := j.segment
		bad, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		_ = bad.Close()
		j.writeTo(bad)
		wait()
		want("after a failed sync", true, 1)

		j.writeTo(good)
		add("later")
		wait()
		want("after the next sync, which does not fail", true, 1)
		if kept != 3 {
			t.Errorf("%d of 3 are kept", kept)
		}
		j.Checkpoint(text("second"))
		wait()
		want("after a checkpoint", false, 1)
		if strings.Count(log.String(), "is kept on the disk again") != 1 {
			t.Errorf("the log says:\n%s", log.String())
		}
		add("after")
		wait()
		want("and later", false, 1)
		stop()
	})
	_, loaded, _, stop := begin(t, dir)
	stop()
	if want := []string{"checkpoint second", "1 after"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %q", loaded)
	}
}
