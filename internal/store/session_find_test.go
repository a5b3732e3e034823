package store

import (
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/process/tokenlock"
)

// savedRow is a session of a shard as the run before has saved it, a while ago.
func savedRow(id, count int, intents gateway.Intents, ago time.Duration) sessionRow {
	return sessionRow{
		shard: gateway.ShardID{ID: id, Count: count}, session: session("a", 42), intents: intents, version: apiVersion,
		token: tokenlock.FingerprintOf(token).String(), saved: time.Now().Add(-ago),
	}
}

// Given the sessions that earlier runs have left, then the bot starts with the intents and
// the number of shards of those that can be resumed: of several numbers with that of the
// most sessions, and of as many with the larger one.
func TestStartFollowsTheSessionsThatAreLeft(t *testing.T) {
	const young, old = time.Minute, SessionLife
	for name, test := range map[string]struct {
		rows    func() []sessionRow
		shards  int
		intents gateway.Intents
	}{
		"none":    {func() []sessionRow { return nil }, 0, 0},
		"one":     {func() []sessionRow { return []sessionRow{savedRow(0, 1, 7, young)} }, 1, 7},
		"too old": {func() []sessionRow { return []sessionRow{savedRow(0, 1, 7, old)} }, 0, 0},
		"the young ones": {func() []sessionRow {
			return []sessionRow{savedRow(0, 2, 7, old), savedRow(1, 2, 7, old), savedRow(0, 1, 5, young)}
		}, 1, 5},
		"the most": {func() []sessionRow {
			return []sessionRow{savedRow(0, 4, 7, young), savedRow(0, 2, 7, young), savedRow(1, 2, 7, young)}
		}, 2, 7},
		"the most, which come first": {func() []sessionRow {
			return []sessionRow{savedRow(0, 2, 7, young), savedRow(1, 2, 7, young), savedRow(0, 4, 7, young)}
		}, 2, 7},
		"the most, which are more": {func() []sessionRow {
			return []sessionRow{savedRow(0, 2, 7, young), savedRow(1, 4, 7, young), savedRow(2, 4, 7, young)}
		}, 4, 7},
		"as many of more":  {func() []sessionRow { return []sessionRow{savedRow(0, 2, 7, young), savedRow(0, 4, 7, young)} }, 4, 7},
		"as many of fewer": {func() []sessionRow { return []sessionRow{savedRow(0, 4, 7, young), savedRow(0, 2, 7, young)} }, 4, 7},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := (&fakeDisk{image: contents{sessions: test.rows()}}).begin(t, nil)
			if got := s.Shards(); got != test.shards {
				t.Errorf("%s: %d shards, want %d", name, got, test.shards)
			}
			if got := s.Intents(); got != test.intents {
				t.Errorf("%s: intents %d, want %d", name, got, test.intents)
			}
			shut(t, s)
		})
	}
}

// Given a session that one shard of two has left, then it is resumed by that shard, and
// the log says for each shard why; a start that is to be fresh resumes none and says so
// once.
//
// Statements: G-053, G-054.
func TestLogSaysWhatBecomesOfASession(t *testing.T) {
	shards := []gateway.ShardID{{ID: 0, Count: 2}, {ID: 1, Count: 2}}
	for _, fresh := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLogRecorder(t)
			f := &fakeDisk{image: contents{sessions: []sessionRow{savedRow(1, 2, intents, time.Minute)}}}
			s := f.beginWith(t, l, Options{Fresh: fresh})
			if got := s.Resumable(shards, intents); got == fresh {
				t.Errorf("resumable: %t", got)
			}
			if s.Resumable(shards[:1], intents) || s.Resumable(shards, intents+1) || s.Resumable(nil, intents) {
				t.Error("a shard without a session, or with other intents, can be resumed")
			}
			sessions := s.Sessions(intents)
			none, one := sessions.Session(shards[0]), sessions.Session(shards[1])
			if none != (gateway.Session{}) || (one == session("a", 42)) == fresh {
				t.Errorf("the sessions are %+v and %+v", none, one)
			}
			if fresh {
				l.await("as --fresh says")
				if line, again := l.said("--fresh"); again {
					t.Errorf("said again: %s", line)
				}
			} else {
				wantIn(t, l.await("There is no saved session"), "shard=0/2")
				wantIn(t, l.await("Resuming the saved session"), "shard=1/2", "detail=last alive 1m0s ago")
			}
			shut(t, s)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		l := newLogRecorder(t)
		s := (&fakeDisk{}).begin(t, l)
		for _, shard := range []gateway.ShardID{alone, {ID: 0, Count: 1}} {
			s.Sessions(intents).Session(shard)
			if line := l.await("There is no saved session"); line != sessionReasons[noneSaved] {
				t.Errorf("of a bot without shards and without a session the log says %q", line)
			}
		}
		shut(t, s)
	})
}
