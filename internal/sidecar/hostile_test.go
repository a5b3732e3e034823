package sidecar

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"

	"github.com/coder/websocket"
)

// besideABot lets a story pass in which something hostile happens. A bot on the same proxy
// hears each message of a lively guild within a moment, in order, all the time; Discord sees
// nothing of the hostile client.
func besideABot(t *testing.T, opts Options, story func(h *harness)) {
	t.Helper()
	run(t, opts, func(h *harness) {
		b := h.started()
		ctx, enough := context.WithCancel(h.T.Context())
		talked := make(chan []string)
		go func() {
			var said []string
			for ctx.Err() == nil {
				said = append(said, h.say(len(said), 1)...)
				time.Sleep(100 * time.Millisecond)
			}
			talked <- said
		}()
		story(h)
		enough()
		said := <-talked
		h.Advance(time.Second)
		h.wantMessages(said, b)
		var before time.Time
		for _, m := range b.heard() {
			if gap := m.at.Sub(before); !before.IsZero() && gap > 200*time.Millisecond {
				t.Errorf("before %q the bot has waited for %s", m.text, gap)
			}
			before = m.at
		}
		if code := b.code(); code != -1 || b.ops(9) != 0 || !h.Sim.Online(h.App) {
			t.Errorf("the bot is closed with %d, and has got %d op 9", code, b.ops(9))
		}
		h.WantIdentifies(1)
		if n := h.Sim.Verdict(h.App).Resumes; n != 0 {
			t.Errorf("the connection to Discord was made anew %d times", n)
		}
		h.NoViolations()
		b.kill()
		h.Advance(2 * time.Minute)
		if n := h.sidecar.Status().Lines; n != 0 {
			t.Errorf("%d lines are left", n)
		}
	})
}

// another returns a bot of another shard pair that is ready, so that it takes nothing from the
// one that it stands beside.
func (h *harness) another() *bot {
	h.T.Helper()
	b := h.connect().identify(map[string]any{"shard": []int{1, 2}})
	h.Until(20*time.Second, "READY", func() bool { return len(b.events("READY")) == 1 })
	h.Advance(time.Second)
	return b
}

