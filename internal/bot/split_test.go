package bot

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkParts holds what split made against what Discord takes (G-139) and what
// people expect: no part too long, empty, broken or with half a code block.
func checkParts(t *testing.T, text string, parts []string) {
	t.Helper()
	if len(parts) > partsLimit {
		t.Errorf("%d parts", len(parts))
	}
	if (len(parts) == 0) != (strings.TrimSpace(text) == "") {
		t.Errorf("%d parts of %.100q", len(parts), text)
	}
	for i, part := range parts {
		switch {
		case units(part) > contentLimit:
			t.Errorf("part %d has %d units", i+1, units(part))
		case strings.TrimSpace(part) == "":
			t.Errorf("part %d is blank", i+1)
		case !utf8.ValidString(part):
			t.Errorf("part %d is not UTF-8", i+1)
		case len(parts) > 1 && strings.Count(part, fence)%2 != 0:
			t.Errorf("part %d has half a code block:\n%s", i+1, part)
		}
	}
}

// letters is a text without what split may add or leave out.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '`' {
			return -1
		}
		return r
	}, text)
}

// TestSplit: what fits stays whole; what does not is cut at the best place.
//
// Statements: G-139.
func TestSplit(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":             {"", nil},
		"blank":               {" \n\t", nil},
		"short":               {"hello", []string{"hello"}},
		"exactly the limit":   {x(2000), []string{x(2000)}},
		"one too many":        {x(2001), []string{x(1996), x(5)}},
		"emoji count twice":   {strings.Repeat("🌲", 1001), []string{strings.Repeat("🌲", 998), "🌲🌲🌲"}},
		"at a line end":       {x(1500) + "\n" + x(400) + " " + x(400), []string{x(1500), x(400) + " " + x(400)}},
		"between words":       {x(1500) + " " + x(600), []string{x(1500), x(600)}},
		"a far line end":      {x(10) + "\n" + x(2500), []string{x(10) + "\n" + x(1985), x(515)}},
		"a line end at 1996":  {x(1996) + "\n" + x(100), []string{x(1996), x(100)}},
		"a whole code block":  {"```go\n" + x(1990) + "```", []string{"```go\n" + x(1990) + "```"}},
		"a cut code block":    {"a\n```go\n" + x(1500) + "\n" + x(600) + "\n```\nb", []string{"a\n```go\n" + x(1500) + "\n```", "```go\n" + x(600) + "\n```\nb"}},
		"an endless block":    {"```\n" + x(2500), []string{"```\n" + x(1992) + "\n```", "```\n" + x(508) + "\n```"}},
		"no language":         {"```not a name at all\n" + x(1900) + "\n" + x(500) + "\n```", []string{"```not a name at all\n" + x(1900) + "\n```", "```\n" + x(500) + "\n```"}},
		"indented code stays": {"```\n" + x(1900) + "\n    " + x(200) + "\n```", []string{"```\n" + x(1900) + "\n```", "```\n    " + x(200) + "\n```"}},
		"bad UTF-8":           {"a\xffb", []string{"a\uFFFDb"}},
		"marks stay together": {x(1995) + "ก็ข" + x(10), []string{x(1995), "ก็ข" + x(10)}},
		"joined emoji":        {x(1993) + "👩\u200d🔬" + x(10), []string{x(1993), "👩\u200d🔬" + x(10)}},
		"the best place":      {x(1000) + " " + x(995) + " " + x(100), []string{x(1000) + " " + x(995), x(100)}},
		"the best line end":   {x(1000) + "\n" + x(995) + "\n" + x(100), []string{x(1000) + "\n" + x(995), x(100)}},
		"a quarter, a line":   {x(499) + "\n" + x(2500), []string{x(499) + "\n" + x(1496), x(1004)}},
		"more, a line":        {x(500) + "\n" + x(1990), []string{x(500), x(1990)}},
		"a quarter, a space":  {x(499) + " " + x(2500), []string{x(499) + " " + x(1496), x(1004)}},
		"more, a space":       {x(500) + " " + x(1990), []string{x(500), x(1990)}},
		"space behind a cut":  {x(1996) + "  \n  " + x(100), []string{x(1996), x(100)}},
		"a block just ended":  {"```\n" + x(1992) + "\n```\nb", []string{"```\n" + x(1992) + "\n```", "b"}},
		"nothing behind it":   {"```\n" + x(1992) + "\n\n```", []string{"```\n" + x(1992) + "\n```"}},
		"an open block":       {"```\nabc\u200d", []string{"```\nabc\u200d\n```"}},
		"one backtick":        {x(1995) + "`" + x(10), []string{x(1995) + "`", x(10)}},
		"a long language":     {"```abcdefghijklmnopqrst\n" + x(1900) + "\n" + x(500) + "\n```", []string{"```abcdefghijklmnopqrst\n" + x(1900) + "\n```", "```abcdefghijklmnopqrst\n" + x(500) + "\n```"}},
		"too long a language": {"```abcdefghijklmnopqrstu\n" + x(1900) + "\n" + x(500) + "\n```", []string{"```abcdefghijklmnopqrstu\n" + x(1900) + "\n```", "```\n" + x(500) + "\n```"}},
		"odd languages":       {"```h264-c++_#.\n" + x(1900) + "\n" + x(500) + "\n```", []string{"```h264-c++_#.\n" + x(1900) + "\n```", "```h264-c++_#.\n" + x(500) + "\n```"}},
		"a word, no language": {x(1985) + " ```abc " + x(600) + "```", []string{x(1985) + " ```abc\n```", "```\n" + x(600) + "```"}},
		"the first of two":    {strings.Repeat("\U00010000", 1001), []string{strings.Repeat("\U00010000", 998), strings.Repeat("\U00010000", 3)}},
		"a run of backticks":  {x(1995) + "```a```" + x(10), []string{x(1995), "```a```" + x(10)}},
	} {
		got := split(c.text)
		if fmt.Sprint(got) != fmt.Sprint(c.want) || len(got) != len(c.want) {
			t.Errorf("%s: %d parts, want %d", name, len(got), len(c.want))
			for i, part := range got {
				t.Logf("part %d of %d units: %.40q ... %.40q", i+1, units(part), part, part[max(0, len(part)-40):])
			}
		}
		checkParts(t, c.text, got)
	}
}

