package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/simtest"
)

// begin opens a folder, loads it and starts the writer. stop ends the writer.
func begin(t *testing.T, dir string) (j *Journal, loaded []string, found bool, stop func()) {
	t.Helper()
	return beginLogging(t, dir, slog.New(slog.DiscardHandler))
}

func beginLogging(t *testing.T, dir string, log *slog.Logger) (j *Journal, loaded []string, found bool, stop func()) {
	t.Helper()
	j, err := Open(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	found, err = j.Load(func(r io.Reader) error {
		content, err := io.ReadAll(r)
		loaded = append(loaded, "checkpoint "+string(content))
		return err
	}, func(kind byte, data []byte) error {
		loaded = append(loaded, fmt.Sprintf("%d %s", kind, data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	return j, loaded, found, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// text is a checkpoint that holds a text.
func text(content string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}
}

func TestRecordsAreThereAfterAnotherStart(t *testing.T) {
	dir := t.TempDir()
	j, loaded, found, stop := begin(t, dir)
	if found || len(loaded) > 0 {
		t.Errorf("an empty folder holds %q", loaded)
	}
	j.Checkpoint(text("first"))
	kept := make(chan string, 9)
	for i := range 3 {
		name := fmt.Sprint("record ", i)
		j.Append(Record{Kind: byte(i), Data: []byte(name), Kept: func() { kept <- name }})
	}
	for i := range 3 {
		if got, want := <-kept, fmt.Sprint("record ", i); got != want {
			t.Errorf("%q is kept, want %q", got, want)
		}
	}
	stop()
	want := []string{"checkpoint first", "0 record 0", "1 record 1", "2 record 2"}
	j, loaded, found, stop = begin(t, dir)
	if !found || !slices.Equal(loaded, want) {
		t.Errorf("loaded %q", loaded)
	}
	j.Checkpoint(text("second"))
	j.Append(Record{Kind: 7, Data: []byte("later")})
	stop()
	_, loaded, _, stop = begin(t, dir)
	stop()
	if want := []string{"checkpoint second", "7 later"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %q", loaded)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 2 {
		t.Errorf("files %q; what a checkpoint has replaced should be gone", files)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v, %v", path, info.Mode(), err)
		}
	}
}

// Wherever a crash has cut the last segment, every record before the cut is there, in
// order, and nothing else.
func TestTornRecordEndsTheJournal(t *testing.T) {
	dir := t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("c"))
	for i := range 4 {
		j.Append(Record{Kind: 1, Data: bytes.Repeat([]byte{"abc\x00"[i]}, i*3)})
	}
	stop()
	segments := j.numbers(segmentEnding)
	path := j.path(segments[len(segments)-1], segmentEnding)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"checkpoint c", "1 ", "1 bbb", "1 cccccc", "1 " + strings.Repeat("\x00", 9)}
	load := func(content []byte) []string {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, loaded, _, stop := begin(t, dir)
		stop()
		return loaded
	}
	for cut := range len(whole) + 1 {
		loaded := load(whole[:cut])
		records, end := 1, 0
		for i := range 4 {
			if end += header + i*3; end <= cut {
				records++
			}
		}
		if !slices.Equal(loaded, all[:records]) {
			t.Fatalf("cut at %d: loaded %q", cut, loaded)
		}
	}
	for at := range whole {
		spoilt := slices.Clone(whole)
		spoilt[at] ^= 0x40
		if loaded := load(spoilt); len(loaded) >= len(all) || !slices.Equal(loaded, all[:len(loaded)]) {
			t.Fatalf("a bit of byte %d is wrong: loaded %q", at, loaded)
		}
	}
}

// A checkpoint that cannot be written costs nothing: the one before and its segments are
// there, what follows waits, and all is written once there is room.
func TestFullDiskIsToldAndTriedAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, _, _, stop := begin(t, dir)
		j.Checkpoint(text("good"))
		j.Append(Record{Kind: 1, Data: []byte("before")})
		var full, kept atomic.Bool
		full.Store(true)
		j.Checkpoint(func(w io.Writer) error {
			if full.Load() {
				return errors.New("no space left on device")
			}
			return text("later")(w)
		})
		j.Append(Record{Kind: 2, Data: []byte("after"), Kept: func() { kept.Store(true) }})
		synctest.Wait()
		if since, err := j.Trouble(); err == nil || since.IsZero() || kept.Load() {
			t.Errorf("trouble %v since %s, kept %t", err, since, kept.Load())
		}
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		_, loaded, _, stopCopy := begin(t, copied)
		stopCopy()
		if want := []string{"checkpoint good", "1 before"}; !slices.Equal(loaded, want) {
			t.Errorf("while the disk is full, a crash leaves %q", loaded)
		}
		full.Store(false)
		time.Sleep(retryAfter)
		synctest.Wait()
		if _, err := j.Trouble(); err != nil || !kept.Load() {
			t.Errorf("trouble %v, kept %t", err, kept.Load())
		}
		stop()
		_, loaded, _, stop = begin(t, dir)
		stop()
		if want := []string{"checkpoint later", "2 after"}; !slices.Equal(loaded, want) {
			t.Errorf("loaded %q", loaded)
		}
	})
}

func TestTornCheckpointIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("good"))
	j.Append(Record{Kind: 1, Data: []byte("after")})
	stop()
	for n, content := range [][]byte{[]byte("half"), {}, []byte("no checksum at all")} {
		if err := os.WriteFile(j.path(j.number+1+int64(n), checkpointEnding), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j, loaded, found, stop := begin(t, dir)
	if want := []string{"checkpoint good", "1 after"}; !found || !slices.Equal(loaded, want) {
		t.Errorf("loaded %q", loaded)
	}
	j.Checkpoint(text("next"))
	stop()
	_, loaded, _, stop = begin(t, dir)
	stop()
	if want := []string{"checkpoint next"}; !slices.Equal(loaded, want) {
		t.Errorf("after another checkpoint: %q", loaded)
	}
}

// What the disk cannot take in time is left out until the next checkpoint, so that memory
// is bounded and no record follows a gap.
func TestQueueIsBounded(t *testing.T) {
	j, err := Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	big := make([]byte, maxQueue/2+1)
	for range 2 {
		j.Append(Record{Data: big})
	}
	j.Append(Record{Data: []byte("there would be room for this one")})
	if _, incomplete := j.Written(); !incomplete || len(j.queue) != 1 {
		t.Errorf("incomplete %t, %d records wait", incomplete, len(j.queue))
	}
	j.Checkpoint(text(""))
	if j.Append(Record{Data: nil}); len(j.queue) != 3 {
		t.Errorf("after a checkpoint %d entries wait", len(j.queue))
	}
	if j.Append(Record{Data: make([]byte, maxQueue/2-1)}); len(j.queue) != 4 {
		t.Errorf("what fills the queue is left out: %d entries wait", len(j.queue))
	}
}

// Of several checkpoints that are whole, as after a crash before the older ones were deleted,
// the last one counts, and what came after it.
func TestLastCheckpointCounts(t *testing.T) {
	dir, before := t.TempDir(), t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("first"))
	j.Append(Record{Kind: 1, Data: []byte("after the first")})
	stop()
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	j, _, _, stop = begin(t, dir)
	j.Checkpoint(text("second"))
	j.Append(Record{Kind: 1, Data: []byte("after the second")})
	stop()
	if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	_, loaded, _, stop := begin(t, dir)
	stop()
	if want := []string{"checkpoint second", "1 after the second"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %q", loaded)
	}
}

// A length that no record has costs no memory.
func TestAbsurdLengthCostsNoMemory(t *testing.T) {
	dir := t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("c"))
	stop()
	if err := os.WriteFile(j.path(1, segmentEnding), bytes.Repeat([]byte{0xf0}, 2*header), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, loaded, _, stop := begin(t, dir)
	stop()
	if runtime.ReadMemStats(&after); len(loaded) != 1 || after.TotalAlloc-before.TotalAlloc > 2<<20 {
		t.Errorf("loaded %q, which cost %d bytes", loaded, after.TotalAlloc-before.TotalAlloc)
	}
}

