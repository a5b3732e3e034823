package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// refusals are what SQLite refuses in each database, by the beginning of its address.
var refusals sync.Map

func init() {
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, at string) error {
		path, query, _ := strings.Cut(at, "?")
		found, ok := refusals.Load(path)
		if !ok {
			return nil
		}
		r := found.(*refusal)
		if r.connect != nil {
			if err := r.connect(query); err != nil {
				return err
			}
		}
		return c.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(r.authorize)
	})
}

// refusal says what SQLite refuses in a database, on connections made from now on.
type refusal struct {
	// connect returns the error of a connection; nil: each succeeds.
	connect func(query string) error
	// meanwhile is called with each part of a statement and the table it is of; nil: nothing is.
	meanwhile func(action sqlite.AuthorizerActionCode, table string)
	// action is what is always refused; 0: nothing.
	action sqlite.AuthorizerActionCode
	// part is which part of a statement is refused, counted from 1 over all statements; 0:
	// none. seen is how many there were, refused what it was.
	part, seen int
	refused    sqlite.AuthorizerActionCode
}

// authorize implements [sqlite.AuthorizerFn].
func (r *refusal) authorize(action sqlite.AuthorizerActionCode, table, _, _, _ string) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthRead, sqlite.AuthFunction: // they belong to a SELECT or an UPDATE
		return sqlite.AuthorizerOK
	}
	if r.meanwhile != nil {
		r.meanwhile(action, table)
	}
	if r.seen++; r.seen == r.part || action == r.action {
		r.refused = action
		return sqlite.AuthorizerDeny
	}
	return sqlite.AuthorizerOK
}

// refuses makes SQLite refuse something in a database, until the test ends.
func refuses(t *testing.T, path string, r *refusal) {
	t.Helper()
	refusals.Store(address(path), r)
	t.Cleanup(func() { refusals.Delete(address(path)) })
}

// isRefused reports whether the error is that of a refusal.
func isRefused(err error) bool { return codeOf(err) == codes.SQLITE_AUTH }

// Given a database with a row of every kind and a statement that fails, whichever it is of
// those that open and read it, then opening fails with its error, or all rows are read;
// nothing stays open. The deletion of old rows alone may fail.
func TestStatementThatFailsFailsTheOpening(t *testing.T) {
	dir := quick(t)
	d, _ := opened(t, dir)
	if err := d.write(everything()); err != nil {
		t.Fatal(err)
	}
	sd := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: time.Now}
	failed, tolerated := 0, 0
	for part := 1; ; part++ {
		r := &refusal{part: part}
		refuses(t, sd.path, r)
		d, read, err := sd.openFile()
		if err != nil {
			if failed++; !isRefused(err) {
				t.Errorf("part %d: %v", part, err)
			}
			continue
		}
		if read.held() != heldAll {
			t.Errorf("part %d of the statements failed, and there are %s", part, read.held())
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
		if r.seen < part {
			break
		}
		if tolerated++; r.refused != sqlite.AuthTransaction && r.refused != sqlite.AuthDelete && r.refused != sqlite.AuthSelect {
			t.Errorf("part %d: the failure of action %d was tolerated", part, r.refused)
		}
	}
	if failed < 20 || tolerated == 0 || tolerated > 20 {
		t.Errorf("%d statements failed, %d of them were tolerated", failed+tolerated, tolerated)
	}
}

