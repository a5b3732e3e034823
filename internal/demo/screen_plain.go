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

// scoreEvery is how often a plain screen tells the score.
const scoreEvery = 10 * time.Second

// PlainScreen is a screen for pipes and files: lines that are written once and stay.
// It is also an [io.Writer] for log lines.
type PlainScreen struct {
	mu   sync.Mutex
	w    io.Writer
	told time.Duration
}

// NewPlainScreen makes a plain screen.
func NewPlainScreen(w io.Writer) *PlainScreen { return &PlainScreen{w: w, told: scoreEvery} }

// The columns of a line: time, name, text.
const (
	clockColumns = 7
	nameColumns  = 20
)

// clock is a time since the start, such as "1:05".
func clock(d time.Duration) string {
	return text.PadColumns(fmt.Sprintf("%d:%02d", int(d/time.Minute), int(d/time.Second)%60), clockColumns)
}

func (p *PlainScreen) lines(lines ...string) {
	_, _ = io.WriteString(p.w, strings.Join(lines, "\n")+"\n")
}

// Begin prints the heading.
func (p *PlainScreen) Begin(heading []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines(append(heading, "")...)
}

// Mishap prints what happens.
func (p *PlainScreen) Mishap(at time.Duration, m mishap.Occurrence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines(clock(at) + text.PadColumns(m.Name, nameColumns) + m.Says)
}

// Pressed prints what a person has set.
func (p *PlainScreen) Pressed(at time.Duration, fault, says string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines(clock(at) + text.PadColumns("by hand", nameColumns) + fault + ": " + says)
}

// Episode prints what came of it.
func (p *PlainScreen) Episode(e Episode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines(text.PadColumns("", clockColumns) + text.PadColumns(e.actor(), nameColumns) + strings.Join(append(e.Reaction, e.outcome()), " "))
}

// Score prints a line now and then.
func (p *PlainScreen) Score(s Score) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Elapsed < p.told {
		return
	}
	p.told = s.Elapsed.Truncate(scoreEvery) + scoreEvery
	p.lines(clock(s.Elapsed) + text.PadColumns("score", nameColumns) + s.line())
}

// End prints the summary.
func (p *PlainScreen) End(s Summary) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines(append([]string{""}, s.lines()...)...)
}

// Write passes log lines on.
func (p *PlainScreen) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w.Write(line)
}
