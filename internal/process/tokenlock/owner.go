// Package tokenlock is at heart the answer to one question: which process owns
// this token?
//
// Two processes with one token answer everything twice and end each other's
// sessions. So the owner holds a lock in the state folder, one per bot: it stays
// the same when the bot's token is reset. The
// operating system ends the lock with the process, however that dies, and the
// lock is a file of its own, so it outlives whatever happens to the database
// beside it. A second process learns who holds it and stops (G-155), or asks
// the holder to hand over: the holder pauses, saves its session and lets go,
// and the second goes on with the session.
//
// A folder in which no lock can be made costs that protection and not the bot:
// [Owner.Trouble] says so, and [Owner.Serve] tries again until there is one.
//
// Statement ids such as G-155 refer to the table in docs/conformance.md.
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

// DefaultPatience is how long a holder may take to hand over. It may finish what
// it has begun first, for which the usual grace is 10 s.
const DefaultPatience = 30 * time.Second

// Options configures [Acquire]. Every zero value means the documented default.
type Options struct {
	// TakeOver asks a process that holds the token to hand it over.
	TakeOver bool
	// Patience is how long the holder may take for that. Default
	// [DefaultPatience].
	Patience time.Duration
	// Version is told to whoever finds the lock taken.
	Version string
	// Visit holds the token for a moment only: whoever else wants it is given it,
	// also without TakeOver. The visitor has to [Owner.Serve] and let go at once.
	Visit bool
	// Changed is called by [Owner.Serve] with what [Owner.Trouble] has become
	// after the start: nil once a lock has been made after all, a [*HeldError] if
	// another process turns out to have it. Default: nobody is told.
	Changed func(trouble error)
}

// Owner is the right of this process to use a token. Get one with [Acquire].
type Owner struct {
	dir  string
	of   Fingerprint
	opts Options
	from *Holder

	mu       sync.Mutex
	self     Holder
	trouble  error
	file     *os.File     // nil without a lock
	listener net.Listener // nil when this process cannot be asked to hand over
	private  string       // a folder that only holds the socket, or empty
	gone     bool         // released

	asked    sync.Once
	released chan struct{}
}

// lockPath is where the lock of a bot is.
func lockPath(dir string, of Fingerprint) string {
	return filepath.Join(dir, "owner-"+of.Name()+".lock")
}

// Acquire makes this process the owner of the token that has the fingerprint,
// by a lock in dir, which is made if it is missing. A token that another process
// owns is a [*HeldError]. The only other error is that of ctx: a folder in which
// nothing can be locked yields an Owner with [Owner.Trouble].
func Acquire(ctx context.Context, dir string, of Fingerprint, opts Options) (*Owner, error) {
	if opts.Patience <= 0 {
		opts.Patience = DefaultPatience
	}
	path := lockPath(dir, of)
	o := &Owner{dir: dir, of: of, opts: opts, released: make(chan struct{})}
	o.self = Holder{PID: os.Getpid(), Since: time.Now().Round(0), Version: opts.Version, Visits: opts.Visit}
	o.self.Host, _ = os.Hostname() // a name for people, so none will do
	file, err := makeLock(path)
	if errors.Is(err, errTaken) {
		holder := awaitHolder(path)
		if opts.Visit || !opts.TakeOver && !holder.Visits {
			return nil, &HeldError{Holder: holder, Path: path}
		}
		o.from = &holder
		file, err = takeOver(ctx, path, holder, o.self, opts.Patience)
		if _, ok := errors.AsType[*HeldError](err); err != nil && (ctx.Err() != nil || ok) {
			return nil, err
		}
	}
	if err != nil {
		o.trouble = noLock(err)
		return o, nil
	}
	o.hold(file)
	return o, nil
}

// makeLock locks the file, in a folder that is made if it is missing.
func makeLock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return lock(path)
}

func noLock(err error) error {
	return fmt.Errorf("a second process with the same token would not be noticed, because no lock could be made: %w", err)
}

// hold begins with a lock that was just got. The caller holds mu, or has told
// nobody of the Owner.
func (o *Owner) hold(file *os.File) {
	o.file, o.trouble = file, nil
	o.listen(o.dir, o.of)
	if err := o.self.write(o.file); err != nil {
		o.trouble = fmt.Errorf("a second process with the same token would not learn who holds it: %w", err)
	}
}

// Trouble is what makes the ownership less than it should be: no lock, or
// nobody can ask for a hand-over. Nil if all is well. It is worth a warning.
func (o *Owner) Trouble() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trouble
}

// From is the process that handed over; nil if nobody had to.
func (o *Owner) From() *Holder { return o.from }

// Release gives the token up. Whatever is to be handed over has to be saved
// before. It may be called more than once and returns at once.
func (o *Owner) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.gone {
		return
	}
	o.gone = true
	// The socket goes first: once the lock is free, its name belongs to the
	// next owner.
	if o.listener != nil {
		_ = o.listener.Close() // deletes the socket
	}
	if o.private != "" {
		_ = os.Remove(o.private)
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

// lock opens the lock file and locks it. A file that was deleted by somebody
// between the two protects nothing, so then it is tried again.
func lock(path string) (*os.File, error) {
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
