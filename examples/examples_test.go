// Package examples tests that the programs below it work: it builds each and lets it
// serve users of a simulated Discord.
package examples

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/testmode"
)

// lines is how many the smallest bot may have at most.
const lines = 29

// programs are the examples and what people say to each.
var programs = []struct{ name, say, slash string }{
	{name: "smallest", say: "!ping"},
	{name: "slash", slash: "greet"},
	{name: "moved", say: "!echo hello"},
	{name: "tested", say: "!thanks"},
}

// Given each example as a program of its own against the simulator on a port,
// then it comes online, answers what people say to it exactly once, also after
// its connection was cut, breaks no rule, and ends when it is asked to.
func TestExamplesWork(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no program can be interrupted from outside there")
	}
	t.Parallel()
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			serve(t, built(t, p.name), p.say, p.slash)
		})
	}
}

// folder is where the programs are built.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "evergreen-examples-"); err != nil {
		panic(err)
	}
	testmode.Waiting()
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// buildAll builds every example with one go command.
var buildAll = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "./...").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// built is an example as a program.
func built(t *testing.T, name string) string {
	t.Helper()
	if err := buildAll(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}

// patience is how long anything may take on a busy machine.
const patience = time.Minute

func serve(t *testing.T, program, say, slash string) {
	// On a busy machine a program may be slow without being wrong.
	sim := discordsim.New(discordsim.Config{
		Session:     discordsim.SessionConfig{Lifetime: 10 * time.Minute},
		Heartbeat:   discordsim.HeartbeatConfig{Grace: patience},
		AnswerGrace: patience,
		REST:        discordsim.RESTConfig{InteractionDeadline: patience},
	})
	defer sim.Close()
	guild := sim.AddGuild("library")
	ada := sim.AddUser("ada")
	sim.AddMembers(guild, ada)
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	bot := exec.CommandContext(ctx, program)
	bot.Env = append(os.Environ(), "DISCORD_TOKEN="+app.Token, "DISCORD_API_URL="+listener.APIURL())
	var said bytes.Buffer
	bot.Stdout, bot.Stderr = &said, &said
	if err := bot.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- bot.Wait() }()
	defer func() {
		_ = bot.Process.Signal(os.Interrupt)
		if err := <-over; err != nil {
			t.Errorf("it ended with %v", err)
		}
		if t.Failed() {
			t.Logf("it said:\n%s", strings.ReplaceAll(said.String(), app.Token, "***"))
		}
	}()

	until(t, over, "it is online", func() bool { return sim.Attached(app) })
	ask := func() {
		if slash != "" {
			sim.Interact(app, guild.Channels[0].ID, ada.ID, slash)
		} else {
			sim.Say(guild.Channels[0].ID, ada.ID, say, discordsim.Expect())
		}
	}
	ask()
	until(t, over, "it has answered", func() bool { return sim.Verdict(app).Answered == 1 })
	if _, err := sim.Inject(discordsim.Fault{Name: "cut", Host: "gateway"}); err != nil {
		t.Fatal(err)
	}
	until(t, over, "it has resumed", func() bool { return sim.Verdict(app).Resumed == 1 && sim.Attached(app) })
	ask()
	until(t, over, "it has answered again", func() bool { return sim.Verdict(app).Answered == 2 })
	v := sim.Verdict(app)
	if v.Twice+v.Lost > 0 || v.Identifies != 1 {
		t.Errorf("%d commands were answered twice, %d not at all; %d IDENTIFYs", v.Twice, v.Lost, v.Identifies)
	}
	for _, violation := range v.Violations {
		if !strings.HasPrefix(violation.What, "note: ") { // advice that disgo has no way to take
			t.Errorf("it broke %s: %s", violation.Statement, violation.What)
		}
	}
}

// until looks again and again whether something holds, while the program runs.
func until(t *testing.T, over chan error, what string, holds func() bool) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case err := <-over:
			over <- err
			t.Fatalf("the program ended (%v) before %s", err, what)
		case <-limit.C:
			t.Fatalf("after %s still not: %s", patience, what)
		}
	}
}

// The smallest bot stays small, its comment and imports included.
func TestTheSmallestBotIsSmall(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("smallest", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n > lines {
		t.Errorf("it has %d lines", n)
	}
}

// The diff of the bot that was moved over leads to the program as it stands:
// what it adds is there, what it takes away is not, and undone it is a bot that
// knows nothing of this module and still compiles.
func TestTheDiffIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("moved", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join("moved", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, diff, _ := strings.Cut(string(page), "```diff\n")
	diff, _, found := strings.Cut(diff, "```")
	if !found {
		t.Fatal("the README shows no diff")
	}
	before := string(source)
	changed := 0
	for hunk := range strings.SplitSeq(diff, "@@\n") {
		var old, now strings.Builder
		for line := range strings.Lines(hunk) {
			switch line[0] {
			case '+':
				now.WriteString(line[1:])
				if strings.TrimSpace(line[1:]) != "" {
					changed++
				}
			case '-':
				old.WriteString(line[1:])
			default:
				old.WriteString(line[1:])
				now.WriteString(line[1:])
			}
		}
		if strings.Count(before, now.String()) != 1 {
			t.Fatalf("this part of the diff is not in main.go:\n%s", now.String())
		}
		before = strings.Replace(before, now.String(), old.String(), 1)
	}
	if changed != 2 {
		t.Errorf("%d lines were changed", changed)
	}
	if strings.Contains(before, "evergreen/") {
		t.Error("the bot before the change imports this module")
	}
	place := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(place, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "vet", place).CombinedOutput(); err != nil {
		t.Errorf("before the change: %v\n%s", err, out)
	}
}
