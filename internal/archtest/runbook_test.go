package archtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/internal/health"
)

// update makes the tests write the generated pages instead of comparing them.
var update = flag.Bool("update", false, "write docs/runbook.md and docs/api")

// Where a cause links to, the runbook explains it. To write the page anew:
// go test ./internal/archtest -run Runbook -update
func TestRunbookHoldsEveryCause(t *testing.T) {
	page := runbook()
	for _, c := range health.Catalogue {
		name, anchor, _ := strings.Cut(c.Link(), "#")
		if name != "docs/runbook.md" || !strings.Contains(page, fmt.Sprintf("<a id=%q></a>", anchor)) {
			t.Errorf("the link of %s, %s, leads nowhere", c.ID, c.Link())
		}
	}
	path := filepath.Join(root, "docs", "runbook.md")
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if read(t, "docs", "runbook.md") != page {
		t.Error("docs/runbook.md does not match the catalogue of causes; run: go test ./internal/archtest -run Runbook -update")
	}
}

func runbook() string {
	var b strings.Builder
	b.WriteString(`# Runbook

<!-- Made from the catalogue in internal/health by a test in internal/archtest; do not edit. -->

Why bots go offline, how that is noticed, what Evergreen does about it by itself, and what only you can do. The first part is ordered by how often and for how
long each keeps bots offline; the second is everyday life. An incident names its cause in these words, and alerts link here.
[offline.md](offline.md) starts from what you see instead.

To see a cause happen without a token, let the simulator stage it. Start ` + "`evergreen sim`" + `, run the bot against it with the settings it shows, and inject the fault that
the section names, with ` + "`for`" + `, ` + "`code`" + ` and the like where it says so:

` + "```" + `
curl -d '{"fault": "half-open", "for": "2m"}' http://127.0.0.1:8510/sim/faults
` + "```" + `

## What keeps bots offline
`)
	everyday := false
	for _, c := range health.Catalogue {
		title := c.Title
		if c.Number > 0 {
			title = fmt.Sprintf("%d. %s", c.Number, title)
		} else if !everyday {
			everyday = true
			b.WriteString("\n## Everyday ends of a connection, and what else there is\n")
		}
		fmt.Fprintf(&b, "\n### <a id=%q></a>%s\n\n", c.ID, title)
		for _, line := range []struct{ what, text string }{
			{"What happened", c.Happened}, {"Noticed by", c.Recognised}, {"Evergreen", c.Done}, {"You", c.Do}, {"Stage it", c.Reproduce}, {"No incident says so", c.Undetectable},
		} {
			switch {
			case line.text != "":
				fmt.Fprintf(&b, "- **%s:** %s\n", line.what, strings.ReplaceAll(line.text, "<", "&lt;"))
			case line.what == "You":
				b.WriteString("- **You:** nothing.\n")
			}
		}
	}
	return b.String()
}
