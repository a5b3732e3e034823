package bot

import (
	"context"
	"sync"

	"github.com/disgoorg/snowflake/v2"
)

// channelLocks has a lock for each channel that is written to.
type channelLocks struct {
	mu    sync.Mutex
	locks map[snowflake.ID]*channelLock
}

type channelLock struct {
	held  chan struct{} // holds one value while the lock is held
	users int           // guarded by channelLocks.mu: the holder and those who wait
}

// lock waits for the channel's lock until ctx ends.
func (c *channelLocks) lock(ctx context.Context, channel snowflake.ID) (unlock func(), err error) {
	c.mu.Lock()
	l := c.locks[channel]
	if l == nil {
		l = &channelLock{held: make(chan struct{}, 1)}
		c.locks[channel] = l
	}
	l.users++
	c.mu.Unlock()
	forget := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(c.locks, channel)
		}
	}
	select {
	case l.held <- struct{}{}:
		return func() { <-l.held; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
}
