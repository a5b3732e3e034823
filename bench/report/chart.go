package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"

	"evergreen/bench/trial"
)

// The chart's measures, in pixels: a row for each scenario, a lane in it for
// each peer, time to the right.
const (
	chartWidth = 960
	labels     = 160 // left of the time
	beyond     = 90  // right of it: those that did not come back
	head       = 96
	rowHeight  = 30
	foot       = 44
)

// The time axis is logarithmic, from fastest to slowest.
const (
	fastest = 100 * time.Millisecond
	slowest = 300 * time.Second
)

// ticks are the times that have a line.
var ticks = []time.Duration{fastest, time.Second, 10 * time.Second, time.Minute, slowest}

// paints are the colours of the peers, ours first. They can be told apart by
// those who do not see red and green, since ours are also larger.
var paints = []string{"#1a9850", "#8fd19e", "#d95f02", "#7570b3", "#e7298a", "#1f78b4", "#a6761d"}

// uncharted scenarios are about something else than coming back.
var uncharted = map[string]bool{"burst of 20,000": true, "idle": true, "token revoked": true, "429 and 5xx": true, "hostile payloads": true}

// WriteSVG draws how long each peer took to be online again.
func (r Run) WriteSVG(w io.Writer) error {
	var rows []trial.Scenario
	for _, sc := range r.Scenarios {
		if !uncharted[sc.Name] {
			rows = append(rows, sc)
		}
	}
	height := head + rowHeight*len(rows) + foot
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Time until a bot is green again, by scenario and library">
<style>
text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#24292f}
.back{fill:#fff}.small{font-size:11px;fill:#57606a}.title{font-size:17px;font-weight:600}.line{stroke:#d0d7de}.band{fill:#f6f8fa}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.back{fill:#0d1117}.small{fill:#8b949e}.line{stroke:#30363d}.band{fill:#161b22}}
</style>
<rect class="back" width="%d" height="%d" rx="8"/>
<text class="title" x="20" y="30">Time until the bot is green again</text>
`, chartWidth, height, chartWidth, height, chartWidth, height)
	r.legend(&b)
	bottom := height - foot
	for _, t := range ticks {
		fmt.Fprintf(&b, `<line class="line" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/><text class="small" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			place(t), head-10, place(t), bottom, place(t), bottom+16, span(t))
	}
	fmt.Fprintf(&b, `<text class="small" x="%d" y="%d" text-anchor="middle">not back</text>`+"\n", chartWidth-beyond/2, bottom+16)
	for i, sc := range rows {
		r.row(&b, i, sc)
	}
	fmt.Fprintf(&b, `<text class="small" x="20" y="%d">%s. Left of the first line: at once, or never away.</text>`+"\n</svg>\n", height-8, html.EscapeString(r.caption()))
	_, err := io.WriteString(w, b.String())
	return err
}

// caption says what was measured.
func (r Run) caption() string {
	text := fmt.Sprintf("Simulated Discord, heartbeat interval %s, %s, seed %d", r.Rules.Heartbeat, r.Machine.Date.Format("2006-01-02"), r.Seed)
	if r.Rules.By != 1 {
		text += ", shortened"
	}
	return text
}

// legend names the colours.
func (r Run) legend(b *strings.Builder) {
	x := 20
	for i, p := range r.ran() {
		name := strings.TrimSpace(p.Name + " " + version(p))
		fmt.Fprintf(b, `<circle cx="%d" cy="54" r="%g" fill="%s"/><text class="small" x="%d" y="58">%s</text>`+"\n", x+6, size(p), paints[i%len(paints)], x+16, html.EscapeString(name))
		x += 34 + len(name)*6
	}
}

// version is a peer's version as far as there is room for it.
func version(p Peer) string {
	if p.Ours {
		return ""
	}
	first, _, _ := strings.Cut(p.Version, ",")
	return strings.TrimPrefix(first, "v")
}

// row draws one scenario.
func (r Run) row(b *strings.Builder, i int, sc trial.Scenario) {
	top := head + i*rowHeight
	if i%2 == 0 {
		fmt.Fprintf(b, `<rect class="band" x="10" y="%d" width="%d" height="%d"/>`+"\n", top, chartWidth-20, rowHeight)
	}
	fmt.Fprintf(b, `<text x="20" y="%d">%s</text>`+"\n", top+rowHeight/2+4, html.EscapeString(sc.Name))
	peers := r.ran()
	// Ours come last, so that they lie on top.
	for n := len(peers) - 1; n >= 0; n-- {
		f, ok := r.of(sc.Name, peers[n].Name)
		if !ok || f.NotRun != "" {
			continue
		}
		x, fill := place(f.Green), paints[n%len(paints)]
		if !f.Back {
			x, fill = chartWidth-beyond+20+float64(n)*8, "none"
		}
		lane := float64(top) + rowHeight/2 + (float64(n)-float64(len(peers)-1)/2)*2.6
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%g" fill="%s" stroke="%s"><title>%s, %s: %s</title></circle>`+"\n",
			x, lane, size(peers[n]), fill, paints[n%len(paints)], html.EscapeString(peers[n].Name), html.EscapeString(sc.Name), green(f))
	}
}

// size is the radius of a peer's dot.
func size(p Peer) float64 {
	if p.Ours {
		return 5.5
	}
	return 4
}

// place is where a time lies.
func place(d time.Duration) float64 {
	const left, right = labels + 20, chartWidth - beyond
	if d < fastest {
		return left - 10
	}
	part := math.Log(float64(d)/float64(fastest)) / math.Log(float64(slowest)/float64(fastest))
	return left + min(part, 1)*(right-left)
}
