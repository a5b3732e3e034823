package line_test

import (
	"bufio"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/sidecar/line"
	"evergreen/internal/simtest"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is one line with a client of its own making, in virtual time.
type harness struct {
	*testing.T
	options line.Options
	line    *line.Line
	client  *client
	refused error // of Accept
	cancel  context.CancelFunc
	ran     chan error

	mu     sync.Mutex
	got    []string // op and d of what the handler was given
	handle func(op int, d json.RawMessage) error
}

// config is what a test changes of a harness.
type config struct {
	options line.Options
	query   string
	host    string
	header  http.Header
	behind  []byte // what the client sends right behind its upgrade request
	handle  func(op int, d json.RawMessage) error
	// beforeAccept is called with the server of the upgrade request.
	beforeAccept func(*http.Server)
	// wrap replaces the server's side of the connection.
	wrap func(net.Conn) net.Conn
	// beforeRun is called between Accept and Run.
	beforeRun func(*line.Line)
}

// run runs test in virtual time with a line that was greeted. At its end nothing is left
// behind.
func run(t *testing.T, set config, test func(*harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &harness{T: t, options: set.options, handle: set.handle, ran: make(chan error, 1)}
		ctx, cancel := context.WithCancel(context.Background())
		h.cancel = cancel
		listener := simtest.NewListener()
		server := &http.Server{}
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if set.beforeAccept != nil {
				set.beforeAccept(server)
			}
			l, err := line.Accept(w, r, h.options)
			if err != nil {
				h.refused = err
				h.ran <- err
				return
			}
			h.line = l
			if set.beforeRun != nil {
				set.beforeRun(l)
			}
			h.ran <- l.Run(ctx, h.record)
		})
		var group sync.WaitGroup
		group.Go(func() { _ = server.Serve(wrappingListener{listener, set.wrap}) })
		h.client = dial(t, listener, set)
		defer func() {
			cancel()
			close(h.client.left)
			h.client.conn.Close()
			_ = server.Close()
			group.Wait()
			h.client.group.Wait()
			synctest.Wait()
		}()
		synctest.Wait()
		test(h)
	})
}

// wrappingListener replaces each connection that it accepts, if wrap is not nil.
type wrappingListener struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l wrappingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil || l.wrap == nil {
		return conn, err
	}
	return l.wrap(conn), nil
}

// record is the handler of the line.
func (h *harness) record(op int, d json.RawMessage) error {
	h.mu.Lock()
	h.got = append(h.got, fmt.Sprintf("%d %s", op, d))
	h.mu.Unlock()
	if h.handle != nil {
		return h.handle(op, d)
	}
	return nil
}

func (h *harness) handled() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// identify has the client identify, and forgets what was said before.
func (h *harness) identify() {
	h.Helper()
	h.client.send(`{"op":2,"d":{"token":"t"}}`)
	synctest.Wait()
	h.client.take()
}

// dispatch dispatches events with the numbers from first to last.
func (h *harness) dispatch(first, last int64) {
	h.Helper()
	for seq := first; seq <= last; seq++ {
		if err := h.line.Dispatch(h.Context(), "MESSAGE_CREATE", seq, fmt.Appendf(nil, `{"id":"%d"}`, seq)); err != nil {
			h.Fatalf("dispatch %d: %v", seq, err)
		}
	}
	synctest.Wait()
}

// wait lets time pass.
func (h *harness) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// wantEnd waits at most limit for the end of the line and returns why it ended.
func (h *harness) wantEnd(limit time.Duration) error {
	h.Helper()
	select {
	case err := <-h.ran:
		synctest.Wait()
		return err
	case <-time.After(limit + time.Millisecond):
		h.Fatalf("the line has not ended after %v", limit)
		return nil
	}
}

// wantClosed checks that this side ends the line with a code, within limit, and that the
// client has received it.
func (h *harness) wantClosed(limit time.Duration, code int) *line.CloseError {
	h.Helper()
	closed, ok := errors.AsType[*line.CloseError](h.wantEnd(limit))
	if !ok || closed.Code != code {
		h.Errorf("Run: %v, want code %d", closed, code)
	}
	if got := h.client.closeCode(); got != code {
		h.Errorf("the client was closed with %d, want %d", got, code)
	}
	select {
	case <-h.client.gone:
	default:
		h.Error("the connection is still open")
	}
	return closed
}

