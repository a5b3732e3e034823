package tokenlock

import (
	"errors"
	"net"
	"os"
	"time"
)

const (
	// checkInterval is the time between two looks at the lock, and two tries to make one
	// where there is none.
	checkInterval = time.Second
	// diskTimeout is how long the end of a Lock waits for a disk that does not answer.
	// What it waits for ends with the process at the latest.
	diskTimeout = time.Second
	// maxUnnamed is how many looks in a row may find the lock taken by a process without
	// a name. One that has just started writes it at once, or is turned away.
	maxUnnamed = 3
)

// LostError means that the lock file was deleted, moved away or overwritten while this
// process held it, and was made anew.
type LostError struct {
	// Path is the lock file.
	Path string
}

// Error says what that means.
func (e *LostError) Error() string {
	return "the lock " + e.Path + " was deleted or replaced and has been made anew; a second process with the same token may have started meanwhile"
}

// watch looks after the lock until [Lock.Release].
func (l *Lock) watch() {
	ticks := time.NewTicker(checkInterval)
	defer ticks.Stop()
	for {
		if told, err := l.check(); told && l.opts.OnChange != nil {
			l.opts.OnChange(err)
		}
		select {
		case <-ticks.C:
		case <-l.released:
			return
		}
	}
}

// check compares the lock with what lies in the folder now, and makes it if there is
// none. It reports whether there is something to tell: nil for a lock that could be made
// after all, else a [*LostError], a [*HeldError] or why no lock can be made. No disk is
// touched under mu.
func (l *Lock) check() (tell bool, err error) {
	l.disk.Lock()
	defer l.disk.Unlock()
	l.mu.Lock()
	had, self, closed := l.file, l.self, l.closed
	l.mu.Unlock()
	if closed {
		return false, nil
	}
	path := lockPath(l.dir, l.of)
	if had != nil && isAt(had, path) {
		return l.repair(had, path, self)
	}
	c, err := makeLock(path, self)
	if err != nil {
		return l.failed(had, path, err)
	}
	if !l.locked(c) {
		return false, nil // released meanwhile
	}
	if had != nil {
		_ = had.Close()
		return true, &LostError{path}
	}
	return true, l.Err()
}

// failed notes that there is no lock, had is the one that was lost, and reports whether
// that is to be told: what has been told already is not.
func (l *Lock) failed(had *os.File, path string, why error) (tell bool, err error) {
	taken, isTaken := errors.AsType[*takenError](why)
	var holder Holder
	if isTaken {
		if holder = taken.holder(path); holder.PID == 0 && l.unnamed < maxUnnamed {
			l.unnamed++
			return false, nil
		}
	}
	l.unnamed = 0
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false, nil
	}
	if l.file = nil; had != nil {
		defer had.Close()
	}
	_, known := errors.AsType[*HeldError](l.err)
	switch {
	case isTaken && holder.Temporary: // it releases the lock by itself
		return false, nil
	case isTaken:
		l.err = &HeldError{Holder: holder, Path: path}
		tell = !known
	default:
		l.err = noLockError(why)
		tell = had != nil
	}
	return tell, l.err
}

// isAt reports whether the path leads to the file. An error of the disk is no sign that
// it does not.
func isAt(file *os.File, path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	mine, err := file.Stat()
	return err != nil || os.SameFile(mine, there)
}

// repair writes the holder again where something else has been written into the locked
// file, and listens again where the socket is gone.
func (l *Lock) repair(file *os.File, path string, self Holder) (tell bool, err error) {
	if there := readHolder(path); !there.same(self) || there.API != self.API {
		if other, alive := there.ask(self); alive && l.isSoft() {
			return l.failed(file, path, &takenError{&other})
		}
		if err := self.write(file); err == nil && there.PID != 0 && !there.same(self) {
			return true, &LostError{path}
		}
	}
	if self.Socket != "" {
		if _, err := os.Lstat(self.Socket); errors.Is(err, os.ErrNotExist) {
			l.listen()
			l.mu.Lock()
			self = l.self
			l.mu.Unlock()
			_ = self.write(file) // the socket may have another name; else the next look repairs it
		}
	}
	return false, nil
}

// isSoft reports whether the file of the lock could not be locked.
func (l *Lock) isSoft() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.soft
}

// waitListener returns the socket that takes the place of one that is closed; nil after
// [Lock.Release].
func (l *Lock) waitListener(closed net.Listener) net.Listener {
	for {
		l.mu.Lock()
		now := l.listener
		l.mu.Unlock()
		if now != nil && now != closed {
			return now
		}
		select {
		case <-l.listening:
		case <-l.released:
			return nil
		}
	}
}
