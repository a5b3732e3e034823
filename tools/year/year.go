package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// Options configures [Run]. The zero value of a field means the default named
// with it.
type Options struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// Days is how long the year is: 365.
	Days int
	// Profile says how much goes wrong: Ordinary.
	Profile Profile
	// Proxy has Evergreen be the proxy of a small bot, which has troubles of its own,
	// instead of running ResearchBot.
	Proxy bool
	// Dir is where the bot's database is kept. Default: a new folder, in memory where
	// the system has a place for that, which is deleted at the end.
	Dir string
	// Tell, if set, is called with each step, in order and in virtual time. It must not
	// wait for anything in virtual time.
	Tell func(Step)
}

// Step is something that has happened.
type Step struct {
	// At is when, counted from the start of the year.
	At   time.Duration
	What string
	// Bot is true for what the bot did, false for what happened to it.
	Bot bool
}

// String is the step as a line.
func (s Step) String() string {
	days := s.At / (24 * time.Hour)
	at := s.At - days*24*time.Hour
	return fmt.Sprintf("day %3d %02d:%02d:%06.3f  %s", days+1, at/time.Hour, at/time.Minute%60, (at % time.Minute).Seconds(), s.What)
}

// keptSteps is how many steps a failure has.
const keptSteps = 200

// Result is how a year went.
type Result struct {
	Totals
	Seed    uint64
	Profile Profile
	// Fingerprint is the same for two years in which the same went over the network
	// at the same nanoseconds.
	Fingerprint uint64
	// Broken is why the year failed and ended early; empty if the bot passed.
	Broken string
	// Steps are the last 200, oldest first.
	Steps []Step
}

// Run lets one year pass in the virtual time of a test, in minutes of real time. t must
// not be in virtual time itself; Run does not fail it. Until Run returns, the whole
// process has one core and collects garbage only when every goroutine waits. That is
// fastest, and no order depends on the collector. The error says why there was no year:
// an unknown profile, no folder for the database, or the end of ctx.
func Run(ctx context.Context, t *testing.T, o Options) (Result, error) {
	if o.Days <= 0 {
		o.Days = 365
	}
	if o.Profile == "" {
		o.Profile = Ordinary
	}
	if !o.Profile.known() {
		return Result{}, fmt.Errorf("there is no profile %q; choose %s or %s", o.Profile, Ordinary, Hostile)
	}
	if o.Dir == "" {
		dir, err := tempDir()
		if err != nil {
			return Result{}, fmt.Errorf("there is no place for the bot's database: %w", err)
		}
		defer os.RemoveAll(dir)
		o.Dir = dir
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the year has its own times for that
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	var r Result
	var err error
	began := time.Now()
	synctest.Test(t, func(*testing.T) { r, err = runYear(ctx, o) })
	r.Took = time.Since(began)
	return r, err
}

// tempDir makes a folder whose disk is never slow.
func tempDir() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "evergreen-year-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "evergreen-year-")
}
