package store

import (
	"fmt"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
)

// opened opens the database in the folder below the store, and closes it with the test.
func opened(t *testing.T, dir string) (*database, *contents) {
	t.Helper()
	f := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: time.Now}
	v, c, err := f.open(false)
	if err != nil {
		t.Fatal(err)
	}
	d := v.(*database)
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return d, c
}

// everything is a batch with a row of every kind.
func everything() *batch {
	now := time.Now().Round(0)
	return &batch{
		sessions:  []sessionRow{savedRow(0, 1, intents, 0)},
		entries:   []identify.Entry{{ID: 1, At: now, State: identify.Ready}},
		incidents: []health.Incident{{ID: "i", Start: now, End: now, Outcome: health.OutcomeResumed}},
		history:   []history.Record{{Kind: history.LevelRecord, At: now, Level: history.Online}},
		alert:     &activeAlert{&alert.Active{Kind: alert.Offline, Thread: "t"}},
		limits:    []rest.Limit{{Reason: rest.ReasonGlobal, At: now, Wait: time.Hour}},
		run:       &runRow{Run: Run{Started: now, Alive: now}, id: 1, ordinal: 1},
	}
}

// held says how many rows of each kind there are.
func (c *contents) held() string {
	alerts := 0
	if c.alert != nil {
		alerts = 1
	}
	return fmt.Sprintf("%d sessions, %d entries, %d incidents, %d samples, %d alerts, %d limits, %d runs",
		len(c.sessions), len(c.entries), len(c.incidents), len(c.history), alerts, len(c.limits), len(c.runs))
}

const (
	heldAll  = "1 sessions, 1 entries, 1 incidents, 1 samples, 1 alerts, 1 limits, 1 runs"
	heldNone = "0 sessions, 0 entries, 0 incidents, 0 samples, 0 alerts, 0 limits, 0 runs"
)

// Given a row that cannot be written, of whatever kind, then the write fails and nothing of
// the batch is there.
func TestBatchIsWrittenWholeOrNotAtAll(t *testing.T) {
	row := everything()
	last := int64(0)
	ended := row.sessions[0]
	ended.session = gateway.Session{}
	for name, test := range map[string]struct {
		on    string // what fails
		batch *batch
	}{
		"session":       {"INSERT ON sessions", &batch{sessions: row.sessions}},
		"end":           {"DELETE ON sessions", &batch{sessions: []sessionRow{ended}}},
		"entry":         {"INSERT ON identifies", &batch{entries: row.entries}},
		"unsent":        {"DELETE ON identifies", &batch{entries: []identify.Entry{{ID: 1, State: identify.Unsent}}}},
		"incident":      {"INSERT ON incidents", &batch{incidents: row.incidents}},
		"sample":        {"INSERT ON history", &batch{history: row.history}},
		"replaced":      {"DELETE ON history", &batch{replaced: &last}},
		"moved":         {"UPDATE ON history", &batch{moved: &movedSamples{last: 100, by: time.Hour}}},
		"limits":        {"INSERT ON limits", &batch{limits: row.limits}},
		"alert":         {"INSERT ON alerts", &batch{alert: row.alert}},
		"end of alert":  {"DELETE ON alerts", &batch{alert: &activeAlert{}}},
		"another alert": {"DELETE ON alerts", &batch{alert: row.alert}},
		"run":           {"INSERT ON runs", &batch{run: row.run}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := quick(t)
			d, _ := opened(t, dir)
			if err := d.write(everything()); err != nil {
				t.Fatal(err)
			}
			run(t, dbPath(dir), "CREATE TRIGGER fails BEFORE "+test.on+" BEGIN SELECT RAISE(ABORT, 'it fails'); END")
			wrote := d.count.writes.Load()
			if err := d.write(test.batch); err == nil {
				t.Error("the row was written")
			}
			// Together with others, which must not be there by themselves.
			other := everything()
			other.sessions[0].session.Seq = 99
			other.run.Version = "other"
			for _, add := range []func(){
				func() { other.sessions = append(other.sessions, test.batch.sessions...) },
				func() { other.entries = append(other.entries, test.batch.entries...) },
				func() { other.moved, other.replaced = test.batch.moved, test.batch.replaced },
			} {
				add()
			}
			if test.batch.alert != nil {
				other.alert = test.batch.alert
			}
			if err := d.write(other); err == nil {
				t.Error("the batch was written")
			}
			if got := d.count.writes.Load(); got != wrote {
				t.Errorf("%d writes are counted that failed", got-wrote)
			}
			run(t, dbPath(dir), "DROP TRIGGER fails")
			_, c := opened(t, dir)
			if c.held() != heldAll || c.sessions[0].session.Seq != 42 || c.runs[0].Version != "" {
				t.Errorf("there are %s", c.held())
			}
			if err := d.write(test.batch); err != nil {
				t.Errorf("the next write: %v", err)
			}
		})
	}
}

