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
// returns why, and [Lock.Serve] tries again until there is a lock.
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
	// Version is shown to other processes in the [Holder].
	Version string
	// Temporary marks a lock that any other process is given at once, also without
	// TakeOver. Its owner must [Lock.Serve] and release it when asked.
	Temporary bool
	// OnChange is called by [Lock.Serve] when [Lock.Err] changes: with nil once a lock
	// could be made, with a [*HeldError] if another process has it. Default: none.
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
	listener  net.Listener // nil when this process cannot be asked to hand over
	socketDir string       // a folder that only holds the socket, or empty
	closed    bool         // released

	handoverOnce sync.Once
	released     chan struct{}
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
	l := &Lock{dir: dir, of: of, opts: opts, released: make(chan struct{})}
	l.self = Holder{ID: rand.Text(), PID: os.Getpid(), Since: time.Now().Round(0), Version: opts.Version, Temporary: opts.Temporary}
	l.id = l.self.ID
	l.self.Host, _ = os.Hostname() // a name for people, so none will do
	file, err := makeLock(path)
	if errors.Is(err, errTaken) {
		holder := awaitHolder(path)
		if opts.Temporary || !opts.TakeOver && !holder.Temporary {
			return nil, &HeldError{Holder: holder, Path: path}
		}
		l.takenFrom = &holder
		file, err = takeOver(ctx, path, holder, l.self, opts.TakeOverTimeout)
		if _, ok := errors.AsType[*HeldError](err); err != nil && (ctx.Err() != nil || ok) {
			return nil, err
		}
	}
	if err != nil {
		l.err = noLockError(err)
		return l, nil
	}
	l.locked(file)
	return l, nil
}

// makeLock makes the folder if it is missing and locks the file.
func makeLock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return openLock(path)
}

func noLockError(err error) error {
	return fmt.Errorf("a second process with the same token would not be noticed, because no lock could be made: %w", err)
}

// locked starts listening and writes the holder into the locked file. The caller
// holds mu, or is the only one that has the Lock.
func (l *Lock) locked(file *os.File) {
	l.file, l.err = file, nil
	l.listen(l.dir, l.of)
	if err := l.self.write(l.file); err != nil {
		l.err = fmt.Errorf("a second process with the same token would not learn who holds it: %w", err)
	}
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
// may be called more than once and returns at once.
func (l *Lock) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	// The socket is closed first: once the lock is free, its name belongs to the
	// next holder.
	if l.listener != nil {
		_ = l.listener.Close() // deletes the socket
	}
	if l.socketDir != "" {
		_ = os.Remove(l.socketDir)
	}
	if l.file != nil {
		// The empty file is for people. What counts is the lock, which ends here.
		_ = l.file.Truncate(0)
		_ = l.file.Close()
	}
	close(l.released)
}

// errTaken means that another process has the lock.
var errTaken = errors.New("the lock is taken")

// openLock opens the lock file and locks it. A file that was deleted between the two
// protects nothing, so openLock tries again.
func openLock(path string) (*os.File, error) {
	for range 10 {
		f, err := regular.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		got, err := tryLock(f)
		if err == nil && !got {
			err = errTaken
		}
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		mine, err := f.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Stat(path); err == nil && os.SameFile(mine, there) {
				return f, nil
			}
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, errors.New("the lock file was deleted ten times while it was being locked")
}

// Announce writes the address of this process's HTTP API into the lock file, where
// [Inspect] finds it.
func (l *Lock) Announce(api string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.self.API = api
	if l.file == nil {
		return nil
	}
	return l.self.write(l.file)
}
