package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/gateway"
	"evergreen/internal/demo"
	"evergreen/internal/process/config"
	"evergreen/internal/sidecar"
	"evergreen/internal/web/api"
)

// update makes TestPageShowsEachSetting write the page instead of comparing it.
var update = flag.Bool("update", false, "write the generated part of docs/proxy.md")

// docs/proxy.md shows the setting of each library as the command prints it. To write it
// anew: go test ./cmd/evergreen -run PageShows -update
func TestPageShowsEachSetting(t *testing.T) {
	const begin, end = "<!-- libraries: made from the table of evergreen proxy setup -->\n", "<!-- /libraries -->"
	path := filepath.Join("..", "..", "docs", "proxy.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the settings", path)
	}
	want := settingsOfLibraries()
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case got != want:
		t.Errorf("%s does not match the table of libraries; run: go test ./cmd/evergreen -run PageShows -update", path)
	}
}

// settingsOfLibraries is the generated part of docs/proxy.md.
func settingsOfLibraries() string {
	var b strings.Builder
	for _, l := range sidecar.Libraries {
		fmt.Fprintf(&b, "\n### %s (%s)\n\n```%s\n%s\n```\n", l.Names[0], l.Language, map[string]string{
			"Python": "python", "JavaScript": "js", "Go": "go", "Java": "java", "C#": "csharp", "Rust": "rust",
		}[l.Language], l.Code(gatewayURL(config.Defaults())))
		if notes := setupNotes(l, config.Defaults()); len(notes) > 0 {
			fmt.Fprintf(&b, "\n%s\n", strings.Join(notes, " "))
		}
	}
	return b.String() + "\n"
}

func TestSetupPrintsTheOneSetting(t *testing.T) {
	c := config.Defaults()
	c.ProxyURL, c.ProxyToken = "wss://bots.example.org", config.NewSecret("a-stand-in-of-32-characters-or-more")
	for name, want := range map[string][]string{
		"discord.py": {`"wss://bots.example.org/"`, `"https://bots.example.org/api/v10"`, "PROXY_TOKEN, not the real one"},
		"Discord.Js": {`"https://bots.example.org/api"`},
		"eris":       {`url: "wss://bots.example.org"`, "PROXY_TOKEN cannot be used"},
		"serenity":   {`"https://bots.example.org"`},
	} {
		l, err := findLibrary(name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, text := range want {
			if got := setup(l, c); !strings.Contains(got, text) {
				t.Errorf("%s lacks %q:\n%s", name, text, got)
			}
		}
	}
}

func TestSetupKnowsItsLibraries(t *testing.T) {
	inTempDir(t)
	c := startCommand(t, nil, "proxy", "setup")
	if code := c.code(t); code != 0 || strings.Count(c.stdout.String(), "evergreen proxy setup ") != len(sidecar.Libraries) || !strings.Contains(c.stdout.String(), "127.0.0.1:8001") {
		t.Errorf("exit code %d:\n%s", code, c.stdout)
	}
	c = startCommand(t, nil, "proxy", "setup", "discord.js", "--proxy-addr", "127.0.0.1:9999")
	if code := c.code(t); code != 0 || !strings.Contains(c.stdout.String(), "127.0.0.1:9999/api") {
		t.Errorf("exit code %d:\n%s", code, c.stdout)
	}
	c = startCommand(t, nil, "proxy", "setup", "DiscordPy")
	if code := c.code(t); code != 0 || !strings.Contains(c.stdout.String(), "# discord.py") {
		t.Errorf("exit code %d:\n%s", code, c.stdout)
	}
	c = startCommand(t, nil, "proxy", "setup", "discrd.py")
	if code := c.code(t); code != int(config.ExitUsage) || !strings.Contains(c.stderr.String(), "Did you mean discord.py?") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
}

// proxied starts a bot that connects to an address, that of the proxy or another gateway,
// and returns what it hears.
func proxied(t *testing.T, world *demo.World, address string) (shard *gateway.Shard, heard <-chan string) {
	t.Helper()
	messages := make(chan string, 100)
	hear := gateway.HandlerFunc(func(_ context.Context, e gateway.Event) { messages <- content(e) })
	return runBot(t, world, address, hear, "MESSAGE_CREATE"), messages
}

// content is what a MESSAGE_CREATE says.
func content(e gateway.Event) string {
	var m struct {
		Content string `json:"content"`
	}
	_ = json.Unmarshal(e.Data, &m)
	return m.Content
}

// runBot runs a bot that connects to the proxy and handles some events, until the test ends.
func runBot(t *testing.T, world *demo.World, address string, handler gateway.Handler, events ...string) *gateway.Shard {
	t.Helper()
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: world.Bot.Token, Intents: gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent},
		URLSource:   gateway.FixedURL("ws://" + address), Events: events, Handler: handler,
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- shard.Run(context.Background()) }()
	t.Cleanup(func() {
		_ = shard.Stop(context.Background(), gateway.KeepSession)
		<-ended
	})
	return shard
}

// awaitLive waits until a bot is live.
func awaitLive(t *testing.T, shard *gateway.Shard) {
	t.Helper()
	eventually(t, "the bot is live", func() (bool, bool) {
		live := gateway.Online(shard.State())
		return live, live
	})
}

