package world_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

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
		if _, err := world.Decode(bytes.NewReader(written[:i])); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Fatalf("with the first %d bytes the error is %v", i, err)
		}
		damaged := slices.Clone(written)
		damaged[i] ^= 1 << (i % 8)
		if _, err := world.Decode(bytes.NewReader(damaged)); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Fatalf("with another byte %d the error is %v", i, err)
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
		"many guilds":      number(1, 0, 1<<22),
		"many members":     number(1, 0, 1, 5, 0, 0, 1<<26),
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
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if w, err := world.Decode(bytes.NewReader(checkpointOf(body))); err == nil {
			t.Errorf("%s: it was taken, with the guilds %v", name, w.Guilds())
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Errorf("%s: it cost %d bytes", name, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

// Given a whole checkpoint of a later version, when it is read, then it is an error.
func TestCheckpointOfAnotherVersionIsAnError(t *testing.T) {
	file := checkpointOf([]byte{1, 0, 0})
	if _, err := world.Decode(bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	file = append([]byte("EVGWRLD\x02"), 1, 0, 0)
	file = binary.LittleEndian.AppendUint32(file, crc32.Checksum(file, crc32.MakeTable(crc32.Castagnoli)))
	if _, err := world.Decode(bytes.NewReader(file)); err == nil {
		t.Error("it was taken")
	}
}

// checkpointOf is a file with that body and the right checksum.
func checkpointOf(body []byte) []byte {
	file := append([]byte("EVGWRLD\x01"), body...)
	return binary.LittleEndian.AppendUint32(file, crc32.Checksum(file, crc32.MakeTable(crc32.Castagnoli)))
}

// forged is a checkpoint of guild 5, which has that text as its block and those patches, and
// guild 6, which is whole.
func forged(t *testing.T, text, patches string) []byte {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	number := binary.AppendUvarint
	guild := func(b []byte, id uint64, text, patches string) []byte {
		packed := encoder.EncodeAll([]byte(text), nil)
		b = number(number(number(number(b, id), 2), uint64(len(text))), uint64(len(packed)))
		b = append(number(append(b, packed...), uint64(len(patches))), patches...)
		return number(number(b, 0), 0)
	}
	body := number(number(number(nil, 1), 0), 2)
	return checkpointOf(guild(guild(body, 5, text, patches), 6, `{"id":"6"}`, ""))
}

// forgedPatch is a patch in the format of a checkpoint.
func forgedPatch(op, list byte, id uint64, raw string) string {
	return string(binary.AppendUvarint(binary.AppendUvarint([]byte{op, list}, id), uint64(len(raw)))) + raw
}

// Given a checkpoint whose checksum is right, when what it says of a guild is not what a world
// writes, then the guild is an error, not a lie and no panic, and the others are there.
func TestGuildThatIsNotWholeIsAnError(t *testing.T) {
	const (
		fields, put, merge, remove = 1, 3, 4, 6
		channels, roles            = 1, 3
	)
	rename := forgedPatch(fields, 0, 0, `{"name":"x"}`)
	added := forgedPatch(put, channels, 1, `{"id":"1"}`)
	for _, test := range []struct{ text, patches string }{
		{``, rename}, {` `, rename}, {`[]`, rename}, {`5`, rename}, {`{`, rename}, {`{5`, rename}, {`{"a`, rename}, {`{"a\`, rename}, {`{"a"`, rename}, {`{"a" `, rename},
		{`{"a":`, rename}, {`{"a": `, rename}, {`{"a":1`, rename}, {`{"a":1 `, rename}, {`{"a":1,`, rename}, {`{"a":1,}`, rename}, {`{"a":"1";"b":2}`, rename},
		{`{"a" 1}`, rename}, {`{"\q":1}`, rename}, {`{"a":"x}`, rename}, {`{"a":["x]}`, rename}, {`{"a":[1}`, rename}, {`{"a":,}`, rename}, {`{"a":1,"a":2}`, rename},
		{`{"channels":[,]}`, added}, {`{"channels":[{"id":"1"};{"id":"2"}]}`, added}, {`{"channels":[{"id":"1"} {"id":"2"}]}`, added}, {`{"channels":[{"id":"1"},]}`, added},
		{`{"channels":[{"id":"1"}}}`, added}, {`{"channels":[{"id" "1"}]}`, added}, {`{"channels":[{"id":"1"]}`, added}, {`{"channels":{}}`, added}, {`{"channels":[5]}`, added},
		{`{"id":"5"}`, forgedPatch(fields, 0, 0, `name`)},
		{`{"id":"5"}`, forgedPatch(fields, 0, 0, `{"a":1,"a":2}`)},
		{`{"id":"5"}`, forgedPatch(put, 0, 1, `{"id":"1"}`)},
		{`{"id":"5"}`, forgedPatch(put, channels, 1, `id`)},
		{`{"channels":[{"id":"1"}]}`, forgedPatch(merge, channels, 1, `id`)},
		{`{"id":"5"}`, forgedPatch(fields, 0, 0, `{"roles":5}`) + forgedPatch(remove, roles, 1, ``)},
	} {
		w, err := world.Decode(bytes.NewReader(forged(t, test.text, test.patches)))
		if err != nil {
			t.Fatalf("%s: %v", test.text, err)
		}
		if d, _, err := w.Guild(5); err == nil {
			t.Errorf("%s with the patches %q is %s", test.text, test.patches, d)
		}
		if d := snapshot(t, w, 6); string(d) != `{"id":"6"}` {
			t.Errorf("guild 6 is %s", d)
		}
		// Patches are folded when there are many: that fails, and the guild stays an error.
		if err := w.Apply("CHANNEL_CREATE", []byte(`{"guild_id":"5","id":"9","name":"`+strings.Repeat("x", 4096)+`"}`)); err == nil {
			t.Errorf("%s with the patches %q was folded", test.text, test.patches)
		}
		if _, _, err := w.Guild(5); err == nil {
			t.Errorf("%s has become whole", test.text)
		}
	}
}

// Given a checkpoint whose checksum is right, when a patch in it is torn or of no known kind,
// or a block is not compressed, then nothing panics, and it is an error.
func TestPatchesAndBlocksOfNoKindAreErrors(t *testing.T) {
	whole := forgedPatch(3, 1, 1, `{"id":"1"}`)
	damaged := []string{"\x00" + whole[1:], "\x09" + whole[1:], whole[:1] + "\x0a" + whole[2:], whole[:2] + "\xff", whole[:3] + "\xff", whole[:3] + "\x0b" + whole[4:]}
	for i := 1; i < len(whole); i++ {
		damaged = append(damaged, whole[:i], whole+whole[:i])
	}
	for _, patches := range damaged {
		if _, err := world.Decode(bytes.NewReader(forged(t, `{"id":"5"}`, patches))); err == nil {
			t.Errorf("the patches %q were taken", patches)
		}
	}
	for _, flags := range []byte{0, 1, 2} { // without a block, twice, and with one that is no block
		body := []byte{1, 0, 1, 5, flags}
		if flags == 2 {
			body = append(body, 9, 4, 'n', 'o', 'n', 'e')
		}
		w, err := world.Decode(bytes.NewReader(checkpointOf(append(body, 0, 0, 0))))
		if err != nil {
			t.Fatal(err)
		}
		d, status, err := w.Guild(5)
		if d != nil || (err != nil) != (flags == 2) || (status == world.Outage) != (flags != 2) {
			t.Errorf("with the flags %d the guild is %v, %q, %v", flags, status, d, err)
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
	for _, n := range []int{0, 8, 10, 20, len(written) - 2} {
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
