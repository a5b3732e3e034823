package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"evergreen/identify"

	codes "modernc.org/sqlite/lib"
)

// maxLogSize is about how long the write-ahead log may grow before its content is
// moved into the database, in bytes. At 50 commits a second that is every
// minute or so. On a small disk it is a quarter of what is free, for the database
// needs room too, but no less than minLogSize.
const (
	maxLogSize = 8 << 20
	minLogSize = 128 << 10
)

// checkpointRetry is how long a checkpoint is not tried again after one that
// another program's reading has held up.
const checkpointRetry = 10 * time.Second

// database is a [volume]: one SQLite database on one connection.
type database struct {
	path  string
	db    *sql.DB
	conn  *sql.Conn
	info  fs.FileInfo
	count *counters
	// lacks is of the volume; an error of a write may teach more.
	lacks *lacks

	maxLog          int64 // of the write-ahead log, in bytes
	full            bool  // synchronous is FULL
	checkpointAfter time.Time

	begin, end *sql.Stmt // of a transaction

	putSession, dropSession, putEntry, dropEntry, putIncident, putHistory, dropAlerts, putAlert, putLimits, putRun *sql.Stmt
}

// compile prepares the statements that write. It fails for a file whose tables
// are not those of its schema.
func (d *database) compile(ctx context.Context) error {
	for _, each := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&d.begin, "BEGIN IMMEDIATE"},
		{&d.end, "COMMIT"},
		{&d.putSession, "REPLACE INTO sessions VALUES (?,?,?,?,?,?,?,?,?,?)"},
		{&d.dropSession, "DELETE FROM sessions WHERE shard = ? AND shards = ?"},
		{&d.putEntry, "REPLACE INTO identifies VALUES (?,?,?,?,?,?)"},
		{&d.dropEntry, "DELETE FROM identifies WHERE id = ?"},
		{&d.putIncident, "REPLACE INTO incidents VALUES (?,?,?,?)"},
		{&d.putHistory, "INSERT INTO history VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
		{&d.dropAlerts, "DELETE FROM alerts"},
		{&d.putAlert, "REPLACE INTO alerts VALUES (?,?)"},
		{&d.putLimits, "REPLACE INTO limits VALUES (1,?)"},
		{&d.putRun, "REPLACE INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
	} {
		stmt, err := d.conn.PrepareContext(ctx, each.text)
		if err != nil {
			return errors.Join(errDamaged, err)
		}
		*each.to = stmt
	}
	return nil
}

// write writes the batch. It makes a checkpoint when the write-ahead log is long, and
// when the disk is full.
func (d *database) write(b *batch) error {
	err := d.commit(b)
	if codeOf(err) == codes.SQLITE_FULL {
		_ = d.checkpoint() // without it the next try fails too
		err = d.commit(b)
	}
	if d.lacks.learn(filepath.Dir(d.path), err) {
		d.full = !b.durable // the level is set anew
		err = d.commit(b)
	}
	if err != nil {
		return err
	}
	return d.checkpointIfLong()
}

// commit writes the batch in one transaction. With synchronous NORMAL a commit hands
// the write-ahead log to the operating system, which survives kill -9 but not a power
// cut. With FULL it waits until the disk has the log up to this commit; after a power
// cut the log ends with a whole commit, this one or a later one (G-051).
func (d *database) commit(b *batch) error {
	ctx := context.Background()
	if b.durable != d.full {
		level := "NORMAL"
		if b.durable {
			level = "FULL"
		}
		if _, err := d.conn.ExecContext(ctx, "PRAGMA synchronous = "+d.lacks.level(level)); err != nil {
			return err
		}
		d.full = b.durable
	}
	put := func() error { return d.writeRows(ctx, b) }
	if b.durable && b.empty() {
		// SQLite waits for the disk only if it has written something: the first page.
		put = func() error {
			_, err := d.conn.ExecContext(ctx, "PRAGMA application_id = 0")
			return err
		}
	}
	if b.single() {
		// One statement is a transaction by itself, and most writes of a quiet bot are
		// one.
		if err := put(); err != nil {
			return err
		}
	} else if err := d.transaction(ctx, put); err != nil {
		return err
	}
	d.count.writes.Add(1)
	if b.durable {
		d.count.syncs.Add(1)
	}
	return nil
}

// transaction runs f in one transaction.
func (d *database) transaction(ctx context.Context, f func() error) error {
	if _, err := d.begin.ExecContext(ctx); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = d.end.ExecContext(ctx)
	}
	if err != nil {
		_, _ = d.conn.ExecContext(ctx, "ROLLBACK") // there may be none left to end
	}
	return err
}

