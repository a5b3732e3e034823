package service

import (
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

const description = "Evergreen: keeps a Discord bot's dot green"

// Plan is what is to run, and where.
type Plan struct {
	// Name tells several bots on one machine apart; letters, digits, - and _.
	Name string
	// Executable is the program, Dir the folder it works in: .env, the state and
	// the logs are looked for there. Both are absolute.
	Executable, Dir string
	// Writable are folders beyond Dir that the bot writes to, absolute.
	Writable []string
	// Proxy runs "proxy", for a bot in another language, in place of "run". Run are the
	// arguments after it.
	Proxy bool
	Run   []string
	// PerUser makes it a service of the account that installs it, which needs no
	// administrator. Otherwise it runs as User.
	PerUser bool
	User    string
	// Packaged is the unit as a package for a whole distribution would bring it:
	// with folders and an account that systemd makes for it.
	Packaged bool
}

func (p Plan) arguments() []string { return append([]string{p.command()}, p.Run...) }

func (p Plan) command() string {
	if p.Proxy {
		return "proxy"
	}
	return "run"
}

// check names the first thing that would make a service that cannot start.
func (p Plan) check() error {
	if p.Name == "" || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return fmt.Errorf("%q cannot be the name of a service: use letters, digits, - and _", p.Name)
	}
	paths := append([]string{p.Executable}, p.Writable...)
	if !p.Packaged {
		paths = append(paths, p.Dir)
	}
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%q is not an absolute path, and a service starts in another folder than this", path)
		}
	}
	for _, text := range slices.Concat(paths, p.Run, []string{p.User}) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%q has a line break or another control character in it, which a service file cannot hold", text)
		}
	}
	for _, path := range paths {
		if strings.Contains(path, "{{") {
			return fmt.Errorf("%q has two braces in it, which mean something else in a service file", path)
		}
	}
	if p.PerUser && p.User != "" {
		return errors.New("a service of your own account runs as you: leave out either --user or --run-as")
	}
	return nil
}

var (
	//go:embed unit.tmpl
	unitText string
	//go:embed job.tmpl
	jobText string

	texts = template.Must(template.Must(template.New("unit").Funcs(template.FuncMap{
		"argument": argument, "path": path, "percent": percent, "xml": escaped,
	}).Parse(unitText)).New("job").Parse(jobText))
)

// Unit is the plan as a systemd unit.
func (p Plan) Unit() (string, error) {
	if strings.ContainsAny(p.Executable, `"'\`) {
		return "", fmt.Errorf("systemd starts no program with a quotation mark or a backslash in its path, as in %s%s", p.Executable, copyIt)
	}
	if strings.TrimRight(p.Dir, ` \`) != p.Dir {
		return "", fmt.Errorf("systemd cannot work in a folder whose name ends in a space or a backslash, as %q does: rename it, or name another one with --dir", p.Dir)
	}
	return p.render("unit")
}

// Job is the plan as a launchd property list.
func (p Plan) Job() (string, error) { return p.render("job") }

func (p Plan) render(name string) (string, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	if err := texts.ExecuteTemplate(&b, name, map[string]any{
		"Plan": p, "Arguments": p.arguments(), "Description": description,
		"Writable": append([]string{p.Dir}, p.Writable...),
	}); err != nil {
		return "", fmt.Errorf("the service file cannot be written: %w", err)
	}
	return b.String(), nil
}

// percent keeps systemd from reading a specifier out of a path.
func percent(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// path is one of several paths in a line of a unit, whatever stands in it.
func path(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(text) + `"`
}

// argument is one word of a command in a unit; a dollar would be a variable there.
func argument(text string) string { return strings.ReplaceAll(path(text), `$`, `$$`) }

func escaped(text string) string {
	return strings.NewReplacer(`&`, "&amp;", `<`, "&lt;", `>`, "&gt;", `"`, "&#34;", `'`, "&#39;").Replace(text)
}
