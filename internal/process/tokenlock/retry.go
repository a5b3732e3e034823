package tokenlock

import (
	"errors"
	"net"
	"time"
)

// retryInterval is the time between two tries to make a lock. The disk may have been
// full or read-only.
const retryInterval = 2 * time.Second

// awaitLock tries to make a lock as long as there is none, and returns its socket; nil
// without one, and after [Lock.Release].
func (l *Lock) awaitLock() net.Listener {
	ticks := time.NewTicker(retryInterval)
	defer ticks.Stop()
	var told error
	for {
		before := l.Err()
		locked, listener := l.retryLock()
		now := l.Err()
		_, held := errors.AsType[*HeldError](now)
		_, heldBefore := errors.AsType[*HeldError](told)
		if l.opts.OnChange != nil && (before != now && now == nil || held && !heldBefore) {
			l.opts.OnChange(now)
		}
		if locked {
			return listener
		}
		told = now
		select {
		case <-ticks.C:
		case <-l.released:
			return nil
		}
	}
}

// retryLock tries once, if there is no lock.
func (l *Lock) retryLock() (locked bool, listener net.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil || l.closed {
		return l.file != nil, l.listener
	}
	path := lockPath(l.dir, l.of)
	file, err := makeLock(path)
	switch {
	case err == nil:
		l.locked(file)
	case !errors.Is(err, errTaken):
		l.err = noLockError(err)
	default:
		// A temporary holder releases the lock by itself.
		if holder := readHolder(path); !holder.Temporary {
			l.err = &HeldError{Holder: holder, Path: path}
		}
	}
	return l.file != nil, l.listener
}
