package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"evergreen/internal/mishap"
	"evergreen/internal/text"
)

// LiveScreen is a screen for terminals: episodes scroll by, and beneath them a block
// with the score is redrawn in place. It is also an [io.Writer] for log lines.
type LiveScreen struct {
	size   func() (columns int)
	colour bool

	mu    sync.Mutex
	w     io.Writer
	block []string // as last drawn, at the bottom
	score Score
	ended bool
}

// NewLiveScreen makes a live screen on a terminal. size tells its width now; colours
// are used if wanted.
func NewLiveScreen(w io.Writer, size func() (columns int), colour bool) *LiveScreen {
	return &LiveScreen{w: w, size: size, colour: colour}
}

// The colours that are used.
const (
	plainColour = "\x1b[0m"
	bold        = "\x1b[1m"
	dim         = "\x1b[2m"
	red         = "\x1b[31m"
	green       = "\x1b[32m"
	yellow      = "\x1b[33m"
)

// colourise sets a text in a colour.
func (l *LiveScreen) colourise(colour, text string) string {
	if !l.colour || text == "" {
		return text
	}
	return colour + text + plainColour
}

// The bounds of what is drawn, in columns.
const (
	narrowest = 40
	widest    = 120
)

// columns is how wide to draw. The last column stays free: some terminals begin
// a new line when it is used.
func (l *LiveScreen) columns() int { return min(widest, max(narrowest, l.size())-1) }

// Begin prints the heading and draws the block.
func (l *LiveScreen) Begin(heading []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, line := range heading {
		lines = append(lines, text.WrapColumns("", line, l.columns())...)
	}
	l.draw("\x1b[?25l", append(lines, "")) // without a cursor: it would hop about
}

// Mishap shows what happens in the block; it scrolls by when it is over.
func (l *LiveScreen) Mishap(_ time.Duration, m mishap.Occurrence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.score.Now, l.score.NowFor = &m, 0
	l.draw("", nil)
}

// Pressed lets what a person has set scroll by.
func (l *LiveScreen) Pressed(at time.Duration, fault, says string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw("", text.WrapColumns(clock(at)+text.PadColumns("by hand", nameColumns), fault+": "+says, l.columns()))
}

// Episode lets the mishap and what came of it scroll by.
func (l *LiveScreen) Episode(e Episode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.score.Now = nil
	name, indent := nameColumns, clockColumns
	if l.columns() < 80 {
		name, indent = text.Columns(e.Name)+2, 2
	}
	lines := text.WrapColumns(clock(e.At)+text.PadColumns(e.Name, name), e.Says, l.columns())
	lines[0] = strings.Replace(lines[0], e.Name, l.colourise(bold, e.Name), 1)
	did := text.WrapColumns(text.PadColumns("", indent)+text.PadColumns(e.actor(), nameColumns), strings.Join(e.Reaction, " ")+" "+e.outcome(), l.columns())
	for i, line := range did {
		did[i] = l.colourise(dim, line)
	}
	l.draw("", append(lines, did...))
}

// Score redraws the block.
func (l *LiveScreen) Score(s Score) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.score = s
	l.draw("", nil)
}

// Write lets a log line scroll by.
func (l *LiveScreen) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw("", strings.Split(strings.TrimRight(string(line), "\n"), "\n"))
	return len(line), nil
}

// End replaces the block by the summary.
func (l *LiveScreen) End(s Summary) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, said := range s.lines() {
		indent := said[:len(said)-len(strings.TrimLeft(said, " "))]
		for _, line := range text.WrapColumns(indent, said, l.columns()) {
			switch {
			case strings.HasPrefix(said, "PASSED"):
				line = l.colourise(green, line)
			case strings.HasPrefix(said, "FAILED"):
				line = l.colourise(red, line)
			}
			lines = append(lines, line)
		}
	}
	l.close(append([]string{""}, lines...))
}

// Close leaves the terminal as it was. More calls do nothing.
func (l *LiveScreen) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close(nil)
}

