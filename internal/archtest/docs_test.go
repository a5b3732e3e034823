package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, place ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{root}, place...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// between returns what stands between two marks, and fails without them.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, text, begun := strings.Cut(text, from)
	text, _, ended := strings.Cut(text, to)
	if !begun || !ended {
		t.Fatalf("no text between %q and %q", from, to)
	}
	return text
}

// The README's short table of settings says the same as docs/settings.md, which
// is made from the code: name, default and meaning.
func TestREADMESettingsAreTrue(t *testing.T) {
	type row struct{ standard, meaning string }
	full := map[string]row{}
	for name, cells := range tableRows(read(t, "docs", "settings.md")) {
		full[name] = row{cells[2], cells[3]}
	}
	short := tableRows(between(t, read(t, "README.md"), "<!-- settings -->", "<!-- /settings -->"))
	if len(short) < 10 {
		t.Errorf("the README shows %d settings: want those a newcomer needs, 10 at least", len(short))
	}
	for name, cells := range short {
		want, known := full[name]
		if got := (row{cells[1], cells[2]}); !known || got != want {
			t.Errorf("README: %s: got %q, docs/settings.md says %q", name, got, want)
		}
	}
}

// tableRows returns the cells of each row that begins with a quoted name.
func tableRows(text string) map[string][]string {
	const pipe = "\x00" // stands for a pipe that belongs to a cell
	rows := map[string][]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "| "), `\|`, pipe), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), pipe, `\|`)
		}
		rows[cells[0]] = cells
	}
	return rows
}

// The command in docs/commands.md compiles as it stands there, beside the
// others.
func TestExampleCommandCompiles(t *testing.T) {
	example := between(t, read(t, "docs", "commands.md"), "```go\n", "```")
	folder := t.TempDir()
	source := filepath.Join(folder, "roll.go")
	if err := os.WriteFile(source, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	place, err := filepath.Abs(filepath.Join(root, "internal", "bot", "roll.go"))
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: source}})
	if err != nil {
		t.Fatal(err)
	}
	overlayPath := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(overlayPath, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "vet", "-overlay", overlayPath, "./internal/bot")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Given the table of the README that compares Evergreen with its peers, then it is
// the one that the last full run has made.
func TestReadmeComparesAsMeasured(t *testing.T) {
	measured, readme := read(t, "bench", "results", "summary.md"), read(t, "README.md")
	_, rest, _ := strings.Cut(readme, "<!-- sidebyside -->\n")
	shown, _, found := strings.Cut(rest, "\n<!-- /sidebyside -->")
	if !found || strings.TrimSpace(shown) != strings.TrimSpace(measured) {
		t.Error("README.md does not show bench/results/summary.md between its marks for sidebyside")
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// A link to a file of this repository leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	walk(t, func(name string, content []byte) {
		for n, line := range strings.Split(string(content), "\n") {
			for _, found := range link.FindAllStringSubmatch(line, -1) {
				target := found[1]
				if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
					continue
				}
				if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), filepath.FromSlash(target))); err != nil {
					t.Errorf("%s:%d: the link to %s leads nowhere", name, n+1, target)
				}
			}
		}
	}, ".md")
}

var sourceFile = regexp.MustCompile("`([\\w./-]+\\.go)`")

// A Go file that a page names exists, under this path or this name.
func TestPagesNameFilesThatExist(t *testing.T) {
	exists := map[string]bool{"roll.go": true, "internal/bot/roll.go": true} // the example of docs/commands.md
	walk(t, func(name string, _ []byte) {
		for exists[name] = true; ; {
			_, below, found := strings.Cut(name, "/")
			if !found {
				return
			}
			name = below
			exists[name] = true
		}
	}, ".go")
	walk(t, func(name string, content []byte) {
		if name == "CHANGELOG.md" || strings.HasPrefix(name, "bench/results/") {
			return // they tell of the past
		}
		for n, line := range strings.Split(string(content), "\n") {
			for _, found := range sourceFile.FindAllStringSubmatch(line, -1) {
				if !exists[strings.TrimPrefix(found[1], "./")] {
					t.Errorf("%s:%d: there is no file %s", name, n+1, found[1])
				}
			}
		}
	}, ".md")
}
