package gateway

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/clock"
	"evergreen/internal/bounds"
)

// roomySocket has messages of these many bytes, each in a buffer of exactly that size, and
// keeps the room that it was given for each, and for one more.
type roomySocket struct {
	noopSocket
	sizes, rooms   []int
	binary, closed bool
}

func (s *roomySocket) Read(buf []byte, _ int64, received func(n int)) ([]byte, int64, bool, error) {
	message, ok := s.next(buf)
	if !ok {
		return buf, 0, false, io.EOF
	}
	received(len(message))
	return message, int64(len(message)), s.binary, nil
}

// next returns an odd payload of the next size.
func (s *roomySocket) next(buf []byte) (message []byte, ok bool) {
	s.rooms = append(s.rooms, cap(buf))
	if len(s.sizes) == 0 {
		return nil, false
	}
	message = append(make([]byte, 0, s.sizes[0]), `{"op":77}`...)
	message = append(message, bytes.Repeat([]byte(" "), s.sizes[0]-len(message))...)
	s.sizes = s.sizes[1:]
	return message, true
}

// feed makes it an inflater, of which a frame of any size becomes the next message.
func (s *roomySocket) feed(_, out []byte, _ int64) ([]byte, int64, bool, error) {
	message, _ := s.next(out)
	return message, int64(len(message)), true, nil
}

func (s *roomySocket) close() { s.closed = true }

// The room of a message is used for the next one, read or decompressed, so that an event
// costs no allocation. That of a huge message is given back, or a single one would cost a
// shard as much for as long as the connection lasts.
func TestRoomOfAHugeMessageIsGivenBack(t *testing.T) {
	const huge = 1<<20 + 1
	sizes := []int{100, 5000, huge - 1, huge, 200}
	want := []int{0, 100, 5000, huge - 1, 0}
	read := func(sock *roomySocket, inflate inflater) {
		c := newTestConn(t)
		c.sock = sock
		c.group.Add(1)
		c.readLoop(inflate)
		if skipped := c.shard.count.skipped.Load(); skipped != int64(len(sizes)) {
			t.Errorf("%d of %d messages were handled", skipped, len(sizes))
		}
	}
	plain := &roomySocket{sizes: slices.Clone(sizes)}
	read(plain, nil)
	if got := plain.rooms[:len(sizes)]; !slices.Equal(got, want) {
		t.Errorf("messages were read into rooms of %v bytes, want %v", got, want)
	}
	packed := &roomySocket{sizes: slices.Clone(sizes)}
	read(&roomySocket{sizes: []int{10, 10, 10, 10, 10}, binary: true}, packed)
	if !packed.closed {
		t.Error("the decompressor is not closed")
	}
	if !slices.Equal(packed.rooms, want) {
		t.Errorf("messages were decompressed into rooms of %v bytes, want %v", packed.rooms, want)
	}
}

// aheadSocket has been read ahead: a drop does not take back what is there.
type aheadSocket struct {
	noopSocket
	frames  []aheadFrame
	dropped bool
}

func (s *aheadSocket) Drop() { s.dropped = true }

type aheadFrame struct {
	text   string
	binary bool
}

func (s *aheadSocket) Read(buf []byte, _ int64, received func(n int)) ([]byte, int64, bool, error) {
	if len(s.frames) == 0 {
		return buf, 0, false, io.EOF
	}
	f := s.frames[0]
	s.frames = s.frames[1:]
	received(len(f.text))
	return append(buf, f.text...), int64(len(f.text)), f.binary, nil
}

