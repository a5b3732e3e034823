package bot

import (
	"context"
	"fmt"
	"strings"

	"evergreen/internal/text"
)

var helpCommand = Command{
	Name:    "help",
	Aliases: []string{"h", "commands"},
	Summary: "Lists what I can do, or explains one command",
	Details: "Without a word it lists every command; with the name of a command it explains that one.",
	Parameters: []Parameter{
		{Name: "command", Summary: "The command to explain"},
	},
	Run: func(_ context.Context, r *Request) (Answer, error) {
		if name := r.commandName(r.Argument("command")); name != "" {
			return explainCommand(r, name), nil
		}
		var text strings.Builder
		text.WriteString("**What I can do**\n")
		for i := range r.bot.commands {
			c := &r.bot.commands[i]
			fmt.Fprintf(&text, "`%s` %s", c.usage(r.Prefix), c.Summary)
			if c.OwnerOnly {
				text.WriteString(" (owner only)")
			}
			text.WriteByte('\n')
		}
		fmt.Fprintf(&text, "`%shelp ping` explains one of them. Every command also works as a slash command, in a direct message, and when you mention me.", r.Prefix)
		return Answer{Text: text.String()}, nil
	},
}

// commandName returns the name of a command that is given with or without a prefix.
func (r *Request) commandName(given string) string {
	for _, prefix := range []string{r.Prefix, r.bot.options.Prefix} {
		if name, ok := (addressing{prefix: prefix}).cutPrefix(given); ok && r.bot.findCommand(given) == nil {
			given = name
			break
		}
	}
	return trimBlank(text.Visible(given))
}

// explainCommand is help for one command.
func explainCommand(r *Request, name string) Answer {
	c := r.bot.findCommand(name)
	if c == nil {
		return Answer{Text: r.bot.unknownCommand(name, r.Prefix), Private: true}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "`%s`\n%s.", c.usage(r.Prefix), c.Summary)
	if c.Details != "" {
		text.WriteString(" " + c.Details)
	}
	for _, p := range c.Parameters {
		fmt.Fprintf(&text, "\n- `%s`: %s", p.Name, p.Summary)
		if !p.Required {
			text.WriteString(" (optional)")
		}
	}
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&text, "\nAlso: `%s`", strings.Join(c.Aliases, "`, `"))
	}
	if c.OwnerOnly {
		text.WriteString("\nOnly my owner may use it.")
	}
	return Answer{Text: text.String()}
}
