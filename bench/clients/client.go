package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergreen/bench/peer"
	"evergreen/internal/freeport"
)

// defaultAddress is where evergreen proxy serves bots if nothing else is said.
const defaultAddress = "127.0.0.1:8001"

// installWithin bounds npm.
const installWithin = time.Minute

// Client is a bot on one library.
type Client struct {
	// Name is what evergreen proxy setup calls the library.
	Name string
	// Variant tells bots on the same library apart; "" for the usual one.
	Variant string
	// Compression is what it asks for by default: a transport compression, "payload" for
	// messages that are compressed one by one, or "".
	Compression string

	// caches: it keeps the channels of its guilds by default.
	caches bool
	// watchdog: while its handlers are held up it does not read heartbeats' answers, and
	// connects again for it.
	watchdog bool
	source   string // below this package's folder
	// runtime is the environment variable that names the program that runs it; "" where it is
	// looked for.
	runtime string
	module  string // of the library, for its version
	// plain: it finds its address in DISCORD_API_URL, and is not for evergreen proxy.
	plain bool
	// overTLS: its REST requests go to Discord directly, by https alone.
	overTLS bool
	build   func(ctx context.Context, b *Builder, c *Client) (peer.Command, error)

	// Version of the library is known once the bot is built.
	Version string
	// Address is where the bot connects, once it is built.
	Address string
	// Command runs it, once it is built.
	Command peer.Command
	// Missing is why it cannot be run here; empty if it can.
	Missing string
}

// String is the name with the variant.
func (c *Client) String() string {
	if c.Variant == "" {
		return c.Name
	}
	return c.Name + "-" + c.Variant
}

// All returns the bots.
func All() []*Client {
	return []*Client{
		{Name: "discord.js", caches: true, source: "discordjs/main.js", module: "discord.js", build: node},
		{Name: "discord.py", caches: true, watchdog: true, source: "discordpy/main.py", build: python, Compression: "zlib-stream"},
		{Name: "discord.py", Variant: "newer", caches: true, watchdog: true, source: "discordpy/main.py", build: python, Compression: "zlib-stream", runtime: "EVERGREEN_DISCORDPY"},
		{Name: "discordgo", caches: true, source: "discordgo/main.go", module: "github.com/bwmarrin/discordgo", build: golang, Compression: "payload"},
		{Name: "disgo", watchdog: true, source: "disgo/main.go", module: "github.com/disgoorg/disgo", build: golang, Compression: "zstd-stream"},
		{Name: "arikawa", watchdog: true, source: "arikawa/main.go", module: "github.com/diamondburned/arikawa/v3", build: golang, Compression: "payload"},
		{Name: "eris", caches: true, source: "eris/main.js", module: "eris", build: node, overTLS: true},
	}
}

// Builder builds Evergreen and the bots. Its methods may be called at the same time.
type Builder struct {
	// Bench is the folder of the bench module, Work a folder for what is built.
	Bench, Work string
	// Evergreen is the program.
	Evergreen string

	npm sync.Once
	// why npm has failed
	npmErr error
}

// NewBuilder builds Evergreen.
func NewBuilder(ctx context.Context, bench, work string) (*Builder, error) {
	program := filepath.Join(work, "evergreen")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/evergreen")
	cmd.Dir = filepath.Dir(bench)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("evergreen cannot be built: %w: %s", err, out)
	}
	return &Builder{Bench: bench, Work: work, Evergreen: program}, nil
}

// Build builds a bot for an address of its own. If it cannot be built here, Missing says
// why.
func (b *Builder) Build(ctx context.Context, c *Client) error {
	source, err := os.ReadFile(filepath.Join(b.Bench, "clients", c.source))
	if err != nil {
		return err
	}
	if !c.plain {
		if err := b.checkSetting(ctx, c, string(source)); err != nil {
			return err
		}
	}
	if c.Address, err = freeport.Address(); err != nil {
		return err
	}
	target := b.sourceOf(c)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(target, []byte(strings.ReplaceAll(string(source), defaultAddress, c.Address)), 0o600); err != nil {
		return err
	}
	command, err := c.build(ctx, b, c)
	if err != nil {
		c.Missing = err.Error()
	}
	c.Command = command
	return nil
}

// sourceOf is the source of a bot, once it is built.
func (b *Builder) sourceOf(c *Client) string { return filepath.Join(b.Work, c.Variant, c.source) }

// checkSetting checks that a bot does what evergreen proxy setup prints for its library.
func (b *Builder) checkSetting(ctx context.Context, c *Client, source string) error {
	printed, err := b.setting(ctx, c)
	if err != nil {
		return err
	}
	if line := missingLine(printed, source); line != "" {
		return fmt.Errorf("%s does not do what evergreen proxy setup %s prints; it lacks the line %q", c.source, c.Name, line)
	}
	return nil
}

