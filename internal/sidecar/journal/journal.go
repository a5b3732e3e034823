// Package journal keeps records on a disk, so that a process that is killed finds them
// when it starts again: a [Journal]. What does not fit into memory is in a [Store], from
// which it is read one by one; checkpoints say where.
//
// A folder holds segments and checkpoints with a number each. A segment is a file that
// records are appended to. A checkpoint holds everything that came before the segment
// with its number; once it is whole, what is older is deleted. After a start the latest
// checkpoint that is whole is read, and then every segment from its number on.
//
// Nothing but the writer waits for the disk. A record counts as kept once the system has
// taken it, which survives the end of the process; once a second it is brought to the
// disk. A disk that is full or fails is told, and tried again.
package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergreen/internal/regular"
)

// Bounds of a [Journal].
const (
	// maxQueue is how many bytes may wait for the disk, and so how long a record may be. With
	// more, records are not kept until the next checkpoint.
	maxQueue = 64 << 20
	// retryAfter is how long a disk that has failed is left alone.
	retryAfter = 5 * time.Second
	syncEvery  = time.Second
)

// header is the length of what stands before each record: its length and a checksum over
// the kind and the record, then the kind.
const header = 4 + 4 + 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is one entry.
type Record struct {
	// Kind tells records apart.
	Kind byte
	// Data is kept as it is. It must not be changed any more.
	Data []byte
	// Kept is called once the record, or a checkpoint after it, is kept; not at all if
	// neither ever is. May be nil.
	Kept func()
}

// entry is what the writer has to do: write a record, or begin a segment.
type entry struct {
	Record
	checkpoint func(io.Writer) error // not nil: begin a segment, and write the checkpoint before it
}

// Journal is a folder of records. Make it with [Open]; then call Load, Checkpoint and Run,
// once each and in this order. Append and Checkpoint may be called at the same time as
// everything else.
type Journal struct {
	dir string
	log *slog.Logger

	woken chan struct{} // capacity 1

	mu        sync.Mutex
	queue     []entry
	queued    int64    // bytes
	dropped   bool     // records were not kept: only a checkpoint makes the journal whole again
	doubtful  bool     // a sync has failed: what is in the segment may be gone after the loss of power
	orphans   []func() // what is to be called for them once it has
	written   int64    // bytes since the last checkpoint
	trouble   error
	troubleAt time.Time

	// The writer owns the rest.
	number  int64
	segment *os.File
	size    int64 // of the segment, up to its last whole record
	dirty   bool  // it has records that were not brought to the disk
	unsafe  bool  // bringing some of them there has failed
}

// Open makes the folder, which only its owner may read.
func Open(dir string, log *slog.Logger) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder for what bots have not seen cannot be made: %w", err)
	}
	return &Journal{dir: dir, log: log, woken: make(chan struct{}, 1)}, nil
}

// Append keeps a record, in the order of the calls. It does not wait for the disk.
func (j *Journal) Append(r Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dropped || j.queued+int64(len(r.Data)) > maxQueue {
		j.dropped = true
		if r.Kept != nil {
			j.orphans = append(j.orphans, r.Kept)
		}
		return
	}
	j.queue = append(j.queue, entry{Record: r})
	j.queued += int64(len(r.Data))
	j.wake()
}

// Checkpoint has everything that came before it replaced by what write writes. write is
// called by the writer, later; it must describe the moment of this call.
func (j *Journal) Checkpoint(write func(io.Writer) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	orphans := j.orphans
	j.dropped, j.doubtful, j.written, j.orphans = false, false, 0, nil
	j.queue = append(j.queue, entry{checkpoint: write, Record: Record{Kept: func() {
		for _, kept := range orphans {
			kept()
		}
	}}})
	j.wake()
}

// Written returns how many bytes were appended since the last checkpoint, and whether one
// is needed because records were not kept, or may not be on the disk.
func (j *Journal) Written() (bytes int64, incomplete bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written, j.dropped || j.doubtful
}

// Trouble returns why nothing can be kept, and since when; nil while all is well.
func (j *Journal) Trouble() (since time.Time, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.troubleAt, j.trouble
}

func (j *Journal) wake() {
	select {
	case j.woken <- struct{}{}:
	default:
	}
}

// Run writes until ctx ends, and then what is left, for as long as the disk takes it.
func (j *Journal) Run(ctx context.Context) error {
	defer j.close()
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-j.woken:
		case <-tick.C:
			j.sync()
		}
		for j.writeQueue() != nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(retryAfter):
			}
		}
	}
	return j.writeQueue()
}

