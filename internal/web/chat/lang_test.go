package chat

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"evergreen/discordsim"
)

// families are keys whose last part is made by a script or a template, with where from.
var families = []string{"theme.", "for.", "side.", "status.", "activity.", "system."}

// Every text is there in both languages and takes the same values in both; none is asked for
// that is not there, or there that is not asked for.
func TestTexts(t *testing.T) {
	values := func(text string) int { return strings.Count(text, "%s") }
	for key, en := range englishTexts {
		th := thaiTexts[key]
		if strings.TrimSpace(en) == "" || strings.TrimSpace(th) == "" {
			t.Errorf("%s is %q in English and %q in Thai", key, en, th)
		}
		if values(en) != values(th) {
			t.Errorf("%s takes %d values in English and %d in Thai", key, values(en), values(th))
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
		if !used[key] && !slices.ContainsFunc(families, func(family string) bool { return strings.HasPrefix(key, family) }) {
			t.Errorf("%s is never asked for", key)
		}
	}
}

// usedKeys finds the keys that stand in the templates, the scripts and the code.
func usedKeys(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{"page.title": true, "brand": true, "theme": true, "language": true} // of the code and of what pages have in common
	read := func(name, pattern string) {
		text, err := fs.ReadFile(web, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
	}
	read("web/chat.html", `\.T "([a-z.]+)"`)
	entries, err := fs.ReadDir(web, "web")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".js") {
			read("web/"+e.Name(), `\b(?:t|button|row)\((?:[a-z.]+ (?:=== \w+ )?\? )?"([a-z.]+)"`)
			read("web/"+e.Name(), `\bt\([^()"]*\? "[a-z.]+" : "([a-z.]+)"`)
		}
	}
	return used
}

// Every fault of the simulator is told in Thai, with the fields and the values that it names,
// and what stands above the others exists.
func TestFaultsInThai(t *testing.T) {
	for _, name := range discordsim.Faults() {
		says, en := thaiFaults[name], discordsim.DescribeFault(name).Description
		if says == "" {
			t.Errorf("%s has no Thai: %s", name, en)
		}
		for _, field := range regexp.MustCompile(`\b(?:Code|Delay|Text)\b|\d{3,}|op \d|[A-Z]{4,}`).FindAllString(en, -1) {
			if !strings.Contains(says, field) {
				t.Errorf("%s does not say %q in Thai: %s", name, field, says)
			}
		}
	}
	if len(thaiFaults) != len(discordsim.Faults()) {
		t.Errorf("%d faults are told in Thai, there are %d", len(thaiFaults), len(discordsim.Faults()))
	}
	for _, name := range usualFaults {
		if discordsim.DescribeFault(name).Description == "" {
			t.Errorf("there is no fault %s", name)
		}
	}
}

// Each family of keys has a text for all that its script or template asks for.
func TestFamilies(t *testing.T) {
	for _, key := range []string{
		"theme.auto", "theme.light", "theme.dark", "status.online", "status.idle", "status.dnd", "status.offline", "activity.0", "activity.1", "activity.2", "activity.3", "activity.5",
	} {
		if _, ok := englishTexts[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	for _, d := range (view{}).Durations() {
		if _, ok := englishTexts["for."+d]; !ok {
			t.Errorf("for.%s is missing", d)
		}
	}
	for _, name := range discordsim.Faults() {
		if side := discordsim.DescribeFault(name).Side; englishTexts["side."+side] == "" {
			t.Errorf("the side %q of %s has no name", side, name)
		}
	}
}
