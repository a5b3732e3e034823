package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	machine "evergreen/internal/process/host"
	"evergreen/internal/regular"

	_ "modernc.org/sqlite" // registers the driver
)

const (
	// busyTimeout is how long a statement waits for another program that has the
	// database open.
	busyTimeout = time.Second
	// maxAsides is how many damaged files one run sets aside, so that they do not fill
	// the disk.
	maxAsides = 3
)

// errDamaged means that the database is not what it was written as.
var errDamaged = errors.New("the database is damaged")

// stateDir is a [disk]: the state folder with one SQLite file per bot.
type stateDir struct {
	dir, path string
	steps     []string
	count     *counters
	maxLog    int64 // of the write-ahead log, in bytes
	now       func() time.Time
	asides    int
	lacks     lacks // of the volume
}

// open implements [disk]. A folder that is made has mode 0700; an existing one keeps
// its mode. The files have mode 0600.
func (sd *stateDir) open(skipOpen bool) (volume, *contents, error) {
	if err := os.MkdirAll(sd.dir, 0o700); err != nil {
		return nil, nil, err
	}
	aside := ""
	for {
		var d *database
		var read *contents
		err := errDamaged
		if !skipOpen {
			if d, read, err = sd.openFile(); err == nil {
				read.aside, read.lacks = aside, sd.lacks.String()
				return d, read, nil
			}
			if sd.lacks.learn(sd.dir, err) {
				continue
			}
		}
		if !isDamaged(err) || aside != "" {
			return nil, nil, err
		}
		if aside, err = sd.setAside(); err != nil {
			return nil, nil, err
		}
		skipOpen = false
	}
}

// setAside renames the damaged database with its -wal and -shm. The database is
// renamed last: if that fails half way, the next try goes on.
func (sd *stateDir) setAside() (string, error) {
	if sd.asides++; sd.asides > maxAsides {
		return "", fmt.Errorf("%w again and again: the disk does not keep what is written to it", errDamaged)
	}
	stamp := sd.now().UTC().Format("20060102T150405.000")
	aside := strings.TrimSuffix(sd.path, ".db") + ".damaged-" + stamp + ".db"
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := move(sd.path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("setting the damaged database aside: %w", err)
		}
	}
	return aside, nil
}

// openFile opens the file as it is.
func (sd *stateDir) openFile() (_ *database, _ *contents, err error) {
	if err := makePrivate(sd.path); err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("sqlite", address(sd.path)+sd.lacks.query())
	if err != nil {
		return nil, nil, err
	}
	d := &database{path: sd.path, db: db, count: sd.count, maxLog: sd.logLimit(), lacks: &sd.lacks}
	defer func() {
		if err != nil {
			_ = d.close()
		}
	}()
	ctx := context.Background() // the writer waits as long as the disk takes
	if d.conn, err = db.Conn(ctx); err != nil {
		return nil, nil, err
	}
	if err := d.prepare(ctx, sd.steps); err != nil {
		return nil, nil, err
	}
	if d.info, err = os.Stat(sd.path); err != nil {
		return nil, nil, err
	}
	// On a full disk nothing can be deleted, but everything read.
	if err := d.deleteOld(sd.now()); isDamaged(err) {
		return nil, nil, err
	}
	read, err := d.read(ctx, sd.now())
	return d, read, err
}

// logLimit is how long the write-ahead log may grow on this disk.
func (sd *stateDir) logLimit() int64 {
	disk, err := machine.Machine{}.Disk(sd.dir)
	if err != nil {
		return sd.maxLog
	}
	return min(sd.maxLog, max(minLogSize, int64(disk.Free)/4))
}

// makePrivate makes the database file if it is missing, with mode 0600. SQLite gives
// -wal and -shm the mode of the database.
func makePrivate(path string) error {
	f, err := regular.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_ = f.Close() // nothing was written
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		info, err := statRegular(path + suffix)
		if err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			err = os.Chmod(path+suffix, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// statRegular is [os.Stat] of a regular file: SQLite would wait for the other end of a
// pipe.
func statRegular(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &regular.NotRegularError{Path: path, Mode: info.Mode()}
	}
	return info, err
}

// address returns the path as a file URI, in which no character of a folder's name
// has a meaning to SQLite.
func address(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// settings are the pragmas of the connection, behind those of [lacks]. With the
// write-ahead log a commit survives the process without waiting for the disk;
// [database.commit] says when it waits. The writer makes the checkpoints, so that they
// are counted.
const settings = `
PRAGMA wal_autocheckpoint = 0;
PRAGMA fullfsync = ON; -- where fsync alone does not reach the disk (macOS)
PRAGMA checkpoint_fullfsync = ON;
PRAGMA trusted_schema = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -512; -- KiB; the hot part of the database is a few dozen pages
`

// prepare sets the connection up, checks the file and migrates its schema.
func (d *database) prepare(ctx context.Context, steps []string) error {
	if _, err := d.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d;%s%s", busyTimeout.Milliseconds(), d.lacks.pragmas(), settings)); err != nil {
		return err
	}
	var mode string
	if err := d.conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" && d.lacks.hasLog() {
		return errNoLog
	}
	var result string
	if err := d.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, strings.TrimSpace(result))
	}
	if err := migrate(ctx, d.conn, d.path, steps); err != nil {
		return err
	}
	return d.compile(ctx)
}
