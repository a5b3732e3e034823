package tokenlock

import (
	"errors"
	"net"
	"time"
)

// retryInterval is how often a lock that could not be made is tried again: the disk
// may have been full or read-only.
const retryInterval = 2 * time.Second

// awaitLock tries to make a lock for as long as there is none, and returns the
// socket that came with it: nil without one, and after [Lock.Release].
func (o *Lock) awaitLock() net.Listener {
	ticks := time.NewTicker(retryInterval)
	defer ticks.Stop()
	var told error
	for {
		before := o.Err()
		locked, listener := o.retryLock()
		now := o.Err()
		_, held := errors.AsType[*HeldError](now)
		_, heldBefore := errors.AsType[*HeldError](told)
		if o.opts.OnChange != nil && (before != now && now == nil || held && !heldBefore) {
			o.opts.OnChange(now)
		}
		if locked {
			return listener
		}
		told = now
		select {
		case <-ticks.C:
		case <-o.released:
			return nil
		}
	}
}

// retryLock tries once, if there is no lock.
func (o *Lock) retryLock() (locked bool, listener net.Listener) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil || o.closed {
		return o.file != nil, o.listener
	}
	path := lockPath(o.dir, o.of)
	file, err := makeLock(path)
	switch {
	case err == nil:
		o.locked(file)
	case !errors.Is(err, errTaken):
		o.err = noLockError(err)
	default:
		// A visitor goes by itself.
		if holder := readHolder(path); !holder.Temporary {
			o.err = &HeldError{Holder: holder, Path: path}
		}
	}
	return o.file != nil, o.listener
}
