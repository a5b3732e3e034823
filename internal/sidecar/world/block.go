package world

import (
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxPayload is the largest guild or READY that is kept, in bytes. It is as much as
	// package gateway lets in by default.
	maxPayload = 128 << 20
	// blockWindow is how far back a match may lie. A larger window saves nothing for
	// guilds of usual size, and costs memory while packing.
	blockWindow = 256 << 10
)

// block is a compressed GUILD_CREATE. It never changes, so worlds share it.
type block struct {
	data []byte
	raw  int // bytes before compression
}

// The encoder and the decoder keep nothing between two calls. One call of each runs at a
// time, which bounds their memory; others wait.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(blockWindow), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxPayload))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	})
)

// pack compresses a GUILD_CREATE.
func pack(raw []byte) (*block, error) {
	if len(raw) > maxPayload {
		return nil, fmt.Errorf("a guild of %d bytes is larger than %d", len(raw), maxPayload)
	}
	data := encoder().EncodeAll(raw, make([]byte, 0, len(raw)/3))
	return &block{data: slices.Clone(data), raw: len(raw)}, nil
}

// unpack returns what was packed; the caller may change it.
func (b *block) unpack() ([]byte, error) {
	raw, err := decoder().DecodeAll(b.data, make([]byte, 0, min(b.raw, maxPayload)))
	if err != nil {
		return nil, fmt.Errorf("unpacking a guild: %w", err)
	}
	return raw, nil
}
