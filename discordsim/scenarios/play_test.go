package scenarios_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/discordsim/scenario"
	"evergreen/gateway"
	"evergreen/internal/app"
	"evergreen/internal/bot"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/simtest"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ponder is a command that takes its time, as any bot may have one.
var ponder = bot.Command{
	Name: "ponder", Summary: "Thinks for a while",
	Run: func(ctx context.Context, _ *bot.Request) (bot.Answer, error) {
		timer := time.NewTimer(8 * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
			return bot.Answer{Text: "I have thought about it."}, nil
		case <-ctx.Done():
			return bot.Answer{}, ctx.Err()
		}
	},
}

// runBot runs our bot as the binary does; the function it returns stops it.
func runBot(t *testing.T, sim *discordsim.Sim, application *discordsim.App, name string) (stop func()) {
	t.Helper()
	a, err := app.New(app.Options{
		Config: config.Against(sim.APIURL(), application.Token), Commands: []bot.Command{ponder}, Rand: simtest.Rand(name, 1),
		Transport: sim.Transport(), Dialer: gateway.WebSocketDialer{Transport: sim.Transport()},
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- a.Run(context.Background()) }()
	return func() {
		a.Stop(context.Background(), gateway.KeepSession)
		// A bot that was refused at the start has ended by itself, as it should.
		<-ran
	}
}

// Given each scenario of the library, when our bot lives through it, then it
// does what the scenario expects of a good bot.
//
// Statements: S-101, S-102.
func TestOurBotGetsThroughEveryScenario(t *testing.T) {
	for _, name := range scenario.Names() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			var out *scenario.Outcome
			synctest.Test(t, func(t *testing.T) { out = play(t, name) })
			b := out.Bots[0]
			t.Logf("%s in %s: %s", out.Took.Round(time.Second), time.Since(start).Round(time.Millisecond), summary(b.Verdict))
			for _, what := range out.Broken() {
				t.Error(what)
			}
			if t.Failed() {
				for _, m := range out.Diary[max(0, len(out.Diary)-40):] {
					t.Log(m)
				}
			}
		})
	}
}

// Given the same scenario twice, when our bot lives through it, then everything
// that is counted comes out the same, to the nanosecond.
func TestSeedReproducesTheWholeRun(t *testing.T) {
	for _, name := range []string{"cut-links", "rest-trouble", "outage-with-op9"} {
		var runs [2]scenario.Outcome
		for i := range runs {
			synctest.Test(t, func(t *testing.T) { runs[i] = *play(t, name) })
		}
		for _, same := range []struct {
			what      string
			one, next any
		}{
			{"the diary", runs[0].Diary, runs[1].Diary},
			{"the verdict", runs[0].Bots[0].Verdict, runs[1].Bots[0].Verdict},
		} {
			if !reflect.DeepEqual(same.one, same.next) {
				t.Errorf("%s: %s came out differently:\n%+v\n%+v", name, same.what, same.one, same.next)
			}
		}
	}
}

// notPlayable are the causes that lie in the bot's own process or beside it:
// neither a server nor a network can play them.
var notPlayable = map[int]string{
	1: "the process is gone", 11: "the bot's own goodbye", 14: "the kernel killed the process", 15: "a second instance", 19: "the supervisor gave up",
}

// Every cause of the runbook that a server or a network can play is played by a
// scenario.
func TestEveryPlayableCauseIsPlayed(t *testing.T) {
	played := map[int]bool{}
	for _, name := range scenario.Names() {
		sc, err := scenario.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range sc.Causes {
			played[n] = true
			if notPlayable[n] != "" || !slices.ContainsFunc(health.Catalogue, func(c health.Cause) bool { return c.Number == n }) {
				t.Errorf("%s names cause %d, which is none that can be played", name, n)
			}
		}
	}
	for _, c := range health.Catalogue {
		if c.Number > 0 && notPlayable[c.Number] == "" && !played[c.Number] {
			t.Errorf("no scenario plays cause %d, %s", c.Number, c.Title)
		}
	}
}

// Every file of the library is what the schema says a scenario is, so that an
// editor which knows the schema finds no fault with them; and the schema refuses
// what the reader refuses.
func TestSchemaFitsTheLibrary(t *testing.T) {
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(scenario.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("scenario.json", text); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scenario.Names() {
		file, err := os.ReadFile(name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var content any
		if err := yaml.Unmarshal(file, &content); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(content); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range []string{
		`{"name":"x"}`, `{"name":"x","says":"y","steps":[{"at":"1m"}]}`, `{"name":"x","says":"y","steps":[{"at":"1m","fault":"op8"}]}`,
		`{"name":"x","says":"y","steps":[{"at":"-1m","fault":"op7"}]}`, `{"name":"x","says":"y","wrold":{}}`,
	} {
		content, err := jsonschema.UnmarshalJSON(strings.NewReader(wrong))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(content) == nil {
			t.Errorf("the schema accepts %s", wrong)
		}
	}
}

// play plays one scenario with our bot.
func play(t *testing.T, name string) *scenario.Outcome {
	t.Helper()
	sc, err := scenario.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return playScenario(t, sc)
}

// playScenario plays a scenario with our bot.
func playScenario(t *testing.T, sc *scenario.Scenario) *scenario.Outcome {
	t.Helper()
	rules := sc.Rules()
	rules.LogFrames = -1
	sim := discordsim.New(rules)
	defer sim.Close()
	application := sc.Populate(sim, discordsim.AppConfig{Name: "ResearchBot"})
	stop := runBot(t, sim, application, sc.Name)
	defer stop()
	out, err := sc.Run(t.Context(), sim, application)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// summary is a verdict in a line.
func summary(v discordsim.Verdict) string {
	said := []string{
		fmt.Sprintf("%d asked, %d answered, %d lost, %d twice, %d unheard, %d waiting", v.Asked, v.Answered, v.Lost, v.Twice, v.Unheard, v.Waiting),
		fmt.Sprintf("%d dials, %d IDENTIFYs, %d RESUMEs, %d RESUMED", v.Dials, v.Identifies, v.Resumes, v.Resumed),
		fmt.Sprintf("longest gap %s, grey %s", v.LongestGap.Round(time.Millisecond), v.Offline.Round(time.Millisecond)),
		fmt.Sprintf("%d invalid requests", v.InvalidRequests),
	}
	return strings.Join(said, "; ")
}
