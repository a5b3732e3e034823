package gateway

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// messages returns payloads of many sizes, some far larger than any window.
func messages(rng *rand.Rand) [][]byte {
	var out [][]byte
	for _, size := range []int{1, 10, 500, 4096, 32 << 10, 32<<10 - 1, 64 << 10, 128 << 10, 128<<10 + 1, 300_000, 2_000_000, 7} {
		m := make([]byte, size)
		for i := range m {
			if rng.IntN(3) > 0 {
				m[i] = "abcdefgh"[i%8]
			} else {
				m[i] = byte(rng.IntN(256))
			}
		}
		out = append(out, m)
	}
	return out
}

// Statements: G-115.
func TestZlibStreamOverFrames(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var wire bytes.Buffer
		w := zlib.NewWriter(&wire)
		in := newInflater(CompressZlib)
		for n, want := range messages(rng) {
			wire.Reset()
			_, _ = w.Write(want)
			_ = w.Flush()
			frames := split(rng, wire.Bytes(), 1+rng.IntN(7))
			var got []byte
			var size int64
			for i, frame := range frames {
				var done bool
				var err error
				got, size, done, err = in.feed(frame, nil, 1<<30)
				if err != nil {
					t.Fatalf("seed %d message %d: %v", seed, n, err)
				}
				if done != (i == len(frames)-1) {
					t.Fatalf("seed %d message %d: done=%v after frame %d of %d", seed, n, done, i+1, len(frames))
				}
			}
			if !bytes.Equal(got, want) || size != int64(len(want)) {
				t.Fatalf("seed %d message %d: got %d bytes, want %d", seed, n, len(got), len(want))
			}
		}
		in.close()
	}
}

func split(rng *rand.Rand, p []byte, parts int) [][]byte {
	var out [][]byte
	for ; parts > 1 && len(p) > 8; parts-- {
		n := 1 + rng.IntN(len(p)-5)
		if bytes.HasSuffix(p[:n], flushMarker) {
			continue
		}
		out, p = append(out, p[:n]), p[n:]
	}
	return append(out, p)
}

// Statements: G-116.
func TestZstdStream(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var wire bytes.Buffer
	w, err := zstd.NewWriter(&wire, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	in := newInflater(CompressZstd)
	defer in.close()
	for n, want := range messages(rng) {
		wire.Reset()
		_, _ = w.Write(want)
		_ = w.Flush()
		got, size, done, err := in.feed(wire.Bytes(), nil, 1<<30)
		if err != nil || !done {
			t.Fatalf("message %d: done=%v, %v", n, done, err)
		}
		if !bytes.Equal(got, want) || size != int64(len(want)) {
			t.Fatalf("message %d: got %d bytes, want %d", n, len(got), len(want))
		}
	}
}

func TestInflateKeepsToItsLimit(t *testing.T) {
	var wire bytes.Buffer
	w := zlib.NewWriter(&wire)
	in := newInflater(CompressZlib)
	defer in.close()
	bomb := strings.Repeat("0", 50<<20)
	fmt.Fprint(w, bomb)
	_ = w.Flush()
	got, size, done, err := in.feed(wire.Bytes(), nil, 1000)
	if err != nil || !done || len(got) != 1000 || size != int64(len(bomb)) {
		t.Fatalf("kept %d of %d, done=%v, %v", len(got), size, done, err)
	}
	if cap(got) > 1<<20 {
		t.Errorf("a message beyond the limit cost %d bytes", cap(got))
	}
	wire.Reset()
	fmt.Fprint(w, "the next message")
	_ = w.Flush()
	if got, _, _, err = in.feed(wire.Bytes(), nil, 1000); err != nil || string(got) != "the next message" {
		t.Fatalf("after the large one: %q, %v", got, err)
	}
}

func FuzzInflate(f *testing.F) {
	var wire bytes.Buffer
	w := zlib.NewWriter(&wire)
	fmt.Fprint(w, `{"op":10}`)
	_ = w.Flush()
	f.Add(wire.Bytes(), true)
	f.Add([]byte{0x78, 0x9c, 0, 0, 0xff, 0xff}, true)
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 0, 0, 0}, false)
	f.Fuzz(func(t *testing.T, frame []byte, zlibStream bool) {
		c := CompressZstd
		if zlibStream {
			c = CompressZlib
		}
		in := newInflater(c)
		defer in.close()
		for range 2 {
			if got, _, _, err := in.feed(frame, nil, 1<<16); err == nil && len(got) > 1<<16 {
				t.Fatal("limit exceeded")
			} else if err != nil {
				return
			}
		}
	})
}

