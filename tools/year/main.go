// Command year lets years of the bot's life pass in virtual time, with everything that
// goes wrong in a year. It reports whether the bot was online whenever it could be.
//
//	go run ./tools/year --seed 7
//	go run ./tools/year --seed 1 --years 10
//	go run ./tools/year --proxy --seed 7
//	go run ./tools/year --seed 3307 --days 29 --profile hostile --steps
//	go run ./tools/year --seed 3307 --days 29 --profile hostile --deterministic
//
// The bot is the real one: [evergreen/internal/app] with the store on a disk, against
// [evergreen/discordsim]. The seed decides what goes wrong when, with the connection,
// Discord, the network, the host and the process, and what people ask. A watcher knows
// what is wrong at each moment, and so when a perfect client would be online. A year
// ends early, and fails, when the bot was not online by then, lost a command or
// answered one twice. So it does when the bot broke a rule of Discord's, spent too many
// IDENTIFYs, or grew.
//
// A seed plans the same mishaps and the same questions for the same moments every
// time. The bot's reaction is the same too, up to the order in which Go's scheduler
// runs what is due at the same nanosecond. With --deterministic (built by
// tools/deterministic) that order is fixed as well, and the whole year repeats,
// which its fingerprint shows.
//
// Only go test has virtual time, so the program runs go test on its own package:
// the year passes in TestYear.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strconv"
)

// settings are the command line, which the program hands to its test.
type settings struct {
	seed    uint64
	years   int
	days    int
	profile string
	proxy   bool
	steps   bool
}

// register declares the flags of the settings.
func (s *settings) register(f *flag.FlagSet) {
	f.Uint64Var(&s.seed, "seed", 0, "`which` year: the same seed, the same year (default: a random one)")
	f.IntVar(&s.years, "years", 1, "how many years, each with the next seed")
	f.IntVar(&s.days, "days", 365, "how many `days` each year has")
	f.StringVar(&s.profile, "profile", string(Ordinary), "how much goes wrong: ordinary, or hostile, which has in one year what others meet in ten")
	f.BoolVar(&s.proxy, "proxy", false, "Evergreen is the proxy of a bot that crashes, hangs and is redeployed")
	f.BoolVar(&s.steps, "steps", false, "print every step")
}

func (s *settings) validate() error {
	switch {
	case s.years < 1 || s.days < 1:
		return errors.New("--years and --days: want at least 1")
	case !Profile(s.profile).known():
		return fmt.Errorf("--profile: want %s or %s", Ordinary, Hostile)
	}
	return nil
}

// command is the go command that plays the years.
func (s *settings) command(pkg string, deterministic bool) *exec.Cmd {
	args := []string{"test"}
	if deterministic {
		args = []string{"run", "./tools/deterministic", "test"}
	}
	args = append(args, "-count=1", "-timeout=0", "-v", "-run=^TestYear$", pkg, "-args",
		"-seed="+strconv.FormatUint(s.seed, 10), "-years="+strconv.Itoa(s.years), "-days="+strconv.Itoa(s.days), "-profile="+s.profile)
	if s.proxy {
		args = append(args, "-proxy")
	}
	if s.steps {
		args = append(args, "-steps")
	}
	return exec.Command("go", args...)
}

func main() {
	var s settings
	s.register(flag.CommandLine)
	deterministic := flag.Bool("deterministic", false, "build with tools/deterministic, so that a seed repeats to the nanosecond")
	flag.Parse()
	if err := s.validate(); err != nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "year:", err)
		flag.Usage()
		os.Exit(2)
	}
	if s.seed == 0 {
		s.seed = 1 + rand.Uint64N(1_000_000_000)
	}
	pkg := "./tools/year"
	if info, ok := debug.ReadBuildInfo(); ok {
		pkg = info.Path
	}
	// The test has the same terminal: Ctrl+C reaches it, and it sums up.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	play := s.command(pkg, *deterministic)
	play.Stdout, play.Stderr = os.Stdout, os.Stderr
	if err := play.Run(); err != nil {
		if ended, ok := errors.AsType[*exec.ExitError](err); ok {
			os.Exit(ended.ExitCode()) // the test has said why
		}
		fmt.Fprintln(os.Stderr, "year: the go command does not start:", err)
		os.Exit(1)
	}
}
