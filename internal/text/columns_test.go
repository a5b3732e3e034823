package text

import (
	"slices"
	"strings"
	"testing"
)

func TestWidthCountsColumns(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "bot": 3, "ห้องวิจัย": 6, "研究室": 6, "Café": 4, "● ok": 4, "\x1b[1mbold\x1b[0m": 4, "e\u0301": 1, "🤖": 2,
	} {
		if got := Columns(text); got != want {
			t.Errorf("Columns(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestClipKeepsWithinColumns(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"short", 10, "short"},
		{"exactly ten", 11, "exactly ten"},
		{"too long for this", 8, "too lon…"},
		{"研究室です", 6, "研究…"},
		{"ห้องวิจัยใหญ่", 5, "ห้องวิ…"},
		{"\x1b[1mbold text\x1b[0m", 5, "\x1b[1mbold…\x1b[0m"},
	} {
		got := ClipColumns(c.text, c.most)
		if got != c.want {
			t.Errorf("ClipColumns(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
		if Columns(got) > c.most {
			t.Errorf("ClipColumns(%q, %d) takes %d columns", c.text, c.most, Columns(got))
		}
	}
}

func TestWrapBreaksBetweenWords(t *testing.T) {
	got := WrapColumns("0:01   ", "the connection carries nothing any more", 24)
	want := []string{"0:01   the connection", "       carries nothing", "       any more"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := WrapColumns("a ", "unbreakablewordthatislong", 10); len(got) != 1 {
		t.Errorf("a word that is too long was broken into %q", got)
	}
}

// Given long words and narrow screens, then lines break at spaces and lose
// nothing.
func TestWrapLosesNothing(t *testing.T) {
	text := "one two  three https://discord.com/developers/applications four"
	for width := 1; width < 80; width++ {
		lines := WrapColumns("", text, width)
		if got := strings.Join(lines, " "); got != strings.Join(strings.Fields(text), " ") {
			t.Errorf("width %d: %q", width, got)
		}
		for _, line := range lines {
			if len(line) > width && strings.Contains(line, " ") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}
