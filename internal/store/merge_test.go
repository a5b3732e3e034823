package store

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
)

// onDisk is what the transactions have left, of everything but sessions.
type onDisk struct {
	entries   map[int64]identify.State
	incidents map[string]health.Outcome
	samples   []int // their shards
	alert     string
	limits    int
	run       End
}

// left applies all transactions, whatever a database with samples up to the row held.
func (f *fakeDisk) left() onDisk {
	d := onDisk{entries: map[int64]identify.State{}, incidents: map[string]health.Outcome{}}
	for _, w := range f.all() {
		for _, e := range w.entries {
			if d.entries[e.ID] = e.State; e.State == identify.Unsent {
				delete(d.entries, e.ID)
			}
		}
		for _, i := range w.incidents {
			d.incidents[i.ID] = i.Outcome
		}
		if w.replaced != nil {
			d.samples = nil
		}
		for _, r := range w.history {
			d.samples = append(d.samples, r.Shard)
		}
		if w.alert != nil {
			if d.alert = "none"; w.alert.alert != nil {
				d.alert = w.alert.alert.Thread
			}
		}
		if w.limits != nil {
			d.limits = len(w.limits)
		}
		if w.run != nil {
			d.run = w.run.how
		}
	}
	return d
}

// Given a disk that fails, full or broken, when things of every kind are told before, in
// the middle of the write that fails and after it, then once it works the disk has what
// was told last of each, and has it once.
func TestFailedWriteLosesAndRevivesNothing(t *testing.T) {
	wantFull(t)
	sample := func(n int) []history.Record {
		return []history.Record{{Kind: history.LevelRecord, At: time.Now(), Shard: n}}
	}
	limit := func(n int, wait time.Duration) rest.Limit {
		return rest.Limit{Reason: rest.ReasonBucket, Route: fmt.Sprint("GET /", n), At: time.Now(), Wait: wait}
	}
	thread := func(n int) *alert.Active { return &alert.Active{Kind: alert.Offline, Thread: fmt.Sprint(n)} }
	entry := func(s *Store, id int64, state identify.State) {
		s.Identifies().Put(identify.Entry{ID: id, At: time.Now(), State: state})
	}
	incident := func(s *Store, id string, outcome health.Outcome) {
		s.Journal().Write(health.Incident{ID: id, Start: time.Now(), Outcome: outcome})
	}
	told := func(s *Store) {
		entry(s, 1, identify.Granted)
		entry(s, 2, identify.Granted)
		incident(s, "i", health.OutcomeOpen)
		s.History().Append(sample(1))
		s.Alerts().SaveActive(thread(1))
		s.Limits().PutLimit(limit(1, time.Hour))
	}
	tests := map[string]struct {
		before, during, after func(*Store)
		want                  onDisk
	}{
		"told once": {
			before: func(s *Store) {
				entry(s, 1, identify.Granted)
				incident(s, "i", health.OutcomeOpen)
				s.History().Append(sample(1))
				s.Alerts().SaveActive(thread(1))
				s.Limits().PutLimit(limit(1, time.Hour))
				s.EndRun(EndFailed, "")
			},
			want: onDisk{
				entries: map[int64]identify.State{1: identify.Granted}, incidents: map[string]health.Outcome{"i": health.OutcomeOpen},
				samples: []int{0, 1}, alert: "1", limits: 1, run: EndFailed,
			},
		},
		"told for the first time in the middle of the write": {
			before: func(s *Store) { s.History().Append(sample(1)) },
			during: func(s *Store) {
				s.Alerts().SaveActive(thread(1))
				s.Limits().PutLimit(limit(1, time.Hour))
			},
			want: onDisk{samples: []int{0, 1}, alert: "1", limits: 1},
		},
		"told anew in the middle of the write": {
			before: told,
			during: func(s *Store) {
				entry(s, 1, identify.Ready)
				entry(s, 2, identify.Unsent)
				incident(s, "i", health.OutcomeResumed)
				s.History().Append(sample(2))
				s.Alerts().SaveActive(nil)
				s.Limits().PutLimit(limit(1, 0))
				s.Limits().PutLimit(limit(2, time.Hour))
				s.Limits().PutLimit(limit(3, time.Hour))
				s.EndRun(EndSessionKept, "")
			},
			want: onDisk{
				entries: map[int64]identify.State{1: identify.Ready}, incidents: map[string]health.Outcome{"i": health.OutcomeResumed},
				samples: []int{0, 1, 2}, alert: "none", limits: 2, run: EndSessionKept,
			},
		},
		"told anew after it": {
			before: told,
			after: func(s *Store) {
				entry(s, 2, identify.Unsent)
				entry(s, 3, identify.Granted)
				incident(s, "i", health.OutcomeResumed)
				incident(s, "j", health.OutcomeOpen)
				s.History().Append(sample(2))
				s.Alerts().SaveActive(thread(2))
				s.Limits().PutLimit(limit(1, 0))
			},
			want: onDisk{
				entries:   map[int64]identify.State{1: identify.Granted, 3: identify.Granted},
				incidents: map[string]health.Outcome{"i": health.OutcomeResumed, "j": health.OutcomeOpen},
				samples:   []int{0, 1, 2}, alert: "2", limits: 0,
			},
		},
		"samples given anew before": {
			before: func(s *Store) { s.History().Append(sample(1)); s.History().Replace(sample(2)) },
			during: func(s *Store) { s.History().Append(sample(3)) },
			after:  func(s *Store) { s.History().Append(sample(4)) },
			want:   onDisk{samples: []int{2, 3, 4}},
		},
		"samples given anew in the middle": {
			before: func(s *Store) { s.History().Append(sample(1)) },
			during: func(s *Store) { s.History().Replace(sample(2)) },
			after:  func(s *Store) { s.History().Append(sample(3)) },
			want:   onDisk{samples: []int{2, 3}},
		},
		"samples given anew after": {
			before: func(s *Store) { s.History().Append(sample(1)) },
			during: func(s *Store) { s.History().Append(sample(2)) },
			after:  func(s *Store) { s.History().Replace(sample(3)) },
			want:   onDisk{samples: []int{3}},
		},
	}
	for name, test := range tests {
		for how, failure := range map[string]error{"full": errFull(), "broken": errDisk} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &fakeDisk{image: contents{history: []history.Record{{Kind: history.LevelRecord, At: time.Now(), Shard: -1}}, lastHistory: 1}}
					s := f.begin(t, nil)
					s.BeginRun()
					s.History().Append(sample(0)) // on the disk before it fails
					time.Sleep(time.Minute)
					hang := make(chan struct{})
					f.set(func(f *fakeDisk) { f.hang, f.writeErr = hang, failure })
					tell := func(what func(*Store)) {
						if what != nil {
							what(s)
						}
						time.Sleep(writeInterval)
						synctest.Wait()
					}
					tell(test.before)
					tell(test.during) // the write hangs
					f.set(func(f *fakeDisk) { f.hang = nil })
					close(hang)
					synctest.Wait()
					tell(test.after)
					f.set(func(f *fakeDisk) { f.writeErr = nil })
					time.Sleep(2 * lastRetry)
					synctest.Wait()
					got, want := fmt.Sprint(f.left()), fmt.Sprint(test.want)
					if got != want {
						t.Errorf("the disk has %s, want %s", got, want)
					}
					shut(t, s)
					if got := fmt.Sprint(f.left()); got != want {
						t.Errorf("after the stop the disk has %s, want %s", got, want)
					}
				})
			})
		}
	}
}
