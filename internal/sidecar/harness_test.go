package sidecar

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/discord/rest"
	"evergreen/internal/simtest"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is a Sidecar between a simulated Discord and bots, in virtual time.
type harness struct {
	*simtest.World
	opts    Options
	shards  int
	sidecar *Sidecar
	fleet   *fleet.Fleet // nil before attach
	pipe    *simtest.Listener
	// dialConn connects bots to the Sidecar. Default: by pipe.
	dialConn func(ctx context.Context, network, addr string) (net.Conn, error)
	log      simtest.Log // what Sidecars have logged, unless the options name another log
	running  sync.WaitGroup
	// transport is what the Sidecar sends requests to Discord with.
	transport *http.Transport
	// sessions are those at Discord, which outlive a Sidecar.
	sessions *simtest.Sessions
}

const allIntents = gateway.Intents(1<<0 | 1<<1 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 | 1<<12 | 1<<15)

// run lets a story pass with a Sidecar that was started.
func run(t *testing.T, opts Options, story func(*harness)) { t.Helper(); runShards(t, opts, 1, story) }

func runShards(t *testing.T, opts Options, shards int, story func(*harness)) {
	t.Helper()
	runAlone(t, opts, shards, func(h *harness) {
		h.attach()
		story(h)
	})
}

// runAlone lets a story pass with a Sidecar that has no upstream before attach is called.
// Whatever happens in it, the log has neither a panic nor the token.
func runAlone(t *testing.T, opts Options, shards int, story func(*harness)) {
	t.Helper()
	simtest.Run(t, simtest.Options{Guilds: 3}, func(w *simtest.World) {
		h := &harness{World: w, opts: opts, shards: shards, sessions: &simtest.Sessions{}}
		w.Sim.SetShards(w.App, shards)
		h.serve()
		defer func() {
			h.stop()
			for _, never := range []string{"panic", h.App.Token} {
				if h.log.Has(never) {
					t.Errorf("the log has %q:\n%s", never, h.log.String())
				}
			}
		}()
		story(h)
	})
}

// listenOn returns what opens any address as a listener that there is.
func listenOn(l net.Listener) func(context.Context, string) (net.Listener, error) {
	return func(context.Context, string) (net.Listener, error) { return l, nil }
}

// start starts a Sidecar and its shards.
func (h *harness) start() {
	h.T.Helper()
	h.serve()
	h.attach()
}

// serve starts a Sidecar.
func (h *harness) serve() {
	h.T.Helper()
	o := h.opts
	if o.Log == nil {
		o.Log = h.log.Logger()
	}
	o.Token = func() string { return h.App.Token }
	o.APIURL, o.UserAgent = h.Sim.APIURL(), "DiscordBot (https://example.com, 1)"
	h.transport = h.Sim.Transport()
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{Transport: h.transport}
	}
	h.pipe = simtest.NewListener()
	o.Listen = listenOn(h.pipe)
	var err error
	if h.sidecar, err = New(o); err != nil {
		h.T.Fatal(err)
	}
	if err := h.sidecar.Listen(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
	h.running.Go(func() {
		if err := h.sidecar.Run(context.Background()); err != nil {
			h.T.Error(err)
		}
	})
}

// attach starts the shards of a Sidecar.
func (h *harness) attach() {
	h.T.Helper()
	shard := h.ShardOptions(allIntents)
	shard.Handler, shard.Observer = h.sidecar, h.sidecar
	if !h.sidecar.Restored() {
		h.sessions = &simtest.Sessions{}
	}
	var err error
	h.fleet, err = fleet.New(fleet.Options{Shard: shard, Assigner: fleet.All(h.shards), Sessions: h.sessions})
	if err != nil {
		h.T.Fatal(err)
	}
	h.sidecar.Attach(h.fleet)
	h.running.Go(func() { _ = h.fleet.Run(context.Background()) })
}

