package store

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/process/tokenlock"
)

// cutting is a folder that remembers what a power cut could leave of it.
type cutting struct {
	stateDir
	chance *rand.Rand
	cuts   []cut
	synced int64 // how much of the log the disk itself has
	safe   gateway.Session
	newest gateway.Session
}

// cut is what the disk itself may have had at one moment.
type cut struct {
	db, log []byte
	// safe is what it must have at least, newest at most.
	safe, newest gateway.Session
	at           time.Time
}

func (c *cutting) open(skipOpen bool) (volume, *contents, error) {
	v, i, err := c.stateDir.open(skipOpen)
	if err != nil {
		return nil, nil, err
	}
	return &cuttingFile{v.(*database), c}, i, nil
}

// cuttingFile is the database in such a folder.
type cuttingFile struct {
	*database
	disk *cutting
}

func (v *cuttingFile) write(b *batch) error {
	c := v.disk
	if err := v.commit(b); err != nil {
		return err
	}
	if len(b.sessions) > 0 {
		c.newest = b.sessions[0].session
	}
	db, log := c.content()
	if b.durable {
		c.synced, c.safe = int64(len(log)), c.newest
	}
	// What was not synced may be there, in part or as garbage.
	torn := append([]byte(nil), log...)
	if tail := torn[min(c.synced, int64(len(torn))):]; len(tail) > 0 {
		kept := c.chance.IntN(len(tail) + 1)
		for i := range tail[kept:] {
			tail[kept+i] = byte(c.chance.Uint32())
		}
		if c.chance.IntN(2) == 0 {
			torn = torn[:len(torn)-len(tail)+kept]
		}
	}
	c.cuts = append(c.cuts, cut{db, torn, c.safe, c.newest, time.Now()})

	before := c.count.syncs.Load()
	if err := v.checkpointIfLong(); err != nil {
		return err
	}
	if c.count.syncs.Load() == before {
		return nil
	}
	// The log was moved: before that it was synced, and until the end of it the
	// database may have any of the pages.
	c.synced, c.safe = 0, c.newest
	mixed, log2 := c.content()
	for at := 0; at+4096 <= len(db); at += 4096 {
		if c.chance.IntN(2) == 0 {
			copy(mixed[at:], db[at:at+4096])
		}
	}
	c.cuts = append(c.cuts, cut{mixed, log, c.safe, c.newest, time.Now()})
	whole, _ := c.content()
	c.cuts = append(c.cuts, cut{whole, log2, c.safe, c.newest, time.Now()})
	return nil
}

func (c *cutting) content() (db, log []byte) {
	return slurp(c.path), slurp(c.path + "-wal")
}

// slurp reads without opening the file twice in the eyes of the system: on Unix
// the end of one handle ends the locks of all, and there is only one process
// here anyway.
func slurp(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, _ := io.ReadAll(f) // an empty one fails the test later
	return text
}

// Given a power cut after any write, in the middle of one, or in the middle of a
// checkpoint, with anything from all to nothing of what the disk had not been
// waited for, then the database opens intact, and the session in it is at least
// the one of the last sync: two seconds old.
//
// Statements: G-051, G-052.
func TestPowerCutAtAnyWriteCostsTwoSeconds(t *testing.T) {
	dir := quick(t)
	c := &cutting{chance: rand.New(rand.NewPCG(3, 4))}
	pace := rand.New(rand.NewPCG(5, 6))
	var said []gateway.Session
	var at []time.Time
	synctest.Test(t, func(t *testing.T) {
		s := newStore(Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token)}, dbPath(dir), hostInfo{oom: func() oomCount { return oomCount{} }, slept: func() time.Duration { return 0 }, uptime: func() time.Duration { return -1 }})
		c.stateDir = stateDir{dir: dir, path: s.path, steps: steps, count: &s.count, maxLog: 150 << 10, now: time.Now}
		s.disk = c
		if _, err := s.start(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.BeginRun()
		k := s.Sessions(intents).SessionStore(alone)
		for n := range int64(150) {
			now := session("a", n+1)
			said, at = append(said, now), append(at, time.Now())
			k.Save(now)
			time.Sleep(time.Duration(pace.Int64N(int64(60 * time.Millisecond))))
		}
		shut(t, s)
	})
	for n, cut := range c.cuts {
		after := filepath.Join(dir, "after")
		if err := os.MkdirAll(after, 0o700); err != nil {
			t.Fatal(err)
		}
		for path, text := range map[string][]byte{dbPath(after): cut.db, dbPath(after) + "-wal": cut.log} {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f := stateDir{dir: after, path: dbPath(after), steps: steps, count: &counters{}, now: func() time.Time { return cut.at }}
		v, i, err := f.open(false)
		if err != nil {
			t.Fatalf("cut %d: %v", n, err)
		}
		if err := v.close(); err != nil {
			t.Error(err)
		}
		if i.aside != "" {
			t.Fatalf("cut %d: the database did not survive", n)
		}
		var got gateway.Session
		if len(i.sessions) > 0 {
			got = i.sessions[0].session
			if i.sessions[0].damaged {
				t.Errorf("cut %d: a blend of two sessions", n)
			}
		}
		if got.Seq < cut.safe.Seq || got.Seq > cut.newest.Seq {
			t.Errorf("cut %d: the disk has event %d, want %d to %d", n, got.Seq, cut.safe.Seq, cut.newest.Seq)
		}
		// The first event that is missing was not older than the sync interval.
		if next := got.Seq; next < int64(len(at)) && got.Seq < cut.newest.Seq {
			if age := cut.at.Sub(at[next]); age > syncAfter+writeInterval {
				t.Errorf("cut %d: event %d is missing, %v old", n, next+1, age)
			}
		}
		if err := os.RemoveAll(after); err != nil {
			t.Fatal(err)
		}
	}
	if len(said) == 0 || len(c.cuts) < 100 {
		t.Errorf("only %d cuts", len(c.cuts))
	}
	if c.count.syncs.Load() < 6 {
		t.Error("no checkpoint was cut")
	}
}