// What comes behind a payload that ends the connection is not taken in, wherever it has
// been read to: the RESUME brings it again, and in order.
// Statements: G-117, G-118.
func TestNothingIsTakenInBehindWhatEndsTheConnection(t *testing.T) {
	event := aheadFrame{text: `{"op":0,"t":"X","s":2,"d":{}}`}
	for name, c := range map[string]struct {
		first aheadFrame
		want  ReasonKind
	}{
		"text that is no JSON": {aheadFrame{text: "<html>"}, ReasonMalformed},
		"a broken stream":      {aheadFrame{text: "no zlib" + string(flushMarker), binary: true}, ReasonCompression},
		"nothing":              {aheadFrame{text: `{"op":77}`}, ReasonReset},
	} {
		conn := newTestConn(t)
		sock := &aheadSocket{frames: []aheadFrame{c.first, event}}
		conn.sock = sock
		conn.group.Add(1)
		conn.readLoop(newInflater(CompressZlib))
		want := int64(0)
		if c.want == ReasonReset {
			want = 1
		}
		if got := conn.shard.count.received.Load(); conn.reason.Kind != c.want || got != want {
			t.Errorf("%s: it ended by %s, and %d events behind it were taken in", name, conn.reason, got)
		}
		if !sock.dropped {
			t.Errorf("%s: the socket is still open", name)
		}
	}
}

// Where no compression was asked for, a binary message is read as it is.
func TestBinaryMessageWithoutCompression(t *testing.T) {
	c := newTestConn(t)
	c.sock = &aheadSocket{frames: []aheadFrame{{text: `{"op":0,"t":"X","s":2,"d":{}}`, binary: true}}}
	c.group.Add(1)
	c.readLoop(newInflater(CompressNone))
	if got := c.shard.count.received.Load(); got != 1 {
		t.Errorf("%d events were taken in", got)
	}
}

// What is told has been counted by then: an observer that reads the counts finds what it was
// told of. A payload that ends the connection is told before the end, and a rate limit holds
// before anything of its dispatch is told. The notifier reads the clock for each observation,
// and so shows the moment.
func TestWhatIsToldHasBeenCounted(t *testing.T) {
	var c *conn
	var look func() // at the moment
	source := clock.Source{Slept: func() (time.Duration, bool) {
		if look != nil {
			look()
		}
		return 0, true
	}}
	s, err := New(Options{
		Credentials: Credentials{Token: "t"}, URLSource: FixedURL("ws://x"), Observer: ObserverFunc(func(Observation) {}), Clock: clock.New(source),
		Events: []string{}, Dialer: &helloSocket{},
	})
	if err != nil {
		t.Fatal(err)
	}
	var counted int64 // at the last observation
	look = func() { counted = s.Stats().Connects }
	if c, _, _ = s.dialToHello(t.Context(), "ws://x"); c == nil || counted != 1 {
		t.Errorf("HELLO was told when %d connections were counted", counted)
	}
	look = func() { counted = s.Stats().Heartbeats }
	loop := &connLoop{Shard: s, conn: c, heartbeats: newHeartbeats(s.opts.Timing, testInterval, time.Now(), 0)}
	if reason := loop.sendHeartbeat(time.Now(), heartbeatRegular); reason != nil || counted != 1 {
		t.Errorf("a heartbeat was told when %d were counted: %v", counted, reason)
	}
	s.seq.attach(c, false)
	s.seq.beginSession(Session{ID: "a", ResumeURL: "ws://x", Seq: 1}, newNumbering(1))
	limits := 0
	look = func() { limits = len(s.sends.rateLimitedUntil) }
	limited := `{"op":0,"t":"RATE_LIMITED","s":9,"d":{"opcode":8,"retry_after":5,"meta":{"guild_id":"1"}}}`
	if c.handlePayload([]byte(limited), int64(len(limited))); limits != 1 {
		t.Errorf("the gap before RATE_LIMITED was told when %d opcodes were held back", limits)
	}
	ended := false
	look = func() {
		counted = s.Stats().Skipped
		select {
		case <-c.ended:
			ended = true
		default:
		}
	}
	if c.handlePayload([]byte("nonsense"), 8); counted != 1 || ended {
		t.Errorf("a payload was told when %d were counted, and the connection had ended: %t", counted, ended)
	}
	<-c.ended
	look = nil
	c.drop(Reason{})
	c.group.Wait()
}

