package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"evergreen/internal/health"
)

// Find returns the incidents of a query, from memory and from the database, which it
// waits for. It opens the database by itself, so that the writer goes on; one call at
// a time does.
func (j journal) Find(ctx context.Context, q health.Query) ([]health.Incident, error) {
	s := j.store
	recent := j.Recent(health.MemoryJournalSize)
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	start, older, err := s.older(ctx, q, recent)
	if err != nil {
		if q.Before == "" {
			return q.Select(recent, start), nil // without the disk there are the recent ones
		}
		return nil, fmt.Errorf("reading older incidents: %w", err)
	}
	return q.Select(append(older, recent...), start), nil
}

// older reads the incidents of the query that are not among the recent ones, and when
// the incident of q.Before began.
func (s *Store) older(ctx context.Context, q health.Query, recent []health.Incident) (start time.Time, list []health.Incident, err error) {
	start = q.BeforeStart(recent)
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return start, nil, nil
	}
	db, err := sql.Open("sqlite", address(s.path)+"?mode=ro")
	if err != nil {
		return start, nil, err
	}
	v := &database{path: s.path, db: db, count: &s.count}
	defer func() { _ = v.close() }()
	if v.conn, err = db.Conn(ctx); err != nil {
		return start, nil, err
	}
	if err := v.each(ctx, func(rows *sql.Rows) error {
		var at int64
		err := rows.Scan(&at)
		start = fromNanos(at)
		return err
	}, "SELECT start FROM incidents WHERE id = ?", q.Before); err != nil {
		return start, nil, err
	}
	known := map[string]bool{}
	for _, i := range recent {
		known[i.ID] = true
	}
	wanted, args := "SELECT id, body FROM incidents WHERE 1", []any{}
	if q.Before != "" {
		wanted += " AND (start, id) < (?, ?)"
		args = append(args, nanos(start), q.Before)
	}
	if q.Cause != "" {
		wanted += " AND body ->> 'Cause' = ?"
		args = append(args, string(q.Cause))
	}
	if q.Open != nil {
		wanted += " AND (body ->> 'Outcome' = ?) = ?"
		args = append(args, int(health.OutcomeOpen), *q.Open)
	}
	wanted += " ORDER BY start DESC, id DESC LIMIT ?"
	args = append(args, q.Limit+len(recent))
	err = v.each(ctx, func(rows *sql.Rows) error {
		var id string
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		if known[id] {
			return nil
		}
		if i, err := health.DecodeIncident(body); err == nil {
			list = append(list, i)
		}
		return nil
	}, wanted, args...)
	return start, list, err
}
