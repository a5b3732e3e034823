// Package tokenlock lets one process at a time use a bot token.
//
// Two processes with one token answer everything twice and end each other's
// sessions. So a process locks a file in the state folder before it connects. There
// is one file per bot, also after its token is reset, and the operating system ends
// the lock with the process. A second process learns who holds the lock and stops,
// or asks the holder to hand over: the holder saves its session and releases the
// lock, and the second process resumes the session.
//
// In a folder where no file can be locked the bot runs all the same: [Lock.Err]
// returns why, and [Lock.Serve] tries again until there is a lock. Every second Serve
// compares the lock with what lies in the folder: a lock that was deleted or overwritten
// is made anew, or the loss is told. A holder also listens on a socket, by which it is
// known where its lock file was deleted and where files cannot be locked at all.
//
// The lock is flock on Unix and LockFileEx on Windows, without a library: what the
// holder says of itself stands in the locked file, and gofrs/flock locks its first
// byte, which Windows then lets no other process read.
package tokenlock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"evergreen/internal/process/host"
	"evergreen/internal/regular"
)

// DefaultTakeOverTimeout is how long a holder may take to hand over. It finishes its
// commands first, for which it has SHUTDOWN_GRACE: 10 s by default.
const DefaultTakeOverTimeout = 30 * time.Second

// Options configures [Acquire]. Every zero value means the documented default.
type Options struct {
	// TakeOver asks a process that holds the token to hand it over.
	TakeOver bool
	// TakeOverTimeout is how long the holder may take for that. Default
	// [DefaultTakeOverTimeout].
	TakeOverTimeout time.Duration
	// Listeners are where this process will listen: what listens there is asked of the
	// process that hands over, and waits for [Lock.Listen].
	Listeners []Address
	// Version is shown to other processes in the [Holder].
	Version string
	// Temporary marks a lock that any other process is given at once, also without
	// TakeOver. Its owner must [Lock.Serve] and release it when asked.
	Temporary bool
	// OnChange is called by [Lock.Serve] with nil once a lock could be made, with a
	// [*HeldError] if another process has it, with a [*LostError] when it had to be made
	// anew, and with another error when it was lost. Default: none.
	OnChange func(err error)
}

// Lock is the right of this process to use a token. Get one with [Acquire] and end
// it with [Lock.Release].
//
// All methods may be called at the same time. Call [Lock.Serve] once: without it no
// other process can take over, and a lock that could not be made is not tried again.
type Lock struct {
	dir       string
	of        Fingerprint
	opts      Options
	id        string
	takenFrom *Holder

	mu        sync.Mutex
	self      Holder
	err       error
	file      *os.File     // nil without a lock
	soft      bool         // the volume cannot lock file
	listener  net.Listener // nil when this process cannot be asked to hand over
	socketDir string       // a folder that only holds the socket, or empty
	closed    bool         // released
	// received are the listeners of the holder before that wait for Listen, noListeners is
	// why there are none, and open are those of this process.
	received    map[Address]*net.TCPListener
	noListeners error
	open        map[Address]*net.TCPListener
	unnamed     int // looks in a row at a lock of a process without a name; only watch uses it

	// disk is held by who changes the folder: a look of watch that goes on after the lock is
	// free would take the next holder's socket away. It is taken before mu.
	disk sync.Mutex

	handoverOnce sync.Once
	released     chan struct{}
	listening    chan struct{} // holds one: there is another listener
}

// lockPath is the lock file of a bot.
func lockPath(dir string, of Fingerprint) string {
	return filepath.Join(dir, lockPrefix+of.Name()+lockSuffix)
}

// What the name of a lock file is made of, around that of the bot.
const lockPrefix, lockSuffix = "owner-", ".lock"

// Acquire locks the token with this fingerprint, by a file in dir, which is made if
// it is missing. A token that another process holds is a [*HeldError]. The only
// other error is that of ctx: if no file can be locked, [Lock.Err] says so.
func Acquire(ctx context.Context, dir string, of Fingerprint, opts Options) (*Lock, error) {
	if opts.TakeOverTimeout <= 0 {
		opts.TakeOverTimeout = DefaultTakeOverTimeout
	}
	path := lockPath(dir, of)
	l := &Lock{
		dir: dir, of: of, opts: opts, released: make(chan struct{}), listening: make(chan struct{}, 1), open: map[Address]*net.TCPListener{},
	}
	l.self = Holder{ID: rand.Text(), PID: os.Getpid(), Since: time.Now().Round(0), Version: opts.Version, Temporary: opts.Temporary}
	l.id = l.self.ID
	l.self.Host, _ = os.Hostname() // a name for people, so none will do
	c, err := makeLock(path, l.self)
	if taken, ok := errors.AsType[*takenError](err); ok {
		holder := taken.holder(path)
		if opts.Temporary || !opts.TakeOver && !holder.Temporary {
			return nil, &HeldError{Holder: holder, Path: path}
		}
		l.takenFrom = &holder
		c, err = l.takeOver(ctx, path, holder)
		if _, ok := errors.AsType[*HeldError](err); err != nil && (ctx.Err() != nil || ok) {
			l.closeReceived()
			return nil, err
		}
	}
	if err != nil {
		l.err = noLockError(err)
		return l, nil
	}
	l.locked(c)
	return l, nil
}

