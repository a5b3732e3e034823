package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDotenvValues reads the ways people write .env files, with the line of
// each value.
func TestDotenvValues(t *testing.T) {
	tests := []struct {
		name, text string
		want       map[string]string
		line       int // of A, when not 1
	}{
		{"plain", "A=b", map[string]string{"A": "b"}, 0},
		{"spaces", "  A = b  \n", map[string]string{"A": "b"}, 0},
		{"export", "export A=b\n", map[string]string{"A": "b"}, 0},
		{"comments", "# one\n\n  # two\nA=b # three\n", map[string]string{"A": "b"}, 4},
		{"hash inside", "A=b#c\n", map[string]string{"A": "b#c"}, 0},
		{"quoted hash", "A=\"b # c\"\n", map[string]string{"A": "b # c"}, 0},
		{"single quotes", "A='b \"c\" # d'\n", map[string]string{"A": "b \"c\" # d"}, 0},
		{"several lines", "B=1\nA=\"x\ny\"\nC=2", map[string]string{"A": "x\ny", "B": "1", "C": "2"}, 2},
		{"dollar", "A=p$word${X}$\nB=\"$A\"\nC='$A'", map[string]string{"A": "p$word${X}$", "B": "$A", "C": "$A"}, 0},
		{"carriage returns", "A=b\r\nC=d\r\n", map[string]string{"A": "b", "C": "d"}, 0},
		{"byte order mark", "\ufeffA=b", map[string]string{"A": "b"}, 0},
		{"empty", "A=\nB=c", map[string]string{"A": "", "B": "c"}, 0},
		{"equals in value", "A=b=c", map[string]string{"A": "b=c"}, 0},
		{"nothing", "", map[string]string{}, 0},
		{"thai", "A=สวัสดี", map[string]string{"A": "สวัสดี"}, 0},
	}
	for _, test := range tests {
		got, problems, warnings := parseDotenv(".env", test.text)
		if len(problems) > 0 || len(warnings) > 0 {
			t.Errorf("%s: %v %v", test.name, problems, warnings)
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: %d values, want %d: %v", test.name, len(got), len(test.want), got)
		}
		for name, want := range test.want {
			if got[name].text != want {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got[name].text, want)
			}
		}
		if want := max(1, test.line); len(test.want) > 0 && got["A"].origin.Line != want {
			t.Errorf("%s: A is said to be on line %d, want %d", test.name, got["A"].origin.Line, want)
		}
	}
}

// TestDotenvMistakes: a bad line is named by its number and never shown, and
// the lines around it still count.
func TestDotenvMistakes(t *testing.T) {
	tests := []struct{ name, line, why string }{
		{"no equals sign", "SECRET hunter2hunter2", "not a name"},
		{"only a word", "hunter2hunter2", "not a name"},
		{"bad name", "MY-NAME=hunter2hunter2", "not a name"},
		{"name with a space", "MY NAME=hunter2hunter2", "not a name"},
		{"name with a digit first", "1A=hunter2hunter2", "not a name"},
		{"open quote", "X=\"hunter2hunter2", "closing quote"},
		{"junk after quote", "X=\"a\" hunter2hunter2", "not a name"},
		{"zero byte", "X=hunter2\x00", "not text"},
		{"not UTF-8", "X=\xff\xfe", "not text"},
	}
	for _, test := range tests {
		got, problems, _ := parseDotenv(".env", "A=1\n"+test.line+"\nB=2\n")
		if len(problems) != 1 {
			t.Errorf("%s: problems are %v, want one", test.name, problems)
			continue
		}
		text := problems[0].String()
		if !strings.HasPrefix(text, ".env line 2: ") || !strings.Contains(text, test.why) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: the problem says %q", test.name, text)
		}
		if got["A"].text != "1" || got["B"].text != "2" {
			t.Errorf("%s: the lines around it are lost: %v", test.name, got)
		}
	}
}