func (d *database) writeRows(ctx context.Context, b *batch) error {
	for _, r := range b.sessions {
		var err error
		if r.session.ID == "" {
			_, err = d.dropSession.ExecContext(ctx, r.shard.ID, r.shard.Count)
		} else {
			_, err = d.putSession.ExecContext(ctx, r.shard.ID, r.shard.Count, r.session.ID, r.session.ResumeURL, r.session.Seq,
				int64(r.intents), r.version, r.token, nanos(r.saved), int64(r.checksum()))
		}
		if err != nil {
			return err
		}
	}
	for _, e := range b.entries {
		var err error
		if e.State == identify.Unsent {
			_, err = d.dropEntry.ExecContext(ctx, e.ID)
		} else {
			_, err = d.putEntry.ExecContext(ctx, e.ID, e.Shard.ID, e.Shard.Count, nanos(e.At), int(e.State), int64(e.Lived))
		}
		if err != nil {
			return err
		}
	}
	for _, i := range b.incidents {
		body, err := i.Encode()
		if err != nil {
			continue // a time after the year 9999; the other incidents are kept
		}
		if _, err := d.putIncident.ExecContext(ctx, i.ID, nanos(i.Start), i.Routine(), string(body)); err != nil {
			return err
		}
	}
	if err := d.writeSamples(ctx, b); err != nil {
		return err
	}
	if r := b.run; r != nil {
		_, err := d.putRun.ExecContext(ctx, r.id, nanos(r.Started), nanos(r.Alive), nanos(r.Ended), string(r.how), r.PID, r.Version,
			r.boot, r.oom.cgroup, r.oom.ofCgroup, r.oom.ofHost, r.said, int64(r.slept), int64(r.uptime), r.ordinal)
		return err
	}
	return nil
}

// writeSamples writes the samples of the history, the limits and the active alert.
func (d *database) writeSamples(ctx context.Context, b *batch) error {
	if m := b.moved; m != nil {
		if _, err := d.conn.ExecContext(ctx, "UPDATE history SET at = at + ? WHERE at >= ? AND id <= ?", int64(m.by), nanos(m.from), m.last); err != nil {
			return err
		}
	}
	if b.replaced != nil {
		if _, err := d.conn.ExecContext(ctx, "DELETE FROM history WHERE id > ?", *b.replaced); err != nil {
			return err
		}
	}
	for _, r := range b.history {
		_, err := d.putHistory.ExecContext(ctx, string(r.Kind), nanos(r.At), r.Shard, int(r.Level),
			r.Sums.Gateway.N, int64(r.Sums.Gateway.Sum), int64(r.Sums.Gateway.Max), r.Sums.REST.N, int64(r.Sums.REST.Sum), int64(r.Sums.REST.Max),
			r.Sums.Events.Received, r.Sums.Events.Handled, r.Sums.Events.Asked, r.Sums.Events.Answered)
		if err != nil {
			return err
		}
	}
	if b.limits != nil {
		if body, err := json.Marshal(b.limits); err == nil { // else: a time after the year 9999
			if _, err = d.putLimits.ExecContext(ctx, string(body)); err != nil {
				return err
			}
		}
	}
	if b.alert == nil {
		return nil
	}
	_, err := d.dropAlerts.ExecContext(ctx)
	if a := b.alert.alert; a != nil && err == nil {
		if body, failed := json.Marshal(a); failed == nil { // else: a time after the year 9999
			_, err = d.putAlert.ExecContext(ctx, a.Thread, string(body))
		}
	}
	return err
}

// checkpointIfLong makes a checkpoint if the write-ahead log is long and the last
// checkpoint was not held up.
func (d *database) checkpointIfLong() error {
	now := time.Now()
	info, err := os.Stat(d.path + "-wal")
	if err != nil || info.Size() < d.maxLog || now.Before(d.checkpointAfter) {
		return nil
	}
	return d.checkpoint()
}

// checkpoint moves the write-ahead log into the database. A program that reads the
// database may hold it up.
func (d *database) checkpoint() error {
	var busy, pages, moved int
	if err := d.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return err
	}
	if busy != 0 {
		d.checkpointAfter = time.Now().Add(checkpointRetry)
	}
	d.count.syncs.Add(3) // the log, the database, and the new log's header
	return nil
}

// present implements [volume].
func (d *database) present() bool {
	there, _ := os.Stat(d.path) // nil is no file's
	return os.SameFile(d.info, there)
}

// close closes the connection, which moves the log into the database and deletes it.
// SQLite does neither while a statement is open.
func (d *database) close() error {
	var err error
	for _, stmt := range []*sql.Stmt{d.begin, d.end, d.putSession, d.dropSession, d.putEntry, d.dropEntry, d.putIncident, d.putHistory, d.dropAlerts, d.putAlert, d.putLimits, d.putRun} {
		if stmt != nil {
			err = errors.Join(err, stmt.Close())
		}
	}
	if d.conn != nil {
		err = errors.Join(err, d.conn.Close())
	}
	return errors.Join(err, d.db.Close())
}

// nanos is a time as it is stored; the zero time is 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}
