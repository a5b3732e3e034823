package bot

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"evergreen/internal/text"
)

// Builtin returns the commands the bot comes with, in the order help lists
// them. A new command is one line here and one file beside it.
func Builtin() []Command {
	return []Command{
		helpCommand,
		pingCommand,
		statusCommand,
		uptimeCommand,
		aboutCommand,
		shutdownCommand,
	}
}

// namePattern is what a command or parameter may be called: the part of Discord's
// rule that the bot uses.
var namePattern = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// checkCommands reports the first mistake in a table of commands, so that it is
// found at the start and not when Discord refuses the registration.
func checkCommands(commands []Command) error {
	taken := map[string]bool{}
	for _, c := range commands {
		if !namePattern.MatchString(c.Name) {
			return fmt.Errorf("command %q: a name is 1 to 32 lower-case letters, digits, - or _", c.Name)
		}
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if called := (addressing{}).parseName(name); called.name != text.Visible(name) || name == "" {
				return fmt.Errorf("command %q: nobody can call it %q: want one word of at most %d characters that starts with a letter", c.Name, name, maxNameLength)
			}
			folded := text.Fold(name)
			if taken[folded] {
				return fmt.Errorf("command %q: the name %q is taken by another command", c.Name, name)
			}
			taken[folded] = true
		}
		if n := utf8.RuneCountInString(c.Summary); n < 1 || n > 100 {
			return fmt.Errorf("command %q: the summary has %d characters: want 1 to 100", c.Name, n)
		}
		if c.Run == nil {
			return fmt.Errorf("command %q: it has no Run", c.Name)
		}
		optional, given := false, map[string]bool{}
		for _, p := range c.Parameters {
			if !namePattern.MatchString(p.Name) {
				return fmt.Errorf("command %q: parameter %q: a name is 1 to 32 lower-case letters, digits, - or _", c.Name, p.Name)
			}
			if n := utf8.RuneCountInString(p.Summary); n < 1 || n > 100 {
				return fmt.Errorf("command %q: parameter %q: the summary has %d characters: want 1 to 100", c.Name, p.Name, n)
			}
			if p.Required && optional {
				return fmt.Errorf("command %q: parameter %q is required but stands behind an optional one", c.Name, p.Name)
			}
			if given[p.Name] {
				return fmt.Errorf("command %q: there are two parameters %q", c.Name, p.Name)
			}
			given[p.Name] = true
			optional = !p.Required
		}
	}
	return nil
}
