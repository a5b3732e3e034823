package discordsim

import (
	"bytes"
	"math/bits"
)

// Brief: how what has just been said goes into a zlib stream once more. Nearly all
// that Discord says in a quiet year is the answer to a heartbeat, the same bytes
// again and again. A compressor that makes codes to measure for each of them spends
// its time on the codes; with the fixed ones of DEFLATE (RFC 1951, 3.2.6) such an
// answer is one reference to the last.

// shortestAgain and longestAgain are the lengths between which one reference says
// all of a message again, in bytes.
const shortestAgain, longestAgain = 3, 257

// again reports whether a message is what the stream has just said.
func (p *packer) again(raw []byte) bool {
	return len(raw) >= shortestAgain && len(raw) <= longestAgain && bytes.HasSuffix(p.past, raw)
}

// brief says the last length bytes of the stream again: one block with the fixed
// codes, and what makes a receiver able to read all of it.
func (p *packer) brief(length int) {
	w := bitWriter{out: &p.buf}
	w.put(0b010, 3) // not the last block; fixed codes
	w.refer(length)
	w.symbol(256)
	w.put(0, 3) // an empty block, stored: it ends on a whole byte
	if w.n > 0 {
		w.put(0, 8-w.n)
	}
	p.buf.Write([]byte{0x00, 0x00, 0xff, 0xff})
}

// bitWriter writes the bits of a DEFLATE block, the lowest first.
type bitWriter struct {
	out  *bytes.Buffer
	bits uint64
	n    uint
}

func (w *bitWriter) put(v uint32, n uint) {
	w.bits |= uint64(v) << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.out.WriteByte(byte(w.bits))
		w.bits >>= 8
	}
}

// code writes a Huffman code, whose highest bit comes first.
func (w *bitWriter) code(v uint32, n uint) { w.put(bits.Reverse32(v)>>(32-n), n) }

// symbol writes the end of the block, 256, or the class of a length.
func (w *bitWriter) symbol(s uint32) {
	if s < 280 {
		w.code(s-256, 7)
		return
	}
	w.code(0xc0+s-280, 8)
}

// refer writes a reference to the last length bytes, 3 to 257.
func (w *bitWriter) refer(length int) {
	if l := uint32(length - 3); l < 8 {
		w.symbol(257 + l)
	} else {
		more := uint(bits.Len32(l) - 3)
		w.symbol(257 + 4*uint32(more+1) + l>>more&3)
		w.put(l&(1<<more-1), more)
	}
	d := uint32(length - 1) // how far back, less one
	if d < 4 {
		w.code(d, 5)
		return
	}
	more := uint(bits.Len32(d) - 2)
	w.code(2*uint32(more+1)+d>>more&1, 5)
	w.put(d&(1<<more-1), more)
}
