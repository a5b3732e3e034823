package proxy

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the WebSocket handshake asks for it
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	applicationID = "100000000000000001"
	sessionID     = "measured"
	// beatEvery is Discord's interval.
	beatEvery = 41250 * time.Millisecond
)

// token is what Evergreen and the bots have.
var token = base64.RawStdEncoding.EncodeToString([]byte(applicationID)) + ".Gmeasur.0123456789012345678901234567890123456"

// Discord is as much of Discord as one bot needs that is measured. It has one session, one
// connection at a time, and writes events as fast as the connection takes them. End it with
// Close.
type Discord struct {
	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup
	guilds   []madeUpGuild
	told     chan time.Time // when an interaction was answered

	mu         sync.Mutex
	changed    chan struct{} // closed when the connection or beats change
	link       *link
	recording  bool     // events are kept, for a RESUME
	recorded   [][]byte // the frames from the first recorded number on
	first      int64    // the number of recorded[0]
	seq        int64
	identifies int
	detached   time.Duration // how long there was no connection, after the first
	lostAt     time.Time
	asked      time.Time // when a heartbeat was asked for that has not come
	beats      []time.Duration
}

// link is a connection of the bot.
type link struct {
	conn net.Conn
	out  *bufio.Writer
}

// NewDiscord listens on a port of loopback. The bot is in so many usual guilds.
func NewDiscord(guilds int) (*Discord, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &Discord{listener: listener, told: make(chan time.Time, 16), changed: make(chan struct{}), first: 1}
	for i := range guilds {
		d.guilds = append(d.guilds, makeUpGuild(i))
	}
	mux := http.NewServeMux()
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
		}
	}
	mux.HandleFunc("/api/v10/gateway/bot", answer(fmt.Sprintf(`{"url":%q,"shards":1,"session_start_limit":{"total":1000,"remaining":1000,"reset_after":86400000,"max_concurrency":1}}`, d.GatewayURL())))
	mux.HandleFunc("/api/v10/users/@me", answer(`{"id":"`+applicationID+`","username":"measured","discriminator":"0","bot":true}`))
	mux.HandleFunc("/api/v10/applications/@me", answer(`{"id":"`+applicationID+`","name":"measured","flags":565248}`))
	mux.HandleFunc("POST /api/v10/interactions/{id}/{token}/callback", func(w http.ResponseWriter, _ *http.Request) {
		d.told <- time.Now()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/api/v10/", answer(`{"id":"1"}`))
	mux.HandleFunc("/", d.serve)
	d.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	d.serving.Go(func() { _ = d.server.Serve(listener) }) // Close waits for it
	return d, nil
}

// Close ends it and its connection.
func (d *Discord) Close() {
	_ = d.server.Close()
	d.mu.Lock()
	if d.link != nil {
		_ = d.link.conn.Close()
	}
	d.mu.Unlock()
	d.serving.Wait()
}

// GatewayURL is where bots connect.
func (d *Discord) GatewayURL() string { return "ws://" + d.listener.Addr().String() }

// APIURL is the REST base.
func (d *Discord) APIURL() string { return "http://" + d.listener.Addr().String() + "/api/v10" }

// serve serves the WebSocket of a bot until it ends.
func (d *Discord) serve(w http.ResponseWriter, r *http.Request) {
	d.serving.Add(1)
	defer d.serving.Done()
	hijacker, ok := w.(http.Hijacker)
	if !ok || r.Header.Get("Sec-WebSocket-Key") == "" {
		http.Error(w, "this is a gateway", http.StatusBadRequest)
		return
	}
	conn, rw, err := hijacker.Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	l := &link{conn: conn, out: bufio.NewWriterSize(conn, 64<<10)}
	hello := fmt.Appendf(nil, `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":%d}}`, beatEvery.Milliseconds())
	if _, err := conn.Write(appendFrame(nil, opcodeText, false, hello)); err != nil {
		return
	}
	var buffer []byte
	for {
		opcode, payload, err := readFrame(rw.Reader, buffer)
		if err != nil || opcode == opcodeClose {
			break
		}
		buffer = payload
		if opcode == opcodeText {
			d.handle(l, payload)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link == l {
		d.link, d.lostAt = nil, time.Now()
		d.change()
	}
}

// change wakes who waits. The caller holds the lock.
func (d *Discord) change() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// handle answers a payload of the bot.
func (d *Discord) handle(l *link, payload []byte) {
	var p struct {
		Op int `json:"op"`
		D  struct {
			Seq int64 `json:"seq"`
		} `json:"d"`
	}
	_ = json.Unmarshal(payload, &p) // the d of a heartbeat is a number
	d.mu.Lock()
	defer d.mu.Unlock()
	switch p.Op {
	case 1:
		if !d.asked.IsZero() {
			d.beats = append(d.beats, time.Since(d.asked))
			d.asked = time.Time{}
		}
		_ = l.write(appendFrame(nil, opcodeText, false, []byte(`{"t":null,"s":null,"op":11,"d":null}`)))
	case 2:
		d.identifies++
		d.seq, d.first, d.recorded = 0, 1, nil
		d.attach(l)
		d.start()
	case 6:
		d.attach(l)
		for i := p.D.Seq + 1 - d.first; i < int64(len(d.recorded)); i++ {
			_ = l.write(d.recorded[i])
		}
		_ = d.dispatch("RESUMED", []byte(`{"_trace":["measured"]}`))
	}
	_ = l.out.Flush()
}

// attach makes a connection the present one. The caller holds the lock.
func (d *Discord) attach(l *link) {
	if !d.lostAt.IsZero() {
		d.detached += time.Since(d.lostAt)
		d.lostAt = time.Time{}
	}
	d.link = l
	d.change()
}

// start writes READY and the guilds. The caller holds the lock.
func (d *Discord) start() {
	list := []string{}
	for _, g := range d.guilds {
		list = append(list, fmt.Sprintf(`{"id":"%d","unavailable":true}`, g.id))
	}
	_ = d.dispatch("READY", fmt.Appendf(nil,
		`{"v":10,"user":{"id":%q,"username":"measured","discriminator":"0","global_name":null,"avatar":null,"bot":true},"guilds":[%s],"session_id":%q,"resume_gateway_url":%q,"shard":[0,1],"application":{"id":%q,"flags":565248}}`,
		applicationID, strings.Join(list, ","), sessionID, d.GatewayURL(), applicationID))
	for _, g := range d.guilds {
		_ = d.dispatch("GUILD_CREATE", g.create)
	}
}

// dispatch writes an event without a flush. The caller holds the lock.
func (d *Discord) dispatch(event string, data []byte) error {
	d.seq++
	head := append(append(append(make([]byte, 0, 64), `{"t":"`...), event...), `","s":`...)
	head = append(strconv.AppendInt(head, d.seq, 10), `,"op":0,"d":`...)
	frame := appendFrame(nil, opcodeText, false, head, data, []byte{'}'})
	if d.recording {
		if len(d.recorded) == 0 {
			d.first = d.seq
		}
		d.recorded = append(d.recorded, frame)
	}
	if d.link == nil {
		return errDetached
	}
	return d.link.write(frame)
}

var errDetached = errors.New("the bot has no connection to Discord")

func (l *link) write(frame []byte) error {
	_, err := l.out.Write(frame)
	return err
}

// Emit sends events at once. Without a connection they wait for a RESUME, if events are
// recorded.
func (d *Discord) Emit(events ...Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range events {
		_ = d.dispatch(e.Type, e.Data)
	}
	if d.link != nil {
		_ = d.link.out.Flush()
	}
}

// AskBeat asks for a heartbeat (op 1), unless an earlier one is owed.
func (d *Discord) AskBeat() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link == nil || !d.asked.IsZero() {
		return
	}
	d.asked = time.Now()
	_ = d.link.write(appendFrame(nil, opcodeText, false, []byte(`{"t":null,"s":null,"op":1,"d":null}`)))
	_ = d.link.out.Flush()
}

// TakeBeats returns how long each heartbeat took that was asked for.
func (d *Discord) TakeBeats() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	beats := d.beats
	if !d.asked.IsZero() {
		beats = append(beats, time.Since(d.asked)) // it is owed for as long
	}
	d.beats, d.asked = nil, time.Time{}
	return beats
}

// AwaitLink waits until the bot is connected.
func (d *Discord) AwaitLink(within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		d.mu.Lock()
		linked, changed := d.link != nil, d.changed
		d.mu.Unlock()
		if linked {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return errDetached
		}
	}
}