// setting is what evergreen proxy setup prints for the library.
func (b *Builder) setting(ctx context.Context, c *Client) (string, error) {
	cmd := exec.CommandContext(ctx, b.Evergreen, "proxy", "setup", c.Name)
	cmd.Dir, cmd.Env = b.Work, []string{"HOME=" + b.Work}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("evergreen proxy setup %s: %w: %s", c.Name, err, out)
	}
	return string(out), nil
}

// missingLine returns the first line of code in a printed setting that a source does not
// have in that order; "" if it has all of them. Prose ends in a full stop.
func missingLine(printed, source string) string {
	rest := strings.Split(source, "\n")
	for line := range strings.Lines(printed) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasSuffix(line, ".") {
			continue
		}
		for len(rest) > 0 && strings.TrimSpace(rest[0]) != line {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return line
		}
	}
	return ""
}

// golang builds a bot that is written in Go.
func golang(ctx context.Context, b *Builder, c *Client) (peer.Command, error) {
	original := filepath.Join(b.Bench, "clients", c.source)
	replaced := b.sourceOf(c)
	overlay := replaced + ".json"
	if err := os.WriteFile(overlay, fmt.Appendf(nil, `{"Replace":{%q:%q}}`, original, replaced), 0o600); err != nil {
		return peer.Command{}, err
	}
	path := filepath.Join(filepath.Dir(replaced), "bot")
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", path, "./clients/"+filepath.Dir(c.source))
	cmd.Dir = b.Bench
	if out, err := cmd.CombinedOutput(); err != nil {
		return peer.Command{}, fmt.Errorf("go build: %w: %s", err, out)
	}
	return peer.Command{Path: path}, c.findVersion(ctx, b.Bench, "go", "list", "-m", "-f", "{{.Version}}", c.module)
}

// findVersion asks a command for the version of the library.
func (c *Client) findVersion(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the version of %s: %w", c.Name, err)
	}
	c.Version = strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
	return nil
}

// node finds Node.js, and installs the libraries with npm if they are not there yet.
func node(ctx context.Context, b *Builder, c *Client) (peer.Command, error) {
	program, err := exec.LookPath("node")
	if err != nil {
		return peer.Command{}, errors.New("there is no Node.js")
	}
	b.npm.Do(func() { b.npmErr = InstallModules(ctx, b.Bench, b.Work) })
	if b.npmErr != nil {
		return peer.Command{}, b.npmErr
	}
	find := "JSON.parse(require('fs').readFileSync(" + strconv.Quote("node_modules/"+c.module+"/package.json") + ")).version"
	return peer.Command{Path: program, Args: []string{b.sourceOf(c)}}, c.findVersion(ctx, b.Work, program, "-p", find)
}

// InstallModules installs what package-lock.json names into a work folder, with npm, unless it
// is there already; bench is the folder of the bench module.
func InstallModules(ctx context.Context, bench, work string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not installed")
	}
	const lockfile, installed = "package-lock.json", "installed-lock.json"
	for _, name := range []string{"package.json", lockfile} {
		text, err := os.ReadFile(filepath.Join(bench, "clients", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, name), text, 0o600); err != nil {
			return err
		}
	}
	lock, err := os.ReadFile(filepath.Join(work, lockfile))
	if err != nil {
		return err
	}
	if there, err := os.ReadFile(filepath.Join(work, installed)); err == nil && bytes.Equal(there, lock) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, installWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--fetch-retries", "1")
	cmd.Dir, cmd.WaitDelay = work, time.Second
	if out, err := cmd.CombinedOutput(); ctx.Err() != nil {
		return fmt.Errorf("npm ci has not ended within %v", installWithin)
	} else if err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return os.WriteFile(filepath.Join(work, installed), lock, 0o600)
}

// python finds discord.py where the system has it (Debian: python3-discord), or where the
// environment says.
func python(ctx context.Context, b *Builder, c *Client) (peer.Command, error) {
	candidates, why := []string{"python3", "/usr/bin/python3"}, "discord.py is not installed (Debian: apt-get install python3-discord)"
	if c.runtime != "" {
		candidates, why = []string{os.Getenv(c.runtime)}, c.runtime+" names no Python that has another discord.py"
	}
	// Debian's Python sees Debian's packages; another one on the path does not.
	for _, name := range candidates {
		program, err := exec.LookPath(name)
		if err == nil && c.findVersion(ctx, b.Work, program, "-c", "import discord; print(discord.__version__)") == nil {
			return peer.Command{Path: program, Args: []string{b.sourceOf(c)}}, nil
		}
	}
	return peer.Command{}, errors.New(why)
}