// stop ends what start has started.
func (h *harness) stop() {
	if h.fleet != nil {
		_ = h.fleet.Stop(context.Background(), gateway.KeepSession)
	}
	_ = h.sidecar.Stop(context.Background())
	h.running.Wait()
	h.transport.CloseIdleConnections()
	synctest.Wait()
}

// restart ends the Sidecar in order and starts it again.
func (h *harness) restart() {
	h.T.Helper()
	h.stop()
	h.start()
}

// crash starts another Sidecar from what the first had on the disk at this moment, once what
// was under way is written: a file must not go away while the folder is copied.
func (h *harness) crash() {
	h.T.Helper()
	synctest.Wait()
	dir, sessions := h.T.TempDir(), h.sessions.Clone()
	if err := os.CopyFS(dir, os.DirFS(h.opts.Dir)); err != nil {
		h.T.Fatal(err)
	}
	h.stop()
	h.opts.Dir, h.sessions = dir, sessions
	h.start()
}

// typing has the user type.
func (h *harness) typing() {
	channel := h.Guilds[0].Channels[0]
	h.Sim.Emit(h.App, h.Guilds[0], "TYPING_START", map[string]any{"channel_id": channel.ID, "guild_id": h.Guilds[0].ID, "user_id": h.User.ID, "timestamp": 1})
}

// deleteChannel deletes a channel over REST.
func (h *harness) deleteChannel(ch *discordsim.Channel) {
	h.T.Helper()
	h.direct(http.MethodDelete, "/channels/"+ch.ID.String(), "")
}

// reply answers a message with a reply.
func (h *harness) reply(m discordsim.Message, text string) {
	h.T.Helper()
	h.direct(http.MethodPost, "/channels/"+m.Channel.ID.String()+"/messages", fmt.Sprintf(`{"content":%q,"message_reference":{"message_id":"%v"}}`, text, m.ID))
}

// direct sends a request of the bot to Discord, beside the Sidecar and within Discord's limits.
func (h *harness) direct(method, path, body string) {
	h.T.Helper()
	r, err := http.NewRequestWithContext(h.T.Context(), method, h.Sim.APIURL()+path, strings.NewReader(body))
	if err != nil {
		h.T.Fatal(err)
	}
	r.Header.Set("Authorization", "Bot "+h.App.Token)
	r.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	r.Header.Set("Content-Type", "application/json")
	transport := h.Sim.Transport()
	defer transport.CloseIdleConnections()
	response, err := rest.New(rest.Options{Base: transport}).RoundTrip(r)
	if err != nil {
		h.T.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		h.T.Fatalf("%s %s: %s", method, path, response.Status)
	}
}

// bot is a client of the Sidecar.
type bot struct {
	h    *harness
	conn *websocket.Conn
	done chan struct{} // closed when it reads no more

	mu      sync.Mutex
	mute    bool // it answers no pings
	got     []received
	deaf    chan struct{} // not nil: it reads nothing until this is closed
	session string
	base    int64 // the number it resumed from
	closed  error
}

type received struct {
	Op   int             `json:"op"`
	Type string          `json:"t"`
	Seq  int64           `json:"s"`
	Data json.RawMessage `json:"d"`
	at   time.Time
	// packed: it came compressed.
	packed bool
}

// dial opens a WebSocket.
func (h *harness) dial(query string, options *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	dial := h.dialConn
	if dial == nil {
		dial = h.pipe.Dial
	}
	options.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	return websocket.Dial(h.T.Context(), "ws://127.0.0.1/?"+query, options)
}

// connect opens a line as most libraries do.
func (h *harness) connect() *bot {
	h.T.Helper()
	return h.connectTo("v=10&encoding=json")
}

// connectTo opens a line with a query.
func (h *harness) connectTo(query string) *bot {
	h.T.Helper()
	b := &bot{h: h, done: make(chan struct{})}
	conn, _, err := h.dial(query, &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return !b.mute
	}})
	if err != nil {
		h.T.Fatal(err)
	}
	conn.SetReadLimit(-1)
	b.conn = conn
	go b.read() // it ends with the line
	return b
}

