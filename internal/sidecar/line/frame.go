package line

import "encoding/binary"

// Opcodes of WebSocket frames (RFC 6455).
const (
	opcodeText   = 1
	opcodeBinary = 2
	opcodeClose  = 8
	opcodePing   = 9
	opcodePong   = 10
)

// maxFrameHeader is the longest header of a frame that a server sends, in bytes.
const maxFrameHeader = 10

// appendFrameHeader appends the header of a whole, unmasked frame with a payload of n bytes.
func appendFrameHeader(dst []byte, opcode byte, n int) []byte {
	const final = 1 << 7
	switch {
	case n < 126:
		return append(dst, final|opcode, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, final|opcode, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, final|opcode, 127), uint64(n))
	}
}

// appendFrame appends a whole frame.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	return append(appendFrameHeader(dst, opcode, len(payload)), payload...)
}

// insertFrameHeader puts a header in front of the payload that begins at dst[start], which
// must be the last of dst. The opcode and the length of a compressed message are known only
// once it is there.
func insertFrameHeader(dst []byte, start int, opcode byte) []byte {
	var room [maxFrameHeader]byte
	header := appendFrameHeader(room[:0], opcode, len(dst)-start)
	dst = append(dst, header...)
	copy(dst[start+len(header):], dst[start:len(dst)-len(header)])
	copy(dst[start:], header)
	return dst
}
