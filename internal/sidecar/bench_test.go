package sidecar

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"

	"github.com/coder/websocket"
)

// quietUpstream is shards that send nothing by themselves.
type quietUpstream struct{}

func (quietUpstream) Send(context.Context, uint64, gateway.Opcode, any) error { return nil }
func (quietUpstream) SetPresence(gateway.Presence) error                      { return nil }
func (quietUpstream) Latency() time.Duration                                  { return 0 }
func (quietUpstream) Assignment() fleet.Assignment                            { return fleet.All(1) }

// underWay is how many events may be on their way, so that none falls out of the backlog.
const underWay = 10_000

// BenchmarkDelivery measures how fast events of 600 bytes come to one bot over a socket of
// this machine, with the journal and without.
func BenchmarkDelivery(b *testing.B) {
	for _, kept := range []bool{false, true} {
		b.Run(fmt.Sprintf("journal=%t", kept), func(b *testing.B) {
			o := Options{Token: func() string { return "t" }, HTTPClient: http.DefaultClient, APIURL: "http://127.0.0.1:1/api/v10", Addr: "127.0.0.1:0"}
			if kept {
				o.Dir = b.TempDir()
			}
			s, err := New(o)
			if err == nil {
				err = s.Listen(b.Context())
			}
			if err != nil {
				b.Fatal(err)
			}
			s.Attach(quietUpstream{})
			ran := make(chan error, 1)
			go func() { ran <- s.Run(context.Background()) }()
			s.HandleEvent(b.Context(), gateway.Event{Type: "READY", Seq: 1, SessionID: "s", Received: time.Now(), Data: []byte(`{"user":{"id":"1"},"guilds":[]}`)})
			conn, _, err := websocket.Dial(b.Context(), "ws://"+s.Addr().String(), nil)
			if err != nil {
				b.Fatal(err)
			}
			conn.SetReadLimit(-1)
			if err := conn.Write(b.Context(), websocket.MessageText, []byte(`{"op":2,"d":{"token":"t","intents":513}}`)); err != nil {
				b.Fatal(err)
			}
			started, all := make(chan struct{}), make(chan struct{})
			room := make(chan struct{}, underWay)
			go func() {
				for n := 1; ; n++ {
					if _, _, err := conn.Read(context.Background()); err != nil {
						return
					}
					if n == 2 { // after HELLO this is READY
						close(started)
					}
					if n > 2 {
						<-room
					}
					if n == b.N+2 {
						close(all)
					}
				}
			}()
			<-started
			data := fmt.Appendf(nil, `{"id":"1","guild_id":"4194304","channel_id":"3","content":"%0500d"}`, 7)
			b.SetBytes(int64(len(data)))
			b.ResetTimer()
			for i := range b.N {
				room <- struct{}{}
				s.HandleEvent(b.Context(), gateway.Event{Type: "MESSAGE_CREATE", Seq: int64(i) + 2, SessionID: "s", Received: time.Now(), Data: data})
			}
			<-all
			b.StopTimer()
			_ = conn.CloseNow()
			_ = s.Stop(context.Background())
			if err := <-ran; err != nil {
				b.Error(err)
			}
		})
	}
}
