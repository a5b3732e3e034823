package demo

import (
	"slices"
	"testing"
)

func TestWidthCountsColumns(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "bot": 3, "ห้องวิจัย": 6, "研究室": 6, "Café": 4, "● ok": 4, "\x1b[1mbold\x1b[0m": 4, "e\u0301": 1, "🤖": 2,
	} {
		if got := width(text); got != want {
			t.Errorf("width(%q) = %d, want %d", text, got, want)
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
		got := clip(c.text, c.most)
		if got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
		if width(got) > c.most {
			t.Errorf("clip(%q, %d) takes %d columns", c.text, c.most, width(got))
		}
	}
}

func TestWrapBreaksBetweenWords(t *testing.T) {
	got := wrap("0:01   ", "the connection carries nothing any more", 24)
	want := []string{"0:01   the connection", "       carries nothing", "       any more"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := wrap("a ", "unbreakablewordthatislong", 10); len(got) != 1 {
		t.Errorf("a word that is too long was broken into %q", got)
	}
}