// Given a bot that is served, when another client sends what makes no sense, then it is closed
// with the code that Discord has for it, or ignored, and costs nobody but itself.
func TestNonsenseCostsItsOwnLine(t *testing.T) {
	const ignored = -1
	padded := func(op, size int) string {
		head, tail := fmt.Sprintf(`{"op":%d,"d":{"guild_id":"1","query":"`, op), `"}}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	for name, c := range map[string]struct {
		payload string
		code    int
	}{
		"no JSON":                     {`{"op":1`, 4002},
		"a text":                      {`hello`, 4002},
		"nothing":                     {``, 4002},
		"two payloads in one":         {`{"op":1,"d":null}{"op":1,"d":null}`, 4002},
		"a deep array":                {strings.Repeat("[", 3000), 4002},
		"half a character":            {"{\"op\":1,\"d\":\"\xff\"}", 4002},
		"half a pair":                 {`{"op":8,"d":{"guild_id":"1","query":"\ud800"}}`, 4002},
		"one name twice":              {`{"op":8,"op":1,"d":null}`, 4002},
		"no opcode":                   {`{"d":null}`, 4002},
		"an opcode as a text":         {`{"op":"1"}`, 4002},
		"an opcode out of all bounds": {`{"op":1e400}`, 4002},
		"an opcode of a server":       {`{"op":10,"d":{"heartbeat_interval":1}}`, ignored},
		"an unknown opcode":           {`{"op":99,"d":{}}`, ignored},
		"a negative opcode":           {`{"op":-1}`, ignored},
		"4,096 bytes":                 {padded(3, 4096), ignored},
		"4,097 bytes":                 {padded(3, 4097), 4002},
		"16 KiB":                      {padded(3, 16<<10), 4002},
		"64 KiB":                      {padded(3, 64<<10), 4002},
		"1 MiB":                       {padded(3, 1<<20), 4002},
		"a second IDENTIFY":           {`{"op":2,"d":{"token":"TOKEN","intents":1}}`, 4005},
		"a RESUME after IDENTIFY":     {`{"op":6,"d":{"token":"TOKEN","session_id":"s","seq":1}}`, 4005},
		"members of nothing":          {`{"op":8,"d":{}}`, 4002},
		"members without a query":     {`{"op":8,"d":{"guild_id":"GUILD"}}`, 4002},
		"members by odd types":        {`{"op":8,"d":{"guild_id":"GUILD","query":5,"limit":[]}}`, 4002},
		"members of many guilds":      {`{"op":8,"d":{"guild_id":["GUILD","1"],"query":""}}`, 4002},
		"a voice state of odd types":  {`{"op":4,"d":{"guild_id":"GUILD","channel_id":{},"self_mute":"x"}}`, 4002},
		"a channel that is not there": {`{"op":4,"d":{"guild_id":"GUILD","channel_id":"1"}}`, ignored},
		"sounds of nothing":           {`{"op":31,"d":{"guild_ids":[[]]}}`, 4002},
		"channels by odd types":       {`{"op":43,"d":{"guild_id":"GUILD","fields":{}}}`, 4002},
		"a presence of odd types":     {`{"op":3,"d":{"status":5,"activities":{}}}`, ignored},
		"a presence of nothing":       {`{"op":3}`, ignored},
		"a heartbeat far ahead":       {`{"op":1,"d":9223372036854775807}`, ignored},
		"a heartbeat out of bounds":   {`{"op":1,"d":1e99}`, ignored},
		"a heartbeat of an object":    {`{"op":1,"d":{"seq":1}}`, ignored},
	} {
		t.Run(name, func(t *testing.T) {
			besideABot(t, Options{}, func(h *harness) {
				payload := strings.NewReplacer("TOKEN", h.App.Token, "GUILD", h.Guilds[0].ID.String()).Replace(c.payload)
				for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
					b := h.another()
					_ = b.conn.Write(h.T.Context(), kind, []byte(payload)) // it may be closed before it has sent all
					h.Advance(20 * time.Second)
					if b.code() != c.code {
						t.Errorf("as %v it is closed with %d, want %d", kind, b.code(), c.code)
					}
					b.kill()
				}
			})
		})
	}
}

// An IDENTIFY may have 15 KiB, and no more.
func TestSizeOfIdentify(t *testing.T) {
	besideABot(t, Options{}, func(h *harness) {
		for size, code := range map[int]int{15 << 10: -1, 15<<10 + 1: 4002} {
			b := h.connect()
			head, tail := `{"op":2,"d":{"shard":[1,2],"intents":1,"token":"`+h.App.Token+`","properties":{"os":"`, `"}}}`
			payload := head + strings.Repeat("x", size-len(head)-len(tail)) + tail
			if err := b.conn.Write(h.T.Context(), websocket.MessageText, []byte(payload)); err != nil {
				t.Error(err)
			}
			h.Advance(5 * time.Second)
			if b.code() != code || (len(b.events("READY")) == 1) != (code == -1) {
				t.Errorf("of %d bytes it is closed with %d, and gets %q", size, b.code(), b.types())
			}
			b.kill()
		}
	})
}

// A client that floods is read slowly, or closed where more waits for Discord's limit than is
// of any use. What Discord gets stays within its limits.
func TestFloodCostsItsOwnLine(t *testing.T) {
	for name, c := range map[string]struct {
		payload string
		count   int
		code    int
	}{
		"heartbeats": {`{"op":1,"d":null}`, 60_000, -1},
		"presences":  {`{"op":3,"d":{"since":null,"activities":[],"status":"idle","afk":false}}`, 15_000, -1},
		"members":    {`{"op":8,"d":{"guild_id":"GUILD","query":"a","limit":1}}`, 500, closeRateLimited},
		"voice":      {`{"op":4,"d":{"guild_id":"GUILD","channel_id":null,"self_mute":false,"self_deaf":false}}`, 500, closeRateLimited},
	} {
		besideABot(t, Options{}, func(h *harness) {
			b := h.another()
			payload := []byte(strings.ReplaceAll(c.payload, "GUILD", h.Guilds[0].ID.String()))
			flood := make(chan struct{})
			go func() {
				defer close(flood)
				for range c.count {
					if b.conn.Write(h.T.Context(), websocket.MessageText, payload) != nil {
						return
					}
				}
			}()
			h.Advance(time.Minute)
			if b.code() != c.code {
				t.Errorf("%s: it is closed with %d, want %d", name, b.code(), c.code)
			}
			b.kill()
			<-flood
			h.Advance(time.Minute)
		})
	}
}

// A client that reads nothing, one that is half open and one that sends nothing hold up
// nobody, however much there is for them. The last is closed after a minute.
func TestClientThatDoesNothingHoldsUpNobody(t *testing.T) {
	besideABot(t, Options{}, func(h *harness) {
		slow := h.another()
		goOn := slow.hang()
		halfOpen := h.raw("v=10")
		halfOpen.send(`{"op":2,"d":{"token":"` + h.App.Token + `","intents":513,"shard":[1,3]}}`)
		silent := h.connect()
		reads := h.raw("compress=zlib-stream")
		began := time.Now()
		for range 60 {
			h.emit(100 << 10)
			h.Advance(500 * time.Millisecond)
		}
		h.Until(2*time.Minute, "the end of the one that sends nothing", func() bool { return silent.code() != -1 })
		if took := time.Since(began).Round(time.Second); silent.code() != 4000 || took != time.Minute {
			t.Errorf("who sends nothing is closed with %d after %s", silent.code(), took)
		}
		goOn()
		slow.kill()
		halfOpen.hangUp()
		reads.hangUp()
	})
}

// The 257th connection is refused, and told why; the others are served.
func TestTooManyConnectionsHurtNobody(t *testing.T) {
	besideABot(t, Options{}, func(h *harness) {
		var crowd []*bot
		for range maxLines - 1 {
			crowd = append(crowd, h.connect())
		}
		for range 3 {
			_, response, err := h.dial("", &websocket.DialOptions{})
			if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
				t.Fatalf("one more: %v, %v", response, err)
			}
			if says, _ := io.ReadAll(response.Body); !strings.Contains(string(says), "256 connections") {
				t.Errorf("it is told %q", says)
			}
		}
		for _, b := range crowd {
			b.kill()
		}
		h.another().kill()
	})
}

// Who sends the header of a request byte by byte, or nothing at all, is cut off.
func TestSlowHeadersAreCutOff(t *testing.T) {
	besideABot(t, Options{}, func(h *harness) {
		for _, text := range []string{"", "GET / HTTP/1.1\r\n" + strings.Repeat("x", 1000)} {
			conn, err := h.pipe.Dial(h.T.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			cut := make(chan time.Duration, 1)
			began := time.Now()
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				cut <- time.Since(began)
			}()
			for _, b := range []byte(text) {
				if _, err := conn.Write([]byte{b}); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			if took := <-cut; took > 10*time.Second {
				t.Errorf("it is cut off after %s", took)
			}
			_ = conn.Close()
		}
	})
}

// Five wrong tokens a minute are refused at once, each further one a second later; the right
// one is taken at once all the time.
func TestWrongTokensAreSlowedDown(t *testing.T) {
	besideABot(t, Options{}, func(h *harness) {
		refusal := func() time.Duration {
			b := h.connect().identify(map[string]any{"token": "wrong"})
			took := h.Until(3*time.Second, "the refusal", func() bool { return b.code() != -1 })
			if b.code() != 4004 {
				t.Errorf("it is closed with %d", b.code())
			}
			return took.Round(10 * time.Millisecond)
		}
		rest := func() time.Duration {
			began := time.Now()
			if status, _, _ := h.request("GET", "/api/v10/users/@me", "", bearing("wrong")); status != 401 {
				t.Errorf("a REST request is answered with %d", status)
			}
			return time.Since(began)
		}
		for range 2 {
			for i := range 4 {
				if took := refusal(); took >= 100*time.Millisecond {
					t.Errorf("the refusal %d takes %s", i+1, took)
				}
			}
			if took := rest(); took >= 100*time.Millisecond {
				t.Errorf("the fifth refusal takes %s", took)
			}
			if took := refusal(); took < wrongTokenDelay || took > wrongTokenDelay+100*time.Millisecond {
				t.Errorf("the sixth refusal takes %s", took)
			}
			if took := rest(); took != wrongTokenDelay {
				t.Errorf("the seventh refusal takes %s", took)
			}
			began := time.Now()
			b := h.connect().identify(map[string]any{"shard": []int{1, 2}})
			if h.Until(20*time.Second, "READY", func() bool { return len(b.events("READY")) == 1 }); time.Since(began) >= 100*time.Millisecond {
				t.Errorf("READY of a bot with the right token takes %s", time.Since(began))
			}
			b.kill()
			h.Advance(wrongTokensIn)
		}
		b := h.connect()
		for range 7 {
			b = h.connect().identify(map[string]any{"token": "wrong"})
			h.Advance(time.Millisecond)
		}
		b.kill() // it does not wait for the answer
		h.Advance(2 * time.Second)
	})
}

// Guesses are counted for each address, and no more addresses are remembered than there is
// room for.
func TestGuessesAreCountedByAddress(t *testing.T) {
	s := &Sidecar{guesses: map[string]guesses{}}
	now := time.Unix(1_700_000_000, 0)
	for range wrongTokens {
		if wait := s.countGuess("a", now); wait != 0 {
			t.Errorf("one of the first waits %s", wait)
		}
	}
	if wait := s.countGuess("a", now.Add(wrongTokensIn-1)); wait != wrongTokenDelay {
		t.Errorf("one too many waits %s", wait)
	}
	if wait := s.countGuess("b", now); wait != 0 {
		t.Errorf("the first of another address waits %s", wait)
	}
	if wait := s.countGuess("a", now.Add(wrongTokensIn)); wait != 0 {
		t.Errorf("a minute after the first one it waits %s", wait)
	}
	for i := range 2 * maxGuessers {
		s.countGuess(fmt.Sprint(i), now)
	}
	if n := len(s.guesses); n > maxGuessers {
		t.Errorf("%d addresses are remembered", n)
	}
	if wait := s.countGuess("new", now); wait != wrongTokenDelay {
		t.Errorf("one of an address for which there is no room waits %s", wait)
	}
}

// Requests that no library sends are refused before there is a line.
func TestUpgradesOfNoSenseAreRefused(t *testing.T) {
	besideABot(t, Options{}, func(h *harness) {
		for name, c := range map[string]struct {
			query  string
			header http.Header
			host   string
			status int
		}{
			"a web page":             {"", http.Header{"Origin": {"https://example.com"}}, "", 403},
			"an Origin of nothing":   {"", http.Header{"Origin": {"null"}}, "", 403},
			"a rebound name":         {"", nil, "rebound.example.com", 403},
			"an unknown compression": {"compress=gzip", nil, "", 400},
			"an unknown encoding":    {"encoding=cbor", nil, "", 400},
			"etf":                    {"encoding=etf", nil, "", 400},
			"an unknown version":     {"v=8", nil, "", 101},
			"a version of no sense":  {"v=ten", nil, "", 101},
			"a query of no sense":    {"%zz&;=&v", nil, "", 101},
			"many values":            {"v=10&v=8&" + strings.Repeat("x=1&", 5000), nil, "", 101},
			"a header of 100 KB":     {"", http.Header{"X-Large": {strings.Repeat("x", 100<<10)}}, "", 431},
			"a protocol of its own":  {"", http.Header{"Sec-Websocket-Protocol": {"discord"}}, "", 101},
		} {
			conn, response, err := h.dial(c.query, &websocket.DialOptions{HTTPHeader: c.header, Host: c.host})
			if response == nil || response.StatusCode != c.status {
				t.Errorf("%s: %v, %v, want %d", name, response, err, c.status)
			}
			if conn != nil {
				_ = conn.CloseNow()
			}
		}
	})
}

// A RESUME that cannot be is answered with op 9 or closed, whosever session it names, and the
// session stays with its own line.
func TestAbsurdResumeTakesNothing(t *testing.T) {
	besideABot(t, Options{Dir: t.TempDir()}, func(h *harness) {
		victim := h.another()
		for _, seq := range []any{math.MaxInt64, int64(math.MinInt64), -1, 0, 1 << 40, "1", 1.5, nil, json.RawMessage(`1e400`), json.RawMessage(`99999999999999999999`), []int{1}} {
			b := h.connect()
			b.send(opResume, map[string]any{"token": h.App.Token, "session_id": victim.session, "seq": seq})
			h.Until(2*time.Second, fmt.Sprintf("the refusal of %v", seq), func() bool { return b.ops(9) == 1 || b.code() == 4002 })
			b.kill()
		}
		for _, id := range []any{"", strings.Repeat("x", 3000), 7, nil, "../../etc/passwd", victim.session[:31]} {
			b := h.connect()
			b.send(opResume, map[string]any{"token": h.App.Token, "session_id": id, "seq": 1})
			h.Until(2*time.Second, fmt.Sprintf("the refusal of %v", id), func() bool { return b.ops(9) == 1 || b.code() == 4002 })
			b.kill()
		}
		if victim.code() != -1 || victim.ops(9) != 0 {
			t.Errorf("the bot whose session it was is closed with %d", victim.code())
		}
		victim.kill()
	})
}

// Of two lines that resume one session the newer has it, and each event comes to one of them.
func TestTwoLinesResumeOneSession(t *testing.T) {
	besideABot(t, Options{}, func(h *harness) {
		first := h.another()
		first.kill()
		guild := h.Guilds[slices.IndexFunc(h.Guilds, func(g *discordsim.Guild) bool { return g.ID>>22%2 == 1 })]
		h.Sim.Emit(h.App, guild, "GUILD_ROLE_UPDATE", map[string]any{"guild_id": guild.ID, "role": map[string]any{"id": "5"}})
		var lines []*bot
		for range 5 {
			lines = append(lines, h.resumes(first))
		}
		h.Advance(3 * time.Second)
		live := 0
		for i, b := range lines {
			if b.code() == -1 {
				live++
				if len(b.events("RESUMED")) != 1 {
					t.Errorf("line %d goes on with %q", i, b.types())
				}
			} else if b.code() != 4000 {
				t.Errorf("line %d is closed with %d", i, b.code())
			}
			b.kill()
		}
		if live != 1 {
			t.Errorf("%d lines have the session", live)
		}
	})
}

// rawClient is a client that does what no library does.
type rawClient struct {
	h    *harness
	conn net.Conn
}

// raw opens a connection and sends an upgrade request. Nothing is read.
func (h *harness) raw(query string) *rawClient {
	h.T.Helper()
	conn, err := h.pipe.Dial(h.T.Context(), "", "")
	if err != nil {
		h.T.Fatal(err)
	}
	c := &rawClient{h, conn}
	c.write([]byte("GET /?" + query + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"))
	return c
}

// write sends bytes, for as long as they are taken.
func (c *rawClient) write(raw []byte) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = c.conn.Write(raw)
}

// send sends a payload in a frame.
func (c *rawClient) send(payload string) { c.write(frame(0x81, []byte(payload))) }

func (c *rawClient) hangUp() { _ = c.conn.Close() }

// frame is a masked frame with its first byte.
func frame(first byte, payload []byte) []byte {
	raw := []byte{first}
	switch n := len(payload); {
	case n < 126:
		raw = append(raw, 1<<7|byte(n))
	case n < 1<<16:
		raw = binary.BigEndian.AppendUint16(append(raw, 1<<7|126), uint16(n))
	default:
		raw = binary.BigEndian.AppendUint64(append(raw, 1<<7|127), uint64(n))
	}
	return append(append(raw, 0, 0, 0, 0), payload...) // a mask of zeros
}

// FuzzClient has a client send anything: the query of its upgrade request, and then a script
// whose lines are messages, or, if they begin with an exclamation mark, bytes as they are in
// hexadecimal. TOKEN and GUILD stand for those that there are. The bot beside it notices
// nothing.
func FuzzClient(f *testing.F) {
	const identify = `{"op":2,"d":{"token":"TOKEN","intents":513,"shard":[1,2]}}` + "\n"
	for _, seed := range []string{
		"",
		identify,
		identify + identify,
		identify + `{"op":1,"d":3}`,
		identify + `{"op":1,"d":9223372036854775807}`,
		identify + `{"op":3,"d":{"since":0,"game":{"name":"x","type":0},"status":"dnd","afk":false}}`,
		identify + `{"op":4,"d":{"guild_id":"GUILD","channel_id":null,"self_mute":false,"self_deaf":false}}`,
		identify + `{"op":8,"d":{"guild_id":"GUILD","query":"","limit":0,"nonce":{"a":1}}}` + "\n" + `{"op":8,"d":{"guild_id":["GUILD"],"user_ids":["1"]}}`,
		identify + `{"op":31,"d":{"guild_ids":["GUILD"]}}` + "\n" + `{"op":43,"d":{"guild_id":GUILD,"fields":["status"]}}`,
		identify + `{"op":6,"d":{"token":"TOKEN","session_id":"x","seq":1}}`,
		identify + `{"op":9,"d":true}` + "\n" + `{"op":7}` + "\n" + `{"op":11}`,
		identify + "!0102\n!8a00\n!8900",
		identify + "!8802ffff",
		identify + "!f180",
		identify + "!01810000000022\n!808100000000" + "7b",
		identify + "!81ff7fffffffffffffff00000000",
		identify + "!82fe00050000000068656c6c6f",
		`{"op":6,"d":{"token":"TOKEN","session_id":"00000000000000000000000000000000","seq":-1}}` + "\n" + identify,
		`{"op":6,"d":{"token":"wrong","session_id":"s","seq":1}}`,
		`{"op":2,"d":{"token":"Bot TOKEN","intents":0,"compress":true,"large_threshold":-1,"properties":{"$browser":"discord.py"},"shard":[15,16],"presence":{"status":"","activities":null}}}`,
		`{"op":2,"d":{"token":"TOKEN","intents":1,"shard":[0,0]}}`,
		`{"op":2,"d":{"token":"TOKEN","intents":-1}}`,
		`{"op":8,"d":{"guild_id":"GUILD","query":""}}`,
		`[]`, `null`, `{}`, `{"op":2}`, `{"op":2,"d":[]}`, `{"op":6,"d":null}`, strings.Repeat("[", 4000), "\xff\xfe",
		"!474554202f20485454502f312e310d0a0d0a",
	} {
		for _, query := range []string{"v=10&encoding=json", "compress=zlib-stream", "v=9&compress=zstd-stream"} {
			f.Add(query, []byte(seed))
		}
	}
	for _, query := range []string{"", "v=8", "encoding=etf", "compress=x", "v=10 HTTP/1.1\r\nOrigin: x", "\x00", "v=10 HTTP/9.9"} {
		f.Add(query, []byte(identify))
	}
	f.Fuzz(func(t *testing.T, query string, script []byte) {
		run(t, Options{}, func(h *harness) {
			b := h.started()
			c := h.raw(query)
			go func() { _, _ = io.Copy(io.Discard, c.conn) }() // it ends with the connection
			said := h.say(0, 1)
			for message := range bytes.Lines(script) {
				message = bytes.TrimSuffix(message, []byte("\n"))
				message = bytes.ReplaceAll(bytes.ReplaceAll(message, []byte("TOKEN"), []byte(h.App.Token)), []byte("GUILD"), []byte(h.Guilds[0].ID.String()))
				if digits, ok := bytes.CutPrefix(message, []byte("!")); ok {
					raw, _ := hex.DecodeString(string(digits))
					c.write(raw)
				} else {
					c.write(frame(0x81, message))
				}
				synctest.Wait()
			}
			said = append(said, h.say(1, 1)...)
			h.Advance(2 * time.Second)
			c.hangUp()
			said = append(said, h.say(2, 1)...)
			h.Advance(2 * time.Second)
			taken := b.ops(9) > 0 // a client with the token may take the place of the bot
			for _, one := range h.sidecar.Status().Consumers {
				taken = taken || one.Shard == [2]int{0, 1} && one.Standby > 0
			}
			if !taken {
				h.wantMessages(said, b)
				if b.code() != -1 {
					t.Errorf("the bot is closed with %d", b.code())
				}
			}
			h.WantIdentifies(1)
			if n := h.Sim.Verdict(h.App).Resumes; n != 0 {
				t.Errorf("the connection to Discord was made anew %d times", n)
			}
			h.NoViolations()
			b.kill()
			if n := h.sidecar.Status().Lines; n != 0 {
				t.Errorf("%d lines are left", n)
			}
		})
	})
}
