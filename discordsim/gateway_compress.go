package discordsim

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// compressor is the transport compression of one connection (S-005 to S-007). It
// belongs to the goroutine that writes.
type compressor struct {
	mode          string
	perMessage    bool
	headerWritten bool
	window        []byte // the end of what zlib-stream has packed
	buf           bytes.Buffer
	zstd          *zstd.Encoder
}

// newCompressor makes the compressor for a compress parameter; nil for one that
// Discord does not know.
func newCompressor(mode string, shared bool) *compressor {
	switch mode {
	case "", "zlib-stream", "zstd-stream":
		return &compressor{mode: mode, perMessage: shared}
	}
	return nil
}

// isOff reports whether there is no transport compression.
func (c *compressor) isOff() bool { return c.mode == "" }

// splittable reports whether a message may be cut into several frames.
func (c *compressor) splittable() bool { return c.mode == "zlib-stream" }

// encode makes the bytes of one frame and says whether they are binary. The slice
// is good until the next call.
func (c *compressor) encode(f outFrame) (raw []byte, binary bool) {
	if f.corrupt {
		return c.corrupted(f.raw)
	}
	c.buf.Reset()
	switch {
	case c.mode == "zlib-stream" && c.perMessage:
		c.writeIsolated(f.raw)
	case c.mode == "zlib-stream":
		c.writeStream(f.raw)
	case c.mode == "zstd-stream":
		if c.zstd == nil {
			c.zstd, _ = zstd.NewWriter(&c.buf, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		}
		_, _ = c.zstd.Write(f.raw)
		_ = c.zstd.Flush()
	case f.compress:
		w := zlib.NewWriter(&c.buf)
		_, _ = w.Write(f.raw)
		_ = w.Close()
	default:
		return f.raw, false
	}
	return c.buf.Bytes(), true
}

// reach is how far back a message of a zlib stream refers, in bytes. A connection
// keeps no more than that between two messages, so idle ones are cheap.
const reach = 2 << 10

// writeStream writes a message that may refer to those before it.
func (c *compressor) writeStream(raw []byte) {
	c.writeHeader()
	_ = flate.StatelessDeflate(&c.buf, raw, false, c.window)
	switch {
	case len(raw) >= reach:
		c.window, raw = c.window[:0], raw[len(raw)-reach:]
	case len(c.window)+len(raw) > 2*reach:
		c.window = append(c.window[:0], c.window[len(c.window)-reach:]...)
	}
	c.window = append(c.window, raw...)
}

// writeHeader writes the header of a zlib stream once.
func (c *compressor) writeHeader() {
	if !c.headerWritten {
		c.headerWritten = true
		c.buf.Write([]byte{0x78, 0x9c})
	}
}

// deflaters are shared by connections that compress each message by itself.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed)
	return w
}}

// writeIsolated writes a message that refers to nothing before it: a valid piece of
// a zlib stream that needs no context of its own here.
func (c *compressor) writeIsolated(raw []byte) {
	c.writeHeader()
	w := deflaters.Get().(*flate.Writer)
	w.Reset(&c.buf)
	_, _ = w.Write(raw)
	_ = w.Flush()
	deflaters.Put(w)
}

// corrupted makes a frame that no decompressor accepts; without compression it is
// text that is no JSON.
func (c *compressor) corrupted(raw []byte) ([]byte, bool) {
	if c.isOff() {
		return raw, false
	}
	return append(append([]byte{0xff, 0xff, 0xff, 0xfe, 0x06}, raw...), 0x00, 0x00, 0xff, 0xff), true
}
