package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/discordsim"

	"github.com/coder/websocket"
)

// startSim is a judgement that waits for its bot, and what to point the bot at.
func startSim(t *testing.T, args ...string) (c *command, api, token string, out *stream) {
	t.Helper()
	c = startCommand(t, nil, append([]string{"sim", "--addr", "127.0.0.1:0", "--seed", "1"}, args...)...)
	out = c.stdout
	for _, arg := range args {
		if arg == "--json" {
			out = c.stderr
		}
	}
	return c, out.await(t, "DISCORD_API_URL="), out.await(t, "DISCORD_TOKEN="), out
}

// Given the judge on a port, when evergreen run is pointed at it, then it is led
// through the steps that were asked for, the report says what it kept, and the
// exit code is 0.
func TestSimCheckPassesOurBot(t *testing.T) {
	t.Parallel()
	check, api, token, _ := startSim(t, "--check", "--gentle", "--slash", "ping", "--only", "slash command", "--only", "op 7")
	bot := startCommand(t, []string{"DISCORD_API_URL=" + api, "DISCORD_TOKEN=" + token}, "run", "--log-file=none")
	if code := check.code(t); code != 0 {
		t.Errorf("exit code %d:\n%s\n%s", code, check.stdout, check.stderr)
	}
	for _, want := range []string{"2 steps will be played. With a bot that does well that takes about ", "2/2  op 7: ", "SimBot was judged for ", "Kept:", "G-077", "broken 0,"} {
		if !strings.Contains(check.stdout.String(), want) {
			t.Errorf("the judgement does not say %q:\n%s", want, check.stdout)
		}
	}
	if code := bot.stop(t); code != 0 {
		t.Errorf("the bot ended with exit code %d", code)
	}
}

// identifyOnce identifies and then does nothing: no heartbeats, no RESUME. When it is
// thrown out it begins anew.
func identifyOnce(ctx context.Context, api, token string) {
	for ctx.Err() == nil {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, api+"/gateway/bot", nil)
		req.Header.Set("Authorization", "Bot "+token)
		req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		var said struct{ URL string }
		_ = json.NewDecoder(answer.Body).Decode(&said)
		_ = answer.Body.Close()
		ws, _, err := websocket.Dial(ctx, said.URL+"?v=10&encoding=json", nil)
		if err != nil {
			return
		}
		ws.SetReadLimit(-1)
		identify := `{"op":2,"d":{"token":"` + token + `","intents":513,"properties":{"os":"linux","browser":"hello","device":"hello"}}}`
		for sent := false; ; sent = true {
			if _, _, err := ws.Read(ctx); err != nil {
				break
			}
			if !sent {
				_ = ws.Write(ctx, websocket.MessageText, []byte(identify))
			}
		}
		_ = ws.CloseNow()
	}
}

// Given a bot that never resumes, when it is judged, then the report says so, as
// JSON on stdout and nothing else there, and the exit code is 1.
func TestSimCheckFailsABadBot(t *testing.T) {
	t.Parallel()
	check, api, token, _ := startSim(t, "--check", "--json", "--say", "", "--only", "reset")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		identifyOnce(ctx, api, token)
	}()
	code := check.code(t)
	cancel()
	<-ended
	http.DefaultClient.CloseIdleConnections()
	var report struct {
		Broken   int
		Findings []struct{ Statement, Verdict string }
	}
	if err := json.Unmarshal([]byte(check.stdout.String()), &report); err != nil {
		t.Fatalf("%v in %s", err, check.stdout)
	}
	found := false
	for _, f := range report.Findings {
		found = found || f.Statement == "G-059" && f.Verdict == "broken"
	}
	if code != 1 || report.Broken == 0 || !found {
		t.Errorf("exit code %d, %d broken, G-059 among them: %v\n%s", code, report.Broken, found, check.stderr)
	}
}

// Given a scenario file, when evergreen run lives through it on a port, then what
// it expects is held against what the bot did: exit code 0 where all of it came
// about, and 1 with a sentence where it did not.
func TestSimPlaysAScenario(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, c := range []struct {
		expect, speed string
		code          int
		says          []string
	}{
		{"identifies: 1", "1", 0, []string{"4s of simulated time; on a port that takes 4 s. With --speed 10: ", "passed     short: "}},
		{"answered: 99", "2", 1, []string{"4s of simulated time take 5 s at speed 2.", "at least 99 are expected", "At speed 2 the bot's own pauses"}},
	} {
		file := filepath.Join(folder, "short.yaml")
		text := "name: short\nsays: The connection is reset.\nworld: {command_every: 200ms}\nconfig: {answer_grace: 1s}\nsteps:\n  - {at: 2s, fault: cut}\n  - {at: 4s, end: true}\nexpect: {" + c.expect + "}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sim, api, token, _ := startSim(t, "--scenario", file, "--speed", c.speed)
		bot := startCommand(t, []string{"DISCORD_API_URL=" + api, "DISCORD_TOKEN=" + token}, "run", "--log-file=none")
		if code := sim.code(t); code != c.code {
			t.Errorf("exit code %d, want %d:\n%s", code, c.code, sim.stdout)
		}
		for _, says := range c.says {
			if !strings.Contains(sim.stdout.String(), says) {
				t.Errorf("it does not say %q:\n%s", says, sim.stdout)
			}
		}
		bot.stop(t)
	}
}

