package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
)

const (
	day = 24 * time.Hour
	// sessionAge, entryAge, incidentAge and runAge are how long rows are kept. A
	// session is of no use after minutes and an entry after a day; the rest is for
	// people.
	sessionAge  = day
	entryAge    = 7 * day
	incidentAge = 90 * day
	runAge      = 90 * day
	// mostIncidents bounds the incidents that are kept; routine ones go first.
	mostIncidents = 5000
	// readIncidents is how many are read when the database is opened. It is more than
	// the journal keeps in memory, because routine ones give way to others there.
	readIncidents = 2 * health.MemoryJournalSize
	// readRuns is how many runs are read.
	readRuns = 100
)

// read reads the contents.
func (d *database) read(ctx context.Context, now time.Time) (*contents, error) {
	c := &contents{}
	err := d.each(ctx, func(rows *sql.Rows) error {
		var r sessionRow
		var intents, saved, sum int64
		err := rows.Scan(&r.shard.ID, &r.shard.Count, &r.session.ID, &r.session.ResumeURL, &r.session.Seq, &intents, &r.version, &r.token, &saved, &sum)
		r.intents, r.saved = gateway.Intents(intents), fromNanos(saved)
		r.damaged = int64(r.checksum()) != sum
		c.sessions = append(c.sessions, r)
		return err
	}, "SELECT * FROM sessions")
	if err != nil {
		return nil, err
	}
	err = d.each(ctx, func(rows *sql.Rows) error {
		var e identify.Entry
		var at, lived int64
		err := rows.Scan(&e.ID, &e.Shard.ID, &e.Shard.Count, &at, &e.State, &lived)
		e.At, e.Lived = fromNanos(at), time.Duration(lived)
		c.entries = append(c.entries, e)
		return err
	}, "SELECT * FROM identifies WHERE at >= ?", nanos(now.Add(-2*day)))
	if err != nil {
		return nil, err
	}
	var bodies [][]byte
	err = d.each(ctx, func(rows *sql.Rows) error {
		var body []byte
		err := rows.Scan(&body)
		bodies = append(bodies, body)
		return err
	}, "SELECT body FROM incidents ORDER BY start DESC LIMIT ?", readIncidents)
	if err != nil {
		return nil, err
	}
	// The bot waits for this before it connects. After 90 bad days decoding the
	// incidents is half of it, so the rest is read meanwhile.
	var decoding sync.WaitGroup
	var damaged int
	decoding.Go(func() { c.incidents, damaged = decodeIncidents(bodies) })
	err = d.readRest(ctx, c)
	decoding.Wait()
	c.damaged += damaged
	return c, err
}

// decodeIncidents returns the incidents, the oldest first, and how many could not be
// decoded.
func decodeIncidents(bodies [][]byte) (incidents []health.Incident, damaged int) {
	for _, body := range slices.Backward(bodies) {
		incident, err := health.DecodeIncident(body)
		if err != nil {
			damaged++
			continue
		}
		incidents = append(incidents, incident)
	}
	return incidents, damaged
}

// readRest reads the runs, the samples and the alert.
func (d *database) readRest(ctx context.Context, c *contents) error {
	err := d.each(ctx, func(rows *sql.Rows) error {
		var r runRow
		var started, alive, ended, slept, uptime int64
		err := rows.Scan(&r.id, &started, &alive, &ended, &r.how, &r.PID, &r.Version, &r.boot, &r.oom.cgroup, &r.oom.ofCgroup, &r.oom.ofHost, &r.said, &slept, &uptime, &r.ordinal)
		r.Started, r.Alive, r.Ended, r.slept = fromNanos(started), fromNanos(alive), fromNanos(ended), time.Duration(slept)
		r.uptime = time.Duration(uptime)
		c.runs = append(c.runs, r)
		return err
	}, "SELECT * FROM runs ORDER BY ordinal DESC, id DESC LIMIT ?", readRuns)
	if err != nil {
		return err
	}
	return d.readSamples(ctx, c)
}

// readSamples reads how the bot has been, the limits and the active alert.
func (d *database) readSamples(ctx context.Context, c *contents) error {
	err := d.each(ctx, func(rows *sql.Rows) error {
		var r history.Record
		var kind string
		var id, at, level, gatewaySum, gatewayMax, restSum, restMax int64
		err := rows.Scan(&id, &kind, &at, &r.Shard, &level, &r.Sums.Gateway.N, &gatewaySum, &gatewayMax, &r.Sums.REST.N, &restSum, &restMax,
			&r.Sums.Events.Received, &r.Sums.Events.Handled, &r.Sums.Events.Asked, &r.Sums.Events.Answered)
		r.Kind, r.At, r.Level = history.Kind(kind), fromNanos(at), history.Level(level)
		r.Sums.Gateway.Sum, r.Sums.Gateway.Max = time.Duration(gatewaySum), time.Duration(gatewayMax)
		r.Sums.REST.Sum, r.Sums.REST.Max = time.Duration(restSum), time.Duration(restMax)
		c.history, c.lastHistory = append(c.history, r), id
		return err
	}, `SELECT id, kind, at, shard, level, gateway_count, gateway_sum, gateway_max, rest_count, rest_sum, rest_max,
		received, handled, asked, answered FROM history ORDER BY id`)
	if err != nil {
		return err
	}
	err = d.each(ctx, func(rows *sql.Rows) error {
		var body []byte
		err := rows.Scan(&body)
		if json.Unmarshal(body, &c.limits) != nil {
			c.limits = nil // the next 429 tells them again
		}
		return err
	}, "SELECT body FROM limits")
	if err != nil {
		return err
	}
	return d.each(ctx, func(rows *sql.Rows) error {
		var body string
		if err := rows.Scan(&body); err != nil {
			return err
		}
		var a alert.Active
		if json.Unmarshal([]byte(body), &a) != nil {
			c.damaged++
			return nil
		}
		c.alert = &a
		return nil
	}, "SELECT body FROM alerts")
}

func (d *database) each(ctx context.Context, row func(*sql.Rows) error, query string, args ...any) error {
	rows, err := d.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// deleteOld deletes what is too old or too much, in one transaction.
func (d *database) deleteOld(now time.Time) error {
	ctx := context.Background()
	return d.transaction(ctx, func() error {
		for _, kind := range []history.Kind{history.LevelRecord, history.MinuteRecord, history.HourRecord} {
			if _, err := d.conn.ExecContext(ctx, "DELETE FROM history WHERE kind = ? AND at < ?", string(kind), nanos(now.Add(-kind.Keep()))); err != nil {
				return err
			}
		}
		for _, each := range []struct {
			text string
			arg  any
		}{
			{"DELETE FROM sessions WHERE saved < ?", nanos(now.Add(-sessionAge))},
			{"DELETE FROM identifies WHERE at < ?", nanos(now.Add(-entryAge))},
			{"DELETE FROM incidents WHERE start < ?", nanos(now.Add(-incidentAge))},
			{`DELETE FROM incidents WHERE id IN (SELECT id FROM incidents ORDER BY routine DESC, start
				LIMIT max(0, (SELECT count(*) FROM incidents) - ?))`, mostIncidents},
			{"DELETE FROM runs WHERE started < ?", nanos(now.Add(-runAge))},
		} {
			if _, err := d.conn.ExecContext(ctx, each.text, each.arg); err != nil {
				return err
			}
		}
		return nil
	})
}