func (l *LiveScreen) close(lines []string) {
	if l.ended {
		return
	}
	l.ended = true
	l.draw("\x1b[?25h", lines)
}

// draw puts lines above the block and the block anew beneath them, in one write:
// a terminal that shows it half done would flicker. Each line is cleared behind
// its end only.
func (l *LiveScreen) draw(before string, lines []string) {
	const endOfLine = "\x1b[K\n"
	var b strings.Builder
	b.WriteString("\x1b[?2026h" + before)
	if rows := l.rows(); rows > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", rows)
	}
	for _, line := range lines {
		b.WriteString(line + endOfLine)
	}
	l.block = nil
	if !l.ended {
		l.block = l.scoreBlock()
	}
	for _, line := range l.block {
		b.WriteString(line + endOfLine)
	}
	b.WriteString("\x1b[J\x1b[?2026l")
	_, _ = io.WriteString(l.w, b.String())
}

// rows is how many rows the block takes on the terminal as it is now: a terminal
// that has become narrower has broken its lines.
func (l *LiveScreen) rows() (rows int) {
	columns := max(1, l.size())
	for _, line := range l.block {
		rows += max(1, (text.Columns(line)+columns-1)/columns)
	}
	return rows
}

// scoreBlock is the score as lines.
func (l *LiveScreen) scoreBlock() []string {
	s, v := l.score, l.score.Verdict
	dot := l.colourise(green, "●")
	if !s.Online {
		dot = l.colourise(red, "○")
	}
	latency := "unknown"
	if s.Latency > 0 {
		latency = s.Latency.Round(time.Millisecond).String()
	}
	bad := func(n int) string {
		text := fmt.Sprint(n)
		if n > 0 {
			return l.colourise(red, text)
		}
		return text
	}
	is := "online"
	if s.Proxied != nil {
		is = "connected"
	}
	lines := []string{
		l.colourise(dim, strings.Repeat("─", l.columns())),
		fmt.Sprintf(" %s %s %s   up %s   heartbeat answered in %s", dot, is, l.colourise(bold, fmt.Sprintf("%.1f %%", s.OnlinePercent())), text.Seconds(s.Up.Truncate(time.Second)), latency),
		fmt.Sprintf("   commands   %d asked, %d answered, %d open, %s lost, %s twice", v.Asked, v.Answered, v.Waiting, bad(v.Lost), bad(v.Twice)),
		fmt.Sprintf("   sessions   IDENTIFY %d, RESUME %d, %d events replayed", v.Identifies, v.Resumes, s.Replayed),
		fmt.Sprintf("   at risk    %s after %s, %s at most; broken rules: %s", text.Seconds(s.AtRisk), times(s.Mishaps, "one strike", "strikes"), text.Seconds(s.Longest), bad(len(v.Violations))),
	}
	if p := s.Proxied; p != nil {
		lines = append(lines, l.attendedLine(*p))
	}
	lines = append(lines, "   now        "+l.nowLine())
	for i, line := range lines {
		lines[i] = text.ClipColumns(line, l.columns())
	}
	return lines
}

// attendedLine says how the bot behind the proxy is.
func (l *LiveScreen) attendedLine(p ProxiedScore) string {
	is := l.colourise(green, "there")
	if !p.Attended {
		is = l.colourise(yellow, "away")
	}
	return fmt.Sprintf("   the bot    %s; attended %s, away for %s at most; started %s; %s",
		is, l.colourise(bold, fmt.Sprintf("%.1f %%", p.AttendedPercent)), text.Seconds(p.Longest), times(p.Starts, "once", "times"), times(p.Waited, "one event waited", "events waited"))
}

// nowLine says what is going on.
func (l *LiveScreen) nowLine() string {
	s := l.score
	switch {
	case s.Now != nil:
		return l.colourise(yellow, s.Now.Name) + " (" + text.Seconds(s.NowFor) + "): " + s.Now.Says
	case s.Finishing:
		return "nobody asks any more; the bot finishes what is open"
	case s.Status == "":
		return "starting"
	}
	return s.Status
}
