package line

import (
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Transport compressions, as the compress parameter names them.
const (
	compressNone = ""
	compressZlib = "zlib-stream"
	compressZstd = "zstd-stream"
)

// payloadCompressionFrom is the size from which payload compression compresses, in bytes.
const payloadCompressionFrom = 1 << 10

// zlibReach is how far back a message of zlib-stream refers, in bytes. A deflater that keeps
// the whole 32 KiB costs 800 KB a line and packs 4 % better.
const zlibReach = 4 << 10

// zstdWindow is the window of zstd-stream, in bytes.
const zstdWindow = 128 << 10

// compressor is the compression of one line. The line's lock guards it.
type compressor struct {
	mode    string
	payload bool   // IDENTIFY asked for payload compression
	zlib    bool   // the header of the zlib stream was written
	tail    []byte // the end of what zlib-stream has packed
	zstd    *zstd.Encoder
	sink    sink
}

// sink appends what is written to it.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// usesMessage reports whether a message of size bytes is changed by encode.
func (c *compressor) usesMessage(size int) bool {
	return c.mode != compressNone || c.payload && size > payloadCompressionFrom
}

// encode appends a compressed message to dst. Each message ends with a flush, so that the
// client can read it at once.
func (c *compressor) encode(dst, message []byte) []byte {
	c.sink.b = dst
	switch c.mode {
	case compressZlib:
		if !c.zlib {
			c.zlib = true
			c.sink.b = append(c.sink.b, 0x78, 0x9c)
		}
		// Writing to memory does not fail, here and below.
		_ = flate.StatelessDeflate(&c.sink, message, false, c.tail)
		c.keepTail(message)
	case compressZstd:
		if c.zstd == nil {
			c.zstd = zstdEncoders.Get().(*zstd.Encoder)
			c.zstd.Reset(&c.sink)
		}
		_, _ = c.zstd.Write(message)
		_ = c.zstd.Flush()
	default:
		w := zlibWriters.Get().(*zlib.Writer)
		w.Reset(&c.sink)
		_, _ = w.Write(message)
		_ = w.Close()
		zlibWriters.Put(w)
	}
	dst, c.sink.b = c.sink.b, nil
	return dst
}

// keepTail keeps the last zlibReach bytes of the stream.
func (c *compressor) keepTail(message []byte) {
	if c.tail == nil {
		c.tail = make([]byte, 0, zlibReach)
	}
	message = message[max(0, len(message)-zlibReach):]
	if old := zlibReach - len(message); len(c.tail) > old {
		c.tail = append(c.tail[:0], c.tail[len(c.tail)-old:]...)
	}
	c.tail = append(c.tail, message...)
}

// release gives the encoder back. The compressor must not be used after it.
func (c *compressor) release() {
	if c.zstd != nil {
		c.zstd.Reset(nil)
		zstdEncoders.Put(c.zstd)
		c.zstd = nil
	}
}

var zstdEncoders = sync.Pool{New: func() any {
	// The options are constant, so they are not refused.
	w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
	return w
}}

var zlibWriters = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	return w
}}
