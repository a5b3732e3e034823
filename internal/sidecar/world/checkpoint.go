package world

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
	"slices"
)

// A checkpoint is, in this order: checkpointMagic; the bot's id; READY; the number of guilds;
// for each guild, by ascending id, its id, its flags, its block if it has one, its patches,
// its members, its guests; and the CRC-32C of all that in 4 bytes. Numbers are unsigned
// varints. Bytes have their length before them, a block also its size before compression.
// Ids of a list are ascending, each written as its distance from the one before.

// checkpointMagic begins a checkpoint. Its last byte is the version of the format.
const checkpointMagic = "EVGWRLD\x01"

const (
	maxGuilds = 1 << 22
	maxIDs    = 1 << 26

	flagOutage = 1
	flagBlock  = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errCheckpoint is the error for a file that is not a checkpoint, or not a whole one.
var errCheckpoint = errors.New("the checkpoint of the guilds is damaged, or is not one")

// Encode writes the world as a checkpoint for [Decode].
func (w *World) Encode(to io.Writer) error {
	sum := crc32.New(castagnoli)
	buffered := bufio.NewWriter(to)
	e := encodeWriter{w: io.MultiWriter(buffered, sum)}
	e.write([]byte(checkpointMagic))
	e.number(w.self)
	e.bytes(w.ready)
	e.number(uint64(len(w.guilds)))
	for _, id := range w.Guilds() {
		e.number(id)
		e.guild(w.guilds[id])
	}
	e.write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	err := e.err
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return fmt.Errorf("writing a checkpoint of the guilds: %w", err)
	}
	return nil
}

// encodeWriter writes the parts of a checkpoint until the first error.
type encodeWriter struct {
	w   io.Writer
	err error
}

func (e *encodeWriter) write(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *encodeWriter) number(n uint64) { e.write(binary.AppendUvarint(nil, n)) }

func (e *encodeWriter) bytes(b []byte) {
	e.number(uint64(len(b)))
	e.write(b)
}

func (e *encodeWriter) ids(ids []uint64) {
	e.number(uint64(len(ids)))
	before := uint64(0)
	for _, id := range ids {
		e.number(id - before)
		before = id
	}
}

func (e *encodeWriter) guild(g guild) {
	flags := uint64(0)
	if g.outage {
		flags |= flagOutage
	}
	if g.block != nil {
		flags |= flagBlock
	}
	e.number(flags)
	if g.block != nil {
		e.number(uint64(g.block.raw))
		e.bytes(g.block.data)
	}
	e.bytes(g.patches)
	e.ids(g.members)
	e.ids(g.guests)
}

// Decode reads a checkpoint that [World.Encode] wrote. A torn, damaged or foreign one is an
// error. From a [bufio.Reader] it reads nothing beyond the checkpoint. What the blocks hold
// is not unpacked here.
func Decode(from io.Reader) (*World, error) {
	d := decodeReader{r: bufio.NewReader(from), sum: crc32.New(castagnoli)}
	w := d.world()
	sum := d.sum.Sum32()
	trailer := d.read(4)
	if d.err == nil && binary.LittleEndian.Uint32(trailer) != sum {
		d.err = errCheckpoint
	}
	if d.err != nil {
		return nil, fmt.Errorf("reading a checkpoint of the guilds: %w", d.err)
	}
	return w, nil
}

// decodeReader reads the parts of a checkpoint until the first error; then they are zero.
type decodeReader struct {
	r    *bufio.Reader
	sum  hash.Hash32
	last [1]byte // the byte that ReadByte has read
	err  error
}

// ReadByte makes a decodeReader something that varints are read from.
func (d *decodeReader) ReadByte() (byte, error) {
	c, err := d.r.ReadByte()
	if err == nil {
		d.last[0] = c
		_, _ = d.sum.Write(d.last[:]) // a hash never fails
	}
	return c, err
}

func (d *decodeReader) fail(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCheckpoint
	}
	if d.err == nil {
		d.err = err
	}
}

// number reads a number up to most.
func (d *decodeReader) number(most uint64) uint64 {
	if d.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(d)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		d.fail(err)
	case err != nil || n > most:
		d.fail(errCheckpoint)
	default:
		return n
	}
	return 0
}

// read reads n bytes. Memory grows with what is there, not with what a length promises.
func (d *decodeReader) read(n uint64) []byte {
	if d.err != nil || n == 0 {
		return nil
	}
	var b bytes.Buffer
	if _, err := io.CopyN(io.MultiWriter(&b, d.sum), d.r, int64(n)); err != nil {
		d.fail(err)
		return nil
	}
	return bytes.Clone(b.Bytes())
}

func (d *decodeReader) bytes() []byte { return d.read(d.number(maxPayload)) }

// ids reads ascending ids.
func (d *decodeReader) ids() []uint64 {
	var ids []uint64
	before := uint64(0)
	for range d.number(maxIDs) {
		id := before + d.number(math.MaxUint64)
		if id <= before {
			d.fail(errCheckpoint)
		}
		if d.err != nil {
			return nil
		}
		ids, before = append(ids, id), id
	}
	return slices.Clip(ids)
}

func (d *decodeReader) world() *World {
	if string(d.read(uint64(len(checkpointMagic)))) != checkpointMagic {
		d.fail(errCheckpoint)
	}
	w := New(Options{})
	w.self, w.ready = d.number(math.MaxUint64), d.bytes()
	before := uint64(0)
	for range d.number(maxGuilds) {
		id := d.number(math.MaxUint64)
		if id <= before {
			d.fail(errCheckpoint)
		}
		g := d.guild()
		if d.err != nil {
			return nil
		}
		w.guilds[id], before = g, id
	}
	return w
}

func (d *decodeReader) guild() (g guild) {
	flags := d.number(flagOutage | flagBlock)
	g.outage = flags&flagOutage != 0
	if flags&flagBlock != 0 {
		g.block = &block{raw: int(d.number(maxPayload)), data: d.bytes()}
	}
	g.patches = d.bytes()
	for rest := g.patches; len(rest) > 0 && d.err == nil; {
		var err error
		if _, rest, err = cutPatch(rest); err != nil {
			d.fail(errCheckpoint)
		}
	}
	g.members, g.guests = d.ids(), d.ids()
	return g
}
