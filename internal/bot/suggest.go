package bot

import (
	"fmt"
	"strings"
	"unicode/utf8"
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
			if d := distance(word, name); d < slips {
				best, slips = c.Name, d
			}
		}
	}
	return best
}

// distance counts the slips between two words: letters left out, added,
// replaced or swapped with their neighbour.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	// before, last and row are three lines of the table of all prefixes.
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