// Given a batch with a row of every kind, then the next start reads each, and what takes
// them back leaves none; each alone is written by itself.
func TestBatchOfEveryKindIsRead(t *testing.T) {
	dir := quick(t)
	d, c := opened(t, dir)
	if c.held() != heldNone {
		t.Errorf("a new database has %s", c.held())
	}
	row := everything()
	for n, b := range []*batch{
		{sessions: row.sessions}, {entries: row.entries}, {incidents: row.incidents}, {history: row.history},
		{alert: row.alert}, {limits: row.limits}, {run: row.run},
	} {
		if b.empty() {
			t.Errorf("batch %d counts as empty", n)
		}
		if err := d.write(b); err != nil {
			t.Fatal(err)
		}
	}
	_, c = opened(t, dir)
	if c.held() != heldAll || !c.runs[0].Ended.IsZero() {
		t.Errorf("there are %s, and the run ended at %s", c.held(), c.runs[0].Ended)
	}
	ended := row.sessions[0]
	ended.session = gateway.Session{}
	last := int64(0)
	back := &batch{
		sessions: []sessionRow{ended}, entries: []identify.Entry{{ID: 1, State: identify.Unsent}}, alert: &activeAlert{},
		limits: []rest.Limit{}, replaced: &last,
	}
	if err := d.write(back); err != nil {
		t.Fatal(err)
	}
	_, c = opened(t, dir)
	if got := c.held(); got != "0 sessions, 0 entries, 1 incidents, 0 samples, 0 alerts, 0 limits, 1 runs" {
		t.Errorf("there are %s", got)
	}
	for n, b := range []*batch{{replaced: &last}, {moved: &movedSamples{}}, {alert: &activeAlert{}}, {limits: []rest.Limit{}}} {
		if b.empty() || b.single() {
			t.Errorf("batch %d counts as empty or as one row", n)
		}
		if b.run = row.run; b.single() {
			t.Errorf("batch %d counts as one row with that of the run", n)
		}
	}
	if !(&batch{durable: true, changed: true}).empty() {
		t.Error("a batch without rows is not empty")
	}
}

// oddRow is a row of texts, in a table that takes them, for each table that is read.
var oddRow = map[string]string{
	"sessions":   "CREATE TABLE sessions (shard,shards,id,resume_url,seq,intents,api_version,token,saved,checksum, PRIMARY KEY (shard, shards)); INSERT INTO sessions VALUES ('x','x','x','x','x','x','x','x','x','x')",
	"identifies": "CREATE TABLE identifies (id,shard,shards,at,state,lived); INSERT INTO identifies VALUES ('x','x','x','x','x','x')",
	"runs":       "CREATE TABLE runs (id,started,alive,ended,how,pid,version,boot,cgroup,cgroup_kills,host_kills,said,slept,uptime,ordinal); INSERT INTO runs VALUES ('x','x','x','x','x','x','x','x','x','x','x','x','x','x','x')",
	"history":    "CREATE TABLE history (id,kind,at,shard,level,gateway_count,gateway_sum,gateway_max,rest_count,rest_sum,rest_max,received,handled,asked,answered); INSERT INTO history VALUES ('x','x','x','x','x','x','x','x','x','x','x','x','x','x','x')",
	"limits":     "CREATE VIEW limits AS SELECT 1 AS id, '[]' AS body UNION ALL SELECT 2, abs(-9223372036854775807 - 1)", // the second cannot be computed
	"alerts":     "CREATE TABLE alerts (thread,body); INSERT INTO alerts VALUES ('x', NULL)",
}

