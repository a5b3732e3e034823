package main

import (
	"flag"
	"os"
	"os/signal"
	"slices"
	"strings"
	"testing"

	"evergreen/internal/mishap"
	"evergreen/internal/testmode"

	"go.uber.org/goleak"
)

// given are the flags of the program, which hands them on behind -args.
var given settings

var again = flag.Bool("again", false, "play the years that a bot of ours once did not get through")

func TestMain(m *testing.M) {
	given.register(flag.CommandLine)
	goleak.VerifyTestMain(m)
}

// failedOnce are years that once failed, how, and what came of it. What broke each has a
// short test beside the code that was mended; here is the whole story, some minutes
// long:
//
//	go test ./tools/year -run OnceFailed -timeout 0 -args -again
var failedOnce = []struct {
	Options
	story string
}{
	{Options{Seed: 3002, Days: 26, Profile: Hostile}, "Discord asked for a heartbeat on the spare connection of a suspicious shard, which did not answer: gateway.TestHeldSpareAnswers"},
	{Options{Seed: 3202, Days: 6, Profile: Hostile}, "a RESUME was not answered, and the wait for the next one began anew after that: gateway.TestLiveSoonAfterSilence"},
	{Options{Seed: 3201, Days: 26, Profile: Hostile}, "two slow networks at once made a connection take four seconds, and the watcher asked for five: no fault of the bot's"},
	{Options{Seed: 3209, Days: 37, Profile: Hostile}, "over a slow network the longest wait after an outage, and a session that had expired, took 36 s: gateway.TestLiveSoonAfterAnOutageThatCostTheSession"},
	{Options{Seed: 3302, Days: 5, Profile: Hostile}, "op 7 in the middle of a quiet time made the bot remember refusals from before it: gateway.TestMoveIsNoTrouble"},
	{Options{Seed: 3307, Days: 29, Profile: Hostile}, "the watcher had not seen the bot come back from trouble that kept everybody away, and asked for five seconds: no fault of the bot's; and, in one run of a few, the process crashed in the middle of a command, and its session did not live to see the next"},
	{Options{Seed: 3501, Days: 15, Profile: Hostile}, "nor change to its spare connection"},
	{Options{Seed: 3310, Days: 34, Profile: Hostile}, "op 9 fell into a black hole, and what the bot sent before it knew counted as sent without a session: discordsim.TestSwallowedOp9"},
	{Options{Seed: 3311, Days: 11, Profile: Hostile}, "names did not resolve for 24 minutes while the gateway stood, and two answers were given up after three: the watcher allows that now"},
}

// Given a year that once failed, then it passes now.
func TestYearsThatOnceFailed(t *testing.T) {
	if !*again {
		t.Skip("these years take minutes; -args -again plays them")
	}
	for _, o := range failedOnce {
		t.Log(o.story)
		pass(t, o.Options)
	}
}

