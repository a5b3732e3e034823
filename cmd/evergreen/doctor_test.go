package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/discordsim"
)

// newDoctorSim is a simulated Discord on a port, and the environment of a bot in it.
func newDoctorSim(t *testing.T) (sim *discordsim.Sim, app *discordsim.App, environ []string) {
	t.Helper()
	sim = discordsim.New(discordsim.Config{})
	t.Cleanup(sim.Close)
	app = sim.AddApp(discordsim.AppConfig{Name: "ResearchBot", Guilds: []*discordsim.Guild{sim.AddGuild("Reading Group")}})
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return sim, app, []string{
		"DISCORD_API_URL=" + listener.APIURL(), "DISCORD_TOKEN=" + app.Token,
		"EVERGREEN_STATE_DIR=" + filepath.Join(t.TempDir(), "data"), "API_ADDR=127.0.0.1:1",
	}
}

// Given a bot that is well and does not run, then the doctor shows each check on
// a line, proves READY, and ends with 0.
func TestDoctorOfAHealthyBot(t *testing.T) {
	inTempDir(t)
	_, app, environ := newDoctorSim(t)
	c := startCommand(t, environ, "doctor")
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, c.stdout)
	}
	text := c.stdout.String()
	for _, want := range []string{"\nThis machine\n", "pass  Proof of READY", "ResearchBot, in 1 guild", "0 failed, 0 skipped"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 130 || strings.HasSuffix(line, " ") {
			t.Errorf("untidy: %q", line)
		}
	}
	if strings.Contains(text, "\x1b") || strings.Contains(text, app.Token) {
		t.Errorf("colours in a pipe, or the token:\n%s", text)
	}
}

// Given a running instance with an API, then the doctor asks it and spends no
// session start; and the instance notices nothing.
func TestDoctorAsksTheRunningInstance(t *testing.T) {
	inTempDir(t)
	sim, app, environ := newDoctorSim(t)
	bot := startCommand(t, append(environ, "API_ADDR=127.0.0.1:0", "LOG_FILE=none"), "run", "--api")
	addr := bot.stderr.await(t, "The HTTP API listens address=")
	bot.stderr.await(t, "Online with a new session")
	c := startCommand(t, append([]string{"API_ADDR=" + addr}, environ[:3]...), "doctor", "--json")
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, c.stdout)
	}
	var report struct {
		Exit, Passed, Failed int
		Checks               []struct {
			ID, Level, Says string
		}
	}
	if err := json.Unmarshal([]byte(c.stdout.String()), &report); err != nil {
		t.Fatal(err, c.stdout)
	}
	if len(report.Checks) < 20 || report.Failed != 0 || report.Passed == 0 {
		t.Errorf("report %+v", report)
	}
	for _, check := range report.Checks {
		if check.ID == "ready" && (check.Level != "pass" || !strings.Contains(check.Says, "by the running instance")) {
			t.Errorf("%+v", check)
		}
	}
	if v := sim.Verdict(app); v.Identifies != 1 || !sim.Attached(app) {
		t.Errorf("%d IDENTIFYs, want the bot's alone; online: %v", v.Identifies, sim.Attached(app))
	}
	if code := bot.stop(t); code != 0 {
		t.Errorf("the bot ended with %d", code)
	}
}

// Given a token that is refused, then the exit code tells a supervisor that only
// a person can help; skipped checks share a line.
func TestDoctorOfARefusedToken(t *testing.T) {
	inTempDir(t)
	_, _, environ := newDoctorSim(t)
	environ[1] = "DISCORD_TOKEN=another"
	c := startCommand(t, environ, "doctor")
	if code := c.code(t); code != 78 {
		t.Errorf("exit code %d", code)
	}
	text := c.stdout.String()
	for _, want := range []string{"FAIL  Token by REST", "-> 2. Press Reset Token", `"Token by REST" has failed; nor: Session starts (IDENTIFY), Shards`, "docs/runbook.md#token-refused"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
