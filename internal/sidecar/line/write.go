package line

import (
	"sync"
	"time"
)

// maxPooled is the largest buffer that is kept for reuse, in bytes.
const maxPooled = 256 << 10

// buffers are shared by all lines, so that one that has nothing to send holds none.
var buffers = sync.Pool{New: func() any {
	const size = 64 << 10
	return &buffer{make([]byte, 0, size)}
}}

type buffer struct{ b []byte }

// takeBuffer returns an empty buffer.
func takeBuffer() *buffer { return buffers.Get().(*buffer) }

// free gives a buffer back.
func (b *buffer) free() {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// queueMessage queues a message that consists of three parts, as one or as none. The caller
// holds the lock, as it does for all queue functions.
func (l *Line) queueMessage(head, d, tail []byte) {
	if l.out == nil {
		l.out = takeBuffer()
	}
	size := len(head) + len(d) + len(tail)
	if !l.compressor.usesMessage(size) {
		out := appendFrameHeader(l.out.b, opcodeText, size)
		l.out.b = append(append(append(out, head...), d...), tail...)
		return
	}
	message := takeBuffer()
	message.b = append(append(append(message.b, head...), d...), tail...)
	start := len(l.out.b)
	l.out.b = insertFrameHeader(l.compressor.encode(l.out.b, message.b), start, opcodeBinary)
	message.free()
}

// queueControl queues a ping, a pong or a close frame.
func (l *Line) queueControl(frame func(dst []byte) []byte) {
	if l.out == nil {
		l.out = takeBuffer()
	}
	l.out.b = frame(l.out.b)
}

// queueDue queues what is due: ACKs, a pong that is owed, a ping. ACKs and pongs wait while
// the client does not read, so that a flood of heartbeats fills no memory; a ping never
// follows an unanswered one.
func (l *Line) queueDue(now time.Time) {
	for l.hasRoom() && l.acks.take(now) {
		l.queueMessage(ackPayload, nil, nil)
	}
	if l.owesPong && l.hasRoom() {
		l.owesPong = false
		l.queueControl(func(dst []byte) []byte { return appendFrame(dst, opcodePong, l.owedPong) })
	}
	if l.flow.pingDue(now) {
		payload := l.flow.sendPing()
		l.queueControl(func(dst []byte) []byte { return appendFrame(dst, opcodePing, payload) })
	}
}

// hasRoom reports whether a message may be queued.
func (l *Line) hasRoom() bool { return l.out == nil || len(l.out.b) < highWater }

// write writes what is queued until the close frame is out, nothing more is to be written, or
// a write fails.
func (l *Line) write() {
	for {
		batch, last := l.takeBatch()
		if batch != nil {
			if err := l.writeBatch(batch.b); err != nil {
				l.writeFailed(err)
				return
			}
			batch.free()
		}
		if last {
			l.limitAnswer()
			return
		}
		if batch == nil {
			<-l.toWrite
		}
	}
}

// limitAnswer limits the wait for the client's answer to a close frame that was written.
func (l *Line) limitAnswer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if by := time.Now().Add(answerTimeout); by.Before(l.closeBy) {
		_ = l.conn.SetReadDeadline(by)
	}
}

// takeBatch returns what is to be written, nil for nothing, and whether nothing follows.
func (l *Line) takeBatch() (batch *buffer, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		if l.goodbye == nil {
			return nil, true
		}
		l.queueControl(func(dst []byte) []byte { return append(dst, l.goodbye...) })
		last = true
	}
	if l.out == nil {
		return nil, last
	}
	now := time.Now()
	batch, l.out = l.out, nil
	l.flow.take(now)
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
	if !last {
		l.queueDue(now) // what had no room
	}
	l.wakeKeeper()
	return batch, last
}

// writeFailed has the line end, but not at once: a client that has closed sent a close frame
// before, which may not have been read yet, and a line that was closed is not a lost one.
func (l *Line) writeFailed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != nil {
		l.drop()
		return
	}
	l.writeError, l.endBy = err, time.Now().Add(closeTimeout)
	l.wakeKeeper()
}

// writeBatch writes without a deadline, but for the one that the line's end has set.
func (l *Line) writeBatch(b []byte) error {
	for len(b) > 0 {
		n, err := l.conn.Write(b[:min(len(b), maxWrite)])
		if err != nil {
			return err
		}
		b = b[n:]
		l.update(func(now time.Time) {
			if len(b) > 0 {
				l.flow.progressed(now)
			} else {
				l.flow.wrote(now)
			}
		})
	}
	return nil
}
