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

// codec packs and unpacks blocks, for a world and its clones. It may be used at the same
// time; one call of each kind runs, which bounds the memory to about 2 MB, and others wait for
// it. It is not shared by all worlds, because a test in virtual time may not use what another
// one has made.
type codec struct {
	encoder func() *zstd.Encoder // made at the first call
	decoder func() *zstd.Decoder
}

func newCodec() codec {
	return codec{
		encoder: sync.OnceValue(func() *zstd.Encoder {
			e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(blockWindow), zstd.WithEncoderCRC(false))
			if err != nil {
				panic(err) // the options are constants
			}
			return e
		}),
		decoder: sync.OnceValue(func() *zstd.Decoder {
			d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxPayload))
			if err != nil {
				panic(err) // the options are constants
			}
			return d
		}),
	}
}

// pack compresses a GUILD_CREATE.
func (c codec) pack(raw []byte) (*block, error) {
	if len(raw) > maxPayload {
		return nil, fmt.Errorf("a guild of %d bytes is larger than %d", len(raw), maxPayload)
	}
	data := c.encoder().EncodeAll(raw, make([]byte, 0, len(raw)/3))
	return &block{data: slices.Clone(data), raw: len(raw)}, nil
}

// unpack returns what was packed; the caller may change it.
func (c codec) unpack(b *block) ([]byte, error) {
	raw, err := c.decoder().DecodeAll(b.data, make([]byte, 0, min(b.raw, maxPayload)))
	if err != nil {
		return nil, fmt.Errorf("unpacking a guild: %w", err)
	}
	return raw, nil
}

// payload is a guild's block with its patches applied.
func (c codec) payload(g guild) ([]byte, error) {
	raw, err := c.unpack(g.block)
	if err != nil {
		return nil, err
	}
	return fold(raw, g.patches)
}

// minPatches is how many bytes of patches a guild may have however small its block is.
const minPatches = 2 << 10

// patched returns the guild with patches appended. It rebuilds the block when the patches
// have outgrown a quarter of it.
func (c codec) patched(g guild, patches []byte) (guild, error) {
	g.patches = append(g.patches, patches...)
	if len(g.patches) <= max(minPatches, g.block.raw/4) {
		return g, nil
	}
	raw, err := c.payload(g)
	if err != nil {
		return g, err
	}
	g.block, err = c.pack(raw)
	g.patches = nil
	return g, err
}
