package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/discordsim/scenario"
)

// Given the library, every scenario can be read, is called as its file is, and
// says what happens.
func TestScenariosOfTheLibrary(t *testing.T) {
	for _, name := range scenario.Names() {
		sc, err := scenario.Named(name)
		switch {
		case err != nil:
			t.Errorf("%s:\n%v", name, err)
		case sc.Name != name:
			t.Errorf("%s calls itself %s", name, sc.Name)
		case len(sc.Says) < 20 || !strings.HasSuffix(sc.Says, "."):
			t.Errorf("%s does not say in a sentence what happens: %q", name, sc.Says)
		}
	}
	if _, err := scenario.Named("halfopen"); err == nil || !strings.Contains(err.Error(), `did you mean "half-open"?`) {
		t.Errorf("a wrong name is answered: %v", err)
	}
}

// The list of scenarios that have to be there at least is in the library.
//
// Statements: S-102.
func TestScenariosThatMustBeThere(t *testing.T) {
	there := scenario.Names()
	for _, name := range []string{
		"clean-run", "op7-every-20-minutes", "packet-loss", "half-open", "server-1000-loop", "op9-storm", "outage-silent-ready", "outage-with-op9",
		"token-reset", "intents-revoked", "ip-ban", "rest-outage", "gateway-outage", "resume-host-dead", "budget-near-zero", "laptop-sleep",
		"sixteen-shards", "slow-handler", "huge-guild", "compression-corruption",
	} {
		if !slices.Contains(there, name) {
			t.Errorf("there is no scenario %q", name)
		}
	}
}

