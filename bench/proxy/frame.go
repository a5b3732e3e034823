package proxy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Opcodes of WebSocket frames.
const (
	opcodeText   = 1
	opcodeBinary = 2
	opcodeClose  = 8
	opcodePing   = 9
	opcodePong   = 10
)

// maxFrame bounds what is read.
const maxFrame = 16 << 20

// appendFrame appends a whole message. A client masks, here with zeros.
func appendFrame(dst []byte, opcode byte, masked bool, payload ...[]byte) []byte {
	size := 0
	for _, part := range payload {
		size += len(part)
	}
	var mask byte
	if masked {
		mask = 0x80
	}
	dst = append(dst, 0x80|opcode)
	switch {
	case size < 126:
		dst = append(dst, mask|byte(size))
	case size < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, mask|126), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, mask|127), uint64(size))
	}
	if masked {
		dst = append(dst, 0, 0, 0, 0)
	}
	for _, part := range payload {
		dst = append(dst, part...)
	}
	return dst
}

// readFrame reads a message of one frame into a buffer that it may grow.
func readFrame(r *bufio.Reader, buffer []byte) (opcode byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return 0, nil, err
	}
	opcode = head[0] & 0x0f
	masked, size := head[1]&0x80 != 0, uint64(head[1]&0x7f)
	switch size {
	case 126:
		_, err = io.ReadFull(r, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(r, head[:])
		size = binary.BigEndian.Uint64(head[:])
	}
	if err != nil {
		return 0, nil, err
	}
	if size > maxFrame {
		return 0, nil, errors.New("a frame is too large")
	}
	var mask [4]byte
	if masked {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return 0, nil, err
		}
	}
	if uint64(cap(buffer)) < size {
		buffer = make([]byte, size)
	}
	payload = buffer[:size]
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, err
	}
	if masked {
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
	}
	return opcode, payload, nil
}
