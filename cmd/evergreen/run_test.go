package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/demo"
)

// listeningSim is a simulated Discord on a port.
func listeningSim(t *testing.T) (*demo.World, *discordsim.Listener) {
	t.Helper()
	world := demo.NewWorld(demo.WorldOptions{Guilds: 1, People: 1})
	t.Cleanup(world.Sim.Close)
	listener, err := world.Sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return world, listener
}

// settings are those of a bot that is to use it.
func settings(world *demo.World, listener *discordsim.Listener, more ...string) []string {
	return append([]string{"DISCORD_API_URL=" + listener.APIURL(), "DISCORD_TOKEN=" + world.Bot.Token}, more...)
}

// ask lets the only person say something in the first channel.
func ask(world *demo.World, text string) discordsim.ID {
	return world.Sim.Say(world.Guilds[0].Channels[0].ID, world.People[0].ID, text, discordsim.Expect()).ID
}

// eventually waits until something is so.
func eventually[T any](t testing.TB, what string, is func() (T, bool)) T {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		if got, ok := is(); ok {
			return got
		}
		select {
		case <-ticker.C:
		case <-limit.C:
			t.Fatalf("in vain: %s", what)
		}
	}
}

// awaitAnswer waits for the answer to a message.
func awaitAnswer(t *testing.T, world *demo.World, to discordsim.ID) string {
	t.Helper()
	return eventually(t, "an answer", func() (string, bool) {
		all := world.Sim.Answers(to)
		if len(all) == 0 {
			return "", false
		}
		return all[0].Content, true
	})
}

// awaitClose waits until the simulator has heard how the bot closed.
func awaitClose(t *testing.T, world *demo.World) discordsim.Verdict {
	t.Helper()
	return eventually(t, "a close frame", func() (discordsim.Verdict, bool) {
		v := world.Sim.Verdict(world.Bot)
		return v, len(v.CloseCodes) > 0
	})
}

// Given a simulated Discord on a port, when the bot is run and asked something,
// then it answers; SIGTERM ends it with exit code 0 and leaves the session
// resumable, and the log stands in logs/bot.log without the token.
//
// Statements: G-090, G-157.
func TestRunAnswersAndPauses(t *testing.T) {
	file := inTempDir(t)
	world, listener := listeningSim(t)
	c := startCommand(t, settings(world, listener, "LOG_LEVEL=debug"), "run")
	c.stderr.await(t, "Online with a new session")
	if got := awaitAnswer(t, world, ask(world, "!ping")); !strings.HasPrefix(got, "Pong!") {
		t.Errorf("!ping was answered %q", got)
	}
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
	v := awaitClose(t, world)
	if v.CloseCodes[4900] != 1 || v.CloseCodes[1000] != 0 || world.Sim.Sessions(world.Bot) != 1 {
		t.Errorf("closed with %v, %d sessions are left; want 4900 once and one session", v.CloseCodes, world.Sim.Sessions(world.Bot))
	}
	for _, broken := range v.Violations {
		t.Errorf("the bot broke a rule: %s %s", broken.Statement, broken.What)
	}
	log, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(log), "Online with a new session") {
		t.Errorf("the log file does not tell: %v\n%s", err, log)
	}
	if strings.Contains(string(log)+c.stderr.String(), world.Bot.Token) {
		t.Error("the token can be read in the log")
	}
}

// Given --goodbye, when the bot is stopped, then it ends its session.
//
// Statements: G-089.
func TestRunSaysGoodbye(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	c := startCommand(t, settings(world, listener), "run", "--goodbye", "--log-file=none")
	c.stderr.await(t, "Online with a new session")
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
	if codes := awaitClose(t, world).CloseCodes; codes[1000] != 1 || world.Sim.Online(world.Bot) {
		t.Errorf("closed with %v, the dot is green: %v; want 1000 and grey", codes, world.Sim.Online(world.Bot))
	}
}