func (b *bot) read() {
	defer close(b.done)
	for {
		kind, message, err := b.conn.Read(context.Background())
		if kind == websocket.MessageBinary && err == nil {
			message, err = inflate(message)
		}
		b.mu.Lock()
		if err != nil {
			b.closed = err
			b.mu.Unlock()
			return
		}
		var r received
		if err := json.Unmarshal(message, &r); err != nil {
			b.h.T.Errorf("a bot gets %q", message)
		}
		r.at, r.packed = time.Now(), kind == websocket.MessageBinary
		b.got = append(b.got, r)
		if r.Type == "READY" {
			var ready struct {
				Session string `json:"session_id"`
			}
			_ = json.Unmarshal(r.Data, &ready)
			b.session = ready.Session
		}
		deaf := b.deaf
		b.mu.Unlock()
		if deaf != nil {
			<-deaf
		}
	}
}

// inflate unpacks a message of payload compression.
func inflate(message []byte) ([]byte, error) {
	in, err := zlib.NewReader(bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

// send sends a payload.
func (b *bot) send(op int, d any) {
	b.h.T.Helper()
	raw, err := json.Marshal(map[string]any{"op": op, "d": d})
	if err == nil {
		err = b.conn.Write(context.Background(), websocket.MessageText, raw)
	}
	if err != nil {
		b.h.T.Errorf("a bot cannot send: %v", err)
	}
}

// identify identifies as a library would.
func (b *bot) identify(more map[string]any) *bot {
	b.h.T.Helper()
	d := map[string]any{"token": b.h.App.Token, "intents": allIntents, "properties": map[string]string{"browser": "test"}}
	for key, value := range more {
		d[key] = value
	}
	b.send(opIdentify, d)
	return b
}

// started returns a bot that has got READY and its guilds.
func (h *harness) started() *bot {
	h.T.Helper()
	b := h.connect().identify(nil)
	h.Until(20*time.Second, "READY and three guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
	h.Advance(time.Second)
	return b
}

// resumes returns a bot that resumes the session of another from the last number it got.
func (h *harness) resumes(from *bot) *bot {
	h.T.Helper()
	b := h.connect()
	b.session, b.base = from.session, from.last()
	b.send(opResume, map[string]any{"token": h.App.Token, "session_id": b.session, "seq": b.base})
	return b
}

// last returns the last number that the bot has got.
func (b *bot) last() (seq int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	seq = b.base
	for _, r := range b.got {
		seq = max(seq, r.Seq)
	}
	return seq
}

// events returns the events of a type.
func (b *bot) events(event string) (list []received) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.got {
		if r.Op == 0 && r.Type == event {
			list = append(list, r)
		}
	}
	return list
}

// heardMessage is a message and when the bot has read it.
type heardMessage struct {
	text string
	at   time.Time
}

// heard returns what was said, as far as the bot has heard.
func (b *bot) heard() (list []heardMessage) {
	for _, r := range b.events("MESSAGE_CREATE") {
		var m struct {
			Content string `json:"content"`
		}
		_ = json.Unmarshal(r.Data, &m)
		list = append(list, heardMessage{m.Content, r.at})
	}
	return list
}

// messages returns the texts of what the bot has heard.
func (b *bot) messages() (texts []string) {
	for _, m := range b.heard() {
		texts = append(texts, m.text)
	}
	return texts
}

// ops returns how many payloads of an opcode the bot has got.
func (b *bot) ops(op int) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.got {
		if r.Op == op {
			n++
		}
	}
	return n
}

// types returns the types of all events that the bot has got.
func (b *bot) types() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.got {
		if r.Op == 0 {
			list = append(list, r.Type)
		}
	}
	return list
}

