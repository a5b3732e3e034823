package demo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/mishap"
)

// What Evergreen did for the bot is said in words.
func TestReactionSaysWhatBecameOfTheBot(t *testing.T) {
	for name, one := range map[string]struct {
		report botReport
		want   string
	}{
		"killed": {
			botReport{away: 3400 * time.Millisecond, waited: 9, again: 1},
			"Held the session while the bot was away for 3.4 s; 9 events waited and were delivered. One command, which the bot had read just before it was killed, was answered twice.",
		},
		"hung": {
			botReport{hung: true, away: 4 * time.Second, waited: 1, told: 2},
			"Held the session while the bot did not read for 4 s; one event waited and was delivered. Those who used 2 slash commands meanwhile were told that the bot is just restarting.",
		},
		"redeployed": {
			botReport{redeployed: true},
			"The new process took over at once, the old one waited; somebody was there at every moment.",
		},
		"redeployed late": {
			botReport{redeployed: true, away: time.Second},
			"Held the session while the bot was away for 1 s; nothing waited for it.",
		},
		"nobody": {
			botReport{away: 3 * time.Second, told: 1, toldAfter: 1900 * time.Millisecond},
			"Held the session while the bot was away for 3 s; nothing waited for it. Who used the slash command was told after 1.9 s that the bot is just restarting.",
		},
		"too short to be seen": {botReport{told: 1}, "It was back before that showed. Who used a slash command meanwhile was told that the bot is just restarting."},
		"interrupted":          {botReport{cutShort: true, away: time.Second, lost: 3}, "It was cut short."},
		"not done":             {botReport{failed: errors.New("the new process was not there"), stillAway: true}, "The new process was not there. It is not back yet."},
		"all that can go wrong": {
			botReport{away: time.Second, again: 2, lost: 3, selfEnds: 2},
			"Held the session while the bot was away for 1 s; nothing waited for it. 2 commands, which the bot had read just before it was killed, were answered twice. 3 events were lost. The bot ended by itself 2 times and was started again.",
		},
	} {
		if got := strings.Join(one.report.reaction(), " "); got != one.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, one.want)
		}
	}
	if got := (botReport{grey: 2 * time.Second, identifies: 1}).outcome(); got != "Grey 2 s, IDENTIFY 1." {
		t.Errorf("the outcome is %q", got)
	}
}