// wantAlive checks that the line has not ended.
func (h *harness) wantAlive() {
	h.Helper()
	select {
	case err := <-h.ran:
		h.Fatalf("the line has ended: %v", err)
	default:
	}
}

// message is a payload that the client has received.
type message struct {
	Op     int             `json:"op"`
	S      int64           `json:"s"`
	T      string          `json:"t"`
	D      json.RawMessage `json:"d"`
	at     time.Time
	binary bool
}

// client is a WebSocket client by hand, because it also has to do what no library does.
type client struct {
	t        *testing.T
	conn     net.Conn
	response *http.Response
	in       *bufio.Reader
	group    sync.WaitGroup
	received atomic.Int64       // bytes of payloads
	decode   func(frame []byte) // gives a message's bytes to the decompressor

	gate chan struct{} // empty: the client does not read
	left chan struct{} // closed at the end of the test
	gone chan struct{} // closed when the connection gives nothing more

	mu       sync.Mutex
	messages []message
	pings    []time.Time
	silent   bool // pings are not answered
	owed     [][]byte
	onPong   func(payload []byte)
	rude     bool // a close frame is not answered
	code     int  // of the close frame received; 0: none
}

func dial(t *testing.T, listener *simtest.Listener, set config) *client {
	t.Helper()
	near, err := listener.Dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: near, in: bufio.NewReader(near), gate: make(chan struct{}, 1), left: make(chan struct{}), gone: make(chan struct{})}
	c.gate <- struct{}{}
	host := set.host
	if host == "" {
		host = "127.0.0.1:8001"
	}
	request := "GET /any/path?" + set.query + " HTTP/1.1\r\nHost: " + host + "\r\n"
	header := http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	for name, values := range set.header {
		header[name] = values
	}
	var text strings.Builder
	_ = header.Write(&text)
	if _, err := io.WriteString(near, request+text.String()+"\r\n"+string(set.behind)); err != nil {
		t.Fatal(err)
	}
	if c.response, err = http.ReadResponse(c.in, nil); err != nil {
		t.Fatal(err)
	}
	if c.response.StatusCode == http.StatusSwitchingProtocols {
		c.startDecoder(set.query)
		c.group.Go(c.read)
	}
	return c
}

// startDecoder has frames decoded by a decoder that the code under test does not use.
func (c *client) startDecoder(query string) {
	in, out := io.Pipe()
	var open func() (io.Reader, error)
	switch {
	case strings.Contains(query, "zlib-stream"):
		open = func() (io.Reader, error) { return zlib.NewReader(in) }
	case strings.Contains(query, "zstd-stream"):
		open = func() (io.Reader, error) { return zstd.NewReader(in, zstd.WithDecoderConcurrency(1)) }
	default:
		return
	}
	c.decode = func(frame []byte) {
		if frame == nil {
			out.Close()
			return
		}
		if strings.Contains(query, "zlib-stream") && !strings.HasSuffix(string(frame), "\x00\x00\xff\xff") {
			c.t.Errorf("a message ends with %x", frame[max(0, len(frame)-4):])
		}
		_, _ = out.Write(frame)
	}
	c.group.Go(func() {
		defer in.Close()
		plain, err := open()
		if err != nil {
			return
		}
		if z, ok := plain.(*zstd.Decoder); ok {
			defer z.Close()
		}
		for d := json.NewDecoder(plain); ; {
			var raw json.RawMessage
			if d.Decode(&raw) != nil {
				return
			}
			c.keep(raw, true)
		}
	})
}

