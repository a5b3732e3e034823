package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	eastasian "golang.org/x/text/width"
)

// runeWidth is how many columns of a terminal a character takes. Marks that sit on
// another character take none, as in Thai, and ideographs take two.
func runeWidth(r rune) int {
	switch {
	case r < 0x20 || (r >= 0x7f && r < 0xa0):
		return 0
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	if kind := eastasian.LookupRune(r).Kind(); kind == eastasian.EastAsianWide || kind == eastasian.EastAsianFullwidth {
		return 2
	}
	return 1
}

// Columns is how many columns a text takes. Escape sequences that set colours take
// none.
func Columns(text string) (columns int) {
	for len(text) > 0 {
		if n := escape(text); n > 0 {
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		columns += runeWidth(r)
		text = text[size:]
	}
	return columns
}

// escape is the length of the colour sequence a text begins with; 0 if it does
// not.
func escape(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	return strings.IndexByte(text, 'm') + 1
}

// ClipColumns cuts a text so that it takes no more than so many columns. Colours are
// kept, so whatever was switched on is switched off again.
func ClipColumns(text string, most int) string {
	if Columns(text) <= most {
		return text
	}
	var b strings.Builder
	for columns := 0; len(text) > 0; {
		if n := escape(text); n > 0 {
			b.WriteString(text[:n])
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if columns += runeWidth(r); columns <= most-1 {
			b.WriteString(text[:size])
		} else if columns >= most {
			break
		}
		text = text[size:]
	}
	b.WriteString("…")
	if strings.Contains(b.String(), "\x1b[") {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// WrapColumns breaks a text between words into lines of at most so many columns. The
// first begins with first, the others with as much space as that takes.
func WrapColumns(first, text string, most int) (lines []string) {
	indent := strings.Repeat(" ", Columns(first))
	line, empty := first, true
	for _, word := range strings.Fields(text) {
		space := 1
		if empty {
			space = 0
		}
		if !empty && Columns(line)+space+Columns(word) > most {
			lines = append(lines, line)
			line, space = indent, 0
		}
		line += strings.Repeat(" ", space) + word
		empty = false
	}
	return append(lines, line)
}

// PadColumns fills a text up with space to so many columns.
func PadColumns(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-Columns(text)))
}
