package text

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 ms", 45 * time.Millisecond: "45 ms", 999 * time.Millisecond: "999 ms",
		time.Second: "1 s", 16230 * time.Millisecond: "16.2 s", 59940 * time.Millisecond: "59.9 s", 59960 * time.Millisecond: "1 min",
		12*time.Minute + 5*time.Second: "12 min 5 s", time.Hour - time.Millisecond: "1 h", 3*time.Hour + 12*time.Minute: "3 h 12 min",
		24*time.Hour - time.Second: "1 d", 51 * time.Hour: "2 d 3 h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 s", 59*time.Second + 999*time.Millisecond: "59 s", time.Minute: "1 min 0 s",
		3*time.Hour + 12*time.Minute: "3 h 12 min", 50 * time.Hour: "2 d 2 h",
	} {
		if got := Elapsed(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", 20 * time.Minute: "20m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		100 * time.Minute: "1h40m", time.Hour + time.Second: "1h0m1s", 250 * time.Millisecond: "250ms",
	} {
		if got := ShortDuration(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
		if back, err := time.ParseDuration(ShortDuration(d)); err != nil || back != d {
			t.Errorf("%s is read back as %s: %v", d, back, err)
		}
	}
}

func TestCountAndCapitalize(t *testing.T) {
	if Count(1, "event") != "1 event" || Count(0, "event") != "0 events" || Count(int64(12), "event") != "12 events" {
		t.Error("a count is not written as in English")
	}
	for s, want := range map[string]string{"": "", "öffnen": "Öffnen", "the bot": "The bot", "404": "404"} {
		if got := Capitalize(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for from, want := range map[string]string{
		"": "", "ResearchBot": "ResearchBot", " a\n\tb\x00c\x1b[31m\u202ed  ": "a b c [31md",
		"Re\u200bse\u00adarch\ufeffBot\u2060": "ResearchBot", "a\u202egnp.exe\u202c\u2066b\u2069": "agnp.exeb", "a\r\nb\u2028c\u2029d\u0085e\vf\fg": "a b c d e f g",
		"\x1b]0;title\x07bot": "]0;title bot", "\u009b31mred": "31mred", "\x9b31mred": "\ufffd31mred", "a\x7fb\x08c": "a b c", "\U000e0041tag": "tag", "\ue000x": "x",
		"ห้องวิจัย ": "ห้องวิจัย", "研究室\u3000です": "研究室 です", "a\u2800\u3164b": "a b", "❤\ufe0f": "❤", "e\u0301": "e\u0301",
		"Z" + strings.Repeat("\u0336", 400) + "a": "Z" + strings.Repeat("\u0336", 4) + "a", "\xff\xfe": "\ufffd",
	} {
		if got := OneLine(from); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
}

// Whatever a peer sends, one line of it has no character that is not shown, and
// making it safe once more changes nothing.
func FuzzOneLine(f *testing.F) {
	f.Add("a\x1b[2Jb\u202ec\xff\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := OneLine(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r != ' ' && (!unicode.IsPrint(r) || IsInvisible(r) || IsBlank(r)) }) {
			t.Errorf("%q became %q", s, got)
		}
		if OneLine(got) != got {
			t.Errorf("%q is not yet one line", got)
		}
		if lines := Printable(s); strings.Count(lines, "\n") != strings.Count(s, "\n") || strings.ContainsAny(lines, "\x1b\r\x00\u202e") {
			t.Errorf("%q became %q", s, lines)
		}
	})
}

func TestClipKeepsWholeCharacters(t *testing.T) {
	const limit = 30
	for n := range 8 {
		got := Clip(strings.Repeat("x", n)+strings.Repeat("ö€", limit), limit)
		if len(got) > limit+3 || len(got) < limit || !utf8.ValidString(got) || !strings.HasSuffix(got, "...") {
			t.Errorf("%d: %q", n, got)
		}
	}
	if got := Clip("exactly", 7); got != "exactly" {
		t.Errorf("got %q", got)
	}
	if got := Clip("\x80\x80\x80", 2); got != "..." {
		t.Errorf("got %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"A", "", 1}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ก", "ข", 1},
		{"TOKEN", "TOKN", 1}, {"TOKEN", "TOEKN", 1}, {"TOKEN", "TAKEN", 1}, {"LOG", "API", 3},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"ping", "help", "status"}
	for word, want := range map[string]string{"pnig": "ping", "status": "status", "statsu": "status", "kernel": "", "": ""} {
		if got := Nearest(word, names, 2); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 400 * time.Millisecond: "0.4 s", 3400 * time.Millisecond: "3.4 s", 12 * time.Second: "12 s", 10 * time.Second: "10 s", 72*time.Second + 300*time.Millisecond: "1m12s",
	} {
		if got := Seconds(d); got != want {
			t.Errorf("Seconds(%s) is %q, want %q", d, got, want)
		}
	}
}