// Given a table that is not there, or holds what does not belong there, then the look of
// doctor and status fails, and says nothing that is not true.
func TestTableThatCannotBeReadIsAnError(t *testing.T) {
	of := tokenlock.FingerprintOf(token)
	for _, table := range []string{"sessions", "identifies", "incidents", "runs", "history", "limits", "alerts"} {
		dir := quick(t)
		filled(t, dir)
		if g, err := Inspect(t.Context(), dir, of); err != nil || g.Runs != 1 || len(g.Entries) != 500 {
			t.Fatalf("%+v, %v", g, err)
		}
		run(t, dbPath(dir), "DROP TABLE "+table)
		if g, err := Inspect(t.Context(), dir, of); err == nil {
			t.Errorf("without %s: %+v", table, g)
		}
		odd, there := oddRow[table]
		if !there { // its rows are JSON, see TestWhatCannotBeDecodedCostsItself
			continue
		}
		run(t, dbPath(dir), odd)
		if g, err := Inspect(t.Context(), dir, of); err == nil {
			t.Errorf("with an odd row in %s: %+v", table, g)
		}
	}
}

// Given a table that is not there, then the deletion of old rows fails and has deleted
// nothing.
func TestDeletionIsWholeOrNotAtAll(t *testing.T) {
	for _, table := range []string{"history", "sessions", "identifies", "incidents", "runs"} {
		dir := quick(t)
		d, _ := opened(t, dir)
		if err := d.write(everything()); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(1000 * day)
		run(t, dbPath(dir), "ALTER TABLE "+table+" RENAME TO elsewhere")
		if err := d.deleteOld(later); err == nil {
			t.Errorf("without %s nothing failed", table)
		}
		run(t, dbPath(dir), "ALTER TABLE elsewhere RENAME TO "+table)
		if _, c := opened(t, dir); c.held() != heldAll {
			t.Errorf("without %s there are %s", table, c.held())
		}
		if err := d.deleteOld(later); err != nil {
			t.Error(err)
		}
		if _, c := opened(t, dir); c.held() != "0 sessions, 0 entries, 0 incidents, 0 samples, 1 alerts, 1 limits, 0 runs" {
			t.Errorf("much later there are %s", c.held())
		}
	}
}

// Given incidents, an alert and limits that cannot be decoded, then each costs itself; the
// log counts the incidents.
func TestWhatCannotBeDecodedCostsItself(t *testing.T) {
	dir := quick(t)
	d, _ := opened(t, dir)
	if err := d.write(everything()); err != nil {
		t.Fatal(err)
	}
	run(t, dbPath(dir), `INSERT INTO incidents VALUES ('odd', 5000000000000000000, 0, 'nonsense'), ('odder', 5000000000000000001, 0, '');
		UPDATE alerts SET body = 'nonsense'; UPDATE limits SET body = '[{"Wait": 1}, 7]'`)
	_, c := opened(t, dir)
	if c.held() != "1 sessions, 1 entries, 1 incidents, 1 samples, 0 alerts, 0 limits, 1 runs" || c.damaged != 3 {
		t.Errorf("there are %s, %d are damaged", c.held(), c.damaged)
	}
	l := newLogRecorder(t)
	open(t, dir, l)
	wantIn(t, l.await("cannot be read"), "count=3")
}

// Given an incident, an alert and a limit with a time after the year 9999, which JSON has not,
// then each costs itself and the rest is saved.
func TestTimeThatCannotBeWrittenCostsItself(t *testing.T) {
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	dir := quick(t)
	d, _ := opened(t, dir)
	b := everything()
	if err := d.write(&batch{limits: b.limits}); err != nil {
		t.Fatal(err)
	}
	b.incidents = append([]health.Incident{{ID: "far", Start: time.Now(), End: far}}, b.incidents...)
	b.alert.alert = &alert.Active{Kind: alert.Offline, Thread: "far", Since: far}
	b.limits = []rest.Limit{{Reason: rest.ReasonGlobal, At: far, Wait: time.Hour}}
	if err := d.write(b); err != nil {
		t.Fatal(err)
	}
	_, c := opened(t, dir)
	if got := c.held(); got != "1 sessions, 1 entries, 1 incidents, 1 samples, 0 alerts, 1 limits, 1 runs" || c.damaged != 0 {
		t.Errorf("there are %s, %d are damaged", got, c.damaged)
	}
}
