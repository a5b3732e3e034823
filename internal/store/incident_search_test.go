package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"evergreen/internal/health"
)

// weeks writes incidents of the last weeks, one for every ten minutes and every
// fifth not routine, and returns their IDs, the newest first.
func weeks(t *testing.T, s *Store, many int) (ids []string) {
	t.Helper()
	for n := many; n > 0; n-- {
		at := time.Now().Add(-time.Duration(n) * 10 * time.Minute).Truncate(time.Microsecond).UTC()
		i := health.Incident{
			ID: at.Format("20060102T150405.000000") + "-0", Cause: health.RoutineReconnect, What: health.Text("Discord asked for a reconnect"),
			Start: at, Detected: at, End: at.Add(time.Second), Outcome: health.OutcomeResumed,
		}
		if n%5 == 0 {
			i.Cause = health.NetworkDown
		}
		s.Journal().Write(i)
		ids = append(ids, i.ID)
	}
	slices.Reverse(ids)
	return ids
}

// pages turns all pages of what is asked for.
func pages(t *testing.T, s *Store, q health.Query) (ids []string) {
	t.Helper()
	for range 100 {
		list, err := s.Journal().Find(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return ids
		}
		for _, i := range list {
			ids = append(ids, i.ID)
		}
		q.Before = ids[len(ids)-1]
	}
	t.Fatal("the pages have no end")
	return nil
}

// Given a thousand incidents in two runs, when the pages are turned back, then
// every one is told once and in order, of a cause and of those that go on too,
// and what changed last counts.
func TestPagesGoBackToTheFirstIncident(t *testing.T) {
	t.Parallel()
	dir := quick(t)
	first := open(t, dir, nil)
	ids := weeks(t, first, 1000)
	shut(t, first)
	second := open(t, dir, nil)
	second.BeginRun()
	now := time.Now().UTC()
	open := health.Incident{ID: now.Format("20060102T150405.000000") + "-0", Cause: health.DNSFailure, Start: now, Detected: now}
	second.Journal().Write(open)
	ids = append([]string{open.ID}, ids...)

	if got := pages(t, second, health.Query{Limit: 97}); !slices.Equal(got, ids) {
		t.Errorf("%d of %d incidents, or not in order", len(got), len(ids))
	}
	if got := pages(t, second, health.Query{Limit: 50, Cause: health.NetworkDown}); len(got) != 200 {
		t.Errorf("%d of a cause, want 200", len(got))
	}
	yes, no := true, false
	if got := pages(t, second, health.Query{Limit: 10, Open: &yes}); !slices.Equal(got, ids[:1]) {
		t.Errorf("going on: %v", got)
	}
	open.End, open.Outcome = now.Add(time.Minute), health.OutcomeResumed
	second.Journal().Write(open) // on the disk it still goes on
	if got := pages(t, second, health.Query{Limit: 10, Open: &yes}); len(got) != 0 {
		t.Errorf("going on after the end: %v", got)
	}
	if got := pages(t, second, health.Query{Limit: 200, Open: &no}); len(got) != len(ids) {
		t.Errorf("%d are over, want %d", len(got), len(ids))
	}
	// One that is forgotten has its place all the same.
	forgotten := ids[500][:len(ids[500])-1] + "9"
	if got, err := second.Journal().Find(t.Context(), health.Query{Limit: 1, Before: forgotten}); err != nil || len(got) != 1 || got[0].ID != ids[500] {
		t.Errorf("after a forgotten one: %+v, %v", got, err)
	}
	for _, odd := range []string{"x", "'; DROP TABLE incidents; --", "-", "20260101"} {
		if got, err := second.Journal().Find(t.Context(), health.Query{Limit: 1, Before: odd}); err != nil || len(got) != 0 {
			t.Errorf("after %q: %+v, %v", odd, got, err)
		}
	}
}

