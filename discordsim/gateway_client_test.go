package discordsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// clientHarness is a small world for the tests of the gateway: one bot in one guild
// with one channel, and a person.
type clientHarness struct {
	*Sim
	t       *testing.T
	app     *App
	guild   *Guild
	channel ID
	ada     User
	emits   atomic.Bool // the test has made events of its own
}

// Emit sends an event that the test has made.
func (sc *clientHarness) Emit(app *App, g *Guild, typ string, data any) {
	sc.emits.Store(true)
	sc.Sim.Emit(app, g, typ, data)
}

// withClient tells a story in virtual time. That its bubble ends shows that
// nothing is left of it.
func withClient(t *testing.T, cfg Config, app AppConfig, story func(*clientHarness)) {
	t.Helper()
	inSimBubble(t, cfg, func(t *testing.T, s *Sim) { story(newClientHarness(t, s, app)) })
}

func newClientHarness(t *testing.T, s *Sim, app AppConfig) *clientHarness {
	g := s.AddGuild("library")
	app.Guilds = append(app.Guilds, g)
	sc := &clientHarness{Sim: s, t: t, guild: g, channel: g.Channels[0].ID, ada: s.AddUser("ada")}
	s.AddMembers(g, sc.ada)
	sc.app = s.AddApp(app)
	return sc
}

// patient is a Discord that needs no heartbeats and sends guilds at once.
var patient = Config{Heartbeat: HeartbeatConfig{Grace: -1}, Identify: IdentifyConfig{GuildSpacing: -1}}

// inject lets something go wrong.
func (sc *clientHarness) inject(f Fault) *Active {
	sc.t.Helper()
	return inject(sc.t, sc.Sim, f)
}

// say makes ada say something in the guild.
func (sc *clientHarness) say(text string, opts ...SayOption) Message {
	return sc.Say(sc.channel, sc.ada.ID, text, opts...)
}

// violations fails the test unless the bot broke exactly these statements.
func (sc *clientHarness) violations(want ...string) {
	sc.t.Helper()
	var got []string
	for _, v := range sc.Verdict(sc.app).Violations {
		got = append(got, v.Statement)
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		sc.t.Errorf("the bot is blamed for %q, want %q", got, want)
	}
}

// newest is the log of the newest connection.
func (sc *clientHarness) newest() ConnLog {
	sc.t.Helper()
	synctest.Wait()
	log := sc.Connections(nil)
	if len(log) == 0 {
		sc.t.Fatal("no connection was logged")
	}
	return log[len(log)-1]
}

// wait lets virtual time pass.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// client is a bot reduced to its WebSocket: it sends what a test says and keeps
// what comes.
type client struct {
	sc   *clientHarness
	t    *testing.T
	ws   *websocket.Conn
	http *http.Client
	got  chan packet
	work sync.WaitGroup
	// of the reading goroutine until got is closed
	end    error
	binary int

	session, resumeURL string
	seq                int64
	limit              time.Duration // to wait for one payload
}

// packet is one payload of the server.
type packet struct {
	Op  int             `json:"op"`
	T   string          `json:"t"`
	S   int64           `json:"s"`
	D   json.RawMessage `json:"d"`
	raw string
	at  time.Time
}

// object is the d of a payload.
func (p packet) object() map[string]any {
	var out map[string]any
	_ = json.Unmarshal(p.D, &out)
	return out
}

// connect opens a gateway connection and lets a test go on when it stands.
func (sc *clientHarness) connect(url string) *client {
	sc.t.Helper()
	c, err := sc.try(url, &http.Client{Transport: sc.Transport()})
	if err != nil {
		sc.t.Fatal(err)
	}
	return c
}

func (sc *clientHarness) try(url string, through *http.Client) (*client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: through})
	if err != nil {
		if response != nil {
			err = fmt.Errorf("%d: %w", response.StatusCode, err)
		}
		through.CloseIdleConnections()
		return nil, err
	}
	ws.SetReadLimit(-1)
	c := &client{sc: sc, t: sc.t, ws: ws, http: through, got: make(chan packet, 20_000), limit: time.Minute}
	c.work.Go(func() { c.listen(response.Request.URL.Query().Get("compress")) })
	sc.t.Cleanup(c.waitClosed)
	return c, nil
}

// waitClosed drops the connection and waits for what reads it.
func (c *client) waitClosed() {
	_ = c.ws.CloseNow()
	c.http.CloseIdleConnections()
	c.work.Wait()
}

// listen reads and unpacks until the connection ends.
func (c *client) listen(compress string) {
	defer close(c.got)
	begin := unpackers[compress]
	if begin == nil {
		begin = unpackers[""]
	}
	unpack := begin()
	for {
		kind, raw, err := c.ws.Read(context.Background())
		if err == nil {
			if kind == websocket.MessageBinary {
				c.binary++
			}
			raw, err = unpack(kind, raw)
		}
		if err != nil {
			c.end = err
			return
		}
		if raw == nil {
			continue // the message goes on
		}
		p := packet{Op: -1, raw: string(raw), at: time.Now()}
		_ = json.Unmarshal(raw, &p)
		c.checkPayload(p)
		c.got <- p
	}
}

// checkPayload fails the test where an object of the server is not as documented, unless a
// fault may have spoilt it or the test has made it.
func (c *client) checkPayload(p packet) {
	switch {
	case len(c.sc.Injected()) > 0 || c.sc.emits.Load():
	case p.Op == opHello:
		checkObject(c.t, "hello", "hello", p.D)
	case p.Op == opDispatch:
		checkEvent(c.t, p.T, p.D)
	}
}