// Given a statement that fails, whichever it is, then doctor and status are told its error,
// and older incidents cannot be had, but the recent ones can.
func TestStatementThatFailsFailsTheLook(t *testing.T) {
	dir, of := quick(t), tokenlock.FingerprintOf(token)
	s := open(t, dir, nil)
	s.BeginRun()
	s.Journal().Write(health.Incident{ID: "i", Start: time.Now()})
	s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	if err := s.Identifies().Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	looks := map[string]func() (string, error){
		"inspect": func() (string, error) {
			g, err := Inspect(t.Context(), dir, of)
			return fmt.Sprint(g.Runs, len(g.Incidents), g.SessionAlive.IsZero()), err
		},
		"older": func() (string, error) {
			list, err := s.Journal().Find(t.Context(), health.Query{Limit: 5, Before: "z"})
			return fmt.Sprint(len(list)), err
		},
		"newest": func() (string, error) {
			list, err := s.Journal().Find(t.Context(), health.Query{Limit: 5})
			return fmt.Sprint(len(list)), err
		},
	}
	for name, look := range looks {
		want, err := look()
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for part := 1; ; part++ {
			r := &refusal{part: part}
			refuses(t, dbPath(dir), r)
			got, err := look()
			if r.seen < part {
				break
			}
			if failed++; name == "newest" {
				if err != nil || got != want {
					t.Errorf("%s, part %d: %s, %v", name, part, got, err)
				}
			} else if !isRefused(err) {
				t.Errorf("%s, part %d: %s, %v", name, part, got, err)
			}
		}
		if failed == 0 {
			t.Errorf("%s: nothing failed", name)
		}
		refusals.Delete(address(dbPath(dir)))
	}
}

// refuse makes SQLite refuse something on a connection that is open.
func (r *refusal) refuse(t *testing.T, d *database) {
	t.Helper()
	if err := d.conn.Raw(func(c any) error { return c.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(r.authorize) }); err != nil {
		t.Fatal(err)
	}
}

// Given a statement that fails, whichever it is of those that write a batch, move the log and
// delete old rows, then the write fails with its error, nothing of the batch is there and no
// write is counted; only what is deleted may be deleted without the rest.
func TestStatementThatFailsFailsTheWrite(t *testing.T) {
	last := int64(0)
	several := everything()
	several.replaced, several.moved, several.durable = &last, &movedSamples{by: time.Hour}, true
	for name, batch := range map[string]*batch{"one row": {sessions: everything().sessions, durable: true}, "one of each": several, "nothing": {durable: true}} {
		failed := 0
		for part := 1; ; part++ {
			dir := quick(t)
			d, _ := opened(t, dir)
			r := &refusal{part: part}
			r.refuse(t, d)
			err := d.write(batch)
			if r.seen < part {
				if _, c := opened(t, dir); err != nil || name == "one of each" && c.held() != heldAll {
					t.Errorf("%s: %v, there are %s", name, err, c.held())
				}
				break
			}
			failed++
			if !isRefused(err) || d.count.writes.Load() != 0 || d.count.syncs.Load() != 0 {
				t.Errorf("%s, part %d: %v, %d writes, %d syncs", name, part, err, d.count.writes.Load(), d.count.syncs.Load())
			}
			if _, c := opened(t, dir); c.held() != heldNone {
				t.Errorf("%s, part %d: there are %s", name, part, c.held())
			}
			if err := d.write(batch); err != nil {
				t.Errorf("%s, the write after part %d: %v", name, part, err)
			}
		}
		if failed == 0 {
			t.Errorf("%s: nothing failed", name)
		}
	}
}

// Given a write-ahead log that cannot be moved into the database, then the write that should
// have moved it fails, and no wait for the disk is counted.
func TestLogThatCannotBeMovedIsAnError(t *testing.T) {
	d, _ := opened(t, quick(t))
	if err := d.write(everything()); err != nil { // it compiles what it needs
		t.Fatal(err)
	}
	d.maxLog = 1
	syncs := d.count.syncs.Load()
	checkpoints := &refusal{part: 1}
	checkpoints.refuse(t, d)
	if err := d.checkpoint(); !isRefused(err) || d.count.syncs.Load() != syncs {
		t.Errorf("got %v after %d syncs", err, d.count.syncs.Load()-syncs)
	}
	checkpoints.seen, checkpoints.part = 0, 3 // BEGIN, COMMIT, the checkpoint
	checkpoints.refuse(t, d)
	if err := d.write(&batch{}); !isRefused(err) || d.count.syncs.Load() != syncs {
		t.Errorf("got %v after %d syncs", err, d.count.syncs.Load()-syncs)
	}
}
