package text

import (
	"testing"
	"unicode"
)

// TestFold: what looks the same to people is the same, and nothing else is.
func TestFold(t *testing.T) {
	for s, want := range map[string]string{
		"PING":                         "ping",
		"p\u200bi\u00adn\u2060g\ufeff": "ping",
		"\u202bping\u202c\u200f":       "ping",
		"ping\ufe0f\U000e0100":         "ping",
		"！ｐｉｎｇ":                        "!ping",
		"a\u3000b\u00a0c\nd\u2800e":    "a b c d e",
		"e\u0301tat":                   "état",
		"สถานะ":                        "สถานะ",
		"น้ำ":                          "น้ํา", // both forms of this vowel are the same
		"น\u0e49\u0e4d\u0e32":          "น้ํา",
		"рing":                         "рing", // a Cyrillic letter is another letter
		"a\x00b\x1b":                   "ab",
	} {
		if got := Fold(s); got != want {
			t.Errorf("Fold(%+q) = %+q, want %+q", s, got, want)
		}
	}
}

// TestInvisibleCharacters: whatever has a shape or a place of its own is visible.
func TestInvisibleCharacters(t *testing.T) {
	for _, r := range "\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2064\u2066\u2069\ufeff\u00ad\u034f\u061c\u115f\u180e\u3164\uffa0\ufe00\ufe0f\U000e0001\U000e0061\U000e01ef\x00\x1b\x7f\u0085" {
		if want := !unicode.IsSpace(r); IsInvisible(r) != want {
			t.Errorf("IsInvisible(%U) = %v", r, !want)
		}
	}
	for _, r := range "a é็ิ\u0e33\u0301\n\t\u00a0\u3000👍\u0600\u06dd\ufffd\u20e3\U0001f3fd" {
		if IsInvisible(r) {
			t.Errorf("%U is visible", r)
		}
	}
	if got := Visible("👨\u200d👩 p\u200bing"); got != "👨👩 ping" {
		t.Errorf("Visible gave %+q", got)
	}
}
