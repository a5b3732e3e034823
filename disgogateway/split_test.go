package disgogateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/sharding"
	"github.com/gorilla/websocket"
)

// tooManyGuilds is the error of a shard that Discord refuses with 4011.
var tooManyGuilds = &websocket.CloseError{Code: 4011}

// splitting returns a manager that may split shards, and its shard 0. No gateway is found.
func splitting(t *testing.T) (*ShardManager, *Gateway) {
	t.Helper()
	drop := func(disgo.Gateway, disgo.EventType, int, disgo.EventData) {}
	m := Options{URLSource: newGatewayBot(&fakeRest{})}.NewShardManager("token", drop, sharding.WithShardCount(1), sharding.WithAutoScaling(true))
	if err := m.configure(); err != nil {
		t.Fatal(err)
	}
	g, _ := m.gatewayFor(0, 1, sharding.ShardState{})
	return m, g
}

// Given a shard in too many guilds that is closed by hand before it is split, then it is
// not split any more.
func TestAClosedShardIsNotSplit(t *testing.T) {
	m, g := splitting(t)
	m.CloseShard(t.Context(), 0)
	if !m.splitShard(g, tooManyGuilds) {
		t.Error("the close handler is to be told")
	}
	m.splits.Wait()
	for g := range m.Shards() {
		t.Errorf("there is shard %d of %d", g.ShardID(), g.ShardCount())
	}
}

// Given a shard that is being split, when the manager is closed, then no part is open
// afterwards.
func TestACloseDuringASplitLeavesNothingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := splitting(t)
		m.splits.Add(1) // a split is under way
		closed := make(chan struct{})
		go func() {
			m.Close(context.Background())
			close(closed)
		}()
		time.Sleep(time.Second)
		part, _ := m.gatewayFor(1, 2, sharding.ShardState{})
		if _, err := part.startRun(); err != nil {
			t.Fatal(err)
		}
		m.splits.Done()
		<-closed
		if m.Shard(1) != nil || part.Status() != disgo.StatusDisconnected {
			t.Errorf("a part is %s", part.Status())
		}
	})
}