// The demo has passed only if what is promised was kept.
func TestProxiedDemoPassesIfPromisesAreKept(t *testing.T) {
	good := discordsim.Verdict{Asked: 10, Answered: 9, Twice: 1, Identifies: 1, Resumes: 3}
	with := func(change func(*discordsim.Verdict, *ProxiedScore)) (discordsim.Verdict, ProxiedScore) {
		v, p := good, ProxiedScore{Again: 1}
		change(&v, &p)
		return v, p
	}
	for name, one := range map[string]struct {
		change      func(*discordsim.Verdict, *ProxiedScore)
		interrupted bool
		want        string // in the only failure; empty: it has passed
	}{
		"all is well":           {func(*discordsim.Verdict, *ProxiedScore) {}, false, ""},
		"twice without a crash": {func(v *discordsim.Verdict, _ *ProxiedScore) { v.Twice = 2 }, false, "One command was answered twice"},
		"lost":                  {func(v *discordsim.Verdict, _ *ProxiedScore) { v.Lost = 1 }, false, "never answered"},
		"open":                  {func(v *discordsim.Verdict, _ *ProxiedScore) { v.Waiting = 1 }, false, "without an answer"},
		"open at an interrupt":  {func(v *discordsim.Verdict, _ *ProxiedScore) { v.Waiting = 1 }, true, ""},
		"grey":                  {func(v *discordsim.Verdict, _ *ProxiedScore) { v.Offline = time.Second }, false, "grey for 1 s"},
		"a second IDENTIFY":     {func(v *discordsim.Verdict, _ *ProxiedScore) { v.Identifies = 2 }, false, "2 sessions were started"},
		"an event fell out":     {func(_ *discordsim.Verdict, p *ProxiedScore) { p.Lost = 1 }, false, "not delivered"},
		"a rule is broken":      {func(v *discordsim.Verdict, _ *ProxiedScore) { v.Violations = make([]discordsim.Violation, 1) }, false, "broken"},
		"a foreign bot breaks one": {func(v *discordsim.Verdict, p *ProxiedScore) {
			v.Violations, p.Foreign = make([]discordsim.Violation, 1), true
		}, false, ""},
	} {
		v, p := with(one.change)
		got := proxiedFailures(v, p, []string{"!ping"}, one.interrupted)
		if passed := len(got) == 0; passed != (one.want == "") || !passed && (len(got) != 1 || !strings.Contains(got[0], one.want)) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A second answer is as promised only around a crash.
func TestSecondAnswerBelongsToACrash(t *testing.T) {
	crash := time.Unix(1000, 0)
	for after, want := range map[time.Duration]bool{-time.Minute: false, -time.Second: true, 500 * time.Millisecond: true, time.Minute: false} {
		if got := crashedAround([]time.Time{crash.Add(-time.Hour), crash}, crash.Add(after)); got != want {
			t.Errorf("answered %s after the crash: %t", after, got)
		}
	}
}

// On a plain screen the score has connected and attended apart, and the summary says both.
func TestScreensTellConnectedAndAttendedApart(t *testing.T) {
	killed := mishap.Occurrence{Name: "bot killed", Says: "kill -9; it is started again 3 s later"}
	episode := Episode{Occurrence: killed, At: 65 * time.Second, Proxied: true, Reaction: []string{"Held the session."}, Outcome: "Grey 0 s, IDENTIFY 0."}
	score := midway
	score.Verdict.Twice, score.Verdict.Identifies = 1, 1
	score.Proxied = &ProxiedScore{Attended: true, AttendedPercent: 71.2, Longest: 4 * time.Second, Starts: 5, Waited: 40, Again: 1, Told: 3}
	var out strings.Builder
	p := NewPlainScreen(&out)
	p.Begin([]string{"A simulated Discord."})
	p.Mishap(episode.At, killed)
	p.Episode(episode)
	p.Score(score)
	p.End(Summary{Score: score, Seed: 7, Kinds: map[string]int{"bot killed": 9}})
	expect(t, out.String(), `
A simulated Discord.

1:05   bot killed          kill -9; it is started again 3 s later
         Evergreen         Held the session. Grey 0 s, IDENTIFY 0.
1:12   score               connected 99.9 %, attended 71.2 %, up 1m11s; commands: 141 asked, 139 answered, 2 open, 0 lost, 1 twice; IDENTIFY 1, RESUME 8

After 1m12s with seed 7, 9 strikes:
  bot killed x9
  Connected: the dot was green for 99.9 % of the time. Attended: a bot was there and read for 71.2 % of it; at longest nobody was there for 4 s.
  141 commands asked: 140 answered (3 of those by Evergreen, while the bot was away), and 1 a second time, because the bot had read them just before it was killed, 2 still open, 0 lost. The slowest answer took 0 s.
  The bot was started 5 times; 40 events waited for it. At Discord: IDENTIFY 1, RESUME 8.
PASSED: nothing was lost, the dot was green throughout, and no session was started but the first.
`)
	v := newFakeTerminal(t, 100)
	l := NewLiveScreen(v, func() int { return v.columns }, true)
	l.Score(score)
	for _, want := range []string{"● connected 99.9 %", "the bot    there; attended 71.2 %, away for 4 s at most; started 5 times; 40 events waited"} {
		if !strings.Contains(v.String(), want) {
			t.Errorf("the live screen does not say %q:\n%s", want, v)
		}
	}
}