// claim is a lock file that this process has: locked, or where files cannot be locked
// with the reason for that.
type claim struct {
	file *os.File
	soft error
}

// makeLock makes the folder if it is missing and locks the file.
func makeLock(path string, self Holder) (claim, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return claim{}, err
	}
	return openLock(path, self)
}

// SoftError means that the volume of the state folder cannot lock files. The socket of
// this process is then the only sign of it.
type SoftError struct{ Err error }

// Error says what that means.
func (e *SoftError) Error() string {
	return fmt.Sprintf("the state folder is on a volume that cannot lock files, so a second process with the same token is noticed on this machine only: %v", e.Err)
}

// Unwrap returns the error of the volume.
func (e *SoftError) Unwrap() error { return e.Err }

func noLockError(err error) error {
	return fmt.Errorf("a second process with the same token would not be noticed, because no lock could be made: %w", err)
}

// locked takes the claimed file, starts listening and writes the holder into the file.
// It reports whether the Lock still wants it.
func (l *Lock) locked(c claim) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = c.file.Close()
		return false
	}
	l.file, l.soft, l.err = c.file, c.soft != nil, nil
	l.mu.Unlock()
	l.listen()
	l.mu.Lock()
	self := l.self
	switch {
	case l.soft && l.listener == nil:
		l.err = noLockError(c.soft)
	case l.soft:
		l.err = &SoftError{c.soft}
	}
	l.mu.Unlock()
	if err := self.write(c.file); err != nil {
		l.mu.Lock()
		l.err = fmt.Errorf("a second process with the same token would not learn who holds it: %w", err)
		l.mu.Unlock()
	}
	return true
}

// Err returns why the lock is weaker than it should be: there is none, or no process
// can ask for a hand-over. It is nil if all is well.
func (l *Lock) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// ID is the [Holder.ID] of this process, also without a lock.
func (l *Lock) ID() string { return l.id }

// TakenFrom returns the process that handed over; nil if none did.
func (l *Lock) TakenFrom() *Holder { return l.takenFrom }

// Release releases the token. What is to be handed over has to be saved before. It
// may be called more than once, and waits a second at most for a disk that does not
// answer.
func (l *Lock) Release() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	l.mu.Unlock()
	l.closeReceived()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.disk.Lock() // a look that has begun ends first
		defer l.disk.Unlock()
		l.mu.Lock()
		file, listener, private := l.file, l.listener, l.socketDir
		l.mu.Unlock()
		// The socket is closed first: once the lock is free, its name belongs to the
		// next holder.
		if listener != nil {
			_ = listener.Close() // deletes the socket
		}
		if private != "" {
			_ = os.Remove(private)
		}
		if file != nil {
			// The empty file is for people. What counts is the lock, which ends here.
			_ = file.Truncate(0)
			_ = file.Close()
		}
	}()
	limit := time.NewTimer(diskTimeout)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C: // it ends with the process
	}
	close(l.released)
}

// takenError means that another process has the lock.
type takenError struct {
	// by is that process if its socket told; nil: the lock file names it.
	by *Holder
}

func (e *takenError) Error() string { return "the lock is taken" }

// holder returns the process that has the lock.
func (e *takenError) holder(path string) Holder {
	if e.by != nil {
		return *e.by
	}
	return awaitHolder(path)
}

// openLock opens the lock file and locks it. A file that was deleted between the two
// protects nothing, so openLock tries again. A file that could be locked although
// another process lives by its socket is taken too: its lock was deleted, or the volume
// cannot lock files.
func openLock(path string, self Holder) (claim, error) {
	for range 10 {
		f, err := regular.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return claim{}, err
		}
		c := claim{file: f}
		got, err := tryLock(f)
		switch {
		case host.IsUnsupported(err):
			c.soft, err = err, nil
		case err == nil && !got:
			err = &takenError{}
		}
		if err != nil {
			_ = f.Close()
			return claim{}, err
		}
		mine, err := f.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Stat(path); err == nil && os.SameFile(mine, there) {
				if other := rival(path, self); other != nil {
					_ = f.Close()
					return claim{}, &takenError{other}
				}
				return c, nil
			}
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return claim{}, err
		}
	}
	return claim{}, errors.New("the lock file was deleted ten times while it was being locked")
}

// Announce writes the address of this process's HTTP API into the lock file, where
// [Inspect] finds it.
func (l *Lock) Announce(api string) error {
	l.disk.Lock()
	defer l.disk.Unlock()
	l.mu.Lock()
	l.self.API = api
	self, file := l.self, l.file
	l.mu.Unlock()
	if file == nil {
		return nil
	}
	return self.write(file)
}
