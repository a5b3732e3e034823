package world_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"evergreen/internal/sidecar/world"
)

// checkpoint is a world with everything in it, and what it is written as.
func checkpoint(t testing.TB) (*world.World, []byte) {
	t.Helper()
	w := withLibrary(t)
	apply(t, w, "CHANNEL_CREATE", inGuild(`"id":"103","name":"new"`))
	apply(t, w, "VOICE_STATE_UPDATE", inGuild(`"user_id":"503","channel_id":"102","member":{"user":{"id":"503"}}`))
	apply(t, w, "GUILD_CREATE", `{"id":"8","unavailable":false}`)
	apply(t, w, "GUILD_DELETE", `{"id":"8","unavailable":true}`)
	apply(t, w, "GUILD_CREATE", `{"id":"9","unavailable":true}`)
	var b bytes.Buffer
	if err := w.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return w, b.Bytes()
}

// Given a world, when it is written and read, then it is the same world: it says the same
// and goes on in the same way.
func TestCheckpointIsReadAsItWasWritten(t *testing.T) {
	w, written := checkpoint(t)
	from := bufio.NewReader(bytes.NewReader(append(slices.Clone(written), "rest"...)))
	read, err := world.Decode(from)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(from); string(rest) != "rest" {
		t.Errorf("after the checkpoint there is %q", rest)
	}
	for _, both := range []*world.World{w, read} {
		apply(t, both, "VOICE_STATE_UPDATE", inGuild(`"user_id":"503","channel_id":null`))
		apply(t, both, "GUILD_MEMBER_UPDATE", inGuild(`"user":{"id":"502"},"nick":"kept"`))
		apply(t, both, "GUILD_MEMBER_ADD", inGuild(`"user":{"id":"155149108183695360"}`))
	}
	if !slices.Equal(read.Guilds(), w.Guilds()) || !bytes.Equal(read.Ready(), w.Ready()) {
		t.Errorf("the guilds are %v and READY is %s", read.Guilds(), read.Ready())
	}
	for _, id := range w.Guilds() {
		wantSame(t, read, w, id)
	}
	var again bytes.Buffer
	if err := read.Encode(&again); err != nil {
		t.Fatal(err)
	}
	var expected bytes.Buffer
	if err := w.Encode(&expected); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), expected.Bytes()) {
		t.Error("what was read is written differently")
	}
}

// Given a checkpoint, when any byte of it has changed or its end is missing, then it is an
// error.
func TestDamagedCheckpointIsAnError(t *testing.T) {
	_, written := checkpoint(t)
	for i := range written {
		if _, err := world.Decode(bytes.NewReader(written[:i])); err == nil {
			t.Fatalf("the first %d bytes were taken", i)
		}
		damaged := slices.Clone(written)
		damaged[i] ^= 1 << (i % 8)
		if _, err := world.Decode(bytes.NewReader(damaged)); err == nil {
			t.Fatalf("it was taken with another byte %d", i)
		}
	}
}

// Given a file whose checksum is right, when a length in it promises what is not there, or
// more than there may be, then it is an error, and costs no memory.
func TestCheckpointWithAbsurdLengthsIsAnError(t *testing.T) {
	number := func(all ...uint64) (b []byte) {
		for _, n := range all {
			b = binary.AppendUvarint(b, n)
		}
		return b
	}
	const huge = 1 << 60
	for name, body := range map[string][]byte{
		"READY":            number(1, huge),
		"READY not there":  number(1, 100<<20),
		"guilds":           number(1, 0, huge),
		"no id":            number(1, 0, 1, 0, 0, 0, 0, 0),
		"two of one id":    number(1, 0, 2, 5, 0, 0, 0, 0, 5, 0, 0, 0, 0),
		"unknown flags":    number(1, 0, 1, 5, 8, 0, 0, 0),
		"block":            number(1, 0, 1, 5, 2, 10, huge),
		"unpacked block":   number(1, 0, 1, 5, 2, huge, 0),
		"patches":          number(1, 0, 1, 5, 0, huge),
		"patch of no kind": number(1, 0, 1, 5, 0, 4, 99, 0, 0, 0, 0, 0),
		"torn patch":       number(1, 0, 1, 5, 0, 4, 1, 0, 0, 9, 0, 0),
		"members":          number(1, 0, 1, 5, 0, 0, huge),
		"members not ids":  number(1, 0, 1, 5, 0, 0, 2, 7, 0, 0),
		"ids overflow":     number(1, 0, 1, 5, 0, 0, 2, 7, 1<<64-1, 0),
		"number too long":  bytes.Repeat([]byte{0xff}, 20),
	} {
		file := append([]byte("EVGWRLD\x01"), body...)
		file = binary.LittleEndian.AppendUint32(file, crc32.Checksum(file, crc32.MakeTable(crc32.Castagnoli)))
		if w, err := world.Decode(bytes.NewReader(file)); err == nil {
			t.Errorf("%s: it was taken, with the guilds %v", name, w.Guilds())
		}
	}
}

// Given a disk that fails, when a checkpoint is written or read, then the error says so.
func TestCheckpointOnAFailingDiskIsAnError(t *testing.T) {
	w, written := checkpoint(t)
	broken := errors.New("the disk is full")
	if err := w.Encode(failingWriter{broken}); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	for _, n := range []int{0, 20, len(written) - 2} {
		from := io.MultiReader(bytes.NewReader(written[:n]), iotest.ErrReader(broken))
		if _, err := world.Decode(from); !errors.Is(err, broken) {
			t.Errorf("after %d bytes the error is %v", n, err)
		}
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// FuzzDecode reads any file. Nothing panics, and a world that was read answers.
func FuzzDecode(f *testing.F) {
	_, written := checkpoint(f)
	f.Add(written)
	f.Add(written[:len(written)/2])
	f.Add([]byte("EVGWRLD\x01"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if n := len(file) - 4; n >= 0 { // with the right checksum, so that the rest is reached
			file = binary.LittleEndian.AppendUint32(slices.Clip(file[:n]), crc32.Checksum(file[:n], crc32.MakeTable(crc32.Castagnoli)))
		}
		w, err := world.Decode(bytes.NewReader(file))
		if err != nil {
			return
		}
		for _, id := range w.Guilds() {
			_, _, _ = w.Guild(id)
		}
		_ = w.Apply("CHANNEL_DELETE", []byte(inGuild(`"id":"101"`)))
		_ = w.Apply("USER_UPDATE", []byte(`{"id":"155149108183695360"}`))
	})
}
