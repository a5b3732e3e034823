package report

import (
	"fmt"
	"strings"
)

// reason is why a peer does badly, as its source has it.
type reason struct{ peer, scenarios, why string }

// reasonTable is checked against the sources of the versions named.
var reasonTable = []reason{}

// reasons writes them for the peers that were run.
func (r Run) reasons(b *strings.Builder) {
	if len(reasonTable) == 0 {
		return
	}
	b.WriteString("\n## Why, by their sources\n\n")
	for _, p := range r.ran() {
		for _, why := range reasonTable {
			if why.peer == p.Name {
				fmt.Fprintf(b, "- **%s**, %s: %s\n", p.Name, why.scenarios, why.why)
			}
		}
	}
}
