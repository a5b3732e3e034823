package sidecar

import (
	"context"
	"time"
)

// drainTimeout bounds the wait for REST requests at the end.
const drainTimeout = 3 * time.Second

// Drain accepts no further connection, and waits until each that was accepted is served: a
// REST request is answered, a request for a WebSocket has its line. Lines stay until
// [Sidecar.Stop], and get events as before. Drain takes 3 s at most and cuts off what is
// left. Call it after Listen; Stop drains too.
//
// Connections that were not accepted wait in the listener. Another process that has it
// accepts them; else they end.
func (s *Sidecar) Drain(ctx context.Context) {
	if s.draining.Swap(true) {
		<-s.drained // within drainTimeout
		return
	}
	defer close(s.drained)
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	_ = s.conns.Shutdown(ctx, s.server, s.listener, s.served) // lines are none of its connections
}