// writeQueue writes what is queued. What could not be written stays queued, in order.
func (j *Journal) writeQueue() error {
	for {
		j.mu.Lock()
		batch := j.queue
		j.queue = nil
		j.mu.Unlock()
		if len(batch) == 0 {
			if !j.unsafe {
				j.setTrouble(nil)
			}
			return nil
		}
		done, err := j.writeBatch(batch)
		j.mu.Lock()
		for _, e := range batch[:done] {
			j.queued -= int64(len(e.Data))
		}
		j.queue = append(slices.Clone(batch[done:]), j.queue...)
		j.mu.Unlock()
		for _, e := range batch[:done] {
			if e.Kept != nil {
				e.Kept()
			}
		}
		if err != nil {
			j.setTrouble(err)
			return err
		}
	}
}

func (j *Journal) setTrouble(err error) {
	j.mu.Lock()
	was := j.trouble
	j.trouble = err
	if was == nil && err != nil {
		j.troubleAt = time.Now()
	}
	j.mu.Unlock()
	switch {
	case err != nil && was == nil:
		j.log.Warn("What bots have not seen yet cannot be kept on the disk; it is kept in memory only", "error", err, "do", "Make room in the state folder, or let it be written to.")
	case err == nil && was != nil:
		j.log.Info("What bots have not seen yet is kept on the disk again")
	}
}

// writeBatch writes entries and returns how many were. Records of one segment are written
// with one call.
func (j *Journal) writeBatch(batch []entry) (done int, err error) {
	for done < len(batch) {
		if e := batch[done]; e.checkpoint != nil {
			if err := j.writeCheckpoint(e.checkpoint); err != nil {
				return done, err
			}
			done++
			continue
		}
		var out []byte
		end := done
		for end < len(batch) && batch[end].checkpoint == nil && (len(out) == 0 || len(out) < 1<<20) {
			out = appendRecord(out, batch[end].Record)
			end++
		}
		if err := j.writeRecords(out); err != nil {
			return done, err
		}
		done = end
	}
	return done, nil
}

func appendRecord(out []byte, r Record) []byte {
	out = binary.LittleEndian.AppendUint32(out, uint32(len(r.Data)))
	out = binary.LittleEndian.AppendUint32(out, checksum(r.Kind, r.Data))
	out = append(out, r.Kind)
	return append(out, r.Data...)
}

func checksum(kind byte, data []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte{kind}, castagnoli), castagnoli, data)
}

// writeRecords appends to the segment. What a failed write has left is cut off before the
// next one.
func (j *Journal) writeRecords(out []byte) error {
	if j.segment == nil {
		if err := j.openSegment(); err != nil {
			return err
		}
	}
	if _, err := j.segment.WriteAt(out, j.size); err != nil {
		return errors.Join(err, j.segment.Truncate(j.size))
	}
	j.size += int64(len(out))
	j.dirty = true
	j.mu.Lock()
	j.written += int64(len(out))
	j.mu.Unlock()
	return nil
}

