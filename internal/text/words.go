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

// OneLine makes text of a peer safe to print: each run of white space, control
// and other unprintable characters becomes one space.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
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
