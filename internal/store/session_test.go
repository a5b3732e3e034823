package store

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/process/tokenlock"
)

// A saved session is resumed only if everything fits, and what does not is said
// in words.
//
// Statements: G-054, G-055.
func TestSessionsThatDoNotFitAreDropped(t *testing.T) {
	tests := []struct {
		name   string
		change func(*sessionRow)
		want   dropReason
		says   string
	}{
		{"as it was saved", func(*sessionRow) {}, notDropped, "last alive 1m0s ago"},
		{"four minutes", func(r *sessionRow) { r.saved = r.saved.Add(-3 * time.Minute) }, notDropped, "last alive 4m0s ago"},
		{"five minutes", func(r *sessionRow) { r.saved = r.saved.Add(-4 * time.Minute) }, tooOld, "saved 5m0s ago"},
		{"days", func(r *sessionRow) { r.saved = r.saved.Add(-48 * time.Hour) }, tooOld, "saved 48h1m0s ago"},
		{"a clock that is a little behind", func(r *sessionRow) { r.saved = r.saved.Add(61 * time.Second) }, notDropped, "last alive 0s ago"},
		{"a clock that was set back", func(r *sessionRow) { r.saved = r.saved.Add(time.Hour) }, notDropped, "the clock was set back"},
		{"a clock that begins in 1970", func(r *sessionRow) { r.saved = r.saved.Add(56 * 365 * 24 * time.Hour) }, notDropped, "the clock was set back"},
		{"token", func(r *sessionRow) { r.token = tokenlock.FingerprintOf("another").String() }, otherToken, "another token"},
		{"intents", func(r *sessionRow) { r.intents = 1 }, otherIntents, "1, this is 33281"},
		{"version", func(r *sessionRow) { r.version = 9 }, otherVersion, "9, this is 10"},
		{"count", func(r *sessionRow) { r.shard.Count = 4 }, otherShards, "0/4, this is 0/1"},
		{"shard", func(r *sessionRow) { r.shard.ID = 2 }, noneSaved, "no saved session"},
		{"no id", func(r *sessionRow) { r.session.ID = "" }, damagedSession, "incomplete"},
		{"no address", func(r *sessionRow) { r.session.ResumeURL = "" }, damagedSession, "incomplete"},
		{"no gateway's address", func(r *sessionRow) { r.session.ResumeURL = "ftp://x" }, damagedSession, "incomplete"},
		{"an impossible sequence", func(r *sessionRow) { r.session.Seq = -1 }, damagedSession, "incomplete"},
		{"a sequence beyond sense", func(r *sessionRow) { r.session.Seq = 1 << 60 }, damagedSession, "incomplete"},
		{"an endless id", func(r *sessionRow) { r.session.ID = strings.Repeat("a", 5000) }, damagedSession, "incomplete"},
		{"a flipped bit", func(r *sessionRow) { r.damaged = true }, damagedSession, "checksum"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				row := sessionRow{
					shard: withCount(alone), session: session("a", 42), intents: intents, version: apiVersion,
					token: tokenlock.FingerprintOf(token).String(), saved: time.Now(),
				}
				test.change(&row)
				f := &fakeDisk{image: contents{sessions: []sessionRow{row}}}
				s := f.begin(t, nil)
				time.Sleep(time.Minute)
				got, v := s.checkSession(alone, intents)
				if v.reason != test.want || got.Resumable() != (test.want == notDropped) {
					t.Errorf("got %+v, %v", got, v)
				}
				wantIn(t, sessionReasons[v.reason]+" "+v.detail, test.says)
				shut(t, s)
			})
		})
	}
}

// Every reason has its words.
func TestEveryReasonIsSaidInWords(t *testing.T) {
	for _, r := range []dropReason{notDropped, noneSaved, tooOld, otherToken, otherIntents, otherShards, otherVersion, damagedSession, notRead} {
		if sessionReasons[r] == "" {
			t.Errorf("%q has no words", r)
		}
	}
}

// A session that a shard has is as old as the last sign of life of its process,
// not as the last event: a quiet bot's is resumed too.
//
// Statements: G-053.
func TestQuietSessionStaysYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
		time.Sleep(time.Hour)
		row, _ := f.last(t)
		if v := row.check(withCount(alone), intents, tokenlock.FingerprintOf(token).String(), time.Now()); v.reason != notDropped || v.age > DefaultAliveInterval {
			t.Errorf("after a quiet hour: %v", v)
		}
		shut(t, s)
	})
}

// Given a token that is reset while the bot runs, when the next start has the new
// one, then it finds the session; a token of another bot changes nothing here.
//
// Statements: G-054.
func TestSessionFollowsTheToken(t *testing.T) {
	const fresh = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GnewER.another-secret-part-of-thirty-eight-l0"
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
		time.Sleep(time.Second)
		s.Rotate(tokenlock.FingerprintOf("another bot's"))
		s.Rotate(tokenlock.FingerprintOf(fresh))
		synctest.Wait()
		row, at := f.last(t)
		if row.session != session("a", 42) || row.token != tokenlock.FingerprintOf(fresh).String() || !at.Equal(time.Now()) {
			t.Errorf("written at %s: %+v", at, row)
		}
		shut(t, s)
		next := (&fakeDisk{image: contents{sessions: []sessionRow{row}}}).begin(t, nil)
		if _, v := next.checkSession(alone, intents); v.reason != otherToken {
			t.Errorf("with the old token: %v", v)
		}
		shut(t, next)
	})
}

// When the intents turn out otherwise before the start, the keeper that was made
// for the first ones does not speak any more.
func TestNewKeeperReplacesTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeDisk{}
		s := f.begin(t, nil)
		old := s.Sessions(intents).SessionStore(gateway.ShardID{})
		s.Sessions(7).SessionStore(gateway.ShardID{ID: 0, Count: 1}).Save(session("new", 1))
		old.Save(session("old", 9))
		shut(t, s)
		for _, w := range f.all() {
			for _, row := range w.sessions {
				if row.session.ID != "new" || row.intents != 7 {
					t.Errorf("written: %+v", row)
				}
			}
		}
	})
}

// The checksum is over the words in which earlier versions wrote it down, or
// their sessions would count as damaged.
func TestChecksumStays(t *testing.T) {
	for _, r := range []sessionRow{
		{},
		{
			shard: gateway.ShardID{ID: 3, Count: 16}, session: gateway.Session{ID: "abc", ResumeURL: "wss://x", Seq: 1 << 40},
			intents: 1<<63 + 5, version: 10, token: "f-1", saved: time.Unix(0, 1_700_000_000_123_456_789),
		},
		{session: gateway.Session{Seq: -1, ID: strings.Repeat("long", 100)}, saved: time.Unix(-5, 0)},
	} {
		text := fmt.Sprintf("%d\x00%d\x00%s\x00%s\x00%d\x00%d\x00%d\x00%s\x00%d",
			r.shard.ID, r.shard.Count, r.session.ID, r.session.ResumeURL, r.session.Seq, r.intents, r.version, r.token, nanos(r.saved))
		if got, want := r.checksum(), crc32.ChecksumIEEE([]byte(text)); got != want {
			t.Errorf("%q has %x, want %x", text, got, want)
		}
	}
}
