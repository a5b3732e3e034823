package report

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"evergreen/bench/trial"
)

// WriteMarkdown writes everything for a person: what was measured where, the
// tables, and what has to be known to be fair.
func (r Run) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Side by side\n\nMade by `%s` on %s, in %s.\n\n- Machine: %s.\n- Seed %d, %d waiting cells beside each other; cells that measure CPU time and memory ran alone.\n- Heartbeat interval %s, a session lives %s without a connection.\n",
		r.Command, r.Machine.Date.Format("2006-01-02 15:04 MST"), r.Took, r.Machine, r.Seed, r.Jobs, r.Rules.Heartbeat, r.Rules.Session)
	if r.Rules.By != 1 {
		fmt.Fprintf(&b, "- **Shortened**: Discord's intervals and the lengths of outages, blocks and stops are divided by %g; run with `--full` for the real ones. What a library notices by its heartbeats it notices that much sooner here.\n", r.Rules.By)
	}
	for _, rows := range r.Replaced {
		fmt.Fprintf(&b, "- Rows from a later run: %s.\n", rows)
	}
	for _, p := range r.Peers {
		if p.Missing != "" {
			fmt.Fprintf(&b, "- **%s** was not run: %s.\n", p.Name, p.Missing)
		}
	}
	r.table(&b, "Time to green", "From the fault, or from the end of an outage, to READY or RESUMED on a connection that lasts. Where nothing needs to end the connection: the longest time without one.", green)
	r.table(&b, "Time at risk of grey", "How long there was no working connection; beyond the life of a session the dot is grey. In brackets: how long a viewer saw it grey.", risk)
	r.table(&b, "Commands", "Lost of all that were asked; of these, in brackets, asked when there was no session to hear them. Twice: answered twice.", lost)
	r.table(&b, "IDENTIFYs, dials, requests", "IDENTIFYs / gateway connections / REST requests, from the fault on. Discord gives 1,000 IDENTIFYs a day and resets the token of who uses more.", tries)
	r.table(&b, "Violations and exit codes", "Breaches of Discord's rules as the simulator counts them; how the process ended: after SIGTERM, unless it ended by itself.", manners)
	r.costs(&b)
	b.WriteString("\n## What was played\n\n")
	for _, sc := range r.Scenarios {
		fmt.Fprintf(&b, "- **%s**: %s.\n", sc.Name, sc.Says)
	}
	b.WriteString("\n## To be fair\n\n")
	for _, p := range r.Peers {
		fmt.Fprintf(&b, "- **%s** (%s): %s\n", p.Name, p.Version, p.Note)
	}
	b.WriteString("\nAll bots have the same intents (GUILDS, GUILD_MEMBERS, GUILD_MESSAGES, MESSAGE_CONTENT) but the product, which has its own; all answer `!ping` with a reply.\n")
	r.reasons(&b)
	r.violations(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes one figure of all peers.
func (r Run) table(b *strings.Builder, title, says string, cell func(trial.Figures) string) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| |", title, says)
	peers := r.ran()
	for _, p := range peers {
		fmt.Fprintf(b, " %s |", p.Name)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(peers)) + "\n")
	for _, sc := range r.Scenarios {
		fmt.Fprintf(b, "| %s |", sc.Name)
		for _, p := range peers {
			text := "-"
			if f, ok := r.of(sc.Name, p.Name); ok && f.NotRun == "" {
				text = cell(f)
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteString("\n")
	}
}

func risk(f trial.Figures) string {
	text := span(f.Risk)
	if f.Grey > 0 {
		text += " (" + span(f.Grey) + ")"
	}
	return text
}

func lost(f trial.Figures) string {
	text := fmt.Sprintf("%d of %d", f.Lost+f.Waiting+f.Unheard, f.Asked+f.Unheard)
	if f.Unheard > 0 {
		text += fmt.Sprintf(" (%d)", f.Unheard)
	}
	if f.Twice > 0 {
		text += fmt.Sprintf(", %d twice", f.Twice)
	}
	return text
}

func tries(f trial.Figures) string {
	return fmt.Sprintf("%d / %d / %d", f.Identifies, f.Dials, f.Requests)
}

func manners(f trial.Figures) string { return fmt.Sprintf("%d; %s", f.Violations, f.Exit) }

// costs writes what the processes use.
func (r Run) costs(b *strings.Builder) {
	b.WriteString("\n## Costs\n\nStart of the process to READY, the best of all cells; memory when idle, the part of it that is not pages of the program's files, the most there was in the burst, CPU time of one event nobody asked for.\n\n| | start to READY | RSS idle | of it its own | peak RSS, burst | CPU an event | times ours | compression |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	var ours float64
	for _, p := range r.ran() {
		idle, _ := r.of("idle", p.Name)
		burst, _ := r.of("burst of 20,000", p.Name)
		if p.Ours && ours == 0 {
			ours = float64(burst.PerEvent)
		}
		times := "-"
		if ours > 0 && burst.PerEvent > 0 {
			times = fmt.Sprintf("%.1f", float64(burst.PerEvent)/ours)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %.2f us | %s | %s |\n",
			p.Name, span(r.ready(p.Name)), mega(idle.RSS), mega(idle.Own), mega(burst.Peak), float64(burst.PerEvent)/1e3, times, idle.Compression)
	}
}

// violations writes what was violated by whom.
func (r Run) violations(b *strings.Builder) {
	b.WriteString("\n## What was violated\n\nWhat the simulator counts as violations, by its statements (docs/conformance.md), and in how many of the scenarios.\n\n")
	for _, p := range r.ran() {
		count := map[string]int{}
		for _, f := range r.Figures {
			if f.Peer != p.Name {
				continue
			}
			seen := map[string]bool{}
			for _, what := range f.Broken {
				what = numbers.ReplaceAllString(what, "N")
				if !seen[what] {
					seen[what] = true
					count[what]++
				}
			}
		}
		for _, what := range slices.Sorted(maps.Keys(count)) {
			fmt.Fprintf(b, "- %s, %d times: %s\n", p.Name, count[what], what)
		}
	}
}

// numbers are what differs between two violations of one kind.
var numbers = regexp.MustCompile(`\b\d+(\.\d+)?(ms|s)?\b(?:m\d+s)?`)
