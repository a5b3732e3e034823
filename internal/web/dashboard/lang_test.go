package dashboard

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/text"
)

// evening is when tests in fixed time play.
var evening = time.Date(2026, 11, 24, 21, 44, 17, 0, time.UTC)

// Every string is there in both languages and takes the same arguments in both,
// and nothing is asked for that is not there or there that is not asked for.
func TestWords(t *testing.T) {
	verb := regexp.MustCompile(`%[sd]`)
	for key, text := range englishTexts {
		translated := thaiTexts[key]
		if strings.TrimSpace(text) == "" || strings.TrimSpace(translated) == "" {
			t.Errorf("%s is %q in English and %q in Thai", key, text, translated)
		}
		if en, th := verb.FindAllString(text, -1), verb.FindAllString(translated, -1); !slices.Equal(en, th) {
			t.Errorf("%s takes %v in English and %v in Thai", key, en, th)
		}
	}
	if len(thaiTexts) != len(englishTexts) {
		t.Errorf("there are %d texts in Thai and %d in English", len(thaiTexts), len(englishTexts))
	}
	used := usedKeys(t)
	for key := range used {
		if _, ok := englishTexts[key]; !ok {
			t.Errorf("%s is asked for and missing", key)
		}
	}
	for key := range englishTexts {
		family, _, _ := strings.Cut(key, ".")
		plural := strings.HasSuffix(key, ".one") || strings.HasSuffix(key, ".many")
		if !used[key] && !plural && !slices.Contains([]string{"state", "general", "window", "theme", "unit"}, family) {
			t.Errorf("%s is never asked for", key)
		}
	}
	for _, status := range allStatuses {
		for _, key := range []string{"state.", "general."} {
			if _, ok := englishTexts[key+status.ID()]; !ok {
				t.Errorf("%s%s is missing", key, status.ID())
			}
		}
	}
}

var allStatuses = []health.Status{
	health.Online, health.Degraded, health.Stopping, health.Starting, health.Reconnecting, health.Offline, health.NeedsYou,
}

// usedKeys finds the keys that stand in templates and in the code.
func usedKeys(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	ask := regexp.MustCompile(`(?:\.T|\.Count|number\(|add\(|words\[|say\(|\["|, )\(?\s*"([a-z0-9.-]+)"`)
	collect := func(text string) {
		for _, m := range ask.FindAllStringSubmatch(text, -1) {
			if _, ok := englishTexts[m[1]]; ok || strings.Contains(m[0], ".T") {
				used[m[1]] = true
			}
		}
	}
	for _, name := range glob(t, web, "web/*.html") {
		text, err := fs.ReadFile(web, name)
		if err != nil {
			t.Fatal(err)
		}
		collect(string(text))
	}
	common := os.DirFS("../page")
	for _, name := range glob(t, common, "web/*.html") {
		text, err := fs.ReadFile(common, name)
		if err != nil {
			t.Fatal(err)
		}
		collect(string(text))
	}
	script := string(files.Content("evergreen.js"))
	for _, m := range regexp.MustCompile(`words\.([a-z]+)`).FindAllStringSubmatch(script, -1) {
		used[m[1]] = true
	}
	collect(script)
	here := os.DirFS(".")
	for _, name := range glob(t, here, "*.go") {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "lang_") {
			continue
		}
		text, err := fs.ReadFile(here, name)
		if err != nil {
			t.Fatal(err)
		}
		collect(string(text))
	}
	for _, suffixed := range []string{"theme.", "window.", "state.", "general."} {
		delete(used, suffixed)
	}
	return used
}

func glob(t *testing.T, where fs.FS, pattern string) []string {
	t.Helper()
	names, err := fs.Glob(where, pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v %v", pattern, names, err)
	}
	return names
}

// Every sentence of package health has a Thai one with room for the same values,
// and every name that history and text give has a text in both languages.
func TestEverySentenceHasThai(t *testing.T) {
	verb := regexp.MustCompile(`%(?:\[\d\])?s`)
	for _, key := range health.MessageKeys() {
		en, th := english.Sentence(key), thaiMessages[key]
		if strings.TrimSpace(th) == "" {
			t.Errorf("%s has no Thai: %s", key, en)
			continue
		}
		if en, th := len(verb.FindAllString(en, -1)), len(verb.FindAllString(th, -1)); en != th {
			t.Errorf("%s has room for %d values in English and for %d in Thai", key, en, th)
		}
	}
	if len(thaiMessages) != len(health.MessageKeys()) {
		t.Errorf("there are %d sentences in Thai and %d in English", len(thaiMessages), len(health.MessageKeys()))
	}
	var keys []string
	for _, w := range slices.Concat(history.UptimeWindows, history.LatencyWindows) {
		keys = append(keys, "window."+w.Name)
	}
	for _, theme := range (frame{}).Themes() {
		keys = append(keys, "theme."+theme)
	}
	for _, d := range []time.Duration{time.Millisecond, time.Second, 61 * time.Second, time.Hour, 25 * time.Hour} {
		for _, p := range text.Parts(d) {
			keys = append(keys, "unit."+p.Unit)
		}
	}
	for _, key := range keys {
		if englishTexts[key] == "" || thaiTexts[key] == "" {
			t.Errorf("%s is %q in English and %q in Thai", key, englishTexts[key], thaiTexts[key])
		}
	}
}

// Durations, shares and numbers are said the way a person would.
func TestNumbersInWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{english.Duration(240 * time.Millisecond), "240 ms"},
		{english.Duration(16200 * time.Millisecond), "16.2 s"},
		{english.Duration(12*time.Minute + 5*time.Second), "12 min 5 s"},
		{english.Duration(3*time.Hour + 12*time.Minute), "3 h 12 min"},
		{english.Duration(51 * time.Hour), "2 d 3 h"},
		{english.Duration(-time.Second), "0 ms"},
		{thai.Duration(3*time.Hour + 12*time.Minute), "3 ชม. 12 นาที"},
		{english.Share(1), "100%"}, {english.Share(0.999999), "99.999%"}, {english.Share(0.5), "50%"}, {english.Share(0), "0%"},
		{english.Number(184212), "184,212"}, {english.Number(-1234567), "-1,234,567"}, {english.Number(12), "12"},
		{english.Count(1, "incident"), "1 incident"}, {english.Count(2, "incident"), "2 incidents"},
		{english.Date(evening), "Tue 24 Nov"}, {thai.Date(evening), "อ. 24 พ.ย."},
		{english.Milliseconds(4100 * time.Microsecond), "4.1"}, {english.Milliseconds(412 * time.Millisecond), "412"},
	} {
		if strings.ReplaceAll(c.got, "\u00a0", " ") != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
