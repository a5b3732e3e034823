package journal

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
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

// What the end of Run cannot bring to the disk any more is told, and the file is closed.
func TestEndOfRunBringsRecordsToTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fails := range []bool{false, true} {
			j, _, _, stop := begin(t, t.TempDir())
			j.Checkpoint(text("c"))
			j.Append(Record{Data: []byte("r")})
			synctest.Wait()
			segment := j.segment
			if fails {
				_ = segment.Close()
			}
			stop()
			if _, err := j.Trouble(); (err != nil) != fails {
				t.Errorf("with a disk that fails (%t): %v", fails, err)
			}
			if err := segment.Close(); err == nil {
				t.Error("the file is open yet")
			}
		}
	})
}

// A disk that fails is left alone for a while, whatever comes meanwhile, and Run ends at once
// all the same.
func TestFailingDiskIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- j.Run(ctx) }()
		full, tried := errors.New("no space left on device"), 0
		j.Checkpoint(func(io.Writer) error {
			tried++
			return full
		})
		for range 12 {
			j.Append(Record{Data: []byte("r")})
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if tried != 3 {
			t.Errorf("it was tried %d times in 12 s", tried)
		}
		began := time.Now()
		cancel()
		if err := <-ended; !errors.Is(err, full) || time.Since(began) != 0 || tried > 5 {
			t.Errorf("after %s and %d attempts Run ends with %v", time.Since(began), tried, err)
		}
	})
}

// A checkpoint that cannot get its file or its name is told and tried again. Until then the
// one before it stays, with what came after it.
func TestCheckpointThatCannotBeNamedIsTriedAgain(t *testing.T) {
	for _, ending := range []string{checkpointEnding, checkpointEnding + draftEnding} {
		synctest.Test(t, func(t *testing.T) {
			dir, copied := t.TempDir(), t.TempDir()
			j, _, _, stop := begin(t, dir)
			j.Checkpoint(text("first"))
			j.Append(Record{Kind: 1, Data: []byte("between")})
			inTheWay := j.path(2, ending)
			if err := os.MkdirAll(filepath.Join(inTheWay, "full"), 0o700); err != nil {
				t.Fatal(err)
			}
			j.Checkpoint(text("second"))
			j.Append(Record{Kind: 1, Data: []byte("after")})
			synctest.Wait()
			if _, err := j.Trouble(); err == nil {
				t.Errorf("%s: it is not told", ending)
			}
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			_, loaded, _, stopCopy := begin(t, copied)
			stopCopy()
			if want := []string{"checkpoint first", "1 between"}; !slices.Equal(loaded, want) {
				t.Errorf("%s: meanwhile a crash leaves %q", ending, loaded)
			}
			if err := os.RemoveAll(inTheWay); err != nil {
				t.Fatal(err)
			}
			time.Sleep(retryAfter)
			synctest.Wait()
			if _, err := j.Trouble(); err != nil {
				t.Errorf("%s: %v", ending, err)
			}
			stop()
			_, loaded, _, stop = begin(t, dir)
			stop()
			if want := []string{"checkpoint second", "1 after"}; !slices.Equal(loaded, want) {
				t.Errorf("%s: loaded %q", ending, loaded)
			}
		})
	}
}

// What a checkpoint replaces need not come to the disk any more: that it could not is no
// trouble, and no reason for another checkpoint.
func TestCheckpointReplacesWhatCannotBeSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log simtest.Log
		j, _, _, stop := beginLogging(t, t.TempDir(), log.Logger())
		j.Checkpoint(text("first"))
		j.Append(Record{Data: []byte("r")})
		synctest.Wait()
		_ = j.segment.Close()
		j.Checkpoint(text("second"))
		time.Sleep(3 * syncEvery)
		synctest.Wait()
		if _, incomplete := j.Written(); incomplete || log.String() != "" {
			t.Errorf("incomplete %t, and the log says:\n%s", incomplete, log.String())
		}
		stop()
	})
}