// Given files with mistakes in them, each is refused with the file, the line
// and what would be right.
func TestScenarioMistakes(t *testing.T) {
	const head = "name: x\nsays: Something happens.\n"
	for _, c := range []struct{ what, text, want string }{
		{"an empty file", "", "s.yaml: the file is empty"},
		{"no name", "says: Something.\nsteps: [{at: 1m, end: true}]\n", `s.yaml:1: a scenario needs "name"`},
		{"an unknown field", head + "stpes: []\n", `s.yaml:3: a scenario has no field "stpes"; did you mean "steps"?`},
		{"a field far from any", head + "whatever: 1\n", `s.yaml:3: a scenario has no field "whatever"; there are: causes, config, expect`},
		{"a field twice", head + "seed: 1\nseed: 2\n", `s.yaml:4: "seed" is given twice, first in line 3`},
		{"an unknown fault", head + "steps:\n  - at: 1m\n    fault: halfopen\n    for: 1m\n", `s.yaml:5: there is no fault "halfopen"; did you mean "half-open"?`},
		{"a fault far from any", head + "steps:\n  - {at: 1m, fault: earthquake}\n", `s.yaml:4: there is no fault "earthquake"; there are: ack-delay, always-close`},
		{"a negative time", head + "steps:\n  - at: -5s\n    fault: op7\n", `s.yaml:4: at: "-5s": a time cannot be negative`},
		{"no time", head + "steps:\n  - at: soon\n    fault: op7\n", `s.yaml:4: at: "soon": it is no time: write 90s, 1m30s, 20m, 2h or 1d`},
		{"an endless time", head + "steps:\n  - {at: 1e300, fault: op7}\n", `s.yaml:4: at: "1e300": the time is too long`},
		{"a number that is none", head + "seed: one\n", `s.yaml:3: "seed" is a whole number from 0 on, not "one"`},
		{"a negative number", head + "world: {guilds: -1}\n", `s.yaml:3: "guilds" is a whole number from 0 on, not "-1"`},
		{"a truth that is none", head + "config: {strict_sequence: maybe}\n", `"strict_sequence" is true or false, not "maybe"`},
		{"a value left empty", head + "seed:\n", `s.yaml:3: "seed" is left empty; leave it out for its default`},
		{"one of a few", head + "config: {missed_heartbeat: loud}\n", `s.yaml:3: missed_heartbeat: "loud" is not one of observed, documented, silent`},
		{"an unknown host", head + "steps:\n  - {at: 1m, fault: refuse, host: moon, for: 1m}\n", `s.yaml:4: host: "moon" is not one of api, gateway, resume`},
		{"a host that means nothing", head + "steps:\n  - {at: 1m, fault: zombie, host: api, for: 1m}\n", "zombie is no fault of the network: a host means nothing beside it"},
		{"an unknown route", head + "steps:\n  - {at: 1m, fault: rest-5xx, for: 1m, route: POST /channels}\n", `there is no route "POST /channels"; there are: `},
		{"a route that means nothing", head + "steps:\n  - {at: 1m, fault: cut, route: GET /gateway}\n", "cut is no fault of the REST API"},
		{"a moment that lasts", head + "steps:\n  - {at: 1m, fault: op7, for: 1m}\n", "op7 happens at one moment: for, count and probability mean nothing beside it"},
		{"a close code nobody can send", head + "steps:\n  - {at: 1m, fault: close, code: 99}\n", "99"},
		{"more than certain", head + "steps:\n  - {at: 1m, fault: lost, for: 1m, probability: 2}\n", "probability: 2 is more than certain"},
		{"two things at once", head + "steps:\n  - {at: 1m, fault: op7, say: hello}\n", "s.yaml:4: a step does exactly one thing, this one does 2; there are: fault, outage, event"},
		{"nothing at all", head + "steps:\n  - {at: 1m}\n", "a step does exactly one thing, this one does 0"},
		{"a field of another action", head + "steps:\n  - {at: 1m, say: hello, code: 4000}\n", `"code" means nothing beside "say"; there it can have: at, after`},
		{"nobody of that name", head + "steps:\n  - at: 1m\n    say: hello\n    as: person-9\n", `s.yaml:6: as: there is nobody "person-9"; there are person-1 to person-6`},
		{"nobody of that number", head + "world: {people: 1}\nsteps:\n  - {at: 1m, say: hello, as: 2}\n", `as: there is nobody "2"; there are person-1`},
		{"somebody who never comes", head + "steps:\n  - {at: 1m, join: eve}\n  - {at: 2m, leave: adam}\n", `leave: there is nobody "adam"; there are person-1 to person-6, and who joins: eve`},
		{"a newcomer with a name that is taken", head + "steps:\n  - {at: 1m, join: person-9}\n", `join: "person-9" looks like one of the people there are`},
		{"no such room", head + "steps:\n  - {at: 1m, say: hello, in: room-3}\n", `in: there is no channel "room-3"; there are room-1 to room-2, dm`},
		{"no such room of a guild", head + "world: {guilds: 2}\nsteps:\n  - {at: 1m, thread: news}\n  - {at: 1m, say: hello, in: guild-3/room-1}\n", `in: there is no channel "guild-3/room-1"; there are room-1 to room-2 of the first guild, and guild-2/room-1 and so on, dm, and the threads: news`},
		{"no such guild", head + "steps:\n  - {at: 1m, join: eve, in: guild-2}\n", `in: there is no guild "guild-2"; there are guild-1`},
		{"no voice channels", head + "steps:\n  - {at: 1m, join_voice: voice-1}\n", `join_voice: there is no voice channel "voice-1"; there are none; world has voice_channels for them`},
		{"a target that is nobody", head + "steps:\n  - {at: 1m, use: Wave, target: moon}\n", `target: there is nobody "moon"`},
		{"a message that is none", head + "steps:\n  - {at: 1m, press: OK, on: first}\n", `on: "first" is not one of last, own`},
		{"an answer that is none", head + "steps:\n  - {at: 1m, press: OK, answer: nothing}\n", `answer: "nothing" is not one of message, update, modal, choices`},
		{"a choice of nothing", head + "steps:\n  - {at: 1m, choose: size}\n", "choose wants values beside it: what is chosen, such as values: [red]"},
		{"a completion of nothing", head + "steps:\n  - {at: 1m, complete: order}\n", "complete wants focused beside it: the option that is being typed"},
		{"a vote for no number", head + "steps:\n  - {at: 1m, vote: tea}\n", `vote: "tea" is not the number of an answer, counted from 1`},
		{"options that are none", head + "steps:\n  - {at: 1m, use: order, options: [tea]}\n", `"options" is a group of names with values, such as {name: value}, not a list`},
		{"an option of two values", head + "steps:\n  - {at: 1m, use: order, options: {tea: [[green]]}}\n", `"tea" is a list of texts; a list is none`},
		{"an option twice", head + "steps:\n  - {at: 1m, use: order, options: {tea: green, tea: black}}\n", `"tea" is given twice in "options"`},
		{"an empty option", head + "steps:\n  - {at: 1m, use: order, options: {tea: }}\n", `"tea" is a text, a number, true, false, a list of texts or a file, not `},
		{"a file without a name", head + "steps:\n  - {at: 1m, use: order, options: {list: {text: tea}}}\n", `the file "list" needs "file": The name of the file.`},
		{"a field of others", head + "steps:\n  - {at: 1m, press: OK, options: {a: b}}\n", `"options" means nothing beside "press"; there it can have: at, after`},
		{"no moment", head + "steps:\n  - fault: op7\n", "s.yaml:4: a step says when: at, after or every"},
		{"two moments", head + "steps:\n  - {at: 1m, after: 1m, fault: op7}\n", "a step has at or after, not both"},
		{"after what never ends", head + "steps:\n  - {at: 1m, fault: zombie}\n  - {after: 1m, fault: op7}\n", "s.yaml:5: the step above says neither for nor count"},
		{"after what is repeated", head + "steps:\n  - {every: 1m, fault: op7}\n  - {after: 1m, end: true}\n", "s.yaml:5: the step above is never over"},
		{"jitter alone", head + "steps:\n  - {at: 1m, jitter: 1s, fault: op7}\n", "jitter and until belong to every"},
		{"too much jitter", head + "steps:\n  - {every: 1m, jitter: 2m, fault: op7}\n  - {at: 9m, end: true}\n", "jitter has to be shorter than every"},
		{"no end", head + "steps:\n  - {every: 1m, fault: op7}\n", `something goes on without end here: the last step has to be "end: true"`},
		{"an early end", head + "steps:\n  - {at: 1m, end: true}\n  - {at: 2m, fault: op7}\n", "s.yaml:4: the end comes last; there are steps after it"},
		{"an event that is none", head + "steps:\n  - {at: 1m, event: MESSAGE_CREATE, text: '{'}\n", "the text of an event is its d, and this is not JSON"},
		{"words nobody says", head + "world: {commands: ['!ping']}\nsteps: [{at: 1m, end: true}]\n", "commands and slash want command_every beside them"},
		{"a list that is none", head + "steps: 5\n", `s.yaml:3: "steps" is a list, not "5"`},
		{"a step that is none", head + "steps: [op7]\n", `s.yaml:3: a step is a group of fields, not "op7"`},
		{"broken YAML", head + "steps: [\n", "s.yaml:"},
		{"an alias", head + "steps: &a [{at: 1m, end: true}]\nexpect: *a\n", "anchors and aliases are not understood here"},
		{"two scenarios", head + "steps: [{at: 1m, end: true}]\n---\n" + head, "a file holds one scenario only"},
		{"broken JSON", "{\n\"name\": \"x\",\n\"says\" \"y\"}", "s.yaml:3: this is not JSON"},
		{"half of JSON", "{\n\"name\": \"x\"", "s.yaml:2: this is not JSON"},
		{"JSON with an unknown fault", "{\"name\":\"x\",\"says\":\"y\",\n\"steps\":[\n{\"at\":\"1m\",\n\"fault\":\"op8\"}]}", `s.yaml:4: there is no fault "op8"; did you mean "op7"?`},
	} {
		_, err := scenario.Read("s.yaml", []byte(c.text))
		if _, ok := errors.AsType[scenario.Mistakes](err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got\n%v\nwant something like\n%s", c.what, err, c.want)
		}
	}
}

