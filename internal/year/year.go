// Package year is at heart one bot's life, told at a millionth of its length: 365
// days of it in virtual time, with everything that goes wrong in a year, and
// somebody who watches all the while.
//
// The bot is the real one: [evergreen/internal/app] with the store on a disk,
// against [evergreen/discordsim]. Out of the seed come the troubles (what befalls
// connections, Discord, the network, the host and the process itself) and what
// people ask. The watcher knows what is wrong at any moment, and so knows when a
// perfect client would be online. A year is over early when the bot was not by
// then, lost a command or answered one twice, broke a rule of Discord's, spent
// too much of its budget, or grew.
//
// A seed plans the same troubles and the same questions for the same moments every
// time. What the bot makes of them is the same too, up to the order in which Go's
// scheduler lets happen what falls on one and the same nanosecond. Built by
// tools/exact that is in order as well, and the whole year is the same, which its
// fingerprint shows.
package year

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
	// Dir is where the bot's database is kept: a new folder, in memory where the
	// system has a place for that, which is deleted at the end.
	Dir string
	// Tell, if set, hears of each step, in order. It must return at once; it is called in virtual
	// time and may use channels from outside of it.
	Tell func(Step)
}

// Step is something that has happened.
type Step struct {
	// At is when, counted from the start of the year.
	At   time.Duration
	What string
	// Bot says that it is something the bot did; all else happened to it.
	Bot bool
}

// String is the step as a line.
func (s Step) String() string {
	days := s.At / (24 * time.Hour)
	at := s.At - days*24*time.Hour
	return fmt.Sprintf("day %3d %02d:%02d:%06.3f  %s", days+1, at/time.Hour, at/time.Minute%60, (at % time.Minute).Seconds(), s.What)
}

// remembered is how many steps a failure tells.
const remembered = 200

// Result is how a year went.
type Result struct {
	Totals
	Seed    uint64
	Profile Profile
	// Fingerprint is the same for two years in which the same went over the network
	// at the same nanoseconds.
	Fingerprint uint64
	// Broken says what was not as it has to be; the year ended with it. Empty
	// means that the bot got through.
	Broken string
	// Steps are the last 200, oldest first.
	Steps []Step
}

// Run lets one year pass, in minutes of real time. The caller must not be in
// virtual time itself. Meanwhile the whole process has one core and collects its
// garbage seldom, while nobody does anything: what waits for itself most of the
// time is fastest so, and nobody's turn depends on the collector's. The error
// says why there was no year: a profile nobody knows, no place for the database,
// or the end of ctx.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Days <= 0 {
		o.Days = 365
	}
	if o.Profile == "" {
		o.Profile = Ordinary
	}
	if !o.Profile.known() {
		return Result{}, fmt.Errorf("there is no profile %q; there are %s and %s", o.Profile, Ordinary, Hostile)
	}
	if o.Dir == "" {
		dir, err := folderInMemory()
		if err != nil {
			return Result{}, fmt.Errorf("there is no place for the bot's database: %w", err)
		}
		defer os.RemoveAll(dir)
		o.Dir = dir
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the year has its own times for that
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(mostMemory))
	var r Result
	var err error
	began := time.Now()
	inVirtualTime(func() { r, err = live(ctx, o) })
	r.Took = time.Since(began)
	return r, err
}

// folderInMemory makes a folder whose disk is never slow.
func folderInMemory() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "evergreen-year-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "evergreen-year-")
}

// inVirtualTime runs f where time passes as soon as everybody waits for it.
// Virtual time is to be had from the testing package only. It asks for a test
// and uses no more of it than its name; f cannot fail it.
func inVirtualTime(f func()) {
	synctest.Test(new(testing.T), func(*testing.T) { f() })
}