// Event is one of Discord's.
type Event struct {
	Type string
	Data []byte
}

// stamp is before the number and the time in an event, which have fixed widths.
var stamp = []byte(`"nonce":"`)

const (
	numberWidth = 9
	timeWidth   = 19
)

// NewEvent makes a MESSAGE_CREATE of 600 bytes in a guild, with a number and the time.
func NewEvent(guild uint64, number int) Event {
	return Event{"MESSAGE_CREATE", fmt.Appendf(nil,
		`{"id":"1200000000000000001","guild_id":"%d","channel_id":"1300000000000000001","nonce":"%0*d.%0*d","content":"%s","type":0,"tts":false,"pinned":false,"mentions":[],"author":{"id":"1400000000000000001","username":"somebody","discriminator":"0"},"timestamp":"2026-11-29T10:00:00.123000+00:00"}`,
		guild, numberWidth, number, timeWidth, time.Now().UnixNano(), words)}
}

var words = strings.Repeat("what people write, ", 16)

// readStamp reads the number and the time of an event; false: it has none.
func readStamp(payload []byte) (number int, at time.Time, ok bool) {
	_, after, found := bytes.Cut(payload, stamp)
	if !found || len(after) < numberWidth+1+timeWidth {
		return 0, at, false
	}
	number, err := strconv.Atoi(string(after[:numberWidth]))
	if err != nil {
		return 0, at, false
	}
	nanoseconds, err := strconv.ParseInt(string(after[numberWidth+1:numberWidth+1+timeWidth]), 10, 64)
	return number, time.Unix(0, nanoseconds), err == nil
}
