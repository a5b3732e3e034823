package bot

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"evergreen/internal/text"
)

// unknownCommand returns the answer to a command that does not exist, with the nearest
// one that does.
func (b *Bot) unknownCommand(name, prefix string) string {
	if runes := []rune(name); len(runes) > maxNameLength {
		name = string(runes[:maxNameLength]) + "..."
	}
	shown := strings.Map(func(r rune) rune {
		if r == '`' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, text.Visible(name))
	if near := b.nearestCommand(text.Fold(name)); near != "" {
		return fmt.Sprintf("I do not know `%s%s`. Did you mean `%s%s`?", prefix, shown, prefix, near)
	}
	return fmt.Sprintf("I do not know `%s%s`. Ask `%shelp` for what I can do.", prefix, shown, prefix)
}

// nearestCommand returns the name of the command nearest to the word, or "" if none
// is: one typing error for every three letters is allowed.
func (b *Bot) nearestCommand(word string) string {
	letters := utf8.RuneCountInString(word)
	if letters > maxNameLength {
		return "" // prose, and slow to compare
	}
	best, least := "", 1+letters/3
	for i := range b.commands {
		c := &b.commands[i]
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			// A name of one or two letters is near to everything.
			if len(name) < 3 {
				continue
			}
			if d := text.Distance(word, name); d < least {
				best, least = c.Name, d
			}
		}
	}
	return best
}
