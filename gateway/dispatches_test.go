package gateway_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// Given events as real bots receive them, odd ones included, then each reaches the handler as
// Discord sent it, the connection stays, and what comes afterwards is heard.
//
// Statements: G-109.
func TestRealDispatchesReachTheHandler(t *testing.T) {
	for _, compression := range []gateway.Compression{gateway.CompressNone, gateway.CompressZlib, gateway.CompressZstd} {
		simtest.Run(t, simtest.Options{Guilds: 1}, func(w *simtest.World) {
			var mu sync.Mutex
			var last gateway.Event
			o := w.ShardOptions(simtest.AllIntents)
			o.Compression = compression
			o.Handler = gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
				mu.Lock()
				defer mu.Unlock()
				last = e
			})
			s, err := gateway.New(o)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- s.Run(context.Background()) }()
			heard := func() (string, string) {
				mu.Lock()
				defer mu.Unlock()
				return last.Type, string(last.Data)
			}
			w.Until(time.Minute, "the guild has come", func() bool { typ, _ := heard(); return typ == "GUILD_CREATE" })
			w.Deliver(func(d simtest.Dispatch) {
				if typ, data := heard(); typ != d.Type || data != string(d.Data) || !json.Valid([]byte(data)) {
					t.Errorf("%s: %s, %s: heard %s %s", compression, d.Type, d.Why, typ, data)
				}
			})
			w.Post("afterwards")
			w.Until(time.Minute, "the message is heard", func() bool { typ, _ := heard(); return typ == "MESSAGE_CREATE" })
			if n := s.Stats().Connects; n != 1 {
				t.Errorf("%s: %d connections", compression, n)
			}
			w.NoViolations()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := s.Stop(ctx, gateway.EndSession); err != nil {
				t.Error(err)
			}
			<-done
		})
	}
}
