package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
)

// minute is the record of a busy minute.
func minute(at time.Time) history.Record {
	return history.Record{Kind: history.MinuteRecord, At: at, Sums: history.Sums{
		Gateway: history.Spread{N: 2, Sum: 91234567, Max: 51234567}, REST: history.Spread{N: 900, Sum: 98765432100, Max: 912345678},
		Events: history.Events{Received: 123456, Handled: 123455, Asked: 12000, Answered: 11999},
	}}
}

// Given records of the past and an alert that stands, when the next run begins,
// then it finds them as they were, in their order, and only once.
func TestNextRunFindsThePast(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	now := time.Now().Round(0).UTC()
	want := []history.Record{
		{Kind: history.LevelRecord, At: now.Add(-time.Hour), Shard: -1, Level: history.Online},
		{Kind: history.LevelRecord, At: now.Add(-50 * time.Minute), Shard: 3, Level: history.Offline},
		minute(now.Add(-2 * time.Minute)), minute(now.Add(-2 * time.Minute)),
		{Kind: history.HourRecord, At: now.Add(-time.Hour), Sums: minute(now).Sums},
	}
	if got := first.Alerts().LoadActive(); got != nil {
		t.Errorf("an alert stands in a new database: %+v", got)
	}
	first.History().Append(want[:2])
	first.History().Append(want[2:])
	stands := &alert.Active{Kind: alert.Offline, Thread: "evergreen-1", Since: now.Add(-time.Hour), LastReminder: now, Sent: true}
	first.Alerts().SaveActive(&alert.Active{Kind: alert.Offline, Thread: "evergreen-0"})
	first.Alerts().SaveActive(nil)
	first.Alerts().SaveActive(stands)
	shut(t, first)

	second := open(t, dir, nil)
	got, err := second.History().Load(now.Add(-24 * time.Hour))
	for n := range got {
		got[n].At = got[n].At.UTC()
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the past: %+v, %v\nwant %+v", got, err, want)
	}
	if again, err := second.History().Load(time.Time{}); len(again) != 0 || err != nil {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	if got := second.Alerts().LoadActive(); !reflect.DeepEqual(got, stands) {
		t.Errorf("the alert: %+v", got)
	}
	second.Alerts().SaveActive(nil)
	shut(t, second)

	third := open(t, dir, nil)
	if got, _ := third.History().Load(now.Add(-time.Minute)); len(got) != 0 {
		t.Errorf("the last minute: %+v", got)
	}
	if got := third.Alerts().LoadActive(); got != nil {
		t.Errorf("the alert is over, and it stands: %+v", got)
	}
}

// Given a database of the first schema, when this version opens it, then what it
// holds is still there and what is new has room.
func TestFirstSchemaIsBroughtForward(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", address(dbPath(dir)))
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now().Add(-time.Hour)
	if _, err := db.Exec(steps[0]+"; PRAGMA user_version = 1; INSERT INTO runs VALUES (?,?,?,?,'paused',7,'0.9','','',-1,-1)",
		started.UnixMicro(), nanos(started), nanos(started), nanos(started.Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, nil)
	if p := s.BeginRun(); p.End != EndSessionKept || p.PID != 7 || p.Said != "" || p.Slept != 0 || s.Stats().Asides != 0 {
		t.Errorf("the previous run: %+v", p)
	}
	s.History().Append([]history.Record{minute(time.Now())})
	shut(t, s)
	if got, err := open(t, dir, nil).History().Load(time.Time{}); len(got) != 1 || err != nil {
		t.Errorf("the past: %+v, %v", got, err)
	}
}

// Given a disk that fails, then the past waits for it in memory within bounds,
// keeps its order, and is written once; minutes of it do not wake the disk up.
func TestPastWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{image: contents{history: []history.Record{minute(time.Now())}}}
		s := f.begin(t, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		before := s.Stats()
		for range 60 {
			s.History().Append([]history.Record{minute(time.Now())})
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		syncs := 0
		for _, w := range f.all() {
			if w.durable {
				syncs++
			}
		}
		if syncs > 61*2 || s.Stats() != before {
			t.Errorf("%d syncs in an hour", syncs)
		}
		f.set(func(f *fakeDisk) { f.writeErr = errDisk; f.writes = nil })
		for n := range maxSamples + 100 {
			s.History().Append([]history.Record{{Kind: history.LevelRecord, Shard: n, At: time.Now()}})
			if n%500 == 0 {
				time.Sleep(time.Second)
			}
		}
		f.set(func(f *fakeDisk) { f.writeErr = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		shut(t, s)
		next := -1
		for _, w := range f.all() {
			for _, r := range w.history {
				if next >= 0 && r.Shard != next {
					t.Fatalf("record %d came after %d", r.Shard, next-1)
				}
				next = r.Shard + 1
			}
		}
		if next != maxSamples+100 {
			t.Errorf("the last record that was written is %d", next-1)
		}
	})
}

// Given ninety days of a busy bot that loses its connection every other hour and
// has an incident with a long story each time, then the database stays far below
// 50 MB, because old records are deleted as they are rolled up.
func TestNinetyDaysStaySmall(t *testing.T) {
	t.Parallel()
	dir := quick(t)
	f := &stateDir{dir: dir, path: dbPath(dir), steps: steps, count: &counters{}, maxLog: maxLogSize, now: time.Now}
	v, _, err := f.open(false)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var most int64
	for hour := range 95 * 24 {
		at := began.Add(time.Duration(hour) * time.Hour)
		b := &batch{}
		for n := range 60 {
			b.history = append(b.history, minute(at.Add(time.Duration(n)*time.Minute)))
		}
		b.history = append(b.history, history.Record{Kind: history.HourRecord, At: at, Sums: minute(at).Sums})
		if hour%2 == 0 {
			i := health.Incident{ID: fmt.Sprint("i", hour), Cause: health.NetworkDown, What: health.Text(strings.Repeat("what happened ", 10)), Start: at, End: at.Add(time.Minute)}
			for n := range 20 {
				i.Actions = append(i.Actions, health.Action{At: at, Until: at, What: health.Text("attempt failed: Discord's gateway could not be reached over the network"), Times: n})
			}
			b.incidents = append(b.incidents, i)
			for n := range 3 {
				b.history = append(b.history, history.Record{Kind: history.LevelRecord, At: at.Add(time.Duration(n) * time.Second), Level: history.Level(n)})
			}
		}
		v.(*database).checkpointAfter = time.Time{} // an hour has passed since the last one
		if err := v.write(b); err != nil {
			t.Fatal(err)
		}
		if hour%6 == 0 {
			if err := v.deleteOld(at); err != nil {
				t.Fatal(err)
			}
			most = max(most, size(t, dir))
		}
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
	left := size(t, dir)
	t.Logf("ninety days are %.1f MB, with the log %.1f MB at most", float64(left)/1e6, float64(most)/1e6)
	if most > 30e6 || left > 20e6 {
		t.Errorf("ninety days are %d bytes, %d at most", left, most)
	}
	f.now = func() time.Time { return began.Add(95 * 24 * time.Hour) }
	v, i, err := f.open(false)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
	if len(i.history) < 90*24 || len(i.history) > 92*24+26*60+93*12*3 {
		t.Errorf("%d records are left", len(i.history))
	}
}

// size is what the database takes on the disk.
func size(t *testing.T, dir string) (total int64) {
	t.Helper()
	files, err := filepath.Glob(dbPath(dir) + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	return total
}

// Given a folder that cannot be read, then no caller is told a past that is not
// known.
func TestPastIsNotKnownWithoutADisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{openErr: errDisk}
		s := f.begin(t, nil)
		if got, err := s.History().Load(time.Time{}); got != nil || err == nil {
			t.Errorf("the past: %+v, %v", got, err)
		} else {
			wantIn(t, err.Error(), "cannot be read", errDisk.Error())
		}
		s.History().Append([]history.Record{minute(time.Now())})
		if err := s.Close(context.Background()); err == nil {
			t.Error("everything was saved on a disk that fails")
		}
	})
}

// Given a database that is deleted while it is in use, then the history learns once
// that it has to be written again, and nothing is written twice.
func TestLostPastIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.BeginRun()
		s.History().Append([]history.Record{minute(time.Now())})
		time.Sleep(time.Minute)
		if s.History().Lost() {
			t.Error("nothing is lost")
		}
		f.set(func(f *fakeDisk) { f.gone, f.writes = true, nil })
		time.Sleep(time.Minute)
		s.History().Append([]history.Record{minute(time.Now())})
		time.Sleep(time.Minute)
		synctest.Wait()
		if !s.History().Lost() || s.History().Lost() {
			t.Error("it is to be said once that the past is lost")
		}
		s.History().Append([]history.Record{minute(time.Now()), minute(time.Now())})
		shut(t, s)
		written := 0
		for _, w := range f.all() {
			written += len(w.history)
		}
		if written != 2 {
			t.Errorf("%d records were written, want 2", written)
		}
	})
}
