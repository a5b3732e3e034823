// Package tokenlock is at heart the answer to one question: which process owns
// this token?
//
// Two processes with one token answer everything twice and end each other's
// sessions. So the owner holds a lock in the state folder, one per bot: it stays
// the same when the bot's token is reset. The
// operating system ends the lock with the process, however that dies, and the
// lock is a file of its own, so it outlives whatever happens to the database
// beside it. A second process learns who holds it and stops, or asks
// the holder to hand over: the holder pauses, saves its session and lets go,
// and the second goes on with the session.
//
// A folder in which no lock can be made costs that protection and not the bot:
// [Lock.Err] says so, and [Lock.Serve] tries again until there is one.
package tokenlock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultTakeOverTimeout is how long a holder may take to hand over. It may finish what
// it has begun first, for which the usual grace is 10 s.
const DefaultTakeOverTimeout = 30 * time.Second

// Options configures [Acquire]. Every zero value means the documented default.
type Options struct {
	// TakeOver asks a process that holds the token to hand it over.
	TakeOver bool
	// TakeOverTimeout is how long the holder may take for that. Default
	// [DefaultTakeOverTimeout].
	TakeOverTimeout time.Duration
	// Version is told to whoever finds the lock taken.
	Version string
	// Temporary holds the token for a moment only: whoever else wants it is given it,
	// also without TakeOver. The visitor has to [Lock.Serve] and let go at once.
	Temporary bool
	// OnChange is called by [Lock.Serve] with what [Lock.Err] has become
	// after the start: nil once a lock has been made after all, a [*HeldError] if
	// another process turns out to have it. Default: nobody is told.
	OnChange func(trouble error)
}

// Lock is the right of this process to use a token. Get one with [Acquire].
type Lock struct {
	dir       string
	of        Fingerprint
	opts      Options
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

// lockPath is where the lock of a bot is.
func lockPath(dir string, of Fingerprint) string {
	return filepath.Join(dir, "owner-"+of.Name()+".lock")
}

// Acquire makes this process the owner of the token that has the fingerprint,
// by a lock in dir, which is made if it is missing. A token that another process
// owns is a [*HeldError]. The only other error is that of ctx: a folder in which
// nothing can be locked yields a Lock with [Lock.Err].
func Acquire(ctx context.Context, dir string, of Fingerprint, opts Options) (*Lock, error) {
	if opts.TakeOverTimeout <= 0 {
		opts.TakeOverTimeout = DefaultTakeOverTimeout
	}
	path := lockPath(dir, of)
	o := &Lock{dir: dir, of: of, opts: opts, released: make(chan struct{})}
	o.self = Holder{PID: os.Getpid(), Since: time.Now().Round(0), Version: opts.Version, Temporary: opts.Temporary}
	o.self.Host, _ = os.Hostname() // a name for people, so none will do
	file, err := makeLock(path)
	if errors.Is(err, errTaken) {
		holder := awaitHolder(path)
		if opts.Temporary || !opts.TakeOver && !holder.Temporary {
			return nil, &HeldError{Holder: holder, Path: path}
		}
		o.takenFrom = &holder
		file, err = takeOver(ctx, path, holder, o.self, opts.TakeOverTimeout)
		if _, ok := errors.AsType[*HeldError](err); err != nil && (ctx.Err() != nil || ok) {
			return nil, err
		}
	}
	if err != nil {
		o.err = noLockError(err)
		return o, nil
	}
	o.locked(file)
	return o, nil
}

// makeLock locks the file, in a folder that is made if it is missing.
func makeLock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return openLock(path)
}

func noLockError(err error) error {
	return fmt.Errorf("a second process with the same token would not be noticed, because no lock could be made: %w", err)
}

// locked begins with a lock that was just got. The caller holds mu, or has told
// nobody of the Lock.
func (o *Lock) locked(file *os.File) {
	o.file, o.err = file, nil
	o.listen(o.dir, o.of)
	if err := o.self.write(o.file); err != nil {
		o.err = fmt.Errorf("a second process with the same token would not learn who holds it: %w", err)
	}
}

// Err is what makes the ownership less than it should be: no lock, or
// nobody can ask for a hand-over. Nil if all is well. It is worth a warning.
func (o *Lock) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// TakenFrom is the process that handed over; nil if nobody had to.
func (o *Lock) TakenFrom() *Holder { return o.takenFrom }

// Release gives the token up. Whatever is to be handed over has to be saved
// before. It may be called more than once and returns at once.
func (o *Lock) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed = true
	// The socket goes first: once the lock is free, its name belongs to the
	// next owner.
	if o.listener != nil {
		_ = o.listener.Close() // deletes the socket
	}
	if o.socketDir != "" {
		_ = os.Remove(o.socketDir)
	}
	if o.file != nil {
		// An empty file says that this process holds nothing any more. That
		// is only for people: what counts is the lock, which ends here.
		_ = o.file.Truncate(0)
		_ = o.file.Close()
	}
	close(o.released)
}

// errTaken means that somebody else has the lock.
var errTaken = errors.New("the lock is taken")

// openLock opens the lock file and locks it. A file that was deleted by somebody
// between the two protects nothing, so then it is tried again.
func openLock(path string) (*os.File, error) {
	for range 10 {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
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
	return nil, errors.New("the lock file is deleted again and again")
}

// Announce writes into the lock file where this process's HTTP API listens, for
// others on this machine who want to know how the bot is: [Look] tells them. It
// belongs to whoever has acquired the token.
func (o *Lock) Announce(api string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.self.API = api
	if o.file == nil {
		return nil
	}
	return o.self.write(o.file)
}
