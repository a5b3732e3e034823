package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/process/tokenlock"
)

// actAs makes the test binary another process, which writes into the folder that
// the value names.
const actAs = "EVERGREEN_TEST_STORE"

// progress is what the other process leaves behind of each step, before it tells
// the store. It is appended with one system call, so kill -9 leaves whole
// records.
type progress struct {
	What int64 // an event was received, or an entry was committed
	At   int64
	Name int64 // of the session, or the entry
	Seq  int64
}

const (
	received = iota
	committed
	beginning // of the events
	recordLen = 32
)

// sessionLen is how many events a session of the other process has.
const sessionLen = 150

// writeUntilKilled is the life of the other process: it receives about 5000
// events a second and keeps the session, with a new one every now and then.
func writeUntilKilled(dir string) {
	steps, err := os.OpenFile(filepath.Join(dir, "steps"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		panic(err)
	}
	step := func(p progress) {
		p.At = time.Now().UnixNano()
		text := make([]byte, 0, recordLen)
		text, _ = binary.Append(text, binary.LittleEndian, p) // a fixed size
		if _, err := steps.Write(text); err != nil {
			panic(err)
		}
	}
	s, err := Open(context.Background(), Options{Dir: dir, Fingerprint: tokenlock.FingerprintOf(token), Version: "child"})
	if err != nil {
		panic(err)
	}
	s.BeginRun()
	k := s.Sessions(intents).SessionStore(alone)
	account := s.Identifies()
	pace := time.NewTicker(200 * time.Microsecond)
	step(progress{What: beginning})
	fmt.Println("writing")
	for name := time.Now().UnixNano(); ; name++ {
		for seq := int64(1); seq <= sessionLen; seq++ {
			step(progress{What: received, Name: name, Seq: seq})
			k.Save(session(fmt.Sprint("s", name), seq))
			if seq%50 == 0 {
				id := name*1000 + seq
				account.Put(identify.Entry{ID: id, At: time.Now(), State: identify.Granted})
				if account.Commit(context.Background()) == nil {
					step(progress{What: committed, Name: id})
				}
			}
			<-pace.C
		}
	}
}

// crashed is what the other process did until it was killed.
type crashed struct {
	events  []progress
	entries []int64
	end     time.Time
}

// crash lets the other process write for a while and kills it.
func crash(t *testing.T, dir string, after time.Duration, environ ...string) crashed {
	t.Helper()
	steps := filepath.Join(dir, "steps")
	if err := os.RemoveAll(steps); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), actAs+"="+dir), environ...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Errorf("the other process does not write: %v", err)
	}
	<-time.After(after) // the moment of the crash is chance
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	text, err := os.ReadFile(steps)
	if err != nil {
		t.Fatal(err)
	}
	var c crashed
	for ; len(text) >= recordLen; text = text[recordLen:] {
		var p progress
		if _, err := binary.Decode(text, binary.LittleEndian, &p); err != nil {
			t.Fatal(err)
		}
		c.end = time.Unix(0, p.At)
		switch p.What {
		case received:
			c.events = append(c.events, p)
		case committed:
			c.entries = append(c.entries, p.Name)
		}
	}
	return c
}

// behind finds the saved session among the events, and returns how long before
// the crash the first event was received that it has not. Before anything was
// written it is that of the run before.
func (c crashed) behind(saved, before gateway.Session) (time.Duration, error) {
	if saved == before {
		return c.end.Sub(time.Unix(0, c.events[0].At)), nil
	}
	at := slices.IndexFunc(c.events, func(p progress) bool {
		return session(fmt.Sprint("s", p.Name), p.Seq) == saved
	})
	switch {
	case at < 0:
		return 0, fmt.Errorf("%+v was never received as such", saved)
	case at == len(c.events)-1:
		return 0, nil
	}
	return c.end.Sub(time.Unix(0, c.events[at+1].At)), nil
}

// Given a process that is killed with -9 at a random moment while it receives
// 5000 events a second, fifty times over the same database, then the database is
// intact, holds a session that was received exactly as it is there, a few
// milliseconds old, and every IDENTIFY that was committed.
//
// Statements: G-040, G-050, G-051, G-052, G-053.
func TestKillAtAnyMomentCostsMilliseconds(t *testing.T) {
	t.Parallel()
	dir := quick(t)
	var ages []time.Duration
	var before gateway.Session
	for range 50 {
		c := crash(t, dir, time.Duration(rand.Int64N(int64(50*time.Millisecond))))
		s := open(t, dir, nil)
		if n := s.Stats().Asides; n != 0 || !s.State().OK {
			t.Fatalf("the database did not survive: %v", s.State())
		}
		previous := s.BeginRun()
		if len(c.events) > 0 {
			saved, check := s.checkSession(alone, intents)
			age, err := c.behind(saved, before)
			if err != nil {
				t.Fatalf("%v, after %d events: %v", check, len(c.events), err)
			}
			// Whatever has the child's session has its run too.
			if saved != before && (previous.End != EndKilled || previous.Version != "child") {
				t.Errorf("the previous run: %v", previous)
			}
			before, ages = saved, append(ages, age)
		}
		entries, err := s.Identifies().Entries(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range c.entries {
			if !slices.ContainsFunc(entries, func(e identify.Entry) bool { return e.ID == id }) {
				t.Errorf("the committed entry %d is not there", id)
			}
		}
		s.EndRun(EndSessionKept, "")
		shut(t, s)
	}
	slices.Sort(ages)
	median, worst := ages[len(ages)/2], ages[len(ages)-1]
	t.Logf("%d crashes: what a kill costs is %v in the median and %v at the worst", len(ages), median, worst)
	if median > 100*time.Millisecond || worst > 2*time.Second {
		t.Errorf("what a kill costs is %v in the median and %v at the worst", median, worst)
	}
}
