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
	past   []byte // the end of what zlib-stream has packed
	buf    bytes.Buffer
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
		p.stream(f.raw)
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

// reach is how far back a message of a zlib stream refers, in bytes. It and the
// message are all that packing needs: a connection that is idle for a year holds
// no tables.
const reach = 2 << 10

// stream writes a message that may refer to those before it.
func (p *packer) stream(raw []byte) {
	p.begin()
	if p.again(raw) {
		p.brief(len(raw))
	} else {
		_ = flate.StatelessDeflate(&p.buf, raw, false, p.past)
	}
	switch {
	case len(raw) >= reach:
		p.past, raw = p.past[:0], raw[len(raw)-reach:]
	case len(p.past)+len(raw) > 2*reach:
		p.past = append(p.past[:0], p.past[len(p.past)-reach:]...)
	}
	p.past = append(p.past, raw...)
}

// begin writes the header of a zlib stream once.
func (p *packer) begin() {
	if !p.began {
		p.began = true
		p.buf.Write([]byte{0x78, 0x9c})
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
	p.begin()
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
