package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// simProgress shows how far a scenario or a judgement is: on a terminal as a line that is
// redrawn beneath what else is printed, elsewhere as a line now and then. What else is
// printed goes through [simProgress.Write], so that neither runs into the other.
type simProgress struct {
	printed io.Writer // what else is printed
	shown   io.Writer // the progress
	columns func() int
	live    bool // shown is a terminal
	same    bool // what else is printed goes to a terminal too, which is the same one

	mu    sync.Mutex
	began time.Time // zero: it has not
	takes time.Duration
	step  string
	line  string // as drawn; empty: nothing is
	said  time.Time
}

// newSimProgress shows the progress on stderr, beside what is printed to printed.
func (p *process) newSimProgress(printed io.Writer) *simProgress {
	s := &simProgress{printed: printed, shown: p.stderr}
	s.columns, s.live = p.terminalOf(p.stderr)
	if _, terminal := p.terminalOf(printed); s.live && terminal {
		// Two streams to one terminal may overtake each other; one does not.
		s.shown, s.same = printed, true
	}
	return s
}

// begin says that it begins now and how long it will take.
func (s *simProgress) begin(takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began, s.said, s.takes = time.Now(), time.Now(), takes
}

// reach says which step it is at, and how long all of it will have taken.
func (s *simProgress) reach(step string, takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step, s.takes = step, takes
}

// passed is how long ago it began.
func (s *simProgress) passed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.began)
}

// Write prints something else than the progress, whole lines of it.
func (s *simProgress) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.same || s.line == "" {
		return s.printed.Write(lines)
	}
	_, err := io.WriteString(s.printed, clearLine+string(lines)+s.line)
	return len(lines), err
}

// clearLine clears the line that the cursor is in.
const clearLine = "\r\x1b[K"

// quietLines is how many lines at the most tell of the progress where it is no terminal.
const quietLines = 20

// follow shows the progress until ctx ends. inForce names the faults that last.
func (s *simProgress) follow(ctx context.Context, inForce func() []string) {
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		s.show(inForce())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			s.clear()
			return
		}
	}
}

func (s *simProgress) show(inForce []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.draw("waiting for your bot")
		return
	}
	passed := time.Since(s.began)
	line := s.describe(passed, inForce)
	switch {
	case s.live:
		s.draw(bar(passed.Seconds()/max(1, s.takes.Seconds())) + " " + line)
	case time.Since(s.said) >= max(lineEvery, s.takes/quietLines):
		s.said = time.Now()
		_, _ = fmt.Fprintln(s.shown, "progress: "+line)
	}
}

// draw draws the line on a terminal.
func (s *simProgress) draw(line string) {
	if s.live {
		// The last column stays free: some terminals begin a new line when it is used.
		s.line = text.ClipColumns(line, max(20, s.columns()-1))
		_, _ = io.WriteString(s.shown, clearLine+s.line)
	}
}

// describe is the progress in words.
func (s *simProgress) describe(passed time.Duration, inForce []string) string {
	left := "it takes longer than was said"
	if rest := s.takes - passed; rest > -5*time.Second {
		left = text.Elapsed(rest+time.Second-1) + " left"
	}
	parts := []string{text.Elapsed(passed) + " of " + text.Duration(s.takes.Round(time.Second)) + ", " + left}
	if s.step != "" {
		parts = append(parts, s.step)
	}
	if len(inForce) > 0 {
		parts = append(parts, "in force: "+strings.Join(inForce, ", "))
	}
	return text.OneLine(strings.Join(parts, "; "))
}

// clear takes the line away.
func (s *simProgress) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line != "" {
		_, _ = io.WriteString(s.shown, clearLine)
		s.line = ""
	}
}

// inForce names the faults that last now, each once.
func inForce(sim *discordsim.Sim) func() []string {
	return func() (names []string) {
		for _, f := range sim.Injected() {
			if f.Ended.IsZero() && !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
		return names
	}
}

// bar is a share from 0 to 1 as a bar.
func bar(share float64) string {
	full := int(barWidth * min(1, max(0, share)))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}
