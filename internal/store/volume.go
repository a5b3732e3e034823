package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	machine "evergreen/internal/process/host"
	"evergreen/internal/regular"

	codes "modernc.org/sqlite/lib"
)

// errNoLog means that the volume does not allow a write-ahead log.
var errNoLog = errors.New("the volume does not allow a write-ahead log")

// lacks is what the volume of the state folder cannot do, each with its error, as
// learned from what SQLite failed at. The database does without:
//
//   - memory shared by a file (mmap): a rollback journal takes the place of the write-ahead
//     log, so that a write takes longer; other programs read the database as before;
//   - waiting for the disk (fsync): a power cut may cost what was saved last;
//   - locks on a part of a file (fcntl): the token lock alone keeps a second writer away.
type lacks struct{ shared, sync, locks error }

// learn looks at an error of SQLite and asks the volume about it. It reports whether a
// limit has been found that was not known.
func (l *lacks) learn(dir string, err error) bool {
	if code := codeOf(err); code != codes.SQLITE_IOERR && code != codes.SQLITE_BUSY && code != codes.SQLITE_CANTOPEN && code != codes.SQLITE_PROTOCOL && !errors.Is(err, errNoLog) {
		return false
	}
	before := *l
	volume, failed := machine.Machine{}.Volume(dir)
	if failed != nil {
		return false
	}
	if volume.Map != nil {
		l.shared = volume.Map
	}
	if errors.Is(err, errNoLog) && l.shared == nil {
		l.shared = errNoLog
	}
	if machine.IsUnsupported(volume.Sync) {
		l.sync = withoutPath(volume.Sync)
	}
	if machine.IsUnsupported(volume.Lock) {
		l.locks = volume.Lock
	}
	return before.String() != l.String()
}

// String names them and what they cost; empty without any.
func (l lacks) String() string {
	var all []string
	for _, each := range []struct {
		err  error
		says string
	}{
		{l.shared, "no memory is shared by files, so writing takes longer (%v)"},
		{l.sync, "nothing waits for the disk, so a power cut may cost what was saved last (%v)"},
		{l.locks, "no part of a file can be locked, so no other program may write the database (%v)"},
	} {
		if each.err != nil {
			all = append(all, fmt.Sprintf(each.says, each.err))
		}
	}
	return strings.Join(all, "; ")
}

// pragmas set the journal up for the volume. How the database was written before does not
// matter: the exclusive mode reads a write-ahead log without shared memory.
func (l lacks) pragmas() string {
	level := "PRAGMA synchronous = " + l.level("NORMAL") + ";"
	if l.hasLog() {
		return level + "PRAGMA journal_mode = WAL;"
	}
	// The first one comes before all that reads the file.
	return "PRAGMA locking_mode = EXCLUSIVE;" + level + `
PRAGMA journal_mode = TRUNCATE;
PRAGMA locking_mode = NORMAL;
SELECT count(*) FROM sqlite_schema; -- lets the exclusive lock go
`
}

// hasLog reports whether there is a write-ahead log, which needs locks too.
func (l lacks) hasLog() bool { return l.shared == nil && l.locks == nil }

// level is how far a commit waits for the disk: as wanted, or not at all.
func (l lacks) level(wanted string) string {
	if l.sync != nil {
		return "OFF"
	}
	return wanted
}

// query is added to the address of the database.
func (l lacks) query() string {
	if l.locks != nil {
		return "?vfs=unix-none"
	}
	return ""
}

// move gives a file another name, and copies it where the volume cannot do that.
func move(from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		return nil
	}
	in, failed := regular.Open(from, os.O_RDONLY, 0)
	switch {
	case errors.Is(failed, fs.ErrNotExist):
		return failed
	case failed != nil:
		return err
	}
	defer in.Close()
	out, failed := regular.Open(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if failed != nil {
		return err
	}
	if _, failed = io.Copy(out, in); errors.Join(failed, out.Close()) != nil {
		_ = os.Remove(to)
		return err
	}
	return os.Remove(from)
}
