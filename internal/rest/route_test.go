package rest

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

// Paths are taken apart as these patterns say, whatever they are put together of.
func TestPathsAsThePatternsSay(t *testing.T) {
	prefix := regexp.MustCompile(`^.*?/api(/v[0-9]+)?(/|$)`)
	word := regexp.MustCompile(`^(@me|@original|[a-z]+(-[a-z]+)*)$`)
	pieces := []string{"/api", "/api", "/v10", "/v", "/v1", "0", "/", "//", "x", "/channels", "123", "api", "@me", "@original", "-", "a-b", "A", "_", "é", "%2F"}
	r := rand.New(rand.NewPCG(1, 1))
	prefixes, words := 0, 0
	for range 50_000 {
		text := ""
		for range r.IntN(7) {
			text += pieces[r.IntN(len(pieces))]
		}
		want := text
		if at := prefix.FindStringIndex(text); at != nil {
			want = text[at[1]:]
			prefixes++
		}
		if got := afterAPI(text); got != want {
			t.Fatalf("of %q %q comes after the prefix, want %q", text, got, want)
		}
		is := word.MatchString(text)
		if is {
			words++
		}
		if isWord(text) != is {
			t.Fatalf("%q is a word: %t", text, is)
		}
	}
	if prefixes < 1000 || words < 1000 {
		t.Errorf("only %d prefixes and %d words were tried", prefixes, words)
	}
}
