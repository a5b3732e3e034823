package discordsim

import (
	"bytes"
	"math/bits"
)

// Brief: how a short message goes into a zlib stream. Nearly all that Discord says
// in a quiet year is the answer to a heartbeat, the same bytes again and again. A
// compressor that makes codes to measure for each of them spends its time on the
// codes; with the fixed ones of DEFLATE (RFC 1951, 3.2.6) such an answer is one
// reference to the last.

// longestBrief is the length up to which a message is packed so, and briefReach how
// far back it looks, in bytes.
const longestBrief, briefReach = 128, 512

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

// symbol writes a literal, the end of the block or the class of a length.
func (w *bitWriter) symbol(s uint32) {
	switch {
	case s < 144:
		w.code(0x30+s, 8)
	case s < 256:
		w.code(0x190+s-144, 9)
	case s < 280:
		w.code(s-256, 7)
	default:
		w.code(0xc0+s-280, 8)
	}
}

// refer writes a reference to length bytes, 3 to 257, that stand back bytes
// before.
func (w *bitWriter) refer(length, back int) {
	if l := uint32(length - 3); l < 8 {
		w.symbol(257 + l)
	} else {
		more := uint(bits.Len32(l) - 3)
		w.symbol(257 + 4*uint32(more+1) + l>>more&3)
		w.put(l&(1<<more-1), more)
	}
	d := uint32(back - 1)
	if d < 4 {
		w.code(d, 5)
		return
	}
	more := uint(bits.Len32(d) - 2)
	w.code(2*uint32(more+1)+d>>more&1, 5)
	w.put(d&(1<<more-1), more)
}

// brief writes a message as one block with the fixed codes, and what makes a
// receiver able to read all of it.
func (p *packer) brief(raw []byte) {
	w := bitWriter{out: &p.buf}
	w.put(0b010, 3) // not the last block; fixed codes
	past := p.past[max(0, len(p.past)-briefReach):]
	for at := 0; at < len(raw); {
		from, length := -1, 0
		// A match begins with what is long enough to be worth it, and not by chance.
		if rest := raw[at:]; len(rest) >= 6 {
			if bytes.HasSuffix(past, rest) {
				from = len(past) - len(rest) // the message before said the same
			} else {
				from = bytes.LastIndex(past, rest[:6])
			}
			if from >= 0 {
				for length < len(rest) && from+length < len(past) && past[from+length] == rest[length] {
					length++
				}
			}
		}
		if from < 0 {
			w.symbol(uint32(raw[at]))
			at++
			continue
		}
		w.refer(length, len(past)-from+at)
		at += length
	}
	w.symbol(256)
	w.put(0, 3) // an empty block, stored: it ends on a whole byte
	if w.n > 0 {
		w.put(0, 8-w.n)
	}
	p.buf.Write([]byte{0x00, 0x00, 0xff, 0xff})
}