// TestDotenvFile: no file is fine; a folder, a huge file and UTF-16 are clear
// errors, reported together with a bad value elsewhere, and then nothing is
// said of a missing token, which may be in there.
func TestDotenvFile(t *testing.T) {
	if _, err := Load(Sources{Dotenv: filepath.Join(t.TempDir(), ".env"), TokenOptional: true}); err != nil {
		t.Errorf("without a file: %v", err)
	}
	tests := map[string]struct{ path, want string }{
		"folder":  {t.TempDir(), "cannot be read"},
		"huge":    {write(t, ".env", strings.Repeat("#", dotenvMost+1)), "larger than 64 KiB"},
		"UTF-16":  {write(t, ".env", "\xff\xfeA\x00=\x00b\x00"), "UTF-16"},
		"garbage": {write(t, ".env", "DISCORD_TOKEN "+realToken), "line 1"},
	}
	for name, test := range tests {
		_, err := Load(Sources{Dotenv: test.path, Environ: []string{"LOG_LEVEL=loud"}})
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, part := range []string{test.path, test.want, "LOG_LEVEL"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error does not say %q: %v", name, part, err)
			}
		}
		if strings.Contains(err.Error(), "is not set") || strings.Contains(err.Error(), realToken) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// TestDotenvStaysOutOfTheEnvironment: child processes must not inherit it.
//
// Statements: G-157.
func TestDotenvStaysOutOfTheEnvironment(t *testing.T) {
	before := os.Environ()
	if _, err := Load(Sources{Dotenv: write(t, ".env", "DISCORD_TOKEN="+realToken)}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, os.Environ()) {
		t.Error("the process environment has changed")
	}
}

// TestDotenvSlips: names that are nearly right are pointed out with their
// line; foreign names are left alone; a setting given twice is mentioned.
func TestDotenvSlips(t *testing.T) {
	dotenv := write(t, ".env", strings.Join([]string{
		"DISCORD_TOKEN=" + realToken, "DISCORD_TOKN=x", "discord_activity=x", "DISCORD_HEARTBEATTIMEOUT=60", "BOT_TOKEN=x",
		"LOG_LEVLE=info", "PATH=/bin", "DATABASE_URL=x", "DISCORD_CLIENT_ID=1", "PUBLIC_KEY=x", "API_ADDR=:1", "API_ADDR=127.0.0.1:1",
	}, "\n"))
	l, err := Load(Sources{Dotenv: dotenv, Environ: []string{"LOG_LEVLE=info", "EVERGREEN_STATEDIR=x", "TOKEN=x"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"API_ADDR is set twice: " + dotenv + " line 12 wins over line 11",
		"BOT_TOKEN (" + dotenv + " line 5) is not a setting and is ignored; did you mean DISCORD_TOKEN?",
		"DISCORD_HEARTBEATTIMEOUT (" + dotenv + " line 4) is not a setting and is ignored; did you mean DISCORD_HEARTBEAT_TIMEOUT?",
		"DISCORD_TOKN (" + dotenv + " line 2) is not a setting and is ignored; did you mean DISCORD_TOKEN?",
		"EVERGREEN_STATEDIR (environment) is not a setting and is ignored; did you mean EVERGREEN_STATE_DIR?",
		"LOG_LEVLE (" + dotenv + " line 6) is not a setting and is ignored; did you mean LOG_LEVEL?",
		"discord_activity (" + dotenv + " line 3) is not a setting and is ignored; did you mean DISCORD_ACTIVITY?",
	}
	if !slices.Equal(l.Warnings, want) {
		t.Errorf("warnings are\n%s\nwant\n%s", strings.Join(l.Warnings, "\n"), strings.Join(want, "\n"))
	}
}

// TestSuggestNeverInvents: every setting is found from itself and from a slip
// of one character, and never mistaken for another.
func TestSuggestNeverInvents(t *testing.T) {
	for _, s := range Settings() {
		if got := suggest(strings.ToLower(s.Name)); got != s.Name {
			t.Errorf("%s in lower case is taken for %q", s.Name, got)
		}
		if got := suggest(s.Name[:len(s.Name)-1]); got != s.Name {
			t.Errorf("%s without its last letter is taken for %q", s.Name, got)
		}
	}
}

// FuzzDotenv: no text of a .env file makes the parser panic or hang, a problem
// never repeats a long word of the text, and every line number exists.
func FuzzDotenv(f *testing.F) {
	for _, seed := range []string{
		"A=b", "A=\"x\ny\"", "export A='b'", "A: b", "\ufeffA=b", "=", "=x", "A", "A=\"", "A='\n\n\n", "# c\nA=$B", "A=\\$B", "A=b\rC=d", "A=\"\\n\\\"\"", "export", "export =", "\x85A=\xa0b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, problems, _ := parseDotenv(".env", text)
		lines := strings.Count(text, "\n") + 1
		for name, v := range got {
			if !variable.MatchString(name) || v.origin.Line < 1 || v.origin.Line > lines {
				t.Errorf("%q at %v", name, v.origin)
			}
		}
		said := ""
		for _, p := range problems {
			if p.Origin.Line > lines {
				t.Errorf("problem at line %d of %d", p.Origin.Line, lines)
			}
			said += p.String() + "\n"
		}
		for word := range strings.FieldsSeq(text) {
			if len(word) > 24 && strings.Contains(said, word) {
				t.Errorf("the problems repeat %q", word)
			}
		}
	})
}