// All mistakes of a file are told at once, in the order of its lines.
func TestScenarioMistakesAreToldTogether(t *testing.T) {
	_, err := scenario.Read("s.yaml", []byte("name: x\nsays: y\nsed: 1\nworld:\n  guild: 2\nsteps:\n  - {at: now, fault: op7}\n"))
	want := "s.yaml:3: a scenario has no field \"sed\"; did you mean \"seed\"?\n" +
		"s.yaml:5: \"world\" has no field \"guild\"; did you mean \"guilds\"?\n" +
		"s.yaml:7: at: \"now\": it is no time: write 90s, 1m30s, 20m, 2h or 1d"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// The same scenario can be written in YAML, in JSON and in Go.
func TestScenarioInYAMLJSONAndGo(t *testing.T) {
	minute := scenario.Span(time.Minute)
	inGo := &scenario.Scenario{
		Name: "x", Says: "Something happens.", Seed: 7,
		Config: scenario.Overrides{Latency: scenario.Span(40 * time.Millisecond), SessionLifetime: -1},
		Steps:  []scenario.Step{{At: &minute, Fault: "zombie", For: 2 * minute}},
	}
	if err := inGo.Check(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"name: x\nsays: Something happens.\nseed: 7\nconfig:\n  latency: 40ms\n  session_lifetime: never\nsteps:\n  - at: 60\n    fault: zombie\n    for: 2m\n",
		"{\"name\":\"x\",\"says\":\"Something happens.\",\"seed\":7,\n\t\"config\":{\"latency\":0.04,\"session_lifetime\":\"never\"},\n\t\"steps\":[{\"at\":\"1m\",\"fault\":\"zombie\",\"for\":\"2m\"}]}",
	} {
		sc, err := scenario.Read("x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprintf("%+v", sc.Rules()), fmt.Sprintf("%+v", inGo.Rules()); got != want {
			t.Errorf("the rules differ: %s, %s", got, want)
		}
		if got := sc.Steps[0]; *got.At != minute || got.Fault != "zombie" || got.For != 2*minute {
			t.Errorf("the step differs: %+v", got)
		}
	}
}

// Given JSON that escapes a character beyond 16 bits, as many programs write it,
// then it is read as the character.
func TestJSONWithSurrogates(t *testing.T) {
	sc, err := scenario.Read("x", []byte(`{"name":"x","says":"y","steps":[{"at":"1m","say":"go \ud83d\ude00"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := sc.Steps[0].Say; got != "go \U0001F600" {
		t.Errorf("it says %q", got)
	}
}

// quiet is a scenario in which nobody is online and things happen.
const quiet = `
name: quiet
says: Things happen that nobody sees.
seed: %d
world: {guilds: 2, people: 3}
steps:
  - {every: 10m, jitter: 5m, fault: cut, until: 1h}
  - {at: 5m, fault: zombie, for: 2m}
  - {after: 1m, outage: gateway, for: 3m}
  - {after: 0s, outage: guild, for: 1m}
  - {at: 30m, say: "!ping", times: 2}
  - {at: 31m, interact: ping}
  - {at: 32m, event: TYPING_START, megabytes: 0.1}
  - {at: 33m, intents: "off"}
  - {at: 34m, fault: resume-dead}
  - {at: 40m, lift: true}
  - {at: 2h, end: true}
expect: {ends: offline, identifies: 0, dials: 0}
`

// playQuiet plays it and returns what happened.
func playQuiet(t *testing.T, seed int) (out *scenario.Outcome, struck []discordsim.Active) {
	t.Helper()
	sc, err := scenario.Read("quiet", fmt.Appendf(nil, quiet, seed))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(sc.Rules())
		defer sim.Close()
		app := sc.Populate(sim, discordsim.AppConfig{})
		if out, err = sc.Run(t.Context(), sim, app); err != nil {
			t.Fatal(err)
		}
		struck = sim.Injected()
	})
	return out, struck
}

// Given a scenario, when it is played, then every step happens at its moment,
// lasts as long as it says, and the end comes when it is due.
//
// Statements: S-101.
func TestScenarioStepsHappenInTime(t *testing.T) {
	out, struck := playQuiet(t, 1)
	if out.Took != 2*time.Hour {
		t.Errorf("it took %s", out.Took)
	}
	if broken := out.Broken(); len(broken) > 0 {
		t.Errorf("nobody was there, and yet: %q", broken)
	}
	var diary bytes.Buffer
	for _, m := range out.Diary {
		fmt.Fprintln(&diary, m)
	}
	for _, line := range []string{
		"      5m0s  zombie for 2m", "      8m0s  outage of gateway for 3m", "     11m0s  a guild is unavailable for 1m",
		`     30m0s  2 times somebody says "!ping"`, "     31m0s  somebody uses /ping", "     32m0s  1 times TYPING_START",
		"     33m0s  the privileged intents are switched off", "     40m0s  all faults are over", "    2h0m0s  the end",
	} {
		if !strings.Contains(diary.String(), line+"\n") {
			t.Errorf("%q is missing in\n%s", line, diary.String())
		}
	}
	lasted := map[string]time.Duration{}
	cuts := 0
	for _, a := range struck {
		if a.Ended.IsZero() {
			t.Errorf("%s is still in force", a.Name)
		}
		lasted[a.Name] = a.Ended.Sub(a.Began)
		if a.Name == "cut" {
			cuts++
		}
	}
	if lasted["zombie"] != 2*time.Minute || lasted["upgrade-status"] != 3*time.Minute || lasted["resume-dead"] != 6*time.Minute {
		t.Errorf("the faults lasted %v", lasted)
	}
	if cuts < 5 || cuts > 14 {
		t.Errorf("%d cuts in an hour, 10 minutes apart give or take 5", cuts)
	}
}

// The same seed makes the same run; another seed another one.
func TestScenarioSeedDecides(t *testing.T) {
	diary := func(seed int) string {
		out, _ := playQuiet(t, seed)
		return fmt.Sprint(out.Diary)
	}
	one := diary(1)
	if diary(1) != one {
		t.Error("the same seed made two different runs")
	}
	if diary(2) == one {
		t.Error("two seeds made the same run")
	}
}

// A scenario that is broken off leaves nothing in force, and says so; so does
// one whose simulator is closed.
func TestScenarioBrokenOff(t *testing.T) {
	sc, err := scenario.Read("s", []byte("name: x\nsays: y\nsteps:\n  - {at: 1s, fault: zombie}\n  - {at: 1d, end: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(sc.Rules())
		sc.Populate(sim, discordsim.AppConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := sc.Run(ctx, sim); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
		if struck := sim.Injected(); len(struck) != 1 || struck[0].Ended.IsZero() {
			t.Errorf("the fault is still in force: %+v", struck)
		}
		time.AfterFunc(time.Minute, sim.Close)
		if _, err := sc.Run(t.Context(), sim); err == nil || !strings.Contains(err.Error(), "closed in the middle") {
			t.Errorf("closing ended it with %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := sc.Run(t.Context(), sim); err == nil {
			t.Error("it ran on a closed simulator")
		}
	})
	wrong := *sc
	wrong.Steps = []scenario.Step{{Fault: "op8"}}
	if _, err := wrong.Run(t.Context(), nil); err == nil {
		t.Error("a scenario with a mistake was run")
	}
}

// Given a bot nobody runs, when it is expected to be online and to answer, then
// the outcome says what is broken.
func TestScenarioExpectationsAreCompared(t *testing.T) {
	sc, err := scenario.Read("s", []byte("name: x\nsays: y\nsteps:\n  - {at: 1m, end: true}\nexpect: {answered: 5, same_activity: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(sc.Rules())
		defer sim.Close()
		var told []string
		sc.Tell = func(m scenario.Moment) { told = append(told, m.What) }
		sc.Populate(sim, discordsim.AppConfig{Name: "nobody"})
		out, err := sc.Run(t.Context(), sim)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"nobody: 0 commands were answered, at least 5 are expected", "nobody: the bot is not online at the end",
			"nobody: the status line has not stayed what it was: []",
		}
		if got := out.Broken(); !slices.Equal(got, want) {
			t.Errorf("broken: %q, want %q", got, want)
		}
		if !slices.Equal(told, []string{"the end"}) {
			t.Errorf("told: %q", told)
		}
	})
}

// Whatever a file holds, reading it ends in a scenario or in mistakes that name
// the file, and a scenario that can be read can be played.
func FuzzRead(f *testing.F) {
	for _, name := range scenario.Names() {
		text, err := os.ReadFile(filepath.Join("..", "scenarios", name+".yaml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"name":"x","says":"y","steps":[{"at":1,"end":true}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		sc, err := scenario.Read("file", text)
		all, ok := errors.AsType[scenario.Mistakes](err)
		switch {
		case err == nil && sc.Check() != nil:
			t.Errorf("what was read is not right: %v", sc.Check())
		case err != nil && (!ok || len(all) == 0 || !strings.HasPrefix(err.Error(), "file")):
			t.Errorf("the error is %v", err)
		}
	})
}