// Whatever messages are compressed into one stream, in whatever frames they come,
// the same messages come out of it.
// Statements: G-115, G-116.
func FuzzInflateWhole(f *testing.F) {
	f.Add([]byte(`{"op":10,"d":{"heartbeat_interval":41250}}`), []byte(`{"op":11}`), uint16(3), true)
	f.Add([]byte(strings.Repeat("abc", 20_000)), []byte{}, uint16(40_000), true)
	f.Add([]byte{0, 0, 0xff, 0xff}, []byte{0, 0, 0xff, 0xff}, uint16(2), true)
	f.Add([]byte(strings.Repeat("x", 32<<10)), []byte("x"), uint16(1), false)
	f.Fuzz(func(t *testing.T, first, second []byte, cut uint16, zlibStream bool) {
		var wire bytes.Buffer
		var w interface {
			Write([]byte) (int, error)
			Flush() error
		} = zlib.NewWriter(&wire)
		in := newInflater(CompressZlib)
		if !zlibStream {
			encoder, err := zstd.NewWriter(&wire, zstd.WithEncoderConcurrency(1))
			if err != nil {
				t.Fatal(err)
			}
			w, in = encoder, newInflater(CompressZstd)
		}
		defer in.close()
		for _, want := range [][]byte{first, second, first} {
			wire.Reset()
			_, _ = w.Write(want)
			_ = w.Flush()
			frames := [][]byte{wire.Bytes()}
			// Only a zlib message may come in several frames, and then none but the
			// last ends like a message (G-115).
			if at := int(cut); zlibStream && at < wire.Len() && !bytes.HasSuffix(wire.Bytes()[:at], flushMarker) {
				frames = [][]byte{wire.Bytes()[:at], wire.Bytes()[at:]}
			}
			if wire.Len() == 0 {
				continue // nothing to send
			}
			for i, frame := range frames {
				got, size, done, err := in.feed(frame, nil, 1<<20)
				last := i == len(frames)-1
				if err != nil || done != last {
					t.Fatalf("frame %d of %d: done %t, %v", i+1, len(frames), done, err)
				}
				if last && (!bytes.Equal(got, want[:min(len(want), 1<<20)]) || size != int64(len(want))) {
					t.Fatalf("%d bytes came out of %d", size, len(want))
				}
			}
		}
	})
}

// A message that ends exactly where the window does leaves flate nothing to
// hand over at the flush; it must not take that for the end of the stream.
func TestZlibMessageEndsAtTheWindow(t *testing.T) {
	var wire bytes.Buffer
	w := zlib.NewWriter(&wire)
	in := newInflater(CompressZlib)
	defer in.close()
	for n, size := range []int{32 << 10, 100, 32<<10 - 100, 64 << 10, 5, 32<<10 - 5, 1} {
		wire.Reset()
		want := strings.Repeat("x", size)
		fmt.Fprint(w, want)
		_ = w.Flush()
		got, _, done, err := in.feed(wire.Bytes(), nil, 1<<30)
		if err != nil || !done || string(got) != want {
			t.Fatalf("message %d of %d bytes: got %d, done=%v, %v", n, size, len(got), done, err)
		}
	}
}

// Given a first message that is no zlib stream, or one that wants a dictionary that was
// never agreed on, then the stream is refused for its header, however well the rest could be
// read.
//
// Statements: G-117.
func TestWhatIsNoZlibIsRefused(t *testing.T) {
	var wire bytes.Buffer
	w := zlib.NewWriter(&wire)
	fmt.Fprint(w, `{"op":11}`)
	_ = w.Flush()
	body := wire.Bytes()[2:]
	feed := func(header ...byte) error {
		got, _, done, err := newInflater(CompressZlib).feed(append(header, body...), nil, 1<<20)
		if done != (err == nil) || err == nil && string(got) != `{"op":11}` {
			t.Errorf("%#x: done %t, %q, %v", header, done, got, err)
		}
		return err
	}
	for name, header := range map[string][]byte{
		"gzip": {0x1f, 0x8b}, "a wrong check": {0x78, 0x9d}, "another method": {0x79, 0x18}, "a larger window": {0x88, 0x1c}, "a dictionary": {0x78, 0xbb},
	} {
		if err := feed(header...); !errors.Is(err, errNotZlib) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, header := range [][]byte{{0x78, 0x01}, {0x78, 0x9c}, {0x78, 0xda}, {0x08, 0x1d}} {
		if err := feed(header...); err != nil {
			t.Errorf("%#x: %v", header, err)
		}
	}
}

// Given compressed frames without an end, or a few bytes that become very many, then no
// more is kept of them than the limit.
func TestNoBombGrowsBeyondTheLimit(t *testing.T) {
	const limit = 1 << 20
	z := &zlibInflater{}
	frame := make([]byte, 64<<10) // it does not end with the marker
	for i := range frame {
		frame[i] = 1
	}
	var err error
	for n := 0; err == nil; n++ {
		if _, _, _, err = z.feed(frame, nil, limit); n > 20 {
			t.Fatalf("%d bytes were kept", cap(z.frames))
		}
	}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = w.Write(make([]byte, 300<<20))
	_ = w.Flush()
	out, size, done, err := (&zlibInflater{}).feed(packed.Bytes(), nil, limit)
	if err != nil || !done || size != 300<<20 || len(out) != limit || cap(out) > limit+2*zlibBlock {
		t.Errorf("of %d bytes %d are kept in %d: %v", size, len(out), cap(out), err)
	}
}

// A message in several frames may be as long as the limit, compressed, and not a byte longer.
// The room of a huge one is given back, that of a small one is kept, and the stream goes on.
func TestSplitMessageMayBeAsLongAsTheLimit(t *testing.T) {
	var wire bytes.Buffer
	w, err := zlib.NewWriterLevel(&wire, zlib.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 3<<20))
	_ = w.Flush()
	first, second := bytes.Clone(wire.Bytes()[:2<<20]), bytes.Clone(wire.Bytes()[2<<20:])
	z := &zlibInflater{}
	feed := func(frame []byte, limit int) (bool, error) {
		_, _, done, err := z.feed(frame, nil, int64(limit))
		return done, err
	}
	if done, err := feed(first, wire.Len()); done || err != nil {
		t.Fatalf("the first frame: done %t, %v", done, err)
	}
	if done, err := feed(second, wire.Len()); !done || err != nil {
		t.Fatalf("the second frame: done %t, %v", done, err)
	}
	if cap(z.frames) > 1<<20 {
		t.Errorf("%d bytes are kept for the next message", cap(z.frames))
	}
	wire.Reset()
	fmt.Fprint(w, "a small one")
	_ = w.Flush()
	_, _ = feed(wire.Bytes()[:5], 100)
	if done, err := feed(wire.Bytes()[5:], 100); !done || err != nil || cap(z.frames) < wire.Len() {
		t.Errorf("a small one: done %t, %v; room for %d of %d bytes is kept", done, err, cap(z.frames), wire.Len())
	}
	z = &zlibInflater{}
	if _, err := feed(first, len(first)+len(second)-1); err != nil {
		t.Fatal(err)
	}
	if _, err := feed(second, len(first)+len(second)-1); !errors.Is(err, errTooLongMessage) {
		t.Errorf("one byte beyond the limit: %v", err)
	}
}