// leave ends the bot in order: it closes its line.
func (b *bot) leave() {
	_ = b.conn.Close(websocket.StatusNormalClosure, "")
	<-b.done
	synctest.Wait()
}

// setMute has the bot answer no pings, or answer them again.
func (b *bot) setMute(mute bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mute = mute
}

// kill ends the bot without a word.
func (b *bot) kill() {
	_ = b.conn.CloseNow()
	<-b.done
	synctest.Wait()
}

// code returns the close code the bot has got; -1: none.
func (b *bot) code() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed == nil {
		return -1
	}
	return int(websocket.CloseStatus(b.closed))
}

// hang has the bot read nothing until goOn is called.
func (b *bot) hang() (goOn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	deaf := make(chan struct{})
	b.deaf = deaf
	return func() {
		b.mu.Lock()
		b.deaf = nil
		b.mu.Unlock()
		close(deaf)
	}
}

// say says so many things from a number on, and returns them.
func (h *harness) say(from, count int) (texts []string) {
	for i := range count {
		text := "message " + strconv.Itoa(from+i)
		h.Post(text)
		texts = append(texts, text)
	}
	return texts
}

// emit has Discord send an event with so many bytes of text in the first guild.
func (h *harness) emit(size int) {
	h.Sim.Emit(h.App, h.Guilds[0], "MESSAGE_UPDATE", map[string]any{"guild_id": h.Guilds[0].ID, "content": strings.Repeat("x", size)})
}

// wantMessages fails the test unless the bots together have heard each text once, in order.
func (h *harness) wantMessages(want []string, bots ...*bot) {
	h.T.Helper()
	var got []string
	for _, b := range bots {
		got = append(got, b.messages()...)
	}
	if !slices.Equal(got, want) {
		h.T.Errorf("the bots have heard %q, want %q", got, want)
	}
}

// fakeUpstream is one shard whose events a test hands over. It takes everything.
type fakeUpstream struct {
	mu     sync.Mutex
	sent   []string // opcode, guild and d of what was sent
	failed error    // what Send and SetPresence return
}

// handed returns a Sidecar's upstream whose events are handed over.
func (h *harness) handed() *fakeUpstream {
	u := &fakeUpstream{}
	h.sidecar.Attach(u)
	return u
}

func (u *fakeUpstream) Send(_ context.Context, guild uint64, op gateway.Opcode, d any) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	raw, _ := json.Marshal(d)
	u.sent = append(u.sent, fmt.Sprintf("%d %d %s", op, guild, raw))
	return u.failed
}

func (u *fakeUpstream) SetPresence(gateway.Presence) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}

// take returns what was sent since the last call.
func (u *fakeUpstream) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	sent := u.sent
	u.sent = nil
	return sent
}

func (*fakeUpstream) Latency() time.Duration       { return 0 }
func (*fakeUpstream) Assignment() fleet.Assignment { return fleet.Assignment{IDs: []int{0}, Count: 1} }

// hand hands the Sidecar an event as shard 0 would.
func (h *harness) hand(event string, d any) {
	h.T.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		h.T.Fatal(err)
	}
	h.sidecar.HandleEvent(h.T.Context(), gateway.Event{Type: event, Data: raw, Received: time.Now()})
	synctest.Wait()
}

// handReady hands over READY of a bot with the id 1 that names guilds, and no more of them.
func (h *harness) handReady(guilds ...int) {
	h.T.Helper()
	list := []any{}
	for _, id := range guilds {
		list = append(list, map[string]any{"id": strconv.Itoa(id), "unavailable": true})
	}
	h.hand("READY", map[string]any{"v": 10, "user": map[string]any{"id": "1"}, "session_id": "s", "shard": []int{0, 1}, "guilds": list})
}

// handGuild hands over a GUILD_CREATE without channels.
func (h *harness) handGuild(id int) {
	h.T.Helper()
	h.hand("GUILD_CREATE", map[string]any{"id": strconv.Itoa(id), "channels": []any{}})
}