// pass lets a year pass and fails the test if the bot did not get through.
func pass(t *testing.T, o Options) Result {
	t.Helper()
	r, err := Run(t.Context(), t, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Broken != "" {
		for _, s := range r.Steps {
			t.Log(s)
		}
		t.Errorf("%s\nagain: %s", r, o.command())
	}
	return r
}

// Given a bot, its database and a Discord, when days pass in which everything
// that goes wrong in years does so, then the bot is online whenever it could be,
// answers every command once, breaks no rule and does not grow. With -args -seed it
// is the program that asks for whole years.
func TestYear(t *testing.T) {
	if given.seed > 0 {
		ctx, release := signal.NotifyContext(t.Context(), os.Interrupt)
		defer release()
		play(ctx, t, os.Stdout, given)
		return
	}
	days := []Options{{Seed: 1, Days: 2}, {Seed: 3, Days: 1, Profile: Hostile}, {Seed: 2, Days: 2}, {Seed: 4, Days: 1, Profile: Hostile}}
	for _, short := range days[:testmode.Count(4, 2)] {
		r := pass(t, short)
		t.Logf("seed %d, %s:\n%s", r.Seed, r.Profile, r.Totals)
	}
}

// Given a bot behind the proxy that crashes, hangs and is redeployed, and Evergreen between
// it and a Discord in which everything goes wrong, when days pass, then the dot is green
// whenever it could be, and the bot gets every event in the order of its guild, but for
// those that Evergreen tells as lost.
func TestProxiedYear(t *testing.T) {
	days := []Options{{Seed: 6, Days: 1, Profile: Hostile}, {Seed: 1, Days: 3, Profile: Hostile}, {Seed: 22, Days: 4, Profile: Hostile}, {Seed: 2, Days: 3}}
	for _, short := range days[:testmode.Count(4, 1)] {
		short.Proxy = true
		r := pass(t, short)
		t.Logf("seed %d, %s:\n%s", r.Seed, r.Profile, r.Totals)
	}
}

// Given the same seed twice, when its days pass, then the same things go wrong for
// the same time, in the same order, and as much is asked.
func TestYearIsReproducible(t *testing.T) {
	for _, proxy := range []bool{false, true} {
		var befell [2]string
		var asked [2]int
		for i := range befell {
			r := pass(t, Options{Seed: 5, Days: 1, Profile: Hostile, Proxy: proxy, Tell: func(s Step) {
				if !s.Bot && !strings.Contains(s.What, "the bot starts") {
					befell[i] += s.What + "\n"
				}
			}})
			asked[i] = r.Asked + r.Unheard
		}
		if befell[0] != befell[1] || asked[0] != asked[1] {
			t.Errorf("proxy %t: %d questions and\n%s\nand the second time %d and\n%s", proxy, asked[0], befell[0], asked[1], befell[1])
		}
	}
}

// Given an unknown profile, there is no year.
func TestYearWantsAProfile(t *testing.T) {
	if _, err := Run(t.Context(), t, Options{Profile: "calm"}); err == nil {
		t.Error("a year of an unknown profile passed")
	}
}

// Given a day with a seed, when the program asks for it, then it passes in virtual
// time and every step and the sum are written.
func TestYearIsTold(t *testing.T) {
	var out strings.Builder
	play(t.Context(), t, &out, settings{seed: 7, years: 1, days: 1, profile: string(Ordinary), steps: true})
	for _, want := range []string{"connecting to identify -> identifying", "seed 7, ordinary, 1 days in ", "1 of 1 passed", "0 lost, 0 twice"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// Given the program's command line, then go test is asked for the same years, and
// what cannot be meant is refused.
func TestCommandLine(t *testing.T) {
	var s settings
	set := flag.NewFlagSet("year", flag.ContinueOnError)
	s.register(set)
	if err := set.Parse([]string{"--seed", "7", "--years", "2", "--days", "9", "--profile", "hostile", "--proxy", "--steps"}); err != nil {
		t.Fatal(err)
	}
	if err := s.validate(); err != nil {
		t.Error(err)
	}
	want := []string{"-args", "-seed=7", "-years=2", "-days=9", "-profile=hostile", "-proxy", "-steps"}
	for _, deterministic := range []bool{false, true} {
		args := s.command("some/package", deterministic).Args
		if at := slices.Index(args, "-args"); at < 0 || !slices.Equal(args[at:], want) || slices.Contains(args, "./tools/deterministic") != deterministic {
			t.Errorf("deterministic %t: %q", deterministic, args)
		}
	}
	for _, wrong := range []settings{{years: 0, days: 1, profile: "ordinary"}, {years: 1, days: 0, profile: "ordinary"}, {years: 1, days: 1, profile: "calm"}} {
		if wrong.validate() == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
}

// Every mishap of a year is the simulator's doing or has an action, and no action is
// left over.
func TestEveryMishapHappens(t *testing.T) {
	acted := 0
	for _, m := range mishap.Table {
		if m.Year == nil {
			continue
		}
		_, acts := actions[m.Name]
		if acts {
			acted++
		}
		if acts == (len(m.InYear()) > 0) {
			t.Errorf("%s: want faults or an action", m.Name)
		}
	}
	if acted != len(actions) {
		t.Errorf("%d of %d actions belong to a mishap", acted, len(actions))
	}
}
