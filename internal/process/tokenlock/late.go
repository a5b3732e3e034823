package tokenlock

import (
	"errors"
	"net"
	"time"
)

// retryEvery is how often a lock that could not be made is tried again: the disk
// may have been full or read-only.
const retryEvery = 2 * time.Second

// awaitLock tries to make a lock for as long as there is none, and returns the
// socket that came with it: nil without one, and after [Owner.Release].
func (o *Owner) awaitLock() net.Listener {
	ticks := time.NewTicker(retryEvery)
	defer ticks.Stop()
	var told error
	for {
		before := o.Trouble()
		locked, listener := o.late()
		now := o.Trouble()
		_, held := errors.AsType[*HeldError](now)
		_, heldBefore := errors.AsType[*HeldError](told)
		if o.opts.Changed != nil && (before != now && now == nil || held && !heldBefore) {
			o.opts.Changed(now)
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

// late tries once, if there is no lock.
func (o *Owner) late() (locked bool, listener net.Listener) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil || o.gone {
		return o.file != nil, o.listener
	}
	path := lockPath(o.dir, o.of)
	file, err := makeLock(path)
	switch {
	case err == nil:
		o.hold(file)
	case !errors.Is(err, errTaken):
		o.trouble = noLock(err)
	default:
		// A visitor goes by itself.
		if holder := readHolder(path); !holder.Visits {
			o.trouble = &HeldError{Holder: holder, Path: path}
		}
	}
	return o.file != nil, o.listener
}
