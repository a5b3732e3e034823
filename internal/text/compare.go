package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// IsBlank reports whether a character is a space or looks like one.
func IsBlank(r rune) bool {
	const brailleBlank = '\u2800'
	return unicode.IsSpace(r) || r == brailleBlank
}

// IsInvisible reports whether a character shows nothing and takes no room: zero-width
// characters, variation selectors, direction marks, soft hyphens, control characters.
// Vowels and other marks are no such characters. It is Unicode's property
// Default_Ignorable_Code_Point, with the control characters that are no spaces.
func IsInvisible(r rune) bool {
	switch {
	case r < 0x80:
		return r < ' ' && !unicode.IsSpace(r) || r == 0x7f
	case r >= 0xfff9 && r <= 0xfffb, r >= 0x13430 && r <= 0x13440, unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false // they are shown
	}
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		unicode.IsControl(r) && !unicode.IsSpace(r)
}

// Visible returns s without its invisible characters.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if IsInvisible(r) {
			return -1
		}
		return r
	}, s)
}

// Fold returns s as people compare what they see: without invisible characters, with one
// kind of space, in lower case, and with full-width and composed characters in the form
// that Unicode calls NFKC. It is for comparing only.
func Fold(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case IsBlank(r):
			return ' '
		case IsInvisible(r):
			return -1
		}
		return r
	}, s)
	return strings.ToLower(norm.NFKC.String(s))
}