// next is the next payload, which has to come in time.
func (c *client) next() packet {
	c.t.Helper()
	select {
	case p, open := <-c.got:
		if !open {
			c.t.Fatalf("the connection ended instead of a payload: %v", c.end)
		}
		if p.S > 0 {
			c.seq = max(c.seq, p.S)
		}
		return p
	case <-time.After(c.limit):
		c.t.Fatalf("nothing came within %s", c.limit)
	}
	return packet{}
}

// op reads up to the next payload of an opcode.
func (c *client) op(code int) packet {
	c.t.Helper()
	for {
		if p := c.next(); p.Op == code {
			return p
		}
	}
}

// event reads up to the next event of a type.
func (c *client) event(typ string) packet {
	c.t.Helper()
	for {
		if p := c.next(); p.Op == 0 && p.T == typ {
			return p
		}
	}
}

// all is what has come so far and was not read yet.
func (c *client) all() (out []packet) {
	synctest.Wait()
	for {
		select {
		case p, open := <-c.got:
			if !open {
				return out
			}
			if p.S > 0 {
				c.seq = max(c.seq, p.S)
			}
			out = append(out, p)
		default:
			return out
		}
	}
}

// events lists the types of the events that have come.
func (c *client) events() (types []string) {
	for _, p := range c.all() {
		if p.Op == 0 {
			types = append(types, p.T)
		}
	}
	return types
}

// nothingWithin fails the test if anything comes, or the connection ends, within d.
func (c *client) nothingWithin(d time.Duration) {
	c.t.Helper()
	select {
	case p, open := <-c.got:
		c.t.Fatalf("%q came where nothing should (open: %t, %v)", p.raw, open, c.end)
	case <-time.After(d):
	}
}

// closedWith reads to the end of the connection and fails the test unless it ends
// with a close code; 0 is none.
func (c *client) closedWith(code int) string {
	c.t.Helper()
	limit := time.After(5 * time.Minute)
	for {
		select {
		case p, open := <-c.got:
			if open {
				c.seq = max(c.seq, p.S)
				continue
			}
			closed, _ := errors.AsType[websocket.CloseError](c.end)
			if int(closed.Code) != code {
				c.t.Fatalf("the connection ended by %v, want code %d", c.end, code)
			}
			return closed.Reason
		case <-limit:
			c.t.Fatal("the connection did not end")
		}
	}
}

// raw sends a text message.
func (c *client) raw(text string) {
	c.t.Helper()
	if err := c.ws.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// send sends a payload.
func (c *client) send(op int, d any) {
	c.t.Helper()
	c.raw(string(marshal(map[string]any{"op": op, "d": d})))
}

// flood sends heartbeats until it has sent n or the connection is over.
func (c *client) flood(n int) {
	for range n {
		if c.ws.Write(context.Background(), websocket.MessageText, []byte(`{"op":1,"d":1}`)) != nil {
			return
		}
	}
}

// closeWith closes with a code and waits for the answer.
func (c *client) closeWith(code int) {
	_ = c.ws.Close(websocket.StatusCode(code), "")
	c.waitClosed()
	synctest.Wait()
}

// drop ends the connection without a close frame.
func (c *client) drop() {
	c.waitClosed()
	synctest.Wait()
}

// testIntents are those of a bot that reads messages.
const testIntents = 1<<0 | 1<<9 | 1<<12 | 1<<15

// identifyData is the d of a faultless IDENTIFY, with changes; a nil value leaves
// the field out.
func (sc *clientHarness) identifyData(changes map[string]any) map[string]any {
	d := map[string]any{
		"token": sc.app.Token, "intents": testIntents, "properties": map[string]string{"os": "linux", "browser": "test", "device": "test"},
	}
	maps.Copy(d, changes)
	maps.DeleteFunc(d, func(_ string, v any) bool { return v == nil })
	return d
}

// identify connects to the base gateway and sends an IDENTIFY with changes.
func (sc *clientHarness) identify(changes map[string]any) *client {
	sc.t.Helper()
	c := sc.connect(inMemory)
	c.op(10)
	c.send(2, sc.identifyData(changes))
	return c
}

// identified is ask up to READY.
func (sc *clientHarness) identified(changes map[string]any) *client {
	sc.t.Helper()
	c := sc.identify(changes)
	c.ready()
	return c
}

// ready reads up to READY and keeps what is needed to resume.
func (c *client) ready() packet {
	c.t.Helper()
	p := c.event("READY")
	d := p.object()
	c.session, c.resumeURL, c.seq = d["session_id"].(string), d["resume_gateway_url"].(string), p.S
	return p
}

// query is what every gateway URL carries.
const query = "/?v=10&encoding=json"

// reconnectAndResume connects to the resume gateway and asks for the session of another
// connection. It does not wait for an answer.
func (c *client) reconnectAndResume() *client {
	c.t.Helper()
	return c.reconnectAndResumeAt(c.resumeURL + query)
}

func (c *client) reconnectAndResumeAt(url string) *client {
	c.t.Helper()
	next := c.sc.connect(url)
	next.op(10)
	next.session, next.resumeURL, next.seq = c.session, c.resumeURL, c.seq
	next.resume(c.session, c.seq)
	return next
}

// resume sends a RESUME.
func (c *client) resume(session string, seq int64) {
	c.t.Helper()
	c.send(6, map[string]any{"token": c.sc.app.Token, "session_id": session, "seq": seq})
}