// The room of a message is used for the next one, as long as it is enough.
func TestRoomOfAMessageIsUsedAgain(t *testing.T) {
	var wire bytes.Buffer
	zlibWriter := zlib.NewWriter(&wire)
	zstdWriter, err := zstd.NewWriter(&wire, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer zstdWriter.Close()
	for compression, w := range map[Compression]interface {
		Write([]byte) (int, error)
		Flush() error
	}{CompressZlib: zlibWriter, CompressZstd: zstdWriter} {
		in := newInflater(compression)
		var room []byte
		for n := range 5 {
			wire.Reset()
			_, _ = w.Write([]byte(`{"op":11}`))
			_ = w.Flush()
			got, _, done, err := in.feed(wire.Bytes(), room[:0], 1<<20)
			if err != nil || !done || string(got) != `{"op":11}` {
				t.Fatalf("%s, message %d: done %t, %q, %v", compression, n, done, got, err)
			}
			if n > 0 && &got[0] != &room[0] {
				t.Errorf("%s: message %d has a room of its own", compression, n)
			}
			room = got
		}
		in.close()
	}
}

// panickingReader is a decompressor with a fault of its own.
type panickingReader struct{}

func (panickingReader) Read([]byte) (int, error) { panic("a fault") }

// What a decompressor panics with, other than because its input is used up, is not hidden.
func TestFaultOfADecompressorIsNotHidden(t *testing.T) {
	defer func() {
		if v := recover(); v != "a fault" {
			t.Errorf("it came to %v", v)
		}
	}()
	_, _, _ = drain(panickingReader{}, &feeder{}, nil, 1000, 100)
	t.Error("it was taken for the end of the input")
}

// A stream that breaks is an error for good, whatever it was broken by, and an end without a
// message costs nothing.
func TestBrokenStreamsEnd(t *testing.T) {
	for _, c := range []struct {
		name        string
		compression Compression
		frame       string
	}{
		{"nothing but a marker", CompressZlib, "\x00\x00\xff\xff"},
		{"one byte before the marker", CompressZlib, "\x78\x00\x00\xff\xff"},
		{"a preset dictionary", CompressZlib, "\x78\xbb\x00\x00\x00\x00\x00\xff\xff"},
		{"another method", CompressZlib, "\x77\x85\x00\x00\xff\xff"},
		{"a window beyond 32 KiB", CompressZlib, "\x88\x1c\x00\x00\xff\xff"},
		{"a wrong check", CompressZlib, "\x78\x9d\x00\x00\xff\xff"},
		{"a block that is none", CompressZlib, "\x78\x9c\xff\xff\x00\x00\xff\xff"},
		{"text", CompressZstd, "not zstd at all"},
		{"a frame cut short", CompressZstd, "\x28\xb5\x2f\xfd\x00"},
	} {
		in := newInflater(c.compression)
		if out, _, done, err := in.feed([]byte(c.frame), nil, 1000); err == nil || done {
			t.Errorf("%s: %q, done %t, no error", c.name, out, done)
		}
		in.close()
		unused := newInflater(c.compression)
		unused.close()
	}
}