// Given a database that cannot be read, then the newest incidents are told from
// memory, and who wants older ones learns that they cannot be had now.
func TestPagesOfADiskInTrouble(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	ids := weeks(t, s, 3)
	if got, err := s.Journal().Find(t.Context(), health.Query{Limit: 2}); err != nil || len(got) != 2 || got[0].ID != ids[0] {
		t.Errorf("the newest: %+v, %v", got, err)
	}
	if got, err := s.Journal().Find(t.Context(), health.Query{Limit: 2, Before: ids[1]}); err == nil {
		t.Errorf("older ones: %+v", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s.reading <- struct{}{} // another search reads
	if _, err := s.Journal().Find(ended, health.Query{Limit: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-s.reading
}

// BenchmarkPage prints what a page of fifty incidents costs that has to be
// looked up on the disk.
func BenchmarkPage(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(b.Context(), Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	var last, middle string
	for n := range 5000 {
		at := time.Now().Add(-time.Duration(n) * time.Minute)
		last = fmt.Sprint(at.UTC().Format("20060102T150405.000000"), "-0")
		s.Journal().Write(health.Incident{ID: last, Cause: health.NetworkDown, Start: at, End: at, Outcome: health.OutcomeResumed})
		if n == 2500 {
			middle = last
		}
	}
	for b.Loop() {
		if _, err := s.Journal().Find(b.Context(), health.Query{Limit: 50, Before: middle}); err != nil {
			b.Fatal(err)
		}
	}
	_ = s.Close(context.Background())
}

// Given incidents that memory does not hold, whose IDs do not tell when they began, because the
// clock has been set since, then the pages go back from where the database has them.
func TestPagesGoByTheStartAndNotByTheID(t *testing.T) {
	dir := quick(t)
	s := open(t, dir, nil)
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	insert := ""
	for n := range 5 {
		i := health.Incident{ID: fmt.Sprint("id", 9-n), Start: began.Add(-time.Duration(n) * time.Minute), Outcome: health.OutcomeResumed, End: began}
		body, err := i.Encode()
		if err != nil {
			t.Fatal(err)
		}
		insert += fmt.Sprintf("INSERT INTO incidents VALUES ('%s', %d, 0, '%s');", i.ID, nanos(i.Start), body)
	}
	run(t, dbPath(dir), insert)
	if got := pages(t, s, health.Query{Limit: 2}); !slices.Equal(got, []string{"id9", "id8", "id7", "id6", "id5"}) {
		t.Errorf("the pages have %v", got)
	}
}

// Given a database that is not there any more, then the incidents in memory are all there are;
// one whose rows are not what they should be cannot be searched.
func TestSearchInADatabaseThatIsGone(t *testing.T) {
	dir := quick(t)
	s := open(t, dir, nil)
	ids := weeks(t, s, 3)
	if err := s.Identifies().Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"ALTER TABLE incidents RENAME TO elsewhere; CREATE TABLE incidents (id, start, routine, body); INSERT INTO incidents VALUES ('" + ids[1] + "', 'x', 0, '{}')",
		"DELETE FROM incidents; INSERT INTO incidents VALUES (NULL, 1, 0, '{}')",
	} {
		run(t, dbPath(dir), text)
		if got, err := s.Journal().Find(t.Context(), health.Query{Limit: 5, Before: ids[1]}); err == nil {
			t.Errorf("with an odd row: %+v", got)
		}
		if got, err := s.Journal().Find(t.Context(), health.Query{Limit: 5}); err != nil || len(got) != 3 {
			t.Errorf("the newest with an odd row: %+v, %v", got, err)
		}
	}
	run(t, dbPath(dir), "DROP TABLE incidents; ALTER TABLE elsewhere RENAME TO incidents")
	if err := os.Rename(dbPath(dir), dbPath(dir)+".away"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Journal().Find(t.Context(), health.Query{Limit: 5, Before: ids[1]}); err != nil || len(got) != 1 || got[0].ID != ids[2] {
		t.Errorf("without the file: %+v, %v", got, err)
	}
	if err := os.Rename(dbPath(dir)+".away", dbPath(dir)); err != nil {
		t.Fatal(err)
	}
}
