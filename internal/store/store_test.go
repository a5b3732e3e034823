package store

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"
)

// Given a run that kept a session, spent session starts, had an incident and was
// stopped, when the next run begins, then it finds all of that.
//
// Statements: G-040, G-053, G-153.
func TestNextRunFindsWhatThisOneKnew(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	if p := first.BeginRun(); p.End != EndNone || p.Starts != 0 {
		t.Errorf("the run before the first: %v", p)
	}
	if s, v := first.checkSession(alone, intents); v.reason != noneSaved || s != (gateway.Session{}) {
		t.Errorf("the session before the first: %v", v)
	}
	first.Sessions(intents).SessionStore(alone).Save(session("a", 41))
	first.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	now := time.Now()
	entries := []identify.Entry{
		{ID: 1, At: now.Add(-time.Hour), State: identify.Ended, Lived: time.Minute},
		{ID: 2, Shard: gateway.ShardID{ID: 1, Count: 2}, At: now, State: identify.Granted},
	}
	for _, e := range append(entries, identify.Entry{ID: 3, At: now, State: identify.Ready}, identify.Entry{ID: 3, State: identify.Unsent}) {
		first.Identifies().Put(e)
	}
	if known, err := first.Identifies().Entries(t.Context(), now.Add(-2*time.Hour)); err != nil || len(known) != 2 || known[1].At != known[1].At.Round(0) {
		t.Errorf("the account, by the wall clock alone: %v, %v", known, err)
	}
	incident := health.Incident{
		ID: "i", Shard: gateway.ShardID{ID: 1, Count: 2}, Cause: health.HalfOpen, What: health.Text("the connection was half-open"),
		Evidence: health.Evidence{Kind: gateway.ReasonSilent, Said: "nothing", LastACK: now.UTC(), Slept: time.Second},
		Actions:  []health.Action{{At: now.UTC(), Until: now.UTC(), What: health.Text("resumed"), Times: 1}},
		Start:    now.Add(-time.Minute).UTC(), End: now.UTC(), Outcome: health.OutcomeResumed, Replayed: 3,
	}
	first.Journal().Write(incident)
	first.EndRun(EndSessionKept, "")
	first.EndRun(EndFailed, "late") // the first word counts
	shut(t, first)

	second := open(t, dir, nil)
	p := second.BeginRun()
	if p.End != EndSessionKept || p.Version != "1.0" || p.PID != os.Getpid() || p.Starts != 1 || p.Said != "" {
		t.Errorf("the previous run: %+v", p)
	}
	wantIn(t, p.String(), "version 1.0", "was stopped and kept its session")
	if got := found(t, second); got != session("a", 42) {
		t.Errorf("the session: %+v", got)
	}
	got, err := second.Identifies().Entries(t.Context(), now.Add(-2*time.Hour))
	for i := range got {
		if !got[i].At.Equal(entries[i].At) {
			t.Errorf("entry %d was sent at %v, want %v", i, got[i].At, entries[i].At)
		}
		got[i].At = entries[i].At
	}
	if err != nil || !slices.Equal(got, entries) {
		t.Errorf("the account: %+v, %v", got, err)
	}
	if got, _ := second.Identifies().Entries(t.Context(), now.Add(-time.Minute)); len(got) != 1 {
		t.Errorf("the account of the last minute: %+v", got)
	}
	if got := second.Journal().Recent(10); len(got) != 1 || !reflect.DeepEqual(got[0], incident) {
		t.Errorf("the journal: %+v\nwant %+v", got, incident)
	}
}

// Given a session that was lost, then the next run does not find it.
//
// Statements: G-050.
func TestLostSessionIsGone(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	k := first.Sessions(intents).SessionStore(alone)
	k.Save(session("a", 42))
	k.Save(gateway.Session{})
	shut(t, first)
	if s, v := open(t, dir, nil).checkSession(alone, intents); v.reason != noneSaved || s.ID != "" {
		t.Errorf("%+v, %v", s, v)
	}
}

// A run that does not get as far as a session leaves the one it found.
func TestFailedStartKeepsTheSession(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	first.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	shut(t, first)
	second := open(t, dir, nil)
	second.BeginRun()
	second.Sessions(intents).SessionStore(alone) // never called
	second.EndRun(EndFailed, "the token was refused")
	shut(t, second)
	third := open(t, dir, nil)
	if got := found(t, third); got != session("a", 42) {
		t.Errorf("the session: %+v", got)
	}
	if p := third.BeginRun(); p.End != EndFailed || p.Starts != 1 {
		t.Errorf("the previous run: %+v", p)
	}
}

