// Package decode measures what the same payload costs Evergreen and its peers, in
// one process and one run, without socket and compression.
//
//	go test -C bench -run '^$' -bench . -count 6 ./decode > decode.txt
//	go run golang.org/x/perf/cmd/benchstat@latest -filter .unit:ns/op -row /event -col /by decode.txt
package decode

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"

	"github.com/bwmarrin/discordgo"
	disgo "github.com/disgoorg/disgo/gateway"
)

var events = []string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "GUILD_MEMBER_UPDATE", "PRESENCE_UPDATE", "GUILD_CREATE"}

// data is the d of an event.
func data(tb testing.TB, event string) []byte {
	tb.Helper()
	d, err := os.ReadFile(filepath.Join("..", "payloads", strings.ToLower(event)+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.TrimSpace(d)
}

func payload(tb testing.TB, event string) []byte {
	tb.Helper()
	return fmt.Appendf(nil, `{"t":%q,"s":123456,"op":0,"d":%s}`, event, data(tb, event))
}

// BenchmarkDecode decodes one event, from the bytes of the payload to the point
// where a handler could be called. Evergreen is measured twice: with an event that
// the bot does not want, and with one that it wants and decodes three fields of.
// The peers decode every event in full.
func BenchmarkDecode(b *testing.B) {
	for _, event := range events {
		d, p := data(b, event), payload(b, event)
		b.Run("event="+event+"/by=evergreen-unwanted", func(b *testing.B) { shard(b, event, d, []string{}) })
		b.Run("event="+event+"/by=evergreen-wanted", func(b *testing.B) { shard(b, event, d, []string{event}) })
		b.Run("event="+event+"/by=disgo", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var m disgo.Message
				if err := json.Unmarshal(p, &m); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("event="+event+"/by=discordgo", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := discordgoDecode(event, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The events as discordgo's Session.onEvent makes them.
var discordgoEvents = map[string]func() any{
	"MESSAGE_CREATE":      func() any { return new(discordgo.MessageCreate) },
	"MESSAGE_UPDATE":      func() any { return new(discordgo.MessageUpdate) },
	"GUILD_MEMBER_UPDATE": func() any { return new(discordgo.GuildMemberUpdate) },
	"PRESENCE_UPDATE":     func() any { return new(discordgo.PresenceUpdate) },
	"GUILD_CREATE":        func() any { return new(discordgo.GuildCreate) },
}

// discordgoDecode does what Session.onEvent does with an uncompressed message,
// without its log, state and handlers.
func discordgoDecode(event string, p []byte) error {
	var e *discordgo.Event
	if err := json.NewDecoder(bytes.NewBuffer(p)).Decode(&e); err != nil {
		return err
	}
	e.Struct = discordgoEvents[event]()
	return json.Unmarshal(e.RawData, e.Struct)
}

// shard lets a whole shard read b.N events from a socket that has them in memory.
func shard(b *testing.B, event string, d []byte, wanted []string) {
	t := &tape{
		total: int64(b.N), identified: make(chan struct{}, 1), start: make(chan struct{}), begin: make(chan struct{}), done: make(chan struct{}), gone: make(chan struct{}),
		head: fmt.Appendf(nil, `{"t":%q,"s":`, event), tail: fmt.Appendf(nil, `,"op":0,"d":%s}`, d),
	}
	s, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL("ws://x"), Dialer: t, Compression: gateway.CompressNone,
		Events: wanted, QueueBytes: 1 << 40,
		Handler: gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			var m struct {
				ID      string `json:"id"`
				Channel string `json:"channel_id"`
				Content string `json:"content"`
			}
			_ = json.Unmarshal(e.Data, &m)
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(context.Background()) }()
	<-t.begin
	b.ReportAllocs()
	b.ResetTimer()
	close(t.start)
	<-t.done
	if len(wanted) > 0 {
		for s.Stats().Handled < int64(b.N) {
			time.Sleep(10 * time.Microsecond)
		}
	}
	b.StopTimer()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx, gateway.EndSession); err != nil {
		b.Fatal(err)
	}
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// tape is a dialer and its only socket.
type tape struct {
	total, read int64
	head, tail  []byte
	identified  chan struct{} // IDENTIFY was sent
	start       chan struct{} // closed when the events may come
	begin       chan struct{} // closed when READY was read
	done        chan struct{} // closed when the last event was taken in
	gone        chan struct{} // closed when the socket is dropped
	stage       int
	drop        sync.Once
}

func (t *tape) Dial(context.Context, string) (gateway.Socket, error) { return t, nil }

func (t *tape) Read(buf []byte, _ int64, received func(n int)) ([]byte, int64, bool, error) {
	received(1)
	start := len(buf)
	switch {
	case t.stage == 0:
		buf = append(buf, `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":600000}}`...)
		t.stage = 1
	case t.stage == 1:
		<-t.identified
		buf = append(buf, `{"t":"READY","s":1,"op":0,"d":{"session_id":"a","resume_gateway_url":"ws://x","user":{"id":"1"},"guilds":[],"application":{"id":"1"}}}`...)
		t.stage = 2
	case t.stage == 2:
		close(t.begin)
		<-t.start
		t.stage = 3
		fallthrough
	default:
		if t.read == t.total {
			close(t.done)
			<-t.gone
			return buf, 0, false, context.Canceled
		}
		t.read++
		buf = append(buf, t.head...)
		buf = strconv.AppendInt(buf, t.read+1, 10)
		buf = append(buf, t.tail...)
	}
	return buf, int64(len(buf) - start), false, nil
}

func (t *tape) Write(_ context.Context, message []byte) error {
	if bytes.Contains(message, []byte(`"op":2`)) {
		t.identified <- struct{}{}
	}
	return nil
}

func (t *tape) Close(context.Context, gateway.CloseCode, string) { t.Drop() }

func (t *tape) Drop() { t.drop.Do(func() { close(t.gone) }) }
