package discordsim

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// packer is the transport compression of one connection (S-005 to S-007). It
// belongs to the goroutine that writes.
type packer struct {
	mode   string
	shared bool
	began  bool
	buf    bytes.Buffer
	zlib   *zlib.Writer
	zstd   *zstd.Encoder
}

// newPacker makes the packer for a compress parameter; nil for one Discord does
// not know.
func newPacker(mode string, shared bool) *packer {
	switch mode {
	case "", "zlib-stream", "zstd-stream":
		return &packer{mode: mode, shared: shared}
	}
	return nil
}

// plain reports whether there is no transport compression.
func (p *packer) plain() bool { return p.mode == "" }

// splittable reports whether a message may be cut into several frames.
func (p *packer) splittable() bool { return p.mode == "zlib-stream" }

// pack makes the bytes of one frame and says whether they are binary. The slice
// is good until the next call.
func (p *packer) pack(f frame) (raw []byte, binary bool) {
	if f.corrupt {
		return p.broken(f.raw)
	}
	p.buf.Reset()
	switch {
	case p.mode == "zlib-stream" && p.shared:
		p.isolated(f.raw)
	case p.mode == "zlib-stream":
		if p.zlib == nil {
			p.zlib = streams.Get().(*zlib.Writer)
			p.zlib.Reset(&p.buf)
		}
		_, _ = p.zlib.Write(f.raw)
		_ = p.zlib.Flush()
	case p.mode == "zstd-stream":
		if p.zstd == nil {
			p.zstd, _ = zstd.NewWriter(&p.buf, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		}
		_, _ = p.zstd.Write(f.raw)
		_ = p.zstd.Flush()
	case f.zip:
		w := zlib.NewWriter(&p.buf)
		_, _ = w.Write(f.raw)
		_ = w.Close()
	default:
		return f.raw, false
	}
	return p.buf.Bytes(), true
}

// streams are the contexts of connections that are over, for those to come: each
// has a megabyte of tables, and a year has tens of thousands of connections.
var streams = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	return w
}}

// release gives up the context. Nothing is packed any more.
func (p *packer) release() {
	if p.zlib != nil {
		streams.Put(p.zlib)
		p.zlib = nil
	}
}

// flaters are shared by connections that compress each message by itself.
var flaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed)
	return w
}}

// isolated writes a message that refers to nothing before it: a valid piece of
// a zlib stream that needs no context of its own here.
func (p *packer) isolated(raw []byte) {
	if !p.began {
		p.began = true
		p.buf.Write([]byte{0x78, 0x9c})
	}
	w := flaters.Get().(*flate.Writer)
	w.Reset(&p.buf)
	_, _ = w.Write(raw)
	_ = w.Flush()
	flaters.Put(w)
}

// broken makes a frame no decompressor takes; without compression it is text
// that is no JSON.
func (p *packer) broken(raw []byte) ([]byte, bool) {
	if p.plain() {
		return raw, false
	}
	return append(append([]byte{0xff, 0xff, 0xff, 0xfe, 0x06}, raw...), 0x00, 0x00, 0xff, 0xff), true
}
