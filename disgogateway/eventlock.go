package disgogateway

import "context"

// eventLock admits one event at a time to disgo's event manager, which has one lock
// for all shards. Unlike that lock, waiting for this one ends with a context.
type eventLock chan struct{}

func newEventLock() eventLock { return make(eventLock, 1) }

// lock reports false when ctx has ended.
func (l eventLock) lock(ctx context.Context) bool {
	select {
	case l <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if ctx.Err() != nil { // both were ready, and select draws lots
		l.unlock()
		return false
	}
	return true
}

func (l eventLock) unlock() { <-l }
