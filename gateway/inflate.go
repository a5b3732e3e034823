package gateway

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// inflater undoes the transport compression of one connection. It keeps one context as
// long as the connection lives, and a new connection gets a new one (G-115, G-116).
type inflater interface {
	// feed takes one frame. It puts what became readable into the room of out, which is
	// empty, and keeps at most limit bytes of the message; size is the length of the whole
	// message. done is false while the message needs further frames; then, and with an
	// error, message is out. An error ends the stream for good.
	feed(frame, out []byte, limit int64) (message []byte, size int64, done bool, err error)
	close()
}

// newInflater returns the inflater for a compression, nil for none.
func newInflater(c Compression) inflater {
	switch c {
	case CompressZlib:
		return &zlibInflater{}
	case CompressZstd:
		return &zstdInflater{}
	}
	return nil
}

// flushMarker ends every message of a zlib-stream (Z_SYNC_FLUSH).
var flushMarker = []byte{0x00, 0x00, 0xff, 0xff}

// errTooLongMessage means that the frames of one message have no end within the limit.
var errTooLongMessage = errors.New("zlib-stream: a compressed message exceeds the read limit")

var errUnexpectedEnd = errors.New("the compressed stream ended inside a block")

// feeder hands the bytes of one message to a decompressor and never lets it read beyond
// them.
//
// A decompressor remembers an error for good, so it must not be told that the input is
// used up while the stream goes on. Between two blocks flate asks for single bytes.
// Where its output ended exactly at the edge of its window, it asks although nothing is
// left. A panic then leaves its state as it was, and readAvailable recovers it.
type feeder struct{ rest []byte }

// noInput is the value of the panic of feeder.ReadByte.
type noInput struct{}

func (f *feeder) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		return 0, errUnexpectedEnd
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (f *feeder) ReadByte() (byte, error) {
	if len(f.rest) == 0 {
		panic(noInput{})
	}
	b := f.rest[0]
	f.rest = f.rest[1:]
	return b, nil
}

// maxBlock is more than either decompressor can have ready at once, so a read
// that leaves room free has emptied it.
const maxBlock = 128<<10 + 1

// zlibBlock is the same for zlib alone: its window.
const zlibBlock = 32<<10 + 1

type zlibInflater struct {
	frames []byte // the message so far, when it is split over frames
	in     feeder
	r      io.Reader
}

func (z *zlibInflater) feed(frame, out []byte, limit int64) ([]byte, int64, bool, error) {
	if len(z.frames) > 0 || !bytes.HasSuffix(frame, flushMarker) {
		if int64(len(z.frames)+len(frame)) > limit {
			return out, 0, false, errTooLongMessage
		}
		z.frames = append(z.frames, frame...)
		if !bytes.HasSuffix(z.frames, flushMarker) {
			return out, 0, false, nil
		}
		frame = z.frames
	}
	z.in.rest = frame
	if z.r == nil {
		if err := z.header(); err != nil {
			return out, 0, false, fmt.Errorf("zlib-stream: %w", err)
		}
		z.r = flate.NewReader(&z.in)
	}
	message, size, err := drain(z.r, &z.in, out, limit, zlibBlock)
	if cap(z.frames) > 1<<20 {
		z.frames = nil // a rare huge message must not pin its size for ever
	}
	z.frames = z.frames[:0]
	if err != nil {
		return out, 0, false, fmt.Errorf("zlib-stream: %w", err)
	}
	return message, size, true, nil
}

var errNotZlib = errors.New("it does not begin with a zlib header")

// header reads past the two bytes that a zlib stream begins with (RFC 1950). Package
// zlib is not used for what follows. It computes a checksum of all that comes out,
// which is a third of what an event costs. This stream has no end at which it would be
// compared. A message has at least the four bytes of its flushMarker.
func (z *zlibInflater) header() error {
	const deflate, preset = 8, 1 << 5
	method, flags := z.in.rest[0], z.in.rest[1]
	if method&0x0f != deflate || method>>4 > 7 || flags&preset != 0 || (int(method)<<8|int(flags))%31 != 0 {
		return errNotZlib
	}
	z.in.rest = z.in.rest[2:]
	return nil
}

// close has nothing to do: flate starts no goroutine and holds nothing but memory.
func (*zlibInflater) close() {}

type zstdInflater struct {
	in feeder
	r  *zstd.Decoder
}

func (z *zstdInflater) feed(frame, out []byte, limit int64) ([]byte, int64, bool, error) {
	z.in.rest = frame
	if z.r == nil {
		// Concurrency 1 decodes on this goroutine; more would read ahead.
		r, err := zstd.NewReader(&z.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return out, 0, false, fmt.Errorf("zstd-stream: %w", err)
		}
		z.r = r
	}
	message, size, err := drain(z.r, &z.in, out, limit, maxBlock)
	if err != nil {
		return out, 0, false, fmt.Errorf("zstd-stream: %w", err)
	}
	return message, size, true, nil
}

func (z *zstdInflater) close() {
	if z.r != nil {
		z.r.Close()
	}
}

// readAvailable reads from r. It returns 0 bytes when the feeder has nothing left.
func readAvailable(r io.Reader, p []byte) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(noInput); !ok {
				panic(v)
			}
		}
	}()
	return r.Read(p)
}

// drain reads until the decompressor has used up its input and handed over its output. It
// does not let it see that there is no more, because that error would stick. out is empty,
// and its room is used. block is the most that r can have ready at once.
func drain(r io.Reader, in *feeder, out []byte, limit int64, block int) (message []byte, size int64, err error) {
	var past int64 // bytes beyond the limit
	for {
		if cap(out)-len(out) < block {
			grown := make([]byte, len(out), int(min(int64(2*cap(out)), limit))+block)
			copy(grown, out)
			out = grown
		}
		free := out[len(out) : len(out)+block]
		n, err := readAvailable(r, free)
		if err != nil {
			return nil, 0, err
		}
		kept := min(int64(n), max(0, limit-int64(len(out))))
		out = out[:len(out)+int(kept)]
		past += int64(n) - kept
		if len(in.rest) == 0 && n < len(free) {
			return out, int64(len(out)) + past, nil
		}
	}
}
