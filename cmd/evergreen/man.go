package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// manualCommand is evergreen man.
type manualCommand struct{}

// Run prints the manual page: evergreen man | man -l -
func (manualCommand) Run(p *process, app *kong.Kong) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH EVERGREEN 1 \"\" \"evergreen %s\" \"User Commands\"\n.SH NAME\nevergreen \\- keeps a Discord bot's dot green\n", version())
	b.WriteString(".SH SYNOPSIS\n.B evergreen\n.I command\n[\\fIflags\\fR]\n.SH DESCRIPTION\n" + roff(app.Model.Help) + "\n.SH COMMANDS\n")
	manualOf(&b, app.Model.Node, "evergreen")
	b.WriteString(".SH SETTINGS\nEvery setting is a flag of \\fBevergreen run\\fR, a variable of the environment or a line NAME=value in the file .env; " +
		"the flag wins over the environment, and that over the file. Secrets have no flag. Durations are seconds or such as 5m.\n")
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range []struct{ code, means string }{
		{"0", "Stopped as asked."},
		{"1", "Unexpected; another start may help."},
		{"2", "The command line is wrong."},
		{"78", "Settings or credentials need a person; the last lines say what to do."},
	} {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", e.code, e.means)
	}
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

func manualOf(b *strings.Builder, n *kong.Node, path string) {
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		said := path + " " + child.Name
		fmt.Fprintf(b, ".SS %s\n%s\n", roff(said), roff(child.Help))
		for _, flag := range child.Flags {
			if flag.Hidden {
				continue
			}
			value := ""
			if !flag.IsBool() && !flag.IsCounter() {
				value = "=\\fI" + roff(flag.FormatPlaceHolder()) + "\\fR"
			}
			fmt.Fprintf(b, ".TP\n\\fB\\-\\-%s\\fR%s\n%s\n", roff(flag.Name), value, roff(flag.Help))
		}
		manualOf(b, child, said)
	}
}

// roff is plain text in a manual page.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(strings.Join(strings.Fields(text), " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
