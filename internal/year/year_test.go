package year

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// More than the short form, or one year anew:
//
//	go test ./internal/year -run Year -timeout 0 -v -args -years 100 -seed 1 -profile hostile
//	go test ./internal/year -run Year -timeout 0 -v -args -seed 17 -steps
var (
	seed    = flag.Uint64("seed", 0, "play whole years, the first with this seed")
	years   = flag.Int("years", 1, "with -seed: how many, each with the next seed")
	days    = flag.Int("days", 365, "with -seed: how long each is")
	profile = flag.String("profile", string(Ordinary), "with -seed: how much goes wrong, ordinary or hostile")
	steps   = flag.Bool("steps", false, "with -seed: tell every step")
	again   = flag.Bool("again", false, "play the years anew that a bot of ours once did not get through")
)

// failedOnce are years that once failed, how, and what came of it. What broke each has a
// short test beside the code that was mended; here is the whole story, some minutes
// long:
//
//	go test ./internal/year -run OnceFailed -timeout 0 -args -again
var failedOnce = []struct {
	Options
	story string
}{
	{Options{Seed: 3002, Days: 26, Profile: Hostile}, "Discord asked for a heartbeat on the spare connection of a suspicious shard, where nobody answered: gateway.TestHeldSpareAnswers"},
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pass lets a year pass and tells what came of it.
func pass(t *testing.T, o Options) Result {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Broken != "" {
		for _, s := range r.Steps {
			t.Log(s)
		}
		t.Errorf("seed %d, %s: %s\nagain: go test ./internal/year -run Year -v -args -seed %d -days %d -profile %s -steps", r.Seed, r.Profile, r.Broken, r.Seed, o.Days, r.Profile)
	}
	return r
}

// Given a bot, its database and a Discord, when days pass in which everything
// that goes wrong in years does so, then the bot is online whenever it could be,
// answers every command once, breaks no rule and does not grow.
func TestYear(t *testing.T) {
	if *seed > 0 {
		var all Totals
		for n := range uint64(*years) {
			o := Options{Seed: *seed + n, Days: *days, Profile: Profile(*profile)}
			if *steps {
				o.Tell = func(s Step) { fmt.Println(s) }
			}
			r := pass(t, o)
			all.Add(r.Totals)
			fmt.Printf("seed %d, %s: lived %.0f days in %s; %d lost, %d twice, %d IDENTIFYs, longest away %s, longest grey %s, fingerprint %016x %s\n", r.Seed, r.Profile,
				r.Lived.Hours()/24, r.Took.Round(time.Second), r.Lost, r.Twice, r.Identifies, r.LongestAway, r.LongestGrey, r.Fingerprint, r.Broken)
		}
		t.Logf("%d of %d years passed\n%s", all.Passed, all.Years, all)
		return
	}
	for _, short := range []Options{{Seed: 1, Days: 2}, {Seed: 2, Days: 2}, {Seed: 3, Days: 1, Profile: Hostile}, {Seed: 4, Days: 1, Profile: Hostile}} {
		r := pass(t, short)
		t.Logf("seed %d, %s:\n%s", r.Seed, r.Profile, r.Totals)
	}
}

// Given the same seed twice, when its days pass, then the same things go wrong for
// the same time, in the same order, and as much is asked.
func TestYearIsReproducible(t *testing.T) {
	var befell [2]string
	var asked [2]int
	for i := range befell {
		r := pass(t, Options{Seed: 5, Days: 1, Profile: Hostile, Tell: func(s Step) {
			if !s.Bot && !strings.Contains(s.What, "the bot starts") {
				befell[i] += s.What + "\n"
			}
		}})
		asked[i] = r.Asked + r.Unheard
	}
	if befell[0] != befell[1] || asked[0] != asked[1] {
		t.Errorf("%d questions and\n%s\nand the second time %d and\n%s", asked[0], befell[0], asked[1], befell[1])
	}
}

// Given a profile nobody knows, there is no year.
func TestYearWantsAProfile(t *testing.T) {
	if _, err := Run(t.Context(), Options{Profile: "calm"}); err == nil {
		t.Error("a year of an unknown profile passed")
	}
}