// helloSocket says HELLO and then nothing.
type helloSocket struct {
	noopSocket
	said bool
	gone chan struct{}
	once sync.Once
}

func (s *helloSocket) Dial(context.Context, string) (Socket, error) {
	s.gone = make(chan struct{})
	return s, nil
}

func (s *helloSocket) Read(buf []byte, _ int64, received func(n int)) ([]byte, int64, bool, error) {
	if s.said {
		<-s.gone
		return buf, 0, false, io.EOF
	}
	s.said = true
	const hello = `{"op":10,"d":{"heartbeat_interval":41250}}`
	received(len(hello))
	return append(buf, hello...), int64(len(hello)), false, nil
}

func (s *helloSocket) Write(context.Context, []byte) error { return nil }
func (s *helloSocket) Drop()                               { s.once.Do(func() { close(s.gone) }) }

// Of an event that is not wanted not even the data is read. READY, RESUMED and RATE_LIMITED
// are read in any case, because the shard itself needs them, and so is what is no event.
func TestDataOfUnwantedEventsIsNotRead(t *testing.T) {
	for typ, read := range map[string]bool{"UNWANTED": false, "WANTED": true, "READY": true, "RESUMED": true, "RATE_LIMITED": true} {
		cut := `{"t":"` + typ + `","s":2,"op":0,"d":{"cut`
		if e := effectOf(newTestConn(t, "WANTED"), []byte(cut), int64(len(cut))); e.notJSON != read {
			t.Errorf("%s: it was noticed that its data is cut: %t, want %t", typ, e.notJSON, read)
		}
	}
	cut := `{"t":"UNWANTED","s":2,"op":9,"d":{"cut`
	if e := effectOf(newTestConn(t, "WANTED"), []byte(cut), int64(len(cut))); !e.notJSON {
		t.Error("of op 9 the data is not read")
	}
}

// The interval of HELLO is taken as it stands there, to the nanosecond, from 500 ms to 10
// minutes. Anything else is told, cut to 40 bytes, and the usual one takes its place.
// Statements: G-018.
func TestHelloInterval(t *testing.T) {
	long := `"` + strings.Repeat("x", 50) + `"`
	for d, want := range map[string]struct {
		interval time.Duration
		odd      string
	}{
		`{"heartbeat_interval":41250}`:        {41250 * time.Millisecond, ""},
		`{"heartbeat_interval":500}`:          {500 * time.Millisecond, ""},
		`{"heartbeat_interval":600000}`:       {10 * time.Minute, ""},
		`{"heartbeat_interval":4.5e4}`:        {45 * time.Second, ""},
		`{"heartbeat_interval":1000.5}`:       {1000500 * time.Microsecond, ""},
		`{"heartbeat_interval":499.9}`:        {bounds.UsualInterval, "499.9"},
		`{"heartbeat_interval":600000.1}`:     {bounds.UsualInterval, "600000.1"},
		`{"heartbeat_interval":-41250}`:       {bounds.UsualInterval, "-41250"},
		`{"heartbeat_interval":1e300}`:        {bounds.UsualInterval, "1e300"},
		`{"heartbeat_interval":"41250"}`:      {bounds.UsualInterval, `"41250"`},
		`{"heartbeat_interval":` + long + `}`: {bounds.UsualInterval, long[:40]},
		`{"heartbeat_interval":null,"x":[1]}`: {bounds.UsualInterval, "null"},
		`{}`:                                  {bounds.UsualInterval, "none"},
		`[]`:                                  {bounds.UsualInterval, "none"},
		``:                                    {bounds.UsualInterval, "none"},
	} {
		if interval, odd := helloInterval([]byte(d)); interval != want.interval || odd != want.odd {
			t.Errorf("%s: %s and %q, want %s and %q", d, interval, odd, want.interval, want.odd)
		}
	}
}
