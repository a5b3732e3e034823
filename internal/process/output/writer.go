// Package output writes to streams that may stop taking what is written: a console whose
// reader has gone or only looks at it, a disk that hangs.
//
// A [Writer] takes everything at once and hands it to the stream on a goroutine of its
// own, so that no stream can keep the program waiting. What a stream does not take in
// time is counted and left out.
package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// DefaultLimit is how many bytes wait for a stream: some 8,000 lines of a log.
	DefaultLimit = 1 << 20
	// StuckAfter is how long a write may take before it counts as trouble.
	StuckAfter = 5 * time.Second
	// retryAfter is how long a stream that refused a write is left alone.
	retryAfter = 5 * time.Second
	// fullPause is the time between two looks at a stream that is full and does not
	// block.
	fullPause = 20 * time.Millisecond
	// chunk is how many bytes are written at once. A pipe takes so many in one piece,
	// so lines of two streams that share one do not run into each other.
	chunk = 4 << 10
	// keep is the size of a buffer that is kept for the next lines, in bytes.
	keep = 64 << 10
)

// Writer passes what is written on to a stream, in order, without waiting for it. Make
// it with [New] or [Open].
//
// All methods may be called at the same time. There is a goroutine only while something
// waits; [Writer.Wait] waits for it. A goroutine that is stuck in a write of the stream
// is left behind.
type Writer struct {
	to    io.Writer
	limit int
	// divert leads what else writes to the stream away from it, and back; nil without
	// such. It does not block.
	divert func(away bool)
	shown  *os.File // what [File] returns; nil: to

	mu      sync.Mutex
	tell    func(Trouble)
	waiting []byte        // what is to be sent after sending
	sending []byte        // what the goroutine sends
	sent    int           // bytes of sending that are through
	drained chan struct{} // closed when nothing waits any more; nil while nothing does
	closed  bool

	began    time.Time // of the write under way; zero without one
	timer    *time.Timer
	stuck    bool
	err      error // of the last write
	refused  error // the first error since the trouble began
	failedAt time.Time
	since    time.Time // when the trouble began; zero without any
	missed   int       // lines left out since
}

// Trouble is that a stream does not take what is written.
type Trouble struct {
	// Err is why a write failed. Without it a write does not return, or lines came
	// faster than the stream takes them.
	Err error
	// Stuck is that a write did not return within [StuckAfter].
	Stuck bool
	// Over is that all that waited is through, after this time and without this many
	// lines.
	Over   bool
	Took   time.Duration
	Missed int
}

// New returns a Writer to a stream. At most limit bytes wait for it; 0 is
// [DefaultLimit].
func New(to io.Writer, limit int) *Writer {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Writer{to: to, limit: limit}
}

// Tell has tell called when trouble begins and when it is over, in place of the one
// before. It runs on a goroutine of the Writer and may write to it.
func (w *Writer) Tell(tell func(Trouble)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell = tell
}

// Write takes p as a whole or counts it as missed. It never waits and never fails. A
// quarter of the room is kept for [Writer.WriteUrgent].
func (w *Writer) Write(p []byte) (int, error) {
	w.put(p, false)
	return len(p), nil
}

// WriteUrgent is Write for what should be there even if other lines are missing.
func (w *Writer) WriteUrgent(p []byte) { w.put(p, true) }

func (w *Writer) put(p []byte, urgent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	waits := len(w.waiting) + len(w.sending) - w.sent
	room := w.limit - waits
	if !urgent {
		room -= w.limit / 4
	}
	switch {
	case w.closed || len(p) == 0:
	case w.err != nil && time.Since(w.failedAt) < retryAfter,
		// Until the gap has been told, nothing comes behind it.
		w.missed > 0 && w.drained != nil && !urgent,
		waits > 0 && len(p) > room:
		w.miss(lines(p), time.Now())
	default:
		w.waiting = append(w.waiting, p...)
		if w.drained == nil {
			w.drained = make(chan struct{})
			go w.drain()
		}
	}
}