// A bot that connects to the proxy hears what people say, and its program is started with
// the addresses, and ended, by the proxy.
func TestProxyServesABotAndItsProgram(t *testing.T) {
	file := inTempDir(t)
	world, listener := listeningSim(t)
	environ := settings(world, listener, "PROXY_ADDR=127.0.0.1:0", "PATH="+os.Getenv("PATH"))
	c := startCommand(t, environ, "proxy", "--no-api", "--", "sh", "-c", `echo "$EVERGREEN_GATEWAY_URL $EVERGREEN_API_URL" >addresses; exec sleep 600`)
	_, address, _ := strings.Cut(c.stderr.await(t, "Bots can connect"), "address=")
	shard, heard := proxied(t, world, address)
	awaitLive(t, shard)
	ask(world, "hello")
	if got := <-heard; got != "hello" {
		t.Errorf("the bot has heard %q", got)
	}
	want := "ws://" + address + " http://" + address + "/api\n"
	eventually(t, "the program has the addresses", func() (string, bool) {
		content, _ := os.ReadFile("addresses")
		return string(content), string(content) == want
	})
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	log, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(log)+c.stderr.String(), world.Bot.Token) {
		t.Errorf("the token can be read in the log, or there is none: %v", err)
	}
}

// A bot that asks for an intent that is switched off is told 4014, as Discord would, and
// the proxy goes on: once the switch is on, the bot only has to be started again.
func TestProxyTellsABotThatItsIntentsAreOff(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	world.Sim.SetPrivilegedIntents(world.Bot, false)
	c := startCommand(t, settings(world, listener, "PROXY_ADDR=127.0.0.1:0"), "proxy", "--no-api")
	_, address, _ := strings.Cut(c.stderr.await(t, "Bots can connect"), "address=")
	refused, _ := proxied(t, world, address)
	eventually(t, "the bot is told why", func() (gateway.State, bool) {
		state, parked := refused.State().(gateway.Parked)
		return state, parked && state.Reason.Code == gateway.CloseDisallowedIntents
	})
	if n := world.Sim.Verdict(world.Bot).Identifies; n != 0 {
		t.Errorf("%d IDENTIFYs were spent on it", n)
	}
	world.Sim.SetPrivilegedIntents(world.Bot, true)
	shard, _ := proxied(t, world, address)
	awaitLive(t, shard)
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A wrong token ends the proxy before any bot has come.
func TestProxyWithWrongTokenEndsAtOnce(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	environ := settings(world, listener, "PROXY_ADDR=127.0.0.1:0")
	world.Sim.ResetToken(world.Bot)
	c := startCommand(t, environ, "proxy", "--no-api")
	if code := c.code(t); code != int(config.ExitConfig) || !strings.Contains(c.stderr.String(), "Reset Token") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
}

// A program that is not there ends the proxy before it has done anything.
func TestProxyOfAProgramThatIsNotThereEndsAtOnce(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	c := startCommand(t, settings(world, listener, "PROXY_ADDR=127.0.0.1:0"), "proxy", "--no-api", "--", "no-such-program")
	if code := c.code(t); code != int(config.ExitConfig) || !strings.Contains(c.stderr.String(), "no-such-program") || strings.Contains(c.stderr.String(), "Bots can connect") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
}

// With --restart a program that ends with an error is started again, and one that ends
// without is not. Without the flag neither is.
func TestProgramIsStartedAgain(t *testing.T) {
	for name, one := range map[string]struct {
		flags []string
		told  string // of the last end
		runs  string
	}{
		"once":          {nil, "--restart", "run\n"},
		"until it ends": {[]string{"--restart"}, "without an error", "run\nrun\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inTempDir(t)
			world, listener := listeningSim(t)
			environ := settings(world, listener, "PROXY_ADDR=127.0.0.1:0", "PATH="+os.Getenv("PATH"))
			args := append(append([]string{"proxy", "--no-api"}, one.flags...), "--", "sh", "-c", `test -e runs && second=yes; echo run >>runs; test "$second"`)
			c := startCommand(t, environ, args...)
			c.stderr.await(t, one.told)
			if code := c.stop(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if runs, err := os.ReadFile("runs"); string(runs) != one.runs || err != nil {
				t.Errorf("it has run %q, %v", runs, err)
			}
		})
	}
	inTempDir(t)
	c := startCommand(t, nil, "proxy", "--restart")
	if code := c.code(t); code != int(config.ExitUsage) || !strings.Contains(c.stderr.String(), "--restart -- python") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
}

// A port that is taken ends the proxy with what to change.
func TestProxyWithoutItsPortSaysWhatToChange(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	c := startCommand(t, settings(world, listener, "PROXY_ADDR="+taken.Addr().String()), "proxy", "--no-api")
	if code := c.code(t); code != int(config.ExitConfig) || !strings.Contains(c.stderr.String(), "PROXY_ADDR") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
}

// A green dot over a bot that is not there is not well: the exit code says so.
func TestStatusTellsConnectedAndAttendedApart(t *testing.T) {
	for conditions, want := range map[string]reading{
		`[]`:                                   {Online: true, Attended: true, Exit: 0},
		`[{"cause":"disk-trouble"}]`:           {Online: true, Attended: true, Exit: 0},
		`[{"cause":"bot-away","trouble":"3"}]`: {Online: true, Attended: false, Exit: 1},
		`[{"cause":"bot-hangs"}]`:              {Online: true, Attended: false, Exit: 1},
	} {
		var told api.Status
		if err := json.Unmarshal([]byte(`{"status":"degraded","ready":true,"connected":true,"work":{"ok":true},"conditions":`+conditions+`}`), &told); err != nil {
			t.Fatal(err)
		}
		var got reading
		if got.judge(told); got.Online != want.Online || got.Attended != want.Attended || got.Exit != want.Exit {
			t.Errorf("%s: online %t, attended %t, exit %d", conditions, got.Online, got.Attended, got.Exit)
		}
	}
}