// An error of the reader ends the loading, and what lies in a path that is no file is not
// opened.
func TestLoadingEndsWithAnError(t *testing.T) {
	dir := t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("c"))
	j.Append(Record{Data: []byte("r")})
	stop()
	wrong := errors.New("not understood")
	good := func(io.Reader) error { return nil }
	if _, err := j.Load(func(io.Reader) error { return wrong }, nil); !errors.Is(err, wrong) {
		t.Errorf("a checkpoint that is not understood: %v", err)
	}
	if _, err := j.Load(good, func(byte, []byte) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("a record that is not understood: %v", err)
	}
	if err := os.Mkdir(j.path(999, checkpointEnding), 0o700); err != nil {
		t.Fatal(err)
	}
	if found, err := j.Load(good, func(byte, []byte) error { return nil }); !found || err != nil {
		t.Errorf("with a folder in the place of a file: %t, %v", found, err)
	}
	if _, err := Open(filepath.Join(j.path(j.number, checkpointEnding), "below"), j.log); err == nil {
		t.Error("a folder below a file was made")
	}
}

// A segment that cannot be written is told once, tried again, and nothing of it is lost or
// out of order.
func TestSegmentThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log simtest.Log
		j, _, _, stop := beginLogging(t, dir, log.Logger())
		j.Checkpoint(text("c"))
		synctest.Wait()
		inTheWay := j.path(1, segmentEnding)
		if err := os.Mkdir(inTheWay, 0o700); err != nil {
			t.Fatal(err)
		}
		var kept atomic.Int64
		for i := range 3 {
			j.Append(Record{Kind: 1, Data: fmt.Append(nil, i), Kept: func() { kept.Add(1) }})
		}
		time.Sleep(3 * retryAfter)
		synctest.Wait()
		if since, err := j.Trouble(); err == nil || kept.Load() != 0 || time.Since(since) < 2*retryAfter {
			t.Errorf("trouble %v since %s, %d kept", err, since, kept.Load())
		}
		if n := strings.Count(log.String(), "cannot be kept on the disk"); n != 1 {
			t.Errorf("it is told %d times", n)
		}
		if err := os.Remove(inTheWay); err != nil {
			t.Fatal(err)
		}
		time.Sleep(retryAfter)
		synctest.Wait()
		if _, err := j.Trouble(); err != nil || kept.Load() != 3 || !log.Has("is kept on the disk again") {
			t.Errorf("trouble %v, %d kept; the log says:\n%s", err, kept.Load(), log.String())
		}
		stop()
		_, loaded, _, stop := begin(t, dir)
		stop()
		if want := []string{"checkpoint c", "1 0", "1 1", "1 2"}; !slices.Equal(loaded, want) {
			t.Errorf("loaded %q", loaded)
		}
	})
}

// Large records are written one after another, and Written says how much there is since
// the last checkpoint.
func TestManyLargeRecordsAreKeptInOrder(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, _, _, stop := begin(t, dir)
		j.Checkpoint(text("c"))
		want := []string{"checkpoint c"}
		for i := range 7 {
			data := bytes.Repeat([]byte{byte('a' + i)}, 700<<10)
			j.Append(Record{Kind: 1, Data: data})
			want = append(want, "1 "+string(data))
		}
		synctest.Wait()
		if n, incomplete := j.Written(); n != 7*(700<<10+header) || incomplete {
			t.Errorf("%d bytes are written, incomplete %t", n, incomplete)
		}
		stop()
		j, loaded, _, stop := begin(t, dir)
		if !slices.Equal(loaded, want) {
			t.Errorf("%d records are loaded, or in another order", len(loaded))
		}
		j.Checkpoint(text("d"))
		synctest.Wait()
		if n, _ := j.Written(); n != 0 {
			t.Errorf("%d bytes since the checkpoint", n)
		}
		stop()
	})
}

