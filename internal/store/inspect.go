package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/regular"

	codes "modernc.org/sqlite/lib"
)

// ErrDamaged means that a database is not what it was written as.
var ErrDamaged = errDamaged

// Summary is what [Inspect] reads.
type Summary struct {
	// Path is the file, and There whether it exists.
	Path   string
	Exists bool
	// Runs is how many runs it knows of, Last the newest of them. End is empty
	// while that run goes on or is not known.
	Runs int
	Last Run
	End  End
	// Entries are the session starts of the last two days, Incidents the newest
	// ones, each the oldest first.
	Entries   []identify.Entry
	Incidents []health.Incident
	// SessionAlive is when the session to resume was last alive; zero if none is kept.
	SessionAlive time.Time
}

// Path returns the database of a bot in a state folder.
func Path(dir string, of tokenlock.Fingerprint) string {
	return filepath.Join(dir, "evergreen-"+of.Name()+".db")
}

// Inspect reads a bot's database without changing it, also while a process writes it.
// A file that does not exist is an empty Summary. The error may wrap [ErrDamaged] or
// be a [*NewerError].
func Inspect(ctx context.Context, dir string, of tokenlock.Fingerprint) (Summary, error) {
	g := Summary{Path: Path(dir, of)}
	if _, err := statRegular(g.Path); errors.Is(err, fs.ErrNotExist) {
		return g, nil
	} else if err != nil {
		return g, err
	}
	g.Exists = true
	query := "?mode=ro"
	if info, err := statRegular(g.Path + "-wal"); (err != nil || info.Size() == 0) && hasLog(g.Path) {
		query = "?immutable=1" // without a log, none has to be made
	}
	seen, err := g.inspect(ctx, query)
	if code := codeOf(err); code == codes.SQLITE_IOERR || code == codes.SQLITE_PROTOCOL {
		// The volume has no locks or shared memory for a reader: what stands in the file
		// itself is a little older.
		if old, failed := g.inspect(ctx, "?immutable=1"); failed == nil {
			return old, nil
		}
	}
	return seen, err
}

// hasLog reports whether the database is one with a write-ahead log, by its header.
func hasLog(path string) bool {
	const version, log = 18, 2                    // where the version of the format stands, and that of a log
	header, _, _ := regular.Read(path, version+1) // empty if it cannot be read
	return len(header) > version && header[version] == log
}

// inspect reads the file in the way of the query.
func (g Summary) inspect(ctx context.Context, query string) (Summary, error) {
	db, err := sql.Open("sqlite", address(g.Path)+query)
	if err != nil {
		return g, err
	}
	d := &database{path: g.Path, db: db, count: &counters{}}
	defer func() { _ = d.close() }()
	if d.conn, err = db.Conn(ctx); err != nil {
		return g, wrapDamage(err)
	}
	// Without a write-ahead log the writer keeps readers out for a moment.
	if _, err := d.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout.Milliseconds())); err != nil {
		return g, wrapDamage(err)
	}
	var result string
	if err := d.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return g, wrapDamage(err)
	}
	if result != "ok" {
		return g, fmt.Errorf("%w: %s", errDamaged, strings.TrimSpace(result))
	}
	schema, err := schemaOf(ctx, d.conn)
	switch {
	case err != nil:
		return g, wrapDamage(err)
	case schema > len(steps):
		return g, &NewerError{Path: g.Path, Schema: schema, Known: len(steps)}
	case schema < len(steps):
		return g, nil // of an earlier version, or empty: the next start brings it forward
	}
	c, err := d.read(ctx, time.Now())
	if err != nil {
		return g, wrapDamage(err)
	}
	g.fill(c, thisHost())
	return g, nil
}

// fill copies what was read.
func (g *Summary) fill(c *contents, h hostInfo) {
	g.Entries, g.Incidents, g.Runs = c.entries, c.incidents, len(c.runs)
	if len(c.runs) > 0 {
		last := c.runs[0]
		if g.Last, g.End = last.Run, last.how; g.End == EndNone {
			g.End = last.inferEnd(h.boot, h.oom())
		}
	}
	for _, r := range c.sessions {
		if r.saved.After(g.SessionAlive) && !r.damaged {
			g.SessionAlive = r.saved
		}
	}
}

// wrapDamage wraps SQLite's errors of a broken file in [ErrDamaged].
func wrapDamage(err error) error {
	if isDamaged(err) {
		return fmt.Errorf("%w: %v", errDamaged, err)
	}
	return err
}
