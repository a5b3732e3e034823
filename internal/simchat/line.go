package simchat

import (
	"slices"
	"strings"
	"unicode"
)

// parseOptions splits what stands before the options of a line from the options, which are
// written name:value for the names that there are. A value goes on to the next of them, and
// may stand in quotes.
func parseOptions(line string, names []string) (bare string, values map[string]any) {
	values = map[string]any{}
	name, parts := "", []string{}
	done := func() {
		if value := strings.Join(parts, " "); name == "" {
			bare = value
		} else {
			values[name] = value
		}
		parts = nil
	}
	for _, w := range words(line) {
		option, value, is := strings.Cut(w.text, ":")
		if is && !w.quoted && slices.Contains(names, option) {
			done()
			name = option
			if value != "" {
				parts = append(parts, value)
			}
			continue
		}
		parts = append(parts, w.text)
	}
	done()
	return bare, values
}

// word is a word of a line.
type word struct {
	text   string
	quoted bool // it begins with a quote
}

// words splits a line at its blanks, except between quotes, which are left out. A quote that
// nothing ends is a character like others.
func words(line string) (all []word) {
	runes := []rune(line)
	for i := 0; i < len(runes); {
		if unicode.IsSpace(runes[i]) {
			i++
			continue
		}
		w := word{quoted: runes[i] == '"' && slices.Index(runes[i+1:], '"') >= 0}
		var b strings.Builder
		for i < len(runes) && !unicode.IsSpace(runes[i]) {
			end := -1
			if runes[i] == '"' {
				end = slices.Index(runes[i+1:], '"')
			}
			if end < 0 {
				b.WriteRune(runes[i])
				i++
				continue
			}
			b.WriteString(string(runes[i+1 : i+1+end]))
			i += end + 2
		}
		w.text = b.String()
		all = append(all, w)
	}
	return all
}

// plain are the words of a line alone.
func plain(line string) (all []string) {
	for _, w := range words(line) {
		all = append(all, w.text)
	}
	return all
}