// What was left out counts as kept once a checkpoint after it is: nothing waits for ever.
func TestCheckpointKeepsWhatWasLeftOut(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, err := Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		var kept atomic.Int64
		count := func() { kept.Add(1) }
		j.Append(Record{Data: make([]byte, maxQueue), Kept: count})
		j.Append(Record{Data: []byte("too much"), Kept: count})
		j.Append(Record{Data: []byte("after a gap"), Kept: count})
		j.Append(Record{Data: []byte("nobody asks")})
		j.Checkpoint(text("all of it"))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- j.Run(ctx) }()
		synctest.Wait()
		if kept.Load() != 3 {
			t.Errorf("%d are kept", kept.Load())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Segments count from the latest checkpoint on, as far as there is no gap between them.
func TestSegmentsAfterAGapAreNotBelieved(t *testing.T) {
	dir := t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("c"))
	j.Append(Record{Kind: 1, Data: []byte("first")})
	stop()
	segment, err := os.ReadFile(j.path(1, segmentEnding))
	if err != nil {
		t.Fatal(err)
	}
	for number, content := range map[int64][]byte{0: segment, 2: segment, 4: segment} {
		if err := os.WriteFile(j.path(number, segmentEnding), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, loaded, _, stop := begin(t, dir)
	stop()
	if want := []string{"checkpoint c", "1 first", "1 first"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %q, want the segments 1 and 2 alone", loaded)
	}
}

// A record is kept as soon as it is there, and what was written makes room in the queue.
func TestRecordsAreKeptAtOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j, _, _, stop := begin(t, dir)
		j.Checkpoint(text("c"))
		synctest.Wait()
		if numbers := j.numbers(checkpointEnding); len(numbers) != 1 {
			t.Errorf("the checkpoint is not written at once: %v", numbers)
		}
		began, kept := time.Now(), 0
		for range 3 {
			j.Append(Record{Data: make([]byte, maxQueue*2/3), Kept: func() { kept++ }})
			synctest.Wait()
		}
		if _, incomplete := j.Written(); kept != 3 || incomplete || time.Since(began) != 0 {
			t.Errorf("%d of 3 are kept after %s, incomplete %t", kept, time.Since(began), incomplete)
		}
		stop()
	})
}

// What follows a torn record is not believed, in later segments neither.
func TestSegmentsAfterATornOneAreNotBelieved(t *testing.T) {
	dir := t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("c"))
	j.Append(Record{Kind: 1, Data: []byte("first")})
	j.Append(Record{Kind: 1, Data: []byte("second")})
	stop()
	segment, err := os.ReadFile(j.path(1, segmentEnding))
	if err != nil {
		t.Fatal(err)
	}
	for number, content := range map[int64][]byte{1: segment[:len(segment)-1], 2: segment} {
		if err := os.WriteFile(j.path(number, segmentEnding), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, loaded, _, stop := begin(t, dir)
	stop()
	if want := []string{"checkpoint c", "1 first"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %q", loaded)
	}
}

// Files of others in the folder are neither read nor deleted.
func TestFilesOfOthersAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	j, _, _, stop := begin(t, dir)
	j.Checkpoint(text("ours"))
	j.Append(Record{Kind: 1, Data: []byte("after")})
	stop()
	others := []string{"notes.txt", "x.journal", "x.checkpoint", "-00000000001.checkpoint", "-00000000001.journal", "000000000000.journal.bak", "000000000099", "99999999999999999999.checkpoint"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("of others"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"000000000098.journal", "000000000097.checkpoint"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		others = append(others, name)
	}
	j, loaded, found, stop := begin(t, dir)
	if want := []string{"checkpoint ours", "1 after"}; !found || !slices.Equal(loaded, want) || j.number > 90 {
		t.Errorf("loaded %q, number %d", loaded, j.number)
	}
	j.Checkpoint(text("next"))
	stop()
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// What comes next stands behind everything that is in the folder, believed or not, and takes
// the place of all of it.
func TestNextCheckpointTakesTheLastPlace(t *testing.T) {
	for _, last := range []string{segmentEnding, checkpointEnding} {
		dir := t.TempDir()
		j, _, _, stop := begin(t, dir)
		j.Checkpoint(text("first"))
		stop()
		if err := os.WriteFile(j.path(7, last), []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		j, loaded, _, stop := begin(t, dir)
		if want := []string{"checkpoint first"}; !slices.Equal(loaded, want) {
			t.Errorf("loaded %q", loaded)
		}
		j.Checkpoint(text("second"))
		j.Append(Record{Kind: 1, Data: []byte("after")})
		stop()
		_, loaded, _, stop = begin(t, dir)
		stop()
		if want := []string{"checkpoint second", "1 after"}; !slices.Equal(loaded, want) {
			t.Errorf("with a file %s that is torn: loaded %q", last, loaded)
		}
		if n := len(j.numbers(segmentEnding)) + len(j.numbers(checkpointEnding)); n != 2 {
			t.Errorf("%d files are there", n)
		}
	}
}
