package page

import (
	"net/http"
	"strconv"
	"strings"
)

// Lang is a language of the pages.
type Lang int

// The languages. Langs is how many there are.
const (
	English Lang = iota
	Thai
	Langs
)

// known are the languages as HTML and HTTP name them, and in their own words.
var known = [Langs]struct{ tag, name string }{English: {"en", "English"}, Thai: {"th", "ไทย"}}

// String returns the language's tag.
func (l Lang) String() string { return known[l].tag }

// Name is the language in its own words.
func (l Lang) Name() string { return known[l].name }

// Other is the language to switch to.
func (l Lang) Other() Lang { return (l + 1) % Langs }

// LangOf finds the language of a tag such as "th" or "th-TH".
func LangOf(tag string) (Lang, bool) {
	primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	for l, one := range known {
		if primary == one.tag {
			return Lang(l), true
		}
	}
	return English, false
}

// AcceptedLang reads Accept-Language: among the languages there are, the one
// the reader likes best, in the order of the list where weights are equal.
func AcceptedLang(h http.Header) Lang {
	best, weight := English, 0.0
	for _, entry := range strings.Split(h.Get("Accept-Language"), ",") {
		tag, params, _ := strings.Cut(entry, ";")
		l, ok := LangOf(tag)
		q := 1.0
		if _, value, given := strings.Cut(params, "q="); given {
			parsed, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				continue
			}
			q = parsed
		}
		if ok && q > weight {
			best, weight = l, q
		}
	}
	return best
}
