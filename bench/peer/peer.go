package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Peer is a ping bot on one library.
type Peer struct {
	// Name is what reports call it, Short what columns do.
	Name, Short string
	// Ours marks Evergreen.
	Ours bool
	// Version is known once it is built.
	Version string
	// Note says what is special about how it is run: where its addresses are
	// set, what its defaults are.
	Note string
	// Unable names what the bot cannot be told to do, such as "!block".
	Unable []string

	build func(ctx context.Context, b *Builder, p *Peer) (Command, error)
	// Command runs it, once it is built.
	Command Command
	// Missing is why it is not run; empty if it is.
	Missing string
}

// Command is how to start a bot.
type Command struct {
	Path string
	Args []string
	// Env is added to what every bot gets: the token, the API's address, PING_BLOCK.
	Env []string
	// Dir is where it is started, where that matters; otherwise a folder of its own.
	Dir string
	// Console takes what it prints; nil: console.log in its folder.
	Console *os.File
}

// All returns the peers, Evergreen first.
func All() []*Peer {
	return []*Peer{
		{
			Name: "Evergreen", Short: "evergreen", Ours: true, build: product, Unable: []string{"!block", "!sends"},
			Note: "the product itself, `evergreen run` with default settings in an empty folder: history, session, identify account and lock on disk. Its commands run beside each other and its bot has no command that blocks or floods, so those two rows are for the library.",
		},
		{
			Name: "Evergreen, gateway package", Short: "gateway", Ours: true, build: own("evergreen", ""),
			Note: "the ping bot on the public packages `gateway` and `disgogateway` (REST limits), like for like with the peers: nothing is kept on disk, answers go out in the handler.",
		},
		{
			Name: "disgo", Short: "disgo", build: own("disgo", "github.com/disgoorg/disgo"),
			Note: "`rest.WithURL`; the gateway's address comes from there. As in its examples: `disgo.New`, a listener that answers in the listener, `defer client.Close`. Defaults: zstd-stream, no caches, synchronous listeners.",
		},
		{
			Name: "discordgo", Short: "discordgo", build: own("discordgo", "github.com/bwmarrin/discordgo"),
			Note: "the package's `Endpoint...` variables; API v9, its default. As in its pingpong example. Defaults: every message compressed by itself, state tracking on, every handler on a goroutine of its own.",
		},
		{
			Name: "arikawa", Short: "arikawa", build: own("arikawa", "github.com/diamondburned/arikawa/v3"),
			Note: "the package's `api.Endpoint...` variables; API v9, its default. `session` without the state cache, as in its simple example, and `Connect`, which its documentation prefers to `Open`. Defaults: no compression, every handler on a goroutine of its own.",
		},
		{
			Name: "discord.js", Short: "discord.js", build: discordjs,
			Note: "the option `rest.api`; the gateway's address comes from there. As in its guide, with `client.destroy()` on SIGTERM. `!block` is work that does not yield, as a handler in JavaScript blocks.",
		},
		{
			Name: "discord.py", Short: "discord.py", build: discordpy,
			Note: "`Route.BASE` and `DiscordWebSocket.DEFAULT_GATEWAY`. As in its quickstart: `client.run`. The version is Debian's. `!block` is `time.sleep`, the mistake its FAQ warns of.",
		},
	}
}

// Builder builds the bots.
type Builder struct {
	// Bench is the folder of the bench module, Work a folder for what is built.
	Bench, Work string
}

// Home returns the folder of the bench module, in which go -C bench run runs a command.
func Home(ctx context.Context) (string, error) {
	mod, err := run(ctx, ".", "go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	if filepath.Base(filepath.Dir(mod)) != "bench" {
		return "", errors.New("run it from the root of the repository with: go -C bench run")
	}
	return filepath.Dir(mod), nil
}

// Build builds a peer. If it cannot be built here, Missing says why.
func (b *Builder) Build(ctx context.Context, p *Peer) {
	command, err := p.build(ctx, b, p)
	if err != nil {
		p.Missing = err.Error()
		return
	}
	p.Command = command
}

// run runs a command in a folder and returns what it prints.
func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastLine(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// product builds the program of the module around this one, as it is released.
func product(ctx context.Context, b *Builder, p *Peer) (Command, error) {
	root := filepath.Dir(b.Bench)
	path := filepath.Join(b.Work, "evergreen")
	if _, err := run(ctx, root, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./cmd/evergreen"); err != nil {
		return Command{}, err
	}
	p.Version = revision(ctx, root)
	return Command{Path: path, Args: []string{"run"}}, nil
}

// revision names the commit that is measured.
func revision(ctx context.Context, root string) string {
	commit, err := run(ctx, root, "git", "describe", "--always", "--dirty=+", "--abbrev=8")
	if err != nil {
		return "without a version"
	}
	return commit
}

// own builds one of the bots in bots/ that are written in Go.
func own(name, module string) func(context.Context, *Builder, *Peer) (Command, error) {
	return func(ctx context.Context, b *Builder, p *Peer) (Command, error) {
		path := filepath.Join(b.Work, "ping-"+name)
		if _, err := run(ctx, b.Bench, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./bots/"+name); err != nil {
			return Command{}, err
		}
		if module == "" {
			p.Version = revision(ctx, filepath.Dir(b.Bench))
			return Command{Path: path}, nil
		}
		version, err := run(ctx, b.Bench, "go", "list", "-m", "-f", "{{.Version}}", module)
		if err != nil {
			return Command{}, err
		}
		p.Version = version
		return Command{Path: path}, nil
	}
}

// discordjs installs discord.js into the work folder with npm.
func discordjs(ctx context.Context, b *Builder, p *Peer) (Command, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return Command{}, errors.New("there is no Node.js")
	}
	version, err := run(ctx, b.Work, node, "--version")
	if err != nil {
		return Command{}, err
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return Command{}, errors.New("npm is not installed")
	}
	dir := filepath.Join(b.Work, "discordjs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Command{}, err
	}
	for _, name := range []string{"package.json", "bot.js"} {
		text, err := os.ReadFile(filepath.Join(b.Bench, "bots", "discordjs", name))
		if err != nil {
			return Command{}, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return Command{}, err
		}
	}
	if _, err := run(ctx, dir, npm, "install", "--no-audit", "--no-fund", "--silent"); err != nil {
		return Command{}, err
	}
	own, err := run(ctx, dir, node, "-p", "require('discord.js').version")
	if err != nil {
		return Command{}, err
	}
	p.Version = fmt.Sprintf("%s, Node %s", own, version)
	return Command{Path: node, Args: []string{filepath.Join(dir, "bot.js")}}, nil
}

var dotted = regexp.MustCompile(`^\d+\.\d+`)

// discordpy finds discord.py where the system has it (Debian: python3-discord).
func discordpy(ctx context.Context, b *Builder, p *Peer) (Command, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return Command{}, errors.New("there is no Python")
	}
	// Debian's Python sees Debian's packages; another one on the path does not.
	for _, path := range []string{python, "/usr/bin/python3"} {
		version, err := run(ctx, b.Work, path, "-c", "import discord, platform; print(discord.__version__ + ', Python ' + platform.python_version())")
		if err == nil && dotted.MatchString(version) {
			p.Version = version
			return Command{Path: path, Args: []string{filepath.Join(b.Bench, "bots", "discordpy", "bot.py")}}, nil
		}
	}
	return Command{}, errors.New("discord.py is not installed (Debian: apt-get install python3-discord)")
}