func (j *Journal) openSegment() error {
	f, err := regular.Open(j.path(j.number, segmentEnding), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	j.segment = f
	return nil
}

// Endings of the files.
const (
	segmentEnding    = ".journal"
	checkpointEnding = ".checkpoint"
	draftEnding      = ".new"
)

func (j *Journal) path(number int64, ending string) string {
	return filepath.Join(j.dir, fmt.Sprintf("%012d%s", number, ending))
}

// writeCheckpoint begins the next segment and writes the checkpoint before it. Until that
// is whole and on the disk, what came before stays.
func (j *Journal) writeCheckpoint(write func(io.Writer) error) (err error) {
	next := j.number + 1
	path := j.path(next, checkpointEnding)
	draft, err := regular.Open(path+draftEnding, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	buffered := bufio.NewWriterSize(draft, 256<<10)
	err = write(io.MultiWriter(buffered, sum))
	if err == nil {
		err = binary.Write(buffered, binary.LittleEndian, sum.Sum32())
	}
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = draft.Sync()
	}
	if err = errors.Join(err, draft.Close()); err != nil {
		return errors.Join(err, os.Remove(path+draftEnding))
	}
	if err := os.Rename(path+draftEnding, path); err != nil {
		return err
	}
	j.syncFolder()
	j.dirty = false // the checkpoint replaces what the segment holds
	j.close()
	j.number, j.size, j.unsafe = next, 0, false
	j.deleteBefore(next)
	return nil
}

// syncFolder brings the names of the files to the disk. Otherwise the loss of power could
// undo that a checkpoint was named, and not that what it replaces was deleted. Not every
// system can do it for a folder; there nothing is done.
func (j *Journal) syncFolder() {
	if f, err := os.Open(j.dir); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// deleteBefore deletes what a checkpoint has replaced. A file that cannot be deleted costs
// room and nothing else. Checkpoints go first: without its segments one would be read as
// if nothing had come after it.
func (j *Journal) deleteBefore(number int64) {
	for _, ending := range []string{checkpointEnding, segmentEnding} {
		for _, n := range j.numbers(ending) {
			if n < number {
				_ = os.Remove(j.path(n, ending))
			}
		}
	}
}

// sync brings the segment to the disk. If that fails, the journal is in doubt until the
// next checkpoint: Linux reports a page that it could not write once, and counts it as
// written from then on.
func (j *Journal) sync() {
	if !j.dirty {
		return
	}
	j.dirty = false
	if err := j.segment.Sync(); err != nil {
		j.unsafe = true
		j.mu.Lock()
		j.doubtful = true
		j.mu.Unlock()
		j.setTrouble(err)
	}
}

func (j *Journal) close() {
	if j.segment != nil {
		j.sync()
		_ = j.segment.Close()
		j.segment = nil
	}
}

// numbers returns the numbers of the files with an ending, ascending.
func (j *Journal) numbers(ending string) (numbers []int64) {
	entries, _ := os.ReadDir(j.dir) // by name, which has as many digits as any number
	for _, e := range entries {
		n, _ := strconv.ParseUint(strings.TrimSuffix(e.Name(), ending), 10, 63)
		if j.path(int64(n), ending) == filepath.Join(j.dir, e.Name()) && e.Type().IsRegular() {
			numbers = append(numbers, int64(n))
		}
	}
	return numbers
}

// Load reads the latest checkpoint that is whole, and every record after it. checkpoint is
// given what a call of [Journal.Checkpoint] has written; false: there is none. An error of
// theirs ends it, as does a record that is torn: what follows one is not believed. After an
// error nothing of the folder is kept; the caller begins anew with a Checkpoint.
func (j *Journal) Load(checkpoint func(io.Reader) error, record func(kind byte, data []byte) error) (found bool, err error) {
	from := int64(-1)
	for _, n := range slices.Backward(j.numbers(checkpointEnding)) {
		content, err := j.readCheckpoint(n)
		if err != nil {
			j.log.Warn("A checkpoint is not used", "number", n, "error", err)
			continue
		}
		if err := checkpoint(bytes.NewReader(content)); err != nil {
			return false, fmt.Errorf("checkpoint %d: %w", n, err)
		}
		from = n
		break
	}
	segments := j.numbers(segmentEnding)
	for _, n := range segments {
		j.number = max(j.number, n)
	}
	for _, n := range j.numbers(checkpointEnding) {
		j.number = max(j.number, n)
	}
	if from < 0 {
		return false, nil
	}
	next := from
	for _, n := range segments {
		if n < from {
			continue
		}
		if n != next {
			break // one is missing
		}
		whole, err := j.loadSegment(n, record)
		if err != nil {
			return false, fmt.Errorf("segment %d: %w", n, err)
		}
		if !whole {
			break
		}
		next++
	}
	return true, nil
}

// readCheckpoint returns what a checkpoint holds, if it is whole.
func (j *Journal) readCheckpoint(number int64) ([]byte, error) {
	f, err := regular.Open(j.path(number, checkpointEnding), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	end := len(content) - 4
	if end < 0 || crc32.Checksum(content[:end], castagnoli) != binary.LittleEndian.Uint32(content[end:]) {
		return nil, errors.New("it is not whole")
	}
	return content[:end], nil
}

// loadSegment reads the records of a segment; false: it ends with a torn one.
func (j *Journal) loadSegment(number int64, record func(kind byte, data []byte) error) (whole bool, err error) {
	f, err := regular.Open(j.path(number, segmentEnding), os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, 256<<10)
	for {
		var head [header]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return errors.Is(err, io.EOF), nil
		}
		length := binary.LittleEndian.Uint32(head[:])
		if length > maxQueue {
			return false, nil
		}
		data := make([]byte, length)
		if _, err := io.ReadFull(in, data); err != nil || checksum(head[8], data) != binary.LittleEndian.Uint32(head[4:]) {
			return false, nil
		}
		if err := record(head[8], data); err != nil {
			return false, err
		}
	}
}
