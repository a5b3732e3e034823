package main

import (
	"os"
	"strings"
	"testing"

	"evergreen/internal/process/config"
)

// Given a bot in a process of its own, which is killed, hung, redeployed and stopped while
// people ask, then the dot is green throughout, nothing is lost, and no session is started but
// the first. The bot is this program, started again.
func TestProxyDemoKeepsTheDotGreen(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 15 s of real time")
	}
	t.Parallel()
	c := startCommand(t, []string{asProgram + "=1"}, "demo", "--proxy", "--api-addr", "127.0.0.1:0", "--for", "15s", "--pace", "0.5", "--seed", "14")
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, want := range []string{"bot redeployed", "bot killed", "bot hangs", "Connected: the dot was green for 100.0 %", "PASSED"} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// Given a demo of the proxy, when it is interrupted while the bot is away, then it sums up and
// ends with exit code 0.
func TestProxyDemoUntilInterrupted(t *testing.T) {
	t.Parallel()
	c := startCommand(t, []string{asProgram + "=1"}, "demo", "--proxy", "--api-addr", "127.0.0.1:0", "--seed", "28")
	c.stdout.await(t, "bot killed")
	c.signals <- os.Interrupt
	if code := c.code(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, want := range []string{"It was cut short.", "with seed 28, ", "PASSED"} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// A bot of one's own that cannot be started, ends at once or presents another token is named
// with the reason; one without --proxy is a mistake on the command line.
func TestProxyDemoNamesWhatIsWrongWithABot(t *testing.T) {
	t.Parallel()
	bot := func(command ...string) []string {
		return append([]string{"demo", "--proxy", "--no-api", "--"}, command...)
	}
	for name, one := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no program":     {bot("nosuchprogram"), 1, `the bot "nosuchprogram" cannot be started: executable file not found`},
		"ends at once":   {bot("sh", "-c", "echo no module named discord; exit 3"), 1, "the bot has ended by itself (exit status 3). The last it has said:\n  no module named discord"},
		"wrong token":    {bot("sh", "-c", `DISCORD_TOKEN=other exec "$0" demo-bot`, os.Args[0]), 1, "another token"},
		"too much asked": {[]string{"demo", "--proxy", "--rate", "9"}, int(config.ExitUsage), "at most 8 a second"},
		"without proxy":  {[]string{"demo", "python", "bot.py"}, int(config.ExitUsage), `Try: evergreen demo --help`},
	} {
		c := startCommand(t, []string{asProgram + "=1", "PATH=" + os.Getenv("PATH")}, one.args...)
		if code := c.code(t); code != one.code || !strings.Contains(c.stderr.String(), one.want) {
			t.Errorf("%s: exit code %d:\n%s", name, code, c.stderr)
		}
	}
}
