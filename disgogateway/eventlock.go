package disgogateway

import "context"

// eventLock admits one event at a time to disgo's event manager, which has one lock
// for all shards. Unlike that lock, waiting for this one ends with a context.
type eventLock chan struct{}

func newEventLock() eventLock { return make(eventLock, 1) }

// lock reports false when ctx ended first.
func (l eventLock) lock(ctx context.Context) bool {
	select {
	case l <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l eventLock) unlock() { <-l }
