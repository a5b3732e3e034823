// Package heartbeat measures how long heartbeat ACKs take while events flood the
// shard.
//
//	go test -C bench -run '^$' -bench ACK -benchtime 1100x -timeout 5m ./heartbeat
package heartbeat

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/gateway"

	"github.com/coder/websocket"
)

// BenchmarkACKInBurst floods a shard over TCP, as fast as the connection allows,
// with events that the bot does not want, and measures the time from each
// heartbeat until the shard has handled its ACK. What the system has buffered
// arrives before each ACK. An operation is one heartbeat; they are 100 ms apart.
func BenchmarkACKInBurst(b *testing.B) {
	flood := newFlood(b)
	server := httptest.NewServer(flood)
	defer server.Close()
	took := make(chan time.Duration, b.N+100)
	s, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: "t"}, URLSource: gateway.FixedURL(strings.Replace(server.URL, "http", "ws", 1)),
		Compression: gateway.CompressNone, Events: []string{"MESSAGE_CREATE"}, Handler: gateway.HandlerFunc(func(context.Context, gateway.Event) {}),
		Observer: gateway.ObserverFunc(func(n gateway.Observation) {
			if d, ok := n.Event.(gateway.Disconnected); ok && d.Reason.Kind != gateway.ReasonStop {
				b.Errorf("the flood was taken for the end of the connection: %s", d.Reason)
			}
			if ack, ok := n.Event.(gateway.HeartbeatACK); ok {
				select {
				case took <- ack.Latency:
				default:
				}
			}
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(context.Background()) }()
	all := []time.Duration{<-took}
	before, began := s.Stats(), time.Now()
	b.ResetTimer()
	for range b.N {
		all = append(all, <-took)
	}
	b.StopTimer()
	after, lasted := s.Stats(), time.Since(began)
	slices.Sort(all)
	for name, part := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "p99.9-ms": 0.999, "max-ms": 1} {
		b.ReportMetric(float64(all[min(len(all)-1, int(part*float64(len(all))))].Microseconds())/1e3, name)
	}
	b.ReportMetric(float64(after.Received-before.Received)/lasted.Seconds(), "events/s")
	flood.over.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx, gateway.EndSession); err != nil {
		b.Fatal(err)
	}
	<-ended
}

// flood is a gateway that sends the same event without pause.
type flood struct {
	data []byte
	over atomic.Bool
}

func newFlood(b *testing.B) *flood {
	data, err := os.ReadFile("../payloads/message_update.json")
	if err != nil {
		b.Fatal(err)
	}
	return &flood{data: bytes.TrimSpace(data)}
}

func (f *flood) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	ctx := r.Context()
	send := func(text []byte) bool { return ws.Write(ctx, websocket.MessageText, text) == nil }
	if !send([]byte(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":100}}`)) {
		return
	}
	beats, identified := make(chan struct{}, 100), make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			_, text, err := ws.Read(ctx)
			switch {
			case err != nil:
				return
			case bytes.Contains(text, []byte(`"op":2`)):
				close(identified)
			case bytes.Contains(text, []byte(`"op":1`)):
				beats <- struct{}{}
			}
		}
	}()
	select {
	case <-identified:
	case <-gone:
		return
	}
	send([]byte(`{"t":"READY","s":1,"op":0,"d":{"session_id":"a","resume_gateway_url":"ws://127.0.0.1:1","user":{"id":"1"},"guilds":[],"application":{"id":"1"}}}`))
	var event []byte
	for seq := int64(2); !f.over.Load(); seq++ {
		select {
		case <-beats:
			if !send([]byte(`{"t":null,"s":null,"op":11,"d":null}`)) {
				return
			}
		case <-gone:
			return
		default:
		}
		event = strconv.AppendInt(append(event[:0], `{"t":"MESSAGE_UPDATE","s":`...), seq, 10)
		event = append(append(append(event, `,"op":0,"d":`...), f.data...), '}')
		if !send(event) {
			return
		}
	}
	<-gone
}
