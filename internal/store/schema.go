package store

import (
	"context"
	"database/sql"
	"fmt"
)

// steps lead from an empty file to the schema of today. Step n makes schema n
// of schema n-1; what has been released is never changed, only added to.
var steps = []string{
	// 1: sessions, the record of session starts, incidents, runs. Times are in
	// nanoseconds since 1970.
	`CREATE TABLE sessions (
		shard INTEGER NOT NULL,
		shards INTEGER NOT NULL,
		id TEXT NOT NULL,
		resume_url TEXT NOT NULL,
		seq INTEGER NOT NULL,
		intents INTEGER NOT NULL,
		api_version INTEGER NOT NULL,
		token TEXT NOT NULL, -- a fingerprint
		saved INTEGER NOT NULL,
		checksum INTEGER NOT NULL, -- of all of the above
		PRIMARY KEY (shard, shards)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE identifies (
		id INTEGER PRIMARY KEY,
		shard INTEGER NOT NULL,
		shards INTEGER NOT NULL,
		at INTEGER NOT NULL,
		state INTEGER NOT NULL,
		lived INTEGER NOT NULL
	) STRICT;
	CREATE TABLE incidents (
		id TEXT PRIMARY KEY,
		start INTEGER NOT NULL,
		routine INTEGER NOT NULL,
		body TEXT NOT NULL -- JSON
	) STRICT;
	CREATE INDEX incidents_by_start ON incidents (start);
	CREATE TABLE runs (
		id INTEGER PRIMARY KEY,
		started INTEGER NOT NULL,
		alive INTEGER NOT NULL,
		ended INTEGER NOT NULL, -- 0: it did not say
		how TEXT NOT NULL,
		pid INTEGER NOT NULL,
		version TEXT NOT NULL,
		boot TEXT NOT NULL,
		cgroup TEXT NOT NULL,
		cgroup_kills INTEGER NOT NULL,
		host_kills INTEGER NOT NULL
	) STRICT;`,
	// 2: how the bot has been, the alert that stands, and more about runs.
	`CREATE TABLE history (
		id INTEGER PRIMARY KEY, -- in the order in which they came
		kind TEXT NOT NULL, -- mark, minute, hour
		at INTEGER NOT NULL,
		shard INTEGER NOT NULL,
		level INTEGER NOT NULL,
		gateway_count INTEGER NOT NULL,
		gateway_sum INTEGER NOT NULL,
		gateway_max INTEGER NOT NULL,
		rest_count INTEGER NOT NULL,
		rest_sum INTEGER NOT NULL,
		rest_max INTEGER NOT NULL,
		received INTEGER NOT NULL,
		handled INTEGER NOT NULL,
		asked INTEGER NOT NULL,
		answered INTEGER NOT NULL
	) STRICT;
	CREATE INDEX history_by_age ON history (kind, at);
	CREATE TABLE alerts (
		thread TEXT PRIMARY KEY,
		body TEXT NOT NULL -- JSON
	) STRICT, WITHOUT ROWID;
	ALTER TABLE runs ADD COLUMN said TEXT NOT NULL DEFAULT '';
	ALTER TABLE runs ADD COLUMN slept INTEGER NOT NULL DEFAULT -1; -- of the host since it booted`,
	// 3: what tells that the clock was set between two runs, and the order of runs
	// without a clock.
	`ALTER TABLE runs ADD COLUMN uptime INTEGER NOT NULL DEFAULT -1; -- of the host, at the last sign of life
	ALTER TABLE runs ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0;`,
	// 4: the limits of REST that hold.
	`CREATE TABLE limits (
		id INTEGER PRIMARY KEY, -- 1
		body TEXT NOT NULL -- JSON
	) STRICT;`,
}

// NewerError means that the database was written by a later version of this
// program. It has not been touched.
type NewerError struct {
	Path string
	// Schema is what the file has, Known the latest this version knows.
	Schema, Known int
}

// Error says what to do about it.
func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a later version of this program: its schema is %d, and this version knows %d\n"+
		"  Start the later version again.\n"+
		"  Or move the file and its -wal away: then this version begins a new one, without the session and the count of session starts.",
		e.Path, e.Schema, e.Known)
}

// ExitCode is 78: only a person can tell which version is wanted.
func (e *NewerError) ExitCode() int { return 78 }

// migrate brings the database forward to the latest of the given steps, each in
// a transaction of its own. After an error the connection is of no more use: its end
// takes the step back.
func migrate(ctx context.Context, conn *sql.Conn, path string, steps []string) error {
	version, err := schemaOf(ctx, conn)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return &NewerError{Path: path, Schema: version, Known: len(steps)}
	}
	for ; version < len(steps); version++ {
		step := fmt.Sprintf("BEGIN IMMEDIATE; %s\n; PRAGMA user_version = %d; COMMIT", steps[version], version+1)
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("bringing the database to schema %d: %w", version+1, err)
		}
	}
	return nil
}

func schemaOf(ctx context.Context, conn *sql.Conn) (version int, err error) {
	err = conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}
