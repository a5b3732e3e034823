package config

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// update makes TestGeneratedFiles write the files instead of comparing them.
var update = flag.Bool("update", false, "write the generated files")

// TestGeneratedFiles holds everything an operator reads about settings against
// the table: .env.example, docs/settings.md and the flags. To write them anew:
// go generate ./internal/process/config
func TestGeneratedFiles(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	files := map[string][]byte{
		filepath.Join(root, ".env.example"):        envExample(),
		filepath.Join(root, "docs", "settings.md"): settingsPage(),
		"flags.go": flagsSource(t),
	}
	for path, want := range files {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s does not match the table of settings; run: go generate ./internal/process/config", path)
		}
	}
}

func envExample() []byte {
	var b bytes.Buffer
	b.WriteString(`# Settings of Evergreen. Copy this file to .env and put your token in.
# A line that begins with # is not in force; the value it shows is the default.
# Flags win over the environment, the environment wins over this file.
# Times are seconds (60) or durations (90s, 5m, 1h30m).
# Quote a value that contains " #". A "$" means just itself, and so does a "\" in a path
# or an address. Only ~/ at the beginning of a path stands for the home folder.
`)
	group := ""
	for _, s := range table {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n# ---- %s ----\n", group)
		}
		fmt.Fprintf(&b, "\n# %s\n# Allowed: %s.\n", strings.Join(wrap(s.Meaning, 100), "\n# "), strings.Join(wrap(s.Allowed, 90), "\n# "))
		comment := "#"
		if s.Name == "DISCORD_TOKEN" {
			comment = ""
		}
		fmt.Fprintf(&b, "%s%s=%s\n", comment, s.Name, s.Default)
	}
	return b.Bytes()
}

// wrap breaks a text into lines of at most width bytes.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

func settingsPage() []byte {
	var b bytes.Buffer
	b.WriteString(`# Settings

<!-- Made from the table in internal/process/config by go generate; do not edit. -->

Every setting can be given as a flag, in the environment or in a file named ` + "`.env`" + ` in the working directory (another one with
` + "`--env-file`" + `). Flags win over the environment, the environment over the file, the file over the default. Secrets have no flag, because
command lines are visible to everybody on a machine.

Times are plain seconds (` + "`60`, `60.0`" + `) or durations (` + "`90s`, `5m`, `1h30m`" + `). A value in ` + "`.env`" + ` that contains ` + "` #`" + ` needs quotes; ` + "`$`" + ` means just
itself, and so does ` + "`\\`" + ` in a path or an address; only ` + "`~/`" + ` at the beginning of a path is the home folder. All bad values are reported together, each with the place it came from, and the program ends with exit code 78.
`)
	group := ""
	for _, s := range table {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n\n| variable | flag | default | meaning | allowed |\n| --- | --- | --- | --- | --- |\n", group)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Name, code(flagText(s)), code(s.Default), cell(s.Meaning), cell(s.Allowed))
	}
	return b.Bytes()
}

func flagText(s Setting) string {
	switch {
	case s.FlagName() == "":
		return ""
	case s.Switch:
		return "--[no-]" + s.FlagName()
	}
	return "--" + s.FlagName()
}

func code(text string) string {
	if text == "" {
		return "-"
	}
	return "`" + cell(text) + "`"
}

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
}

func flagsSource(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString(`// Code generated from the table of settings by go generate; DO NOT EDIT.

package config

// Flags are the settings as flags of a command: embed them into the command's
// struct and call [Flags.Load] in its Run method. Secrets have no flag.
type Flags struct {
	// EnvFile is the .env file to read instead of the one in the working
	// directory. It must exist.
`)
	fmt.Fprintf(&b, "EnvFile string `name:\"env-file\" placeholder:\".env\" help:%s group:%s`\n\n", strconv.Quote("File with settings, one NAME=value a line."), strconv.Quote("Settings: files"))
	fields := map[string]string{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		fields[f.Tag.Get("env")] = f.Name
	}
	for _, s := range table {
		if s.FlagName() == "" {
			continue
		}
		kind, extra := "*string", fmt.Sprintf(" placeholder:%s", strconv.Quote(placeholder(s)))
		if s.Switch {
			kind, extra = "*bool", ` negatable:""`
		}
		help := fmt.Sprintf("%s (%s)", s.Meaning, s.Name)
		fmt.Fprintf(&b, "%s %s `setting:%q name:%q%s help:%s group:%s`\n", fields[s.Name], kind, s.Name, s.FlagName(), extra, strconv.Quote(help), strconv.Quote("Settings: "+s.Group))
	}
	b.WriteString("}\n")
	out, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func placeholder(s Setting) string {
	if s.Default == "" {
		return "..."
	}
	return s.Default
}
