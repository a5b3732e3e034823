package features

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"evergreen/bench/clients"
	"evergreen/bench/peer"
)

// Library is a library and the program that tries it.
type Library struct {
	Name string
	// source is the program, below this package's folder, and module what the version is asked of.
	source, module string
	// runtime is the environment variable that names the program that runs it; "" where it is
	// looked for.
	runtime string
	build   func(context.Context, *Builder, *Library) (peer.Command, error)

	// Version is known once it is built.
	Version string
	// Command runs the program, once it is built.
	Command peer.Command
	// Missing is why it cannot be run here; empty if it can.
	Missing string
}

// Libraries returns all libraries.
func Libraries() []*Library {
	return []*Library{
		{Name: "discord.js", source: "discordjs/main.js", module: "discord.js", build: node},
		{Name: "eris", source: "eris/main.js", module: "eris", build: node},
		{Name: "oceanic.js", source: "oceanic/main.js", module: "oceanic.js", build: node},
		{Name: "discord.py", source: "discordpy/main.py", build: python},
		{Name: "discord.py (newer)", source: "discordpy/main.py", build: python, runtime: "EVERGREEN_DISCORDPY"},
		{Name: "disgo", source: "disgo", module: "github.com/disgoorg/disgo", build: golang},
		{Name: "arikawa", source: "arikawa", module: "github.com/diamondburned/arikawa/v3", build: golang},
		{Name: "discordgo", source: "discordgo", module: "github.com/bwmarrin/discordgo", build: golang},
	}
}

// Builder builds programs. Its methods may be called at the same time.
type Builder struct {
	// Bench is the folder of the bench module, Work a folder for what is built.
	Bench, Work string

	npm    sync.Once
	npmErr error
}

// Build builds the program of a library. If that is not possible here, Missing says why.
func (b *Builder) Build(ctx context.Context, lib *Library) {
	command, err := lib.build(ctx, b, lib)
	if err != nil {
		lib.Missing = err.Error()
	}
	lib.Command = command
}

// nativeModules is the environment variable with the folder of an npm project that has
// zlib-sync and erlpack, compiled.
const nativeModules = "EVERGREEN_NODE_NATIVE"

// node finds Node.js, and installs the libraries with npm if they are not there yet.
func node(ctx context.Context, b *Builder, lib *Library) (peer.Command, error) {
	program, err := exec.LookPath("node")
	if err != nil {
		return peer.Command{}, errors.New("there is no Node.js")
	}
	b.npm.Do(func() { b.npmErr = clients.InstallModules(ctx, b.Bench, b.Work) })
	if b.npmErr != nil {
		return peer.Command{}, b.npmErr
	}
	source := filepath.Join(b.Bench, "features", lib.source)
	command := peer.Command{Path: program, Args: []string{source}, Env: []string{"NODE_PATH=" + filepath.Join(b.Work, "node_modules"), nativeModules + "=" + os.Getenv(nativeModules)}}
	return command, lib.findVersion(ctx, b.Work, program, "-p", fmt.Sprintf("JSON.parse(require('fs').readFileSync('node_modules/%s/package.json')).version", lib.module))
}

// golang builds a program in Go.
func golang(ctx context.Context, b *Builder, lib *Library) (peer.Command, error) {
	path := filepath.Join(b.Work, lib.source)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./features/"+lib.source)
	cmd.Dir = b.Bench
	if out, err := cmd.CombinedOutput(); err != nil {
		return peer.Command{}, fmt.Errorf("go build: %w: %s", err, out)
	}
	return peer.Command{Path: path}, lib.findVersion(ctx, b.Bench, "go", "list", "-m", "-f", "{{.Version}}", lib.module)
}

// python finds discord.py where the system has it, or where the environment says.
func python(ctx context.Context, b *Builder, lib *Library) (peer.Command, error) {
	candidates, why := []string{"python3", "/usr/bin/python3"}, "discord.py is not installed (Debian: apt-get install python3-discord)"
	if lib.runtime != "" {
		candidates, why = []string{os.Getenv(lib.runtime)}, lib.runtime+" names no Python that has another discord.py"
	}
	// Debian's Python sees Debian's packages; another one on the path does not.
	for _, name := range candidates {
		program, err := exec.LookPath(name)
		if err == nil && lib.findVersion(ctx, b.Work, program, "-c", "import discord; print(discord.__version__)") == nil {
			return peer.Command{Path: program, Args: []string{filepath.Join(b.Bench, "features", lib.source)}}, nil
		}
	}
	return peer.Command{}, errors.New(why)
}

// findVersion asks a command for the version of the library.
func (lib *Library) findVersion(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), lib.Command.Env...)
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the version of %s: %w", lib.Name, err)
	}
	lib.Version = strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
	return nil
}

// noWord is what does not belong into the name of a folder.
var noWord = regexp.MustCompile(`[^a-z0-9]+`)

// slug is a name as that of a folder.
func slug(name string) string { return noWord.ReplaceAllString(strings.ToLower(name), "-") }