// Given words that do not fit together, or an unknown name, then what would be
// right is said.
func TestSimRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--check", "--scenario", "zombie"}, 2, "want one of them"},
		{[]string{"--json"}, 2, "mean nothing without --check"},
		{[]string{"--check", "--for", "1m"}, 2, "mean nothing beside"},
		{[]string{"--check", "--speed", "5"}, 2, "--speed means nothing beside --check"},
		{[]string{"--speed", "50"}, 2, "heartbeats would come less than 1s apart"},
		{[]string{"--chat", "--check"}, 2, "--chat means nothing beside --check"},
		{[]string{"--speed", "0"}, 2, "at least 1"},
		{[]string{"--dm", "10"}, 2, "--dm: want a share from 0"},
		{[]string{"--scenario", "zombie", "--speed", "50", "--addr", "127.0.0.1:0"}, 1, "zombie cannot be played so fast"},
		{[]string{"--scenario", "zombi", "--addr", "127.0.0.1:0"}, 1, `did you mean "zombie"?`},
		{[]string{"--scenario", "./nowhere.yaml", "--addr", "127.0.0.1:0"}, 1, "nowhere.yaml"},
		{[]string{"--check", "--only", "nap", "--addr", "127.0.0.1:0"}, 1, `no step "nap"`},
	} {
		sim := startCommand(t, nil, append([]string{"sim"}, c.args...)...)
		if code := sim.code(t); code != c.code || !strings.Contains(sim.stderr.String(), c.says) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", c.args, code, c.code, c.says, sim.stderr)
		}
	}
	for list, wants := range map[string][]string{"--scenario": {"quiet-bot", "24h"}, "--speed 10 --scenario": {"quiet-bot", "2h24m14s"}, "--check --only": {"op 7", "(with --thorough)"}} {
		sim := startCommand(t, nil, append([]string{"sim"}, append(strings.Fields(list), "list")...)...)
		code := sim.code(t)
		for _, want := range wants {
			if code != 0 || !strings.Contains(sim.stdout.String(), want) {
				t.Errorf("%s list: exit code %d and no %q:\n%s", list, code, want, sim.stdout)
			}
		}
	}
}

// Given a bot that did all it was asked to, then it passes, with advice told as
// such; given one that lost a command, broke a rule or was never asked, it does not.
func TestSimAdviceIsNoFailure(t *testing.T) {
	note := discordsim.Violation{Statement: "G-138", What: "note: a reply without allowed_mentions pings everybody it names"}
	breach := discordsim.Violation{Statement: "G-021", What: "a heartbeat asked for with op 1 did not come in time"}
	for _, c := range []struct {
		verdict discordsim.Verdict
		passes  bool
		says    []string
	}{
		{discordsim.Verdict{Asked: 1, Answered: 1, Violations: []discordsim.Violation{note}}, true, []string{"rules      none broken", "advice     G-138: note: "}},
		{discordsim.Verdict{Asked: 1, Answered: 1, Violations: []discordsim.Violation{note, breach}}, false, []string{"advice     G-138: note: ", "broken     G-021: a heartbeat"}},
		{discordsim.Verdict{Asked: 1, Lost: 1}, false, []string{"1 lost", "rules      none broken"}},
		{discordsim.Verdict{}, false, []string{"0 asked"}},
		{discordsim.Verdict{Asked: 3, Answered: 3, AnsweredByReply: 3}, true, []string{"answers    3 by reply\n"}},
		{discordsim.Verdict{Asked: 3, Answered: 3, AnsweredInOrder: 3}, true, []string{"answers    0 by reply, 3 in order: "}},
	} {
		said := strings.Join(verdictLines(c.verdict), "\n")
		for _, want := range c.says {
			if !strings.Contains(said, want) {
				t.Errorf("%q is missing in\n%s", want, said)
			}
		}
		if passed(c.verdict) != c.passes {
			t.Errorf("passed: %t, want %t:\n%s", !c.passes, c.passes, said)
		}
	}
}

// Given the ports the simulator has, when nothing is said of the control port, then
// it is clear of both; any port where the first was any; and what is said counts.
func TestSimControlKeepsClear(t *testing.T) {
	sim := discordsim.New(discordsim.Config{})
	defer sim.Close()
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	given := listener.Addr().String()
	for _, c := range []struct{ addr, control, want string }{
		{"127.0.0.1:0", "", "127.0.0.1:0"},
		{given, "127.0.0.1:9", "127.0.0.1:9"},
	} {
		if got := (&simCommand{Addr: c.addr, Control: c.control}).controlAddr(listener); got != c.want {
			t.Errorf("beside %s the control port is %s, want %s", c.addr, got, c.want)
		}
	}
	if got := (&simCommand{Addr: given}).controlAddr(listener); got == given || got == listener.ResumeAddr().String() {
		t.Errorf("the control port %s is one of the simulator's", got)
	}
}
