package demo

import (
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/mishap"
	"evergreen/internal/text"
)

// What the screens are shown in these tests.
var (
	halfOpen = mishap.Occurrence{Name: "half-open link", Says: "the connection carries nothing any more, either way, and says nothing"}
	noticed  = Episode{
		Occurrence: halfOpen, At: 65 * time.Second, AtRisk: 3400 * time.Millisecond,
		Reaction: []string{"The connection was half-open (nothing arrived for 2 s). Resumed, 6 events replayed, none lost."},
	}
	midway = Score{
		Elapsed: 72 * time.Second, Up: 71 * time.Second, Online: true, Status: "Online: connected, and Discord answers",
		Latency: 27 * time.Millisecond, Mishaps: 9, AtRisk: 12400 * time.Millisecond, Longest: 3400 * time.Millisecond, Replayed: 31,
		Verdict: discordsim.Verdict{
			Asked: 141, Answered: 139, Waiting: 2, Identifies: 1, Resumes: 8,
			Online: 70*time.Second + 990*time.Millisecond, Offline: 10 * time.Millisecond,
		},
	}
)

// expect compares what can be seen with what should be.
func expect(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Given a pipe, the demo is told in lines that stay, without any control
// characters, and the score comes every ten seconds.
func TestPlainScreen(t *testing.T) {
	var out strings.Builder
	p := NewPlainScreen(&out)
	p.Begin([]string{"A simulated Discord."})
	p.Mishap(noticed.At, halfOpen)
	p.Score(Score{Elapsed: 4 * time.Second})
	p.Episode(noticed)
	p.Score(midway)
	p.Score(midway)
	p.End(Summary{Score: midway, Seed: 7, Kinds: map[string]int{"cut link": 8, "half-open link": 1}})
	expect(t, out.String(), `
A simulated Discord.

1:05   half-open link      the connection carries nothing any more, either way, and says nothing
         the bot           The connection was half-open (nothing arrived for 2 s). Resumed, 6 events replayed, none lost. At risk for 3.4 s.
1:12   score               online 99.9 %, up 1m11s; commands: 141 asked, 139 answered, 2 open, 0 lost, 0 twice; IDENTIFY 1, RESUME 8

After 1m12s with seed 7, 9 strikes:
  cut link x8, half-open link
  The dot was green for 99.9 % of the time, 12.4 s of that by Discord's patience only (3.4 s at most at once).
  141 commands asked: 139 answered exactly once, 0 lost, 0 twice. The slowest answer took 0 s.
  IDENTIFY 1, RESUME 8, 31 events replayed.
PASSED: nothing was lost, nothing was answered twice, and no rule of Discord's was broken.
`)
}

// Given a terminal, episodes scroll by above a block that is redrawn in place
// and shows what is going on.
func TestLiveScreen(t *testing.T) {
	v := newFakeTerminal(t, 90)
	l := NewLiveScreen(v, func() int { return v.columns }, true)
	l.Begin([]string{"A simulated Discord."})
	l.Score(midway)
	l.Mishap(noticed.At, halfOpen)
	l.Episode(noticed)
	now := midway
	now.Now, now.NowFor = &mishap.Occurrence{Name: "cut link", Says: "the connection is reset"}, 400*time.Millisecond
	l.Score(now)
	expect(t, v.String(), `
A simulated Discord.

1:05   half-open link      the connection carries nothing any more, either way, and says
                           nothing
         the bot           The connection was half-open (nothing arrived for 2 s).
                           Resumed, 6 events replayed, none lost. At risk for 3.4 s.
─────────────────────────────────────────────────────────────────────────────────────────
 ● online 99.9 %   up 1m11s   heartbeat answered in 27ms
   commands   141 asked, 139 answered, 2 open, 0 lost, 0 twice
   sessions   IDENTIFY 1, RESUME 8, 31 events replayed
   at risk    12.4 s after 9 strikes, 3.4 s at most; broken rules: 0
   now        cut link (0.4 s): the connection is reset
`)
	if _, err := l.Write([]byte("2026-11-24 05:42:16 [INFO] Gateway: ห้องวิจัย 研究室\n")); err != nil {
		t.Fatal(err)
	}
	l.End(Summary{Score: midway, Seed: 7, Kinds: map[string]int{"cut link": 9}, Failures: []string{"2 commands were never answered: !ping; !help."}})
	l.Score(midway) // too late to be shown
	expect(t, v.String(), `
A simulated Discord.

1:05   half-open link      the connection carries nothing any more, either way, and says
                           nothing
         the bot           The connection was half-open (nothing arrived for 2 s).
                           Resumed, 6 events replayed, none lost. At risk for 3.4 s.
2026-11-24 05:42:16 [INFO] Gateway: ห้องวิจัย 研究室

After 1m12s with seed 7, 9 strikes:
  cut link x9
  The dot was green for 99.9 % of the time, 12.4 s of that by Discord's patience only
  (3.4 s at most at once).
  141 commands asked: 139 answered exactly once, 0 lost, 0 twice. The slowest answer took
  0 s.
  IDENTIFY 1, RESUME 8, 31 events replayed.
FAILED: 2 commands were never answered: !ping; !help.
`)
}

// Given a terminal that becomes narrower and wider, the block is drawn anew
// without leaving anything of the old one behind.
func TestLiveScreenFollowsTheWindow(t *testing.T) {
	v := newFakeTerminal(t, 100)
	l := NewLiveScreen(v, func() int { return v.columns }, false)
	l.Begin([]string{"A simulated Discord."})
	l.Score(midway)
	v.resize(50)
	l.Score(midway)
	expect(t, v.String(), `
A simulated Discord.

─────────────────────────────────────────────────
 ● online 99.9 %   up 1m11s   heartbeat answered…
   commands   141 asked, 139 answered, 2 open, 0…
   sessions   IDENTIFY 1, RESUME 8, 31 events re…
   at risk    12.4 s after 9 strikes, 3.4 s at m…
   now        Online: connected, and Discord ans…
`)
	v.resize(70)
	l.Score(midway)
	l.Close()
	l.Close()
	expect(t, v.String(), `
A simulated Discord.
`)
}

// Given NO_COLOR, nothing is coloured; given colours, each line ends plainly.
func TestColoursEndWhereTheyBegan(t *testing.T) {
	var plain, colourful strings.Builder
	grey := midway
	grey.Online, grey.Verdict.Lost = false, 1
	for _, s := range []*LiveScreen{NewLiveScreen(&plain, func() int { return 60 }, false), NewLiveScreen(&colourful, func() int { return 60 }, true)} {
		s.Begin([]string{"A simulated Discord."})
		s.Score(grey)
		s.Episode(noticed)
		s.End(Summary{Score: grey, Failures: []string{"One command was never answered."}})
	}
	for _, colour := range []string{plainColour, bold, dim, red, green, yellow} {
		if strings.Contains(plain.String(), colour) {
			t.Errorf("%q was used although no colours were wanted", colour)
		}
	}
	for line := range strings.SplitSeq(colourful.String(), "\n") {
		on := false
		for at := 0; at < len(line); at++ {
			if colour, _, ok := strings.Cut(line[at:], "m"); ok && strings.HasPrefix(colour, "\x1b[") && !strings.Contains(colour, "?") {
				on = colour+"m" != plainColour
			}
		}
		if on {
			t.Errorf("a colour is still on at the end of %q", line)
		}
	}
}

// Given answers that are missing, given twice or against a rule, the summary has
// not passed and says which.
func TestFailuresAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		verdict    discordsim.Verdict
		unanswered []string
		want       []string
	}{
		"all is well":  {discordsim.Verdict{Asked: 5, Answered: 5}, nil, nil},
		"never online": {discordsim.Verdict{}, nil, []string{"never online"}},
		"lost":         {discordsim.Verdict{Asked: 2, Lost: 2}, []string{"12:00:01 !ping", "12:00:02 !help"}, []string{"2 commands were never answered: 12:00:01 !ping; 12:00:02 !help."}},
		"open":         {discordsim.Verdict{Asked: 2, Waiting: 1}, nil, []string{"One command was still without an answer at the end."}},
		"twice":        {discordsim.Verdict{Asked: 2, Twice: 1}, nil, []string{"One command was answered twice."}},
		"broken": {discordsim.Verdict{Asked: 1, Violations: make([]discordsim.Violation, 7)}, nil,
			[]string{"7 times a rule of Discord's was broken: "}},
	} {
		t.Run(name, func(t *testing.T) {
			got := failures(c.verdict, c.unanswered)
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}

// Every mishap of the demo fits into its column.
func TestNamesFit(t *testing.T) {
	for _, m := range mishap.Table {
		if m.Demo != nil && text.Columns(m.Name) >= nameColumns {
			t.Errorf("%s is too long a name for its column", m.Name)
		}
	}
}
