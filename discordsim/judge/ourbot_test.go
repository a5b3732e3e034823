package judge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/discordsim/judge"
	"evergreen/gateway"
	"evergreen/internal/app"
	"evergreen/internal/process/config"
	"evergreen/internal/simtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ownBot runs our bot as the binary does, until stop is called.
func ownBot(t *testing.T, sim *discordsim.Sim, application *discordsim.App, seed uint64, compression gateway.Compression) (stop func()) {
	t.Helper()
	c := config.Against(sim.APIURL(), application.Token)
	c.Compression = compression
	bot, err := app.New(app.Options{
		Config: c, Rand: simtest.Rand("judge", seed), Transport: sim.Transport(), Dialer: gateway.WebSocketDialer{Transport: sim.Transport()},
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(context.Background()) }()
	return func() {
		bot.Stop(context.Background(), gateway.KeepSession)
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}
}

// judged leads our own bot through the programme.
func judged(t *testing.T, o judge.Options, compression gateway.Compression) (report judge.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Sim = discordsim.New(judge.Config(1))
		defer o.Sim.Close()
		o.App = o.Sim.AddApp(discordsim.AppConfig{Name: "ResearchBot"})
		defer ownBot(t, o.Sim, o.App, 1, compression)()
		var err error
		if report, err = judge.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	})
	return report
}

// text is the report as a person reads it.
func text(t *testing.T, r judge.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Given our own bot, with each compression there is, when it is led through the
// whole programme, then it breaks nothing, and what a bot with one shard can be
// put to was exercised.
func TestOurBotBreaksNothing(t *testing.T) {
	never := []string{
		"G-005", "G-041", "G-128", "G-135", "G-140", // nothing in the programme provokes these
		"G-094", "G-132", "G-133", // it asks over REST first, and is never refused
		"G-119", // it does not ask for presences
		"G-122", // it has one shard
	}
	for _, compression := range []gateway.Compression{gateway.CompressZlib, gateway.CompressZstd, gateway.CompressNone} {
		t.Run(string(compression), func(t *testing.T) {
			report := judged(t, judge.Options{Command: "!ping", Slash: "ping", Thorough: true}, compression)
			if report.Broken+report.Noted > 0 || report.Lost != "" || report.ExitCode() != 0 {
				t.Errorf("%d statements were broken, lost in %q:\n%s", report.Broken, report.Lost, text(t, report))
			}
			for _, f := range report.Findings {
				compressed := map[string]gateway.Compression{"G-115": gateway.CompressZlib, "G-116": gateway.CompressZstd}[f.Statement]
				switch {
				case f.Verdict != judge.Never, slices.Contains(never, f.Statement):
				case compressed != "" && compressed != compression:
				case compression == gateway.CompressNone && (f.Statement == "G-117" || f.Statement == "G-036"):
				default:
					t.Errorf("%s was never exercised: %s", f.Statement, f.Says)
				}
			}
		})
	}
}

// Given options, then what is played with them, and how long it takes, is known before.
func TestStepsAreKnownBefore(t *testing.T) {
	names := func(o judge.Options) (all []string) {
		for _, s := range judge.Steps(o) {
			if all = append(all, s.Name); s.Takes <= 0 {
				t.Errorf("%q takes no time", s.Name)
			}
		}
		return all
	}
	some := judge.Options{Only: []string{"op 7", "quiet", "commands"}}
	if got := names(some); !slices.Equal(got, []string{"quiet", "op 7"}) {
		t.Errorf("without a command these are played: %q", got)
	}
	if takes := judge.Takes(some); takes < 10*time.Second || takes > 20*time.Second {
		t.Errorf("two steps take %s", takes)
	}
	all, gentle := judge.Options{Command: "!ping", Slash: "ping", Thorough: true}, judge.Options{Command: "!ping", Slash: "ping", Thorough: true, Gentle: true}
	if want := len(judge.Programme()) - 1; len(names(all)) != want || len(names(gentle)) != want-1 { // one is for bots with several shards
		t.Errorf("%d steps are played, and %d without the last, want %d", len(names(all)), len(names(gentle)), want)
	}
	all.App = &discordsim.App{Shards: 2}
	if !slices.Contains(names(all), "one shard reset") {
		t.Error("one shard of two is not reset")
	}
}

// Given a bot that does well, the ordinary programme takes about five minutes, as
// was said before, and its report can be read by a person and by a machine.
func TestOrdinaryProgramme(t *testing.T) {
	var told []string
	o := judge.Options{Command: "!ping", Slash: "ping", Tell: func(s judge.Step, n, of int) {
		told = append(told, fmt.Sprintf("%d/%d %s: %s", n, of, s.Name, s.Says))
	}}
	report, said := judged(t, o, gateway.CompressZlib), judge.Takes(o)
	if report.Took < 3*time.Minute || report.Took > 330*time.Second || (report.Took-said).Abs() > report.Took/8 {
		t.Errorf("it took %s, and %s was said", report.Took, said)
	}
	if n := len(judge.Steps(o)); len(told) < 35 || !strings.HasPrefix(told[0], fmt.Sprintf("1/%d ", n)) || report.Steps != n || report.Played != n {
		t.Errorf("%d of %d steps were played, %d planned", report.Played, report.Steps, n)
	}
	printed := text(t, report)
	for _, want := range []string{
		"ResearchBot was judged for ", "\nKept:\n  G-001  ", "\nNever exercised:\n", "G-024  When heartbeats stay unanswered",
		fmt.Sprintf("\nKept %d, broken 0, never exercised %d. %d statements cannot be seen from here.\n", report.Kept, report.Never, report.NotJudged),
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is missing in\n%s", want, printed)
		}
	}
	var buffer bytes.Buffer
	if err := report.WriteJSON(&buffer); err != nil {
		t.Fatal(err)
	}
	var machine struct {
		Bot      string
		Seconds  float64
		Kept     int
		Broken   int
		Findings []struct{ Statement, Verdict string }
	}
	if err := json.Unmarshal(buffer.Bytes(), &machine); err != nil {
		t.Fatal(err)
	}
	if machine.Bot != "ResearchBot" || machine.Kept != report.Kept || machine.Broken != 0 || machine.Seconds < 180 || len(machine.Findings) != len(report.Findings) {
		t.Errorf("as JSON: %+v", machine)
	}
}
