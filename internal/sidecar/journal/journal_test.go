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
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// begin opens a folder, loads it and starts the writer. stop ends the writer.
func begin(t *testing.T, dir string) (j *Journal, loaded []string, found bool, stop func()) {
	t.Helper()
	j, err := Open(dir, slog.New(slog.DiscardHandler))
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
		j.Append(Record{Kind: 1, Data: bytes.Repeat([]byte{byte('a' + i)}, i*3)})
	}
	stop()
	segments := j.numbers(segmentEnding)
	path := j.path(segments[len(segments)-1], segmentEnding)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"checkpoint c", "1 ", "1 bbb", "1 cccccc", "1 ddddddddd"}
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
	big := make([]byte, maxQueue/2)
	for range 3 {
		j.Append(Record{Data: big})
	}
	j.Append(Record{Data: []byte("small")})
	if _, incomplete := j.Written(); !incomplete || len(j.queue) != 2 {
		t.Errorf("incomplete %t, %d records wait", incomplete, len(j.queue))
	}
	j.Checkpoint(text(""))
	if j.Append(Record{Data: nil}); len(j.queue) != 4 {
		t.Errorf("after a checkpoint %d entries wait", len(j.queue))
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
