package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Count formats a number with its noun: "1 event", "12 events". The plural is
// the noun and an s.
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(int64(n), 10) + " " + noun + "s"
}

// Capitalize returns s with its first letter in upper case.
func Capitalize(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// OneLine makes text from outside (names, reasons, errors of servers) safe to print
// on one line: it is [Printable], and each run of blanks and line breaks becomes one
// space. Whatever others can have a say in and a terminal, a mail or a service
// manager gets to see goes through it, once, where it is printed.
func OneLine(s string) string { return strings.Join(strings.FieldsFunc(Printable(s), IsBlank), " ") }

// maxMarks is how many marks may sit on one character. No language needs more, and
// a terminal draws them over the lines above.
const maxMarks = 4

// Printable makes text that others have a say in, such as an error, safe to print
// with its line breaks and its indentation: control characters and what is not valid
// become spaces, characters that show nothing (zero-width, direction marks) are left
// out, and so are marks beyond the fourth on one character.
func Printable(s string) string {
	marks := 0
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == '\n' || r == '\t':
			return r
		case IsInvisible(r) && !unicode.IsControl(r), marks > maxMarks:
			return -1
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// Clip returns s if it has at most limit bytes, otherwise as many of its whole
// characters as fit into limit bytes, followed by "...".
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "..."
}