// Every shard has a session of its own.
func TestShardsAreKeptApart(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	for id := range 16 {
		first.Sessions(intents).SessionStore(gateway.ShardID{ID: id, Count: 16}).Save(session("a", int64(id+1)))
	}
	shut(t, first)
	second := open(t, dir, nil)
	for id := range 16 {
		if s, v := second.checkSession(gateway.ShardID{ID: id, Count: 16}, intents); s.Seq != int64(id+1) {
			t.Errorf("shard %d: %+v, %v", id, s, v)
		}
	}
}

// Two bots in one folder do not know of each other; a bot whose token was reset
// keeps its past, but not the session.
//
// Statements: G-054.
func TestEveryBotHasItsOwnDatabase(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	first.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	first.Identifies().Put(identify.Entry{ID: 1, At: time.Now(), State: identify.Ready})
	shut(t, first)
	for token, want := range map[string]struct {
		reason  dropReason
		entries int
	}{
		"OTg3NjU0MzIxMDEyMzQ1Njc4.GabcDE.another-bot":   {noneSaved, 0},
		"MTIzNDU2Nzg5MDEyMzQ1Njc4.XabcDE.after-a-reset": {otherToken, 1},
	} {
		s, err := Open(t.Context(), Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token)})
		if err != nil {
			t.Fatal(err)
		}
		session, v := s.checkSession(alone, intents)
		entries, err := s.Identifies().Entries(t.Context(), time.Time{})
		if v.reason != want.reason || session.ID != "" || len(entries) != want.entries || err != nil {
			t.Errorf("check %v, %d entries, %v", v, len(entries), err)
		}
		shut(t, s)
	}
}

// No other user of the machine can read what is kept, and what is kept does not
// contain the token.
//
// Statements: G-157.
func TestWhatIsKeptIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a?b #c%20d", "data")
	s := open(t, dir, nil)
	s.BeginRun()
	s.Sessions(intents).SessionStore(alone).Save(session("a", 42))
	if err := s.Identifies().Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil || len(files) == 0 {
			t.Fatalf("files %v, %v", files, err)
		}
		for _, f := range files {
			path := filepath.Join(dir, f.Name())
			if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range strings.Split(token, ".") {
				if strings.Contains(string(text), part) {
					t.Errorf("%s contains a part of the token", f.Name())
				}
			}
		}
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("folder: %v, %v", info.Mode(), err)
		}
	}
	shut(t, s)
	check()
	if err := os.Chmod(dbPath(dir), 0o644); err != nil { // restored from a backup, say
		t.Fatal(err)
	}
	s = open(t, dir, nil)
	s.BeginRun()
	shut(t, s)
	check()
}

// What is too old to be of use is deleted, and of the incidents the routine ones
// first.
func TestOldThingsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	now := time.Now()
	for id, age := range []time.Duration{time.Hour, 3 * day, entryAge + time.Hour} {
		first.Identifies().Put(identify.Entry{ID: int64(id + 1), At: now.Add(-age), State: identify.Ready})
	}
	for id, age := range map[string]time.Duration{"new": time.Hour, "old": incidentAge - day, "too old": incidentAge + day} {
		first.Journal().Write(health.Incident{ID: id, Start: now.Add(-age), Outcome: health.OutcomeResumed, End: now})
	}
	shut(t, first)

	second := open(t, dir, nil)
	for _, i := range second.Journal().Recent(10) {
		if i.ID == "too old" {
			t.Error("an incident of another season is still there")
		}
	}
	if n := len(second.Journal().Recent(10)); n != 2 {
		t.Errorf("%d incidents", n)
	}
	if entries, _ := second.Identifies().Entries(t.Context(), now.Add(-day)); len(entries) != 1 {
		t.Errorf("entries of the last day: %v", entries)
	}
}

// Given a run that was killed in the middle of an incident, then the incident
// ended with it.
func TestIncidentEndsWithItsRun(t *testing.T) {
	start := time.Now().Add(-time.Hour).Round(0)
	f := &fakeDisk{image: contents{
		runs: []runRow{
			{Run: Run{Started: start.Add(30 * time.Minute), Alive: start.Add(40 * time.Minute)}},
			{Run: Run{Started: start.Add(-time.Minute), Alive: start.Add(10 * time.Minute)}},
		},
		incidents: []health.Incident{{ID: "open", Start: start, What: health.Text("the network is down")}},
	}}
	s := f.begin(t, nil)
	s.Journal().Write(health.Incident{ID: "mine", Start: time.Now()})
	shut(t, s)
	got := s.Journal().Recent(10)
	if len(got) != 2 || got[0].ID != "mine" || got[0].Outcome != health.OutcomeOpen {
		t.Fatalf("incidents %+v", got)
	}
	if old := got[1]; old.Outcome != health.OutcomeEnded || !old.End.Equal(start.Add(10*time.Minute)) {
		t.Errorf("the incident of the killed run: %+v", old)
	}
}
