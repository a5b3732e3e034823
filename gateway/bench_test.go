package gateway

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// The payloads are those that the side-by-side comparison measures its peers
// with: go test -C bench -bench . ./decode.
var benchEvents = []string{"MESSAGE_UPDATE", "GUILD_MEMBER_UPDATE", "PRESENCE_UPDATE", "GUILD_CREATE"}

// benchPayload is an event as Discord sends it.
func benchPayload(b testing.TB, event string, seq int) []byte {
	b.Helper()
	d, err := os.ReadFile(filepath.Join("..", "bench", "payloads", strings.ToLower(event)+".json"))
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Appendf(nil, `{"t":%q,"s":%d,"op":0,"d":%s}`, event, seq, bytes.TrimSpace(d))
}

// BenchmarkEnvelope reads the outside of a payload: of one that is wanted,
// and of one that is not.
func BenchmarkEnvelope(b *testing.B) {
	always := func(Opcode, []byte) bool { return true }
	for _, event := range benchEvents {
		payload := benchPayload(b, event, 123_456)
		for name, skip := range map[string]func(Opcode, []byte) bool{"wanted": nil, "unwanted": always} {
			b.Run(event+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(payload)))
				b.ReportAllocs()
				for b.Loop() {
					if env, err := scanEnvelope(payload, skip); err != nil || env.seq != 123_456 {
						b.Fatal(env, err)
					}
				}
			})
		}
	}
}

// burstSize is how many events one operation of the benchmarks below reads.
const burstSize = 20_000

// replaySocket is a [Socket] from which a burst is read.
type replaySocket struct {
	frames [][]byte
	binary bool
	next   int
}

func (t *replaySocket) Read(buf []byte, _ int64, received func(n int)) ([]byte, int64, bool, error) {
	if t.next == len(t.frames) {
		return buf, 0, false, io.EOF
	}
	frame := t.frames[t.next]
	t.next++
	received(len(frame))
	return append(buf, frame...), int64(len(frame)), t.binary, nil
}

func (*replaySocket) Write(context.Context, []byte) error      { return errors.New("read only") }
func (*replaySocket) Close(context.Context, CloseCode, string) {}
func (*replaySocket) Drop()                                    {}

// recordBurst makes the burst: six edited messages to three changed members to one
// presence, as it goes over the wire with a compression.
func recordBurst(b testing.TB, c Compression, size int) *replaySocket {
	b.Helper()
	t := &replaySocket{binary: c != CompressNone}
	var wire bytes.Buffer
	write := func(p []byte) { wire.Write(p) }
	switch c {
	case CompressZlib:
		w := zlib.NewWriter(&wire)
		write = func(p []byte) { _, _ = w.Write(p); _ = w.Flush() }
	case CompressZstd:
		w, err := zstd.NewWriter(&wire, zstd.WithEncoderConcurrency(1))
		if err != nil {
			b.Fatal(err)
		}
		write = func(p []byte) { _, _ = w.Write(p); _ = w.Flush() }
	}
	for i := range size {
		event := benchEvents[0]
		switch {
		case i%10 >= 9:
			event = benchEvents[2]
		case i%10 >= 6:
			event = benchEvents[1]
		}
		wire.Reset()
		write(benchPayload(b, event, i+2))
		t.frames = append(t.frames, bytes.Clone(wire.Bytes()))
	}
	return t
}

// BenchmarkEventPath is all that an event costs between the socket and the
// handler's queue: decompression, the envelope, the record of what was taken
// in. No handler asks for these. What counts is
// ns/event and allocs/event: one operation is a whole burst on a new connection.
func BenchmarkEventPath(b *testing.B) {
	for _, c := range []Compression{CompressNone, CompressZlib, CompressZstd} {
		b.Run("unwanted/"+string(c), func(b *testing.B) { readBurst(b, c, []string{"MESSAGE_CREATE"}, burstSize) })
	}
	// These are queued and taken out again at the end.
	b.Run("wanted/"+string(CompressNone), func(b *testing.B) { readBurst(b, CompressNone, nil, burstSize) })
}

func readBurst(b *testing.B, c Compression, wanted []string, size int) {
	read := burstReader(b, c, wanted, size)
	allocs := testing.AllocsPerRun(1, read)
	b.ResetTimer()
	for b.Loop() {
		read()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/event")
	b.ReportMetric(allocs/float64(size), "allocs/event")
}

// burstReader returns a function that reads a whole burst on a connection of its
// own.
func burstReader(b testing.TB, c Compression, wanted []string, size int) (read func()) {
	b.Helper()
	burst := recordBurst(b, c, size)
	s, err := New(Options{
		Credentials: Credentials{Token: "t"}, URLSource: FixedURL("ws://x"), Compression: c, Events: wanted, QueueBytes: 1 << 30,
		Handler: HandlerFunc(func(context.Context, Event) {}),
	})
	if err != nil {
		b.Fatal(err)
	}
	read = func() {
		burst.next = 0
		conn := newConn(s, burst, "ws://x")
		s.seq.attach(conn, false)
		s.seq.beginSession(Session{ID: "a", ResumeURL: "ws://x", Seq: 1}, newNumbering(1))
		conn.group.Add(1)
		conn.readLoop(newInflater(c))
		for e, ok := s.queue.pop(); ok; e, ok = s.queue.pop() {
			e.pending.handlerReturned()
		}
	}
	if read(); s.count.received.Load() != int64(size) {
		b.Fatalf("%d events were taken in, want %d", s.count.received.Load(), size)
	}
	return read
}

// Given a burst of events that are not wanted, when it is read, then what is
// allocated is the connection's, however many events there are.
func TestUnwantedEventsAllocateNothing(t *testing.T) {
	for _, c := range []Compression{CompressNone, CompressZlib} {
		few, many := burstReader(t, c, []string{}, 100), burstReader(t, c, []string{}, 2100)
		if more := testing.AllocsPerRun(5, many) - testing.AllocsPerRun(5, few); more > 5 {
			t.Errorf("%s: 2,000 more events cost %.0f more allocations", c, more)
		}
	}
}

// BenchmarkInflate undoes the compression of one message.
func BenchmarkInflate(b *testing.B) {
	for _, c := range []Compression{CompressZlib, CompressZstd} {
		b.Run(string(c), func(b *testing.B) {
			burst := recordBurst(b, c, burstSize)
			var plain []byte
			in, next := newInflater(c), 0
			b.ReportAllocs()
			for b.Loop() {
				if next == burstSize {
					in.close()
					in, next = newInflater(c), 0
				}
				var err error
				plain, _, _, err = in.feed(burst.frames[next], plain[:0], 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				next++
			}
			in.close()
		})
	}
}