// Given an answer that cannot be sent, when the bot is told to stop a second
// time, then it does not wait for the rest of its grace.
func TestSecondSignalHurries(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	c := startCommand(t, settings(world, listener, "SHUTDOWN_GRACE=600"), "run", "--log-file=none", "--no-slash-commands")
	c.stderr.await(t, "Online with a new session")
	if _, err := world.Sim.Inject(discordsim.Fault{Name: "rest-timeout", Route: "POST /channels/{channel}/messages"}); err != nil {
		t.Fatal(err)
	}
	ask(world, "!about")
	c.signals <- syscall.SIGTERM
	c.stderr.await(t, "Stopping")
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
}

// Given no token, the command ends with exit code 78 and says where to get one.
func TestRunWithoutToken(t *testing.T) {
	t.Parallel()
	c := startCommand(t, nil, "run")
	if code := c.code(t); code != 78 {
		t.Errorf("exit code %d, want 78", code)
	}
	for _, want := range []string{"DISCORD_TOKEN", "https://discord.com/developers/applications", "evergreen demo"} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("%q does not say %q", c.stderr, want)
		}
	}
}

// Given a wrong token, the command ends with exit code 78, the remedy on lines of
// its own, and without the token.
//
// Statements: G-004.
func TestRunWithWrongToken(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	c := startCommand(t, settings(world, listener, "DISCORD_TOKEN=wrong"+world.Bot.Token), "run", "--log-file=none")
	if code := c.code(t); code != 78 {
		t.Errorf("exit code %d, want 78:\n%s", code, c.stderr)
	}
	for _, want := range []string{"evergreen: the bot token is not valid", "\n  1. Open https://discord.com/developers/applications"} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("%q does not say %q", c.stderr, want)
		}
	}
	if strings.Contains(c.stderr.String(), world.Bot.Token) {
		t.Error("the token can be read on the console")
	}
}

// Given switched-off intents, the command ends with exit code 78 and names the
// switches.
//
// Statements: G-096.
func TestRunWithIntentsOff(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	world.Sim.SetFlags(world.Bot, 0)
	c := startCommand(t, settings(world, listener), "run", "--log-file=none")
	if code := c.code(t); code != 78 {
		t.Errorf("exit code %d, want 78:\n%s", code, c.stderr)
	}
	for _, want := range []string{"Message Content Intent", "Server Members Intent", "DISCORD_OPTIONAL_INTENTS"} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("%q does not say %q", c.stderr, want)
		}
	}
}

// Given --api, /livez answers while the bot runs, and the port is free again
// afterwards.
func TestRunServesProbes(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	c := startCommand(t, settings(world, listener, "API_ADDR=127.0.0.1:0"), "run", "--api", "--log-file=none")
	address := c.stderr.await(t, "The HTTP API listens address=")
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://" + address + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("/livez answered %s", answer.Status)
	}
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
	if _, err := client.Get("http://" + address + "/livez"); err == nil {
		t.Error("/livez still answers after the end")
	}
}

// Given an address that other machines can reach and no token for the HTTP API, then
// nothing listens: the command ends with exit code 78 and the two ways out. With
// a token it listens.
func TestRunRefusesAnOpenAddress(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	open := settings(world, listener, "API_ADDR=0.0.0.0:0")
	p := startCommand(t, open, "run", "--api")
	if code := p.code(t); code != 78 {
		t.Errorf("exit code %d, want 78", code)
	}
	for _, want := range []string{"API_ADDR (environment", "other machines can reach 0.0.0.0:0", "Set API_TOKEN", "127.0.0.1:8000"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("%q does not say %q", p.stderr, want)
		}
	}
	p = startCommand(t, append(open, "API_TOKEN=long-enough-secret"), "run", "--api")
	p.stderr.await(t, "The HTTP API listens address=")
	if code := p.stop(t); code != 0 {
		t.Errorf("with a token: exit code %d, want 0", code)
	}
}