// TestSplitTooMuch: what ten messages cannot hold is left out, and the last part
// says how much.
func TestSplitTooMuch(t *testing.T) {
	for _, text := range []string{strings.Repeat("word ", 10_000), "```go\n" + strings.Repeat("x := 1\n", 10_000) + "```"} {
		parts := split(text)
		checkParts(t, text, parts)
		if len(parts) != partsLimit {
			t.Fatalf("%d parts", len(parts))
		}
		var left int
		last := parts[partsLimit-1]
		if _, err := fmt.Sscanf(last[strings.LastIndex(last, "\n..."):], leftOut, &left); err != nil || left < 20_000 || left > 60_000 {
			t.Errorf("the last part ends with %.60q", last[len(last)-60:])
		}
	}
	// A code block's pages without a letter are left out.
	if parts := split("```\n" + strings.Repeat("x", 1990) + "\n" + strings.Repeat(" \n", 2500) + "y\n```"); len(parts) != 2 || !strings.HasSuffix(parts[1], "\ny\n```") {
		t.Errorf("%d parts: %q", len(parts), parts)
	}
	// What fits into the last part, to the last character, is not cut only because it leaves
	// a block open.
	for _, length := range []int{3, 1992} {
		parts := split(strings.Repeat("x", 9*1996) + "\n```\n" + strings.Repeat("y", length))
		if last := parts[len(parts)-1]; len(parts) != partsLimit || last != "```\n"+strings.Repeat("y", length)+"\n```" {
			t.Errorf("%d parts, the last ends with %.60q", len(parts), last[max(0, len(last)-60):])
		}
	}
	if parts := split(strings.Repeat("`", 5000)); len(parts) == 0 {
		t.Error("backticks alone give nothing")
	}
}

// FuzzSplit: whatever a command says, the parts are good and nothing is lost.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"", "hello", "word", "```go\nx := 1\n```\nend\n", "🌲", "ก็", "`", "``` ", "\xff\xfe", "👩\u200d🔬", "x```\n```y ", "```js\nab c\n", " \n",
	} {
		f.Add("", seed, 700)
		f.Add("```go\n", seed, 3000)
		f.Add("", seed, 1)
	}
	f.Fuzz(func(t *testing.T, start, text string, times int) {
		// Long texts from short inputs: those can be varied quickly.
		if len(text) > 100 || times > 10_000 {
			return
		}
		text = start + strings.Repeat(text, max(1, times))
		parts := split(text)
		checkParts(t, text, parts)
		if len(parts) < partsLimit {
			// A block that is opened again repeats its language, so only texts
			// without blocks can be compared.
			if whole := strings.ToValidUTF8(text, "\uFFFD"); !strings.Contains(whole, fence) && letters(strings.Join(parts, "")) != letters(whole) {
				t.Error("the parts together are not the text")
			}
		}
	})
}