// miss counts lines that the stream does not get. The caller holds mu.
func (w *Writer) miss(lines int, since time.Time) {
	w.missed += lines
	if w.since.IsZero() {
		w.since = since
	}
}

// lines counts lines; a part of one counts.
func lines(p []byte) int {
	n := bytes.Count(p, []byte("\n"))
	if len(p) > 0 && p[len(p)-1] != '\n' {
		n++
	}
	return n
}

// drain sends until nothing waits.
func (w *Writer) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		piece := w.next()
		if len(piece) == 0 {
			if w.since.IsZero() || w.err != nil {
				break
			}
			w.report(w.recovered()) // may write
			continue
		}
		w.send(piece)
	}
	close(w.drained)
	w.drained = nil
}

// next returns what is sent next: whole lines as far as possible. The caller holds mu.
func (w *Writer) next() []byte {
	if w.sent == len(w.sending) {
		w.sending, w.waiting, w.sent = w.waiting, w.sending[:0], 0
		if cap(w.waiting) > keep {
			w.waiting = nil
		}
	}
	rest := w.sending[w.sent:]
	if len(rest) <= chunk {
		return rest
	}
	if end := bytes.LastIndexByte(rest[:chunk], '\n'); end >= 0 {
		return rest[:end+1]
	}
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		return rest[:end+1]
	}
	return rest
}

// send writes a piece and notes what came of it. The caller holds mu, which is free
// meanwhile.
func (w *Writer) send(piece []byte) {
	w.began = time.Now()
	if w.timer == nil {
		w.timer = time.AfterFunc(StuckAfter, w.overdue)
	} else {
		w.timer.Reset(StuckAfter)
	}
	w.mu.Unlock()
	n, err := write(w.to, piece)
	w.mu.Lock()
	w.timer.Stop()
	w.began = time.Time{}
	first := w.err == nil
	w.err = err
	if err == nil {
		w.sent += n
		return
	}
	w.failedAt = time.Now()
	w.miss(lines(w.sending[w.sent+n:])+lines(w.waiting), w.failedAt)
	w.sending, w.waiting, w.sent = nil, nil, 0
	if w.refused == nil {
		w.refused = err
	}
	if first {
		w.report(Trouble{Err: err})
	}
}

// write writes a piece as a whole. A stream that another program has made one that does
// not block is full for a while and no failure.
func write(to io.Writer, piece []byte) (sent int, err error) {
	for {
		n, err := to.Write(piece[sent:])
		sent += n
		switch {
		case errors.Is(err, syscall.EAGAIN):
			time.Sleep(fullPause)
		case err == nil && sent < len(piece):
			return sent, io.ErrShortWrite
		default:
			return sent, err
		}
	}
}

// overdue is called when a write has taken long.
func (w *Writer) overdue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck || w.began.IsZero() || time.Since(w.began) < StuckAfter {
		return
	}
	w.stuck = true
	if w.since.IsZero() || w.since.After(w.began) {
		w.since = w.began
	}
	if w.divert != nil {
		w.divert(true)
	}
	w.report(Trouble{Stuck: true})
}

// recovered ends the trouble and describes it. The caller holds mu.
func (w *Writer) recovered() Trouble {
	t := Trouble{Over: true, Err: w.refused, Stuck: w.stuck, Took: time.Since(w.since), Missed: w.missed}
	if w.stuck && w.divert != nil {
		w.divert(false)
	}
	w.stuck, w.refused, w.since, w.missed = false, nil, time.Time{}, 0
	return t
}

// report tells of trouble. The caller holds mu, which is free meanwhile.
func (w *Writer) report(t Trouble) {
	tell := w.tell
	if tell == nil || w.closed {
		return
	}
	w.mu.Unlock()
	defer w.mu.Lock()
	tell(t)
}

// Wait waits until all that was written before is through or given up, or until ctx
// ends.
func (w *Writer) Wait(ctx context.Context) error {
	w.mu.Lock()
	drained := w.drained
	w.mu.Unlock()
	if drained == nil {
		return nil
	}
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the output is not taken: %w", context.Cause(ctx))
	}
}

// Close has later writes and later trouble pass without a trace. What waits still goes
// to the stream.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}
