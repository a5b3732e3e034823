package bot

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"evergreen/internal/text"
)

// unknown is the answer to a command that does not exist, with the nearest one
// that does.
func (b *Bot) unknown(name, prefix string) string {
	if runes := []rune(name); len(runes) > longestName {
		name = string(runes[:longestName]) + "..."
	}
	shown := strings.Map(func(r rune) rune {
		if r == '`' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, name)
	if near := b.nearest(strings.ToLower(name)); near != "" {
		return fmt.Sprintf("I do not know `%s%s`. Did you mean `%s%s`?", prefix, shown, prefix, near)
	}
	return fmt.Sprintf("I do not know `%s%s`. Ask `%shelp` for what I can do.", prefix, shown, prefix)
}

// nearest returns the name of the command most like the word, or "" when none
// is: at most one slip for every three letters.
func (b *Bot) nearest(word string) string {
	letters := utf8.RuneCountInString(word)
	if letters > longestName {
		return "" // prose, and slow to compare
	}
	best, slips := "", 1+letters/3
	for i := range b.commands {
		c := &b.commands[i]
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			// A name of one or two letters is near to everything.
			if len(name) < 3 {
				continue
			}
			if d := text.Distance(word, name); d < slips {
				best, slips = c.Name, d
			}
		}
	}
	return best
}