// read reads frames until the connection ends.
func (c *client) read() {
	defer close(c.gone)
	defer func() {
		if c.decode != nil {
			c.decode(nil)
		}
	}()
	for {
		select {
		case <-c.gate:
			c.gate <- struct{}{}
		case <-c.left:
			return
		}
		opcode, payload, err := readFrame(c.in)
		if err != nil {
			return
		}
		c.received.Add(int64(len(payload)))
		switch opcode {
		case 1:
			c.keep(payload, false)
		case 2:
			if c.decode != nil {
				c.decode(payload)
				continue
			}
			c.keep(inflate(c.t, payload), true)
		case 8:
			c.mu.Lock()
			c.code = 1005
			if len(payload) >= 2 {
				if c.code = int(binary.BigEndian.Uint16(payload)); c.code == 1005 {
					c.t.Error("the close frame has the code that stands for none")
				}
			}
			rude := c.rude
			c.mu.Unlock()
			if !rude {
				_, _ = c.conn.Write(frame(8, payload))
			}
		case 9:
			c.mu.Lock()
			c.pings = append(c.pings, time.Now())
			silent := c.silent
			if silent {
				c.owed = append(c.owed, payload)
			}
			c.mu.Unlock()
			if !silent {
				_, _ = c.conn.Write(frame(10, payload))
			}
		case 10:
			c.mu.Lock()
			if c.onPong != nil {
				c.onPong(payload)
			}
			c.mu.Unlock()
		}
	}
}

// inflate unpacks a message of payload compression.
func inflate(t *testing.T, payload []byte) []byte {
	t.Helper()
	r, err := zlib.NewReader(strings.NewReader(string(payload)))
	if err != nil {
		t.Error(err)
		return nil
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return plain
}

func (c *client) keep(raw []byte, binary bool) {
	m := message{at: time.Now(), binary: binary}
	if err := json.Unmarshal(raw, &m); err != nil {
		c.t.Errorf("%v: %s", err, raw)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, m)
}

// take returns what was received since the last call.
func (c *client) take() []message {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.messages
	c.messages = nil
	return taken
}

// takePings returns when pings came since the last call.
func (c *client) takePings() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pings
	c.pings = nil
	return taken
}

func (c *client) closeCode() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code
}

// setSilent has the client answer pings or not. Those it owes are answered at once.
func (c *client) setSilent(silent bool) {
	c.mu.Lock()
	c.silent = silent
	owed := c.owed
	if !silent {
		c.owed = nil
	}
	c.mu.Unlock()
	if !silent {
		for _, payload := range owed {
			c.write(frame(10, payload))
		}
	}
}

// send sends a payload as text.
func (c *client) send(payload string) { c.write(frame(1, []byte(payload))) }

func (c *client) write(raw []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(raw); err != nil {
		c.t.Errorf("the client cannot write: %v", err)
	}
}

// stopReading has the client take one frame more and then read nothing, until the function
// that it returns is called.
func (c *client) stopReading() (resume func()) {
	<-c.gate
	return func() { c.gate <- struct{}{} }
}

// frame builds a masked frame.
func frame(opcode byte, payload []byte) []byte {
	raw := []byte{1<<7 | opcode}
	switch n := len(payload); {
	case n < 126:
		raw = append(raw, 1<<7|byte(n))
	case n < 1<<16:
		raw = binary.BigEndian.AppendUint16(append(raw, 1<<7|126), uint16(n))
	default:
		raw = binary.BigEndian.AppendUint64(append(raw, 1<<7|127), uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	raw = append(raw, mask[:]...)
	for i, b := range payload {
		raw = append(raw, b^mask[i%4])
	}
	return raw
}

// readFrame reads a frame of a server, which must be whole and as short as it can be.
func readFrame(r *bufio.Reader) (opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0]&0xf0 != 1<<7 || head[1]&(1<<7) != 0 {
		return 0, nil, fmt.Errorf("frame header %x", head)
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var size [2]byte
		_, err = io.ReadFull(r, size[:])
		if n = uint64(binary.BigEndian.Uint16(size[:])); err == nil && n < 126 {
			err = errors.New("a length of two bytes where one is enough")
		}
	case 127:
		var size [8]byte
		_, err = io.ReadFull(r, size[:])
		if n = binary.BigEndian.Uint64(size[:]); err == nil && n < 1<<16 {
			err = errors.New("a length of eight bytes where two are enough")
		}
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return head[0] & 0xf, payload, err
}
